package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/relay"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// fileOffered takes a file, or has the user asked for it, or says why it is not taken.
func (h *Heard) fileOffered(ctx context.Context, evt msn.FileOffered) {
	account, ok := h.sender(ctx, evt.Origin)
	if !ok || h.unwanted(ctx, evt.Conversation, account) {
		evt.Offer.Decline()
		return
	}
	if refused := h.takers.Offered(ctx, evt, account, h.portalOf(evt.Conversation, account).ID); refused != "" {
		h.thing(ctx, evt.Origin, func(string) string { return refused })
	}
}

// AllowFile reports whether a room is told of one more file that somebody offers. One of which it is not is told of as
// a number, later.
func (h *Heard) AllowFile(portal networkid.PortalKey, account string) bool {
	return h.floods.allow(flooder{portal, account, besidesFile}, besidesFile.most())
}

// holdsFile reports whether a message holds a file that can be fetched from the homeserver.
func holdsFile(content *event.MessageEventContent) bool {
	return content.MsgType.IsMedia() && (content.URL != "" || content.File != nil)
}

// sendFile brings a message that holds a file to the people of its room: the file to a contact, a link
// to it to several people. It reports false when neither can be: there are perhaps words to bring.
func (c *Chat) sendFile(ctx context.Context, put store, msg *bridgev2.MatrixMessage, speaker *relay.Speaker, words *event.MessageEventContent) (sent *bridgev2.MatrixMessageResponse, taken bool, err error) {
	to, ok := msnid.ParsePeer(msg.Portal.ID)
	if !ok {
		return nil, false, nil
	}
	spoken := c.say(speaker, msg.Content, words)
	text, instead := spoken.said, spoken.said
	switch {
	case speaker != nil: // their name stands before it
	case words.MsgType.IsMedia(): // there are no words: what stands there is its name
		text, instead, spoken.own = "", "", ""
	case !isFile(msg.Content): // the words of a sticker take its place
		text, spoken.own = "", ""
	}
	quote := c.quote(ctx, msg.Event.RoomID, answered(msg.Content.RelatesTo))
	text, instead = withQuote(quote, text), withQuote(quote, instead)
	if to.Account == "" {
		link := c.files.Link(ctx, msg.Content)
		if link == "" {
			return nil, false, nil
		}
		if text != "" {
			link = text + "\n" + link
		}
		err = c.write(ctx, put, msg.Portal, msg.Event, link, spoken.format, spoken.emoticons(link))
	} else {
		err = c.putFile(ctx, put, msg, to, text, spoken.format, instead)
	}
	if err != nil {
		return nil, false, err
	}
	c.keep(msg.Event.ID, said{quote, spoken.own, msg.Event.ID, msg.Event.Sender})
	return &bridgev2.MatrixMessageResponse{Pending: true}, true, nil
}

// putFile has a file sent to a contact.
func (c *Chat) putFile(ctx context.Context, put store, msg *bridgev2.MatrixMessage, to msnid.Peer, text, format, instead string) error {
	content, err := json.Marshal(msg.Content)
	if err == nil {
		c.stopsTyping(msg.Portal.ID, msg.Event.Sender)
		err = put.file(ctx, &database.QueuedFile{
			LoginID: c.account.Login.ID, EventID: msg.Event.ID, RoomID: msg.Event.RoomID, Sender: msg.Event.Sender, PortalID: msg.Portal.ID,
			Content: string(content), Body: text, Format: format, Instead: instead, WrittenAt: time.UnixMilli(msg.Event.Timestamp),
		})
	}
	if errors.Is(err, reason.ErrNotDone) {
		return err
	}
	if errors.Is(err, msn.ErrClosed) { // the user logs out
		return reason.Refused(err, c.Recipients(ctx, to))
	}
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to store a file for MSN")
		return reason.Refused(fmt.Errorf("%w: %w", reason.ErrBridge, err), c.Recipients(ctx, to))
	}
	return nil
}
