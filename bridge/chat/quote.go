package chat

import (
	"cmp"
	"context"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// quoteTimeout is how long it is waited for what a message answers. What is written in the room
// meanwhile waits for it too.
const quoteTimeout = 3 * time.Second

// answered returns the message that another answers, or "". What is in a thread answers its root
// only where the client says so: what clients name there otherwise is the latest message, for
// clients that show no threads.
func answered(relation *event.RelatesTo) id.EventID {
	if root := relation.GetThreadParent(); root != "" && relation.InReplyTo == nil && !relation.IsFallingBack {
		return root
	}
	return relation.GetNonFallbackReplyTo()
}

// quote returns the line that stands before the answer to a message: MSN has no answers. Without
// the message there is none: the answer goes out all the same.
func (c *Chat) quote(ctx context.Context, room id.RoomID, answered id.EventID) string {
	if answered == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, quoteTimeout)
	defer cancel()
	evt, err := c.rooms.Event(ctx, room, answered)
	if err != nil || evt == nil {
		zerolog.Ctx(ctx).Debug().Err(err).Stringer("answered_event_id", answered).Msg("Failed to read the message that is answered: it is not quoted")
		return ""
	}
	content := asText(evt)
	if content == nil || evt.Sender == c.account.Bridge.Bot.GetMXID() { // what the bot says is for the user
		return ""
	}
	return msgconv.Quote(c.author(ctx, room, evt.Sender), content, c.account.TextOptions())
}

// quoteOf returns the quote before a message that was written earlier.
func (c *Chat) quoteOf(ctx context.Context, room id.RoomID, written id.EventID) string {
	if earlier, known := c.said.Get(newSaid).Get(written); known {
		return earlier.quote
	}
	ctx, cancel := context.WithTimeout(ctx, quoteTimeout)
	defer cancel()
	evt, err := c.rooms.Event(ctx, room, written)
	if err != nil || evt == nil {
		return ""
	}
	if content := asText(evt); content != nil {
		return c.quote(ctx, room, answered(content.RelatesTo))
	}
	return ""
}

// asText returns what is in an event of the homeserver as a message, or nil.
func asText(evt *event.Event) *event.MessageEventContent {
	if evt.Type.Type == event.EventUnstablePollStart.Type || polls[evt.Type.Type] {
		return PollText(evt)
	}
	content, ok := evt.Content.Parsed.(*event.MessageEventContent)
	if !ok {
		return nil
	}
	if evt.Type.Type == event.EventSticker.Type {
		content.MsgType = event.CapMsgSticker
	}
	content.RemoveReplyFallback()
	return content
}

// author returns what somebody who writes in a room is called there, "" for the bot.
func (c *Chat) author(ctx context.Context, room id.RoomID, sender id.UserID) string {
	br := c.account.Bridge
	if sender == c.account.Login.UserMXID {
		return cmp.Or(c.account.OwnName(), c.account.Identity.Account)
	}
	if ghost, ok := br.Matrix.ParseGhostMXID(sender); ok {
		identity, ok := msnid.ParseUserID(ghost)
		switch {
		case !ok:
			return ""
		case identity.Account == c.account.Identity.Account:
			return cmp.Or(c.account.OwnName(), identity.Account)
		}
		return cmp.Or(c.account.DisplayName(account.AmongOthers(ctx), identity.Account), identity.Account) // people on MSN read it
	}
	if sender == br.Bot.GetMXID() {
		return ""
	}
	portal, err := br.GetPortalByMXID(ctx, room)
	if err != nil || portal == nil {
		return ""
	}
	return c.speaker(ctx, portal.ID, room, sender).Name()
}

// withQuote puts a quote before a text. One for which there is no room is left out.
func withQuote(quote, text string) string {
	if quote == "" || text == "" || len(quote)+1+len(text) > msn.MaxText {
		return text
	}
	return quote + "\n" + text
}
