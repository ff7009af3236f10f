package bridge

import (
	"context"
	"errors"
	"fmt"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
)

// notConnectedError says why there is no session to send over. problem is nil
// before the first attempt to sign in has ended.
type notConnectedError struct{ problem *problem }

func (e notConnectedError) Error() string {
	if e.problem == nil {
		return "msn: not connected yet"
	}
	return "msn: not connected: " + string(e.problem.code)
}

func (notConnectedError) Unwrap() error { return msn.ErrNotConnected }

// recipient is what the sentences below know of the contact.
type recipient struct {
	name    string // for people to read
	service string
	online  bool // seen online
	listed  bool // on the user's contact list
}

// refusal is one way in which a message fails to be delivered.
type refusal struct {
	err  error
	code string // stable, for logs and status events
	// certain is whether the message surely did not arrive.
	certain bool
	reason  event.MessageStatusReason
	// sentence says why and what to do.
	sentence func(recipient) string
}

// refusals is the table of all of them. The first row whose error matches counts.
var refusals = []refusal{
	{errBridge, "msn-bridge-trouble", true, event.MessageStatusBridgeUnavailable, func(recipient) string {
		return "the bridge could not store it. Send it again; if that lasts, tell the admin of this bridge."
	}},
	{errNotADM, "msn-not-a-dm", true, event.MessageStatusUnsupported, func(recipient) string {
		return "this room is not one with people on MSN."
	}},
	{errAlertsRoom, "msn-alerts-room", true, event.MessageStatusUnsupported, func(r recipient) string {
		return fmt.Sprintf("nobody reads what is written here: this room shows what %s announces. "+
			"Commands work here; write to a contact in the room with them.", r.service)
	}},
	{msn.ErrUncertain, "msn-uncertain", false, event.MessageStatusNetworkError, func(r recipient) string {
		return fmt.Sprintf("the connection was lost before %s confirmed it. Ask %s whether it arrived before you send it again.", r.service, r.name)
	}},
	{msn.ErrUntrusted, "msn-untrusted-address", true, event.MessageStatusNetworkError, func(r recipient) string {
		return fmt.Sprintf("%s wanted the conversation at an address that the bridge must not use. The admin of this bridge finds it in the log and can allow it in the config.", r.service)
	}},
	{msn.ErrBlocked, "msn-blocked", true, event.MessageStatusNoPermission, func(r recipient) string {
		return fmt.Sprintf("%s has blocked you.", r.name)
	}},
	{errBlockedByUser, "msn-blocked-by-you", true, event.MessageStatusNoPermission, func(r recipient) string {
		return fmt.Sprintf("you have blocked %s. Unblock them in Messenger first.", r.name)
	}},
	{errNotSeen, "msn-not-seen", true, event.MessageStatusTooOld, func(r recipient) string {
		return fmt.Sprintf("%s was not online in all the time that the bridge keeps messages. Send it again when they are back.", r.name)
	}},
	{msn.ErrOffline, "msn-offline", true, event.MessageStatusGenericError, func(r recipient) string {
		switch {
		case r.online:
			return fmt.Sprintf("%s is shown as online but takes no messages: they may have blocked you, or have just left.", r.name)
		case !r.listed:
			return fmt.Sprintf("%s is not on your contact list, and is offline or takes no messages from people they don't know.", r.name)
		}
		return fmt.Sprintf("%s is offline. Send it again when they are back.", r.name)
	}},
	{msn.ErrNoSuchContact, "msn-no-such-account", true, event.MessageStatusGenericError, func(r recipient) string {
		return fmt.Sprintf("%s knows no account %s. Check the address.", r.service, r.name)
	}},
	{msn.ErrNetwork, "msn-other-network", true, event.MessageStatusUnsupported, func(r recipient) string {
		return fmt.Sprintf("%s is on another network, and %s carries no messages there.", r.name, r.service)
	}},
	{msn.ErrCircle, "msn-circle", true, event.MessageStatusNoPermission, func(r recipient) string {
		return fmt.Sprintf("%s does not carry it to this circle: you may not belong to it any more, or the service has just lost it. `!circles` shows yours.", r.service)
	}},
	{msn.ErrNoAnswer, "msn-no-answer", true, event.MessageStatusNetworkError, func(r recipient) string {
		return fmt.Sprintf("%s did not come into the conversation. Their Messenger may have lost its connection; try again later.", r.name)
	}},
	{msn.ErrHidden, "msn-hidden", true, event.MessageStatusGenericError, func(r recipient) string {
		return fmt.Sprintf("%s starts no conversations while you appear offline. Go online first.", r.service)
	}},
	{msn.ErrTooFast, "msn-too-fast", true, event.MessageStatusGenericError, func(r recipient) string {
		return fmt.Sprintf("%s says that you send too fast. Wait a minute and send it again.", r.service)
	}},
	{msn.ErrNotDelivered, "msn-not-delivered", true, event.MessageStatusNetworkError, func(r recipient) string {
		return fmt.Sprintf("%s reported that it did not reach %s. Send it again.", r.service, r.name)
	}},
	{msn.ErrTooMany, "msn-too-many-waiting", true, event.MessageStatusGenericError, func(r recipient) string {
		return fmt.Sprintf("too many messages to %s wait to be sent already. Wait until they are through and send it again.", r.name)
	}},
	{msn.ErrTooLong, "msn-too-long", true, event.MessageStatusUnsupported, func(recipient) string {
		return fmt.Sprintf("it is longer than %d bytes. Send it in parts.", msn.MaxText)
	}},
	{msn.ErrEmpty, "msn-empty", true, event.MessageStatusUnsupported, func(recipient) string {
		return "it holds no text."
	}},
	{msn.ErrSwitchboard, "msn-session-refused", true, event.MessageStatusNetworkError, func(r recipient) string {
		return fmt.Sprintf("%s refused to open a conversation. Try again in a minute.", r.service)
	}},
	{msn.ErrBusy, "msn-busy", true, event.MessageStatusNetworkError, func(r recipient) string {
		return fmt.Sprintf("%s is out of order or busy. Send it again in a few minutes.", r.service)
	}},
	{msn.ErrNotConnected, "msn-not-connected", true, event.MessageStatusBridgeUnavailable, func(r recipient) string {
		return fmt.Sprintf("the bridge is not connected to %s at the moment; it keeps trying. Send it again later.", r.service)
	}},
	{msn.ErrClosed, "msn-not-connected", true, event.MessageStatusBridgeUnavailable, func(r recipient) string {
		return fmt.Sprintf("the bridge has just signed out of %s. Send it again later.", r.service)
	}},
	{msn.ErrTimeout, "msn-timeout", true, event.MessageStatusTooOld, func(r recipient) string {
		return fmt.Sprintf("%s did not answer in time. Try again in a minute.", r.service)
	}},
	{context.DeadlineExceeded, "msn-timeout", true, event.MessageStatusTooOld, func(r recipient) string {
		return fmt.Sprintf("%s did not answer in time. Try again in a minute.", r.service)
	}},
	{context.Canceled, "msn-not-connected", true, event.MessageStatusBridgeUnavailable, func(r recipient) string {
		return fmt.Sprintf("the bridge has just signed out of %s. Send it again later.", r.service)
	}},
}

// errBlockedByUser: the contact is on the user's own block list.
var errBlockedByUser = errors.New("the contact is on the block list")

// refused turns an error into what the room is told.
func refused(err error, to recipient) error {
	row := refusal{code: "msn-error", reason: event.MessageStatusGenericError, sentence: func(r recipient) string {
		return fmt.Sprintf("%s did something unexpected. Ask %s whether it arrived before you send it again.", r.service, r.name)
	}}
	for _, candidate := range refusals {
		if errors.Is(err, candidate.err) {
			row = candidate
			break
		}
	}
	text := row.sentence(to)
	var parts *msn.PartsError
	if errors.As(err, &parts) && parts.Acknowledged > 0 {
		row.certain = false
		text = fmt.Sprintf("only the first %d of its %d parts surely reached %s. ", parts.Acknowledged, parts.Parts, to.name) + text
	}
	var gone notConnectedError
	if errors.As(err, &gone) && gone.problem != nil {
		text = gone.problem.sentence
	}
	return bridgev2.WrapErrorInStatus(fmt.Errorf("%s: %w", row.code, err)).
		WithMessage(text).
		WithIsCertain(row.certain).
		WithErrorReason(row.reason).
		WithSendNotice(true)
}
