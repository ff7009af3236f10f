package chat

import (
	"context"
	"slices"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/relay"
	"matrix-msn/bridge/room"
)

// notOnMSN are the kinds of messages that are refused, and why. Those that are events of their own
// in Matrix are called like these.
var notOnMSN = map[event.MessageType]error{
	"m.call.invite": reason.ErrCall, "m.call.notify": reason.ErrCall, "org.matrix.msc4075.call.notify": reason.ErrCall,
	"m.rtc.notification": reason.ErrCall, "org.matrix.msc4075.rtc.notification": reason.ErrCall,

	"m.poll.response": reason.ErrVote, "org.matrix.msc3381.poll.response": reason.ErrVote,

	"m.beacon_info": reason.ErrLiveLocation, "org.matrix.msc3672.beacon_info": reason.ErrLiveLocation,

	event.MsgVerificationRequest: reason.ErrVerification,
}

// LiveLocation are the events that begin or end a live location. They are state of the room.
var LiveLocation = []event.Type{
	{Type: "m.beacon_info", Class: event.StateEventType}, {Type: "org.matrix.msc3672.beacon_info", Class: event.StateEventType},
}

// polls are the events that hold a poll, or its end, and that the framework does not know.
var polls = map[string]bool{"m.poll.start": true, "m.poll.end": true, "org.matrix.msc3381.poll.end": true}

// OtherMessage returns an event that the framework passes over as the message that Send makes
// something of, or nil: people see it in their clients, and expect that it is seen on the other
// side. Of those who are relayed it passes over what has to do with polls as well. The event itself
// is left as it is: others read it meanwhile.
func OtherMessage(evt *event.Event, relayed bool) *event.Event {
	content := &event.MessageEventContent{MsgType: event.MessageType(evt.Type.Type)}
	switch {
	case polls[evt.Type.Type], relayed && evt.Type == event.EventUnstablePollStart:
		content = PollText(evt)
	case slices.Contains(LiveLocation, evt.Type) && evt.Content.Raw["live"] != true: // it ends
		return nil
	case !relayed && evt.Type == event.EventUnstablePollResponse, notOnMSN[content.MsgType] == nil:
		return nil
	}
	made := *evt
	made.Type, made.StateKey = event.EventMessage, nil
	made.Content = event.Content{Parsed: content, Raw: make(map[string]any)}
	if replaced := replacedPoll(evt); replaced != "" {
		made.Content.Raw[replaces] = replaced
	}
	return &made
}

// PollText returns a poll as a text.
func PollText(evt *event.Event) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgText, Body: msgconv.Poll(evt.Content.Raw)}
}

// replacedPoll returns the poll that a poll replaces, or "".
func replacedPoll(evt *event.Event) string {
	relation, _ := evt.Content.Raw["m.relates_to"].(map[string]any)
	if relation["rel_type"] != string(event.RelReplace) {
		return ""
	}
	replaced, _ := relation["event_id"].(string)
	return replaced
}

// refusal returns why a message is not carried at all, or nil.
func refusal(content, words *event.MessageEventContent) error {
	if why := notOnMSN[content.MsgType]; why != nil {
		return why
	}
	switch kind := words.GetCapMsgType(); {
	case content.MsgType.IsMedia() && words.MsgType.IsMedia() && !holdsFile(content):
		return reason.ErrNoFile
	case words.MsgType.IsMedia(), kind != "":
		return reason.ErrMedia
	case words.Body == "" && words.FormattedBody == "" && content.MsgType != event.MsgText && content.MsgType != event.MsgEmote:
		return reason.ErrNoWords
	}
	return nil
}

// SayWordsOnly tells a room that of a file only the words under it are carried, or, where there are none,
// only that it was sent.
func (c *Chat) SayWordsOnly(ctx context.Context, in id.RoomID, file id.EventID, sender id.UserID, portal networkid.PortalID, words bool) {
	to, _ := msnid.ParsePeer(portal)
	why := reason.ErrNamedOnly
	if words {
		why = reason.ErrWordsOnly
	}
	notice := &event.MessageEventContent{
		MsgType: event.MsgNotice, Mentions: &event.Mentions{},
		Body:      reason.Of(why, reason.Message, c.Recipients(ctx, to)).Sentence,
		RelatesTo: (&event.RelatesTo{}).SetReplyTo(file),
	}
	if sender != c.account.Login.UserMXID {
		relay.Address(ctx, c.account.Bridge, in, sender, notice)
	}
	_, err := c.account.Bridge.Bot.SendMessage(ctx, in, event.EventMessage, &event.Content{Parsed: notice}, room.Once(file+"-words"))
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("event_id", file).Msg("Failed to tell that only the words under a file are carried")
	}
}
