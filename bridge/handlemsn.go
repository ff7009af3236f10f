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
	case msn.TextSent:
		c.textSent(ctx, evt)
	case msn.OfflineReceived:
		c.offlineReceived(ctx, evt)
	case msn.TypingReceived:
		c.typingReceived(evt)
	case msn.ParticipantJoined:
		c.participantJoined(ctx, evt)
	case msn.ParticipantLeft:
		c.participantLeft(ctx, evt)
	case msn.CirclesChanged:
		c.circles.look()
	case msn.CallFailed:
		c.callFailed(ctx, evt)
	case msn.PresenceChanged:
		c.contactChanged(ctx, evt.Contact)
		if evt.Contact.Status != msn.Offline {
			c.outbox.release(evt.Contact.Account)
		}
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
	case msn.TextReceived, msn.TextSent, msn.AlertReceived, msn.MailReceived, msn.PageReceived, msn.PageBounced,
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
	if evt.Conversation.Group() != "" {
		c.noteMembers(ctx, evt.Conversation)
	}
	for i, part := range msgconv.Split(msgconv.Clean(evt.Text)) {
		c.inbox.put(ctx, &database.QueuedMessage{
			LoginID:   c.login.ID,
			MessageID: msnid.MakeChatMessageID(evt.Session, account, evt.Seq, i, evt.At),
			PortalID:  c.portalOf(evt.Conversation, account).ID,
			Sender:    account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: groupSize(evt),
			Kind:      database.QueuedText,
		})
	}
}

// textSent puts a message that the user wrote in their own Messenger into the queue:
// in Matrix it is the user's own.
func (c *Client) textSent(ctx context.Context, evt msn.TextSent) {
	peer, ok := msnid.FromServer(evt.Conversation.Peer())
	if !ok && evt.Conversation.Group() == "" && evt.Conversation.Circle() == "" || evt.Text == "" {
		return
	}
	if evt.Conversation.Group() != "" {
		c.noteMembers(ctx, evt.Conversation)
	}
	for i, part := range msgconv.Split(msgconv.Clean(evt.Text)) {
		c.inbox.put(ctx, &database.QueuedMessage{
			LoginID:   c.login.ID,
			MessageID: msnid.MakeChatMessageID(evt.Session, c.identity.Account, evt.Seq, i, evt.At),
			PortalID:  c.portalOf(evt.Conversation, peer).ID,
			Sender:    c.identity.Account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: 1,
			Kind:      database.QueuedText,
		})
	}
}

// groupSize is how many people besides the user hear what is said in the room that a
// text belongs to.
func groupSize(evt msn.TextReceived) int {
	if evt.Conversation.Group() != "" || evt.Conversation.Circle() != "" {
		return 1 // all of them: the room is theirs
	}
	return 1 + len(evt.Others)
}

// typingReceived has a contact shown as writing.
func (c *Client) typingReceived(evt msn.TypingReceived) {
	if account, ok := msnid.FromServer(evt.From); ok && account != c.identity.Account {
		c.chores.types(typist{c.portalOf(evt.Conversation, account), account})
	}
}
