package bridge

import (
	"context"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// handleEvent handles one event of a session. It must not wait for Matrix where
// a contact can make it: the session waits meanwhile.
func (c *Client) handleEvent(ctx context.Context, _ *msn.Client, evt msn.Event) {
	switch evt := evt.(type) {
	case msn.TextReceived:
		c.textReceived(ctx, evt)
	case msn.TypingReceived:
		c.typingReceived(ctx, evt)
	case msn.PresenceChanged:
		c.contactChanged(ctx, evt.Contact)
	case msn.ContactChanged:
		c.contactChanged(ctx, evt.Contact)
	case msn.AddedYou:
		c.contactChanged(ctx, evt.Contact)
	case msn.RemovedYou:
		c.contactChanged(ctx, evt.Contact)
	}
}

// textReceived puts a message into the queue on disk, from where it goes to
// Matrix.
func (c *Client) textReceived(ctx context.Context, evt msn.TextReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok || account == c.identity.Account || evt.Text == "" {
		return
	}
	c.inbox.put(ctx, &database.QueuedMessage{
		LoginID:   c.login.ID,
		MessageID: msnid.MakeChatMessageID(evt.Session, account, evt.Seq, evt.At),
		PortalID:  c.portalKey(account).ID,
		Sender:    account,
		At:        evt.At,
		Body:      evt.Text,
		Format:    evt.Format,
		GroupSize: 1 + len(evt.Others),
	})
}

// typingReceived shows a contact as writing, in a room that exists: a note alone
// makes no room, and does not call back a user who left.
func (c *Client) typingReceived(ctx context.Context, evt msn.TypingReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok || account == c.identity.Account {
		return
	}
	key := c.portalKey(account)
	// Asked of the database: the framework's own copy changes under its hands.
	portal, err := c.connector.br.DB.Portal.GetByKey(ctx, key)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to get portal")
		return
	}
	if portal == nil || portal.MXID == "" {
		return
	}
	c.login.QueueRemoteEvent(&simplevent.Typing{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventTyping,
			PortalKey: key,
			Sender:    c.senderOf(account),
		},
		Timeout: typingShown,
	})
}
