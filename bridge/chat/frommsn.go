package chat

import (
	"context"
	"strconv"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// textReceived puts a message into the queue on disk, from where it goes to
// Matrix.
func (c *Chat) textReceived(ctx context.Context, evt msn.TextReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok && evt.Text != "" {
		c.people.Strangers.Unshown(ctx, evt.From, evt.Text, msnid.MakeNoticeMessageID("unshown", evt.From, evt.Session, strconv.Itoa(evt.Seq)))
	}
	if !ok || account == c.account.Identity.Account || evt.Text == "" {
		return
	}
	if len(evt.Others) == 0 && c.unwanted(ctx, evt.Conversation, account) {
		return
	}
	if evt.Conversation.Group() != "" {
		c.groups.NoteMembers(ctx, evt.Conversation)
	}
	c.heardOf(evt.Conversation, account)
	c.people.Roster.SaysName(ctx, account, evt.FromName)
	c.people.Strangers.Mark(ctx, evt.Conversation, account)
	var parts []*database.QueuedMessage
	for i, part := range msgconv.Split(msgconv.Said(evt.Text)) {
		parts = append(parts, &database.QueuedMessage{
			LoginID:   c.account.Login.ID,
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
	c.inbox.Put(ctx, parts...)
}

// textSent puts a message that the user wrote in their own Messenger into the queue:
// in Matrix it is the user's own.
func (c *Chat) textSent(ctx context.Context, evt msn.TextSent) {
	peer, ok := msnid.FromServer(evt.Conversation.Peer())
	if !ok && alone(evt.Conversation) || evt.Text == "" {
		return
	}
	if evt.Conversation.Group() != "" {
		c.groups.NoteMembers(ctx, evt.Conversation)
	}
	var parts []*database.QueuedMessage
	for i, part := range msgconv.Split(msgconv.Said(evt.Text)) {
		parts = append(parts, &database.QueuedMessage{
			LoginID:   c.account.Login.ID,
			MessageID: msnid.MakeChatMessageID(evt.Session, c.account.Identity.Account, evt.Seq, i, evt.At),
			PortalID:  c.portalOf(evt.Conversation, peer).ID,
			Sender:    c.account.Identity.Account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: 1,
			Kind:      database.QueuedText,
		})
	}
	c.inbox.Put(ctx, parts...)
	switch group := evt.Conversation.Group(); {
	case alone(evt.Conversation):
		c.people.Strangers.Expect(peer) // whom the user writes to
	case group != "":
		c.people.Strangers.ExpectGroup(group)
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
func (c *Chat) typingReceived(ctx context.Context, evt msn.TypingReceived) {
	if account, ok := msnid.FromServer(evt.From); ok && account != c.account.Identity.Account && !c.unwanted(ctx, evt.Conversation, account) {
		c.heardOf(evt.Conversation, account)
		c.contactTypes(typist{c.portalOf(evt.Conversation, account), account})
	}
}

// heardOf has what waits for a contact sent: they are there, whatever their status says.
func (c *Chat) heardOf(conversation *msn.Conversation, account string) {
	if alone(conversation) {
		c.outbox.Release(account)
	}
}
