package bridge

import (
	"context"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// handleEvent handles one event of a session. It never waits for Matrix: the
// session waits meanwhile.
func (c *Client) handleEvent(ctx context.Context, evt msn.Event) {
	if ctx.Err() != nil && !isDelivery(evt) {
		return // the session is ending: only what the server believes delivered counts
	}
	switch evt := evt.(type) {
	case msn.AlertReceived:
		c.alertReceived(ctx, evt)
	case msn.AlertsSuppressed:
		c.alertsSuppressed(ctx, evt)
	case msn.MailReceived:
		c.mailReceived(ctx, evt)
	case msn.MailCounted:
		c.mailCounted(ctx, evt)
	case msn.ShutdownAnnounced:
		c.shutdownAnnounced(ctx, evt)
	case msn.SystemMessage:
		c.systemMessage(ctx, evt)
	case msn.PageReceived:
		c.pageReceived(ctx, evt)
	case msn.PageBounced:
		c.pageBounced(ctx, evt)
	case msn.TextReceived:
		c.textReceived(ctx, evt)
	case msn.TypingReceived:
		c.typingReceived(evt)
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

// isDelivery reports whether an event brings what the server sends once, or counts what
// was left out of that.
func isDelivery(evt msn.Event) bool {
	switch evt.(type) {
	case msn.TextReceived, msn.AlertReceived, msn.MailReceived, msn.PageReceived, msn.PageBounced,
		msn.SystemMessage, msn.AlertsSuppressed:
		return true
	}
	return false
}

// textReceived puts a message into the queue on disk, from where it goes to
// Matrix.
func (c *Client) textReceived(ctx context.Context, evt msn.TextReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok || account == c.identity.Account || evt.Text == "" {
		return
	}
	for i, part := range msgconv.Split(msgconv.Clean(evt.Text)) {
		c.inbox.put(ctx, &database.QueuedMessage{
			LoginID:   c.login.ID,
			MessageID: msnid.MakeChatMessageID(evt.Session, account, evt.Seq, i, evt.At),
			PortalID:  c.portalKey(account).ID,
			Sender:    account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: 1 + len(evt.Others),
			Kind:      database.QueuedText,
		})
	}
}

// typingReceived has a contact shown as writing.
func (c *Client) typingReceived(evt msn.TypingReceived) {
	if account, ok := msnid.FromServer(evt.From); ok && account != c.identity.Account {
		c.chores.types(account)
	}
}
