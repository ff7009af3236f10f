package bridge

import (
	"errors"
	"html"
	"regexp"
	"strings"

	"matrix-msn/bridge/words"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
)

// The framework tells these two apart by what it adds to its error alone.
const (
	ofSomebodyElse = "is owned by"
	// frameworksWords is what it puts before its error.
	frameworksWords = "You're "
)

// relayedReaction is what the framework says of a reaction of somebody who is relayed, which it passes
// over.
var relayedReaction = bridgev2.WrapErrorInStatus(bridgev2.ErrIgnoringReactionFromRelayedUser).InternalError

// unknownTarget is what the framework says of a reaction or deletion whose message it does not know.
var unknownTarget = bridgev2.WrapErrorInStatus(bridgev2.ErrTargetMessageNotFound).InternalError

// ofDeletion is how that begins of a deletion.
const ofDeletion = "redaction "

// InOwnWords is the function of that name, on a bridge that may have forgotten messages: what is about one is told of. Where
// messages are kept for ever it is about none that has come from MSN or gone there.
func (c *Connector) InOwnWords(status *bridgev2.MessageStatus) *bridgev2.MessageStatus {
	if status == nil || c.Config.Remembers().Messages == 0 || !errors.Is(status.InternalError, unknownTarget) {
		return InOwnWords(status)
	}
	own := *status
	own.Message, own.ErrorAsMessage, own.IsCertain = words.Text("matrix.forgotten"), false, true
	// Whoever takes a reaction back is not told of it in the room: the framework says the same of that, because MSN has no
	// reactions that it would know.
	own.SendNotice = !strings.HasPrefix(status.InternalError.Error(), ofDeletion)
	return &own
}

// InOwnWords returns a status of a message with what the framework says of its own in words for
// people, or as it is.
func InOwnWords(status *bridgev2.MessageStatus) *bridgev2.MessageStatus {
	if status == nil {
		return status
	}
	own := *status
	if errors.Is(status.InternalError, relayedReaction) {
		return refused(own, errReactions)
	}
	if !errors.Is(status.InternalError, bridgev2.ErrNotLoggedIn) || status.Message != "" && status.Message != frameworksWords+status.InternalError.Error() {
		return status
	}
	own.ErrorAsMessage, own.IsCertain = false, true
	if own.Message = words.Text("matrix.logged_out"); strings.Contains(status.InternalError.Error(), ofSomebodyElse) {
		own.Message = words.Text("matrix.not_yours")
	}
	return &own
}

// What the framework has a ghost say of an invitation into a room of Matrix, by how it begins.
var ofInvitations = []struct{ framework, own string }{
	{"You already have a direct chat with me at ", "matrix.ghost_has_chat"},
	{"Failed to create chat via any login", "matrix.ghost_of_other_service"},
	{"Failed to create chat", "matrix.ghost_not_come"},
	{"Failed to create portal entry", "matrix.ghost_not_come"},
	{"Failed to invite bridge bot", "matrix.ghost_without_bot"},
	{"Failed to join with bridge bot", "matrix.ghost_without_bot"},
	{"Failed to give permissions to bridge bot", "matrix.ghost_without_bot"},
	{"Failed to finish configuring portal", "matrix.ghost_half_done"},
	{portalCreated, "matrix.ghost_come"},
}

// portalCreated can be followed by a warning, which is said as it is.
const portalCreated = "Private chat portal created"

// linkedRoom finds the address of a room in what is said of it.
var linkedRoom = regexp.MustCompile(`href="(https://matrix\.to/[^"]*)"`)

// GhostInOwnWords returns what a ghost says, which nobody on MSN has written, in words for people, or as it is.
func GhostInOwnWords(content *event.Content) *event.Content {
	said, ok := content.Parsed.(*event.MessageEventContent)
	if value, isValue := content.Parsed.(event.MessageEventContent); isValue {
		said, ok = &value, true
	}
	if !ok || said.MsgType != event.MsgNotice {
		return content
	}
	for _, of := range ofInvitations {
		rest, ok := strings.CutPrefix(said.Body, of.framework)
		if !ok {
			continue
		}
		own := event.MessageEventContent{MsgType: event.MsgNotice, Mentions: said.Mentions}
		switch link := linkedRoom.FindStringSubmatch(said.FormattedBody); {
		case of.own == "matrix.ghost_has_chat" && link != nil:
			own.Body = words.Text(of.own, html.UnescapeString(link[1]))
		case of.own == "matrix.ghost_has_chat":
			own.Body = words.Text(of.own, rest)
		case of.framework == portalCreated:
			own.Body = words.Text(of.own) + rest
		default:
			own.Body = words.Text(of.own)
		}
		return &event.Content{Parsed: &own, Raw: content.Raw}
	}
	return content
}

// What the framework says of events that it makes nothing of.
var (
	noMembership = bridgev2.WrapErrorInStatus(bridgev2.ErrMembershipNotSupported).InternalError
	noPortal     = bridgev2.WrapErrorInStatus(bridgev2.ErrNoPortal).InternalError
)

// IsWorthTelling reports whether a status says something of what somebody did, to them or to programs. Who comes into
// a room or leaves it has not failed at anything, and what is not said in a chat was not meant for one.
func IsWorthTelling(status *bridgev2.MessageStatus, about *bridgev2.MessageStatusEventInfo) bool {
	if status == nil || about == nil {
		return true
	}
	return !errors.Is(status.InternalError, noMembership) &&
		(!errors.Is(status.InternalError, noPortal) || about.EventType == event.EventMessage || about.EventType == event.EventSticker)
}

// refused returns a status that says what a user of the network is told of the same.
func refused(own bridgev2.MessageStatus, why error) *bridgev2.MessageStatus {
	said := bridgev2.WrapErrorInStatus(why)
	own.Message, own.ErrorAsMessage, own.IsCertain, own.SendNotice = said.Message, false, said.IsCertain, said.SendNotice
	own.ErrorReason = said.ErrorReason
	return &own
}
