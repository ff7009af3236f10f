package chat

import (
	"context"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// textReceived puts a message into the queue on disk, from where it goes to
// Matrix.
func (h *Heard) textReceived(ctx context.Context, evt msn.TextReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok && evt.Text != "" {
		h.strangers.Unshown(ctx, evt.From, evt.Text, msnid.MakeNoticeMessageID("unshown", evt.From, evt.Session, strconv.Itoa(evt.Seq)))
	}
	if !ok || account == h.account.Identity.Account || evt.Text == "" {
		return
	}
	if len(evt.Others) == 0 && h.unwanted(ctx, evt.Conversation, account) {
		return
	}
	if evt.Conversation.Group() != "" {
		h.groups.NoteMembers(ctx, evt.Conversation)
	}
	h.heardOf(evt.Conversation, account)
	h.names.SaysName(ctx, account, evt.FromName)
	h.strangers.Mark(ctx, evt.Conversation, account)
	var parts []*database.QueuedMessage
	var pictured []database.QueuedMessage // those with emoticons; the others belong to the inbox
	for i, part := range msgconv.Split(msgconv.Said(evt.Text)) {
		m := database.QueuedMessage{
			LoginID:   h.account.Login.ID,
			MessageID: msnid.MakeChatMessageID(evt.Session, account, evt.Seq, i, evt.At),
			PortalID:  h.portalOf(evt.Conversation, account).ID,
			Sender:    account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: groupSize(evt),
			Kind:      database.QueuedText,
			Emoticons: emoticonsIn(part, evt.Emoticons),
		}
		if len(m.Emoticons) > 0 {
			pictured = append(pictured, m)
		}
		parts = append(parts, &m)
	}
	missing := h.emoticons.Missing(ctx, pictured) // before it is shown: what comes just then is not in it
	h.inbox.Put(ctx, parts...)
	if len(missing) > 0 && h.mayFetch(ctx, evt.Conversation, account) {
		h.emoticons.Fetch(account, evt.Emoticons, missing, pictured)
	}
}

// emoticonsIn returns the emoticons that stand in a text, as they are stored with it.
func emoticonsIn(text string, emoticons []msn.Emoticon) (in database.Emoticons) {
	for _, e := range emoticons {
		if strings.Contains(text, e.Shortcut) {
			in = append(in, database.Emoticon{Shortcut: e.Shortcut, Picture: e.Object.Hash.String()})
		}
	}
	return in
}

// mayFetch reports whether what somebody shows is asked for: they learn of it that somebody is there. It is not
// of those whom the user blocks, nor of a stranger whose words wait for the user.
func (h *Heard) mayFetch(ctx context.Context, conversation *msn.Conversation, account string) bool {
	if h.account.Blocked(ctx, account) {
		return false
	}
	if h.account.OnList(ctx, account) || !alone(conversation) {
		return true
	}
	room, err := h.account.StoredRoom(ctx, h.account.PortalKey(account))
	return err == nil && room != ""
}

// textSent puts a message that the user wrote in their own Messenger into the queue:
// in Matrix it is the user's own.
func (h *Heard) textSent(ctx context.Context, evt msn.TextSent) {
	peer, ok := msnid.FromServer(evt.Conversation.Peer())
	if !ok && alone(evt.Conversation) || evt.Text == "" {
		return
	}
	if evt.Conversation.Group() != "" {
		h.groups.NoteMembers(ctx, evt.Conversation)
	}
	var parts []*database.QueuedMessage
	for i, part := range msgconv.Split(msgconv.Said(evt.Text)) {
		parts = append(parts, &database.QueuedMessage{
			LoginID:   h.account.Login.ID,
			MessageID: msnid.MakeChatMessageID(evt.Session, h.account.Identity.Account, evt.Seq, i, evt.At),
			PortalID:  h.portalOf(evt.Conversation, peer).ID,
			Sender:    h.account.Identity.Account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: 1,
			Kind:      database.QueuedText,
		})
	}
	h.inbox.Put(ctx, parts...)
	switch group := evt.Conversation.Group(); {
	case alone(evt.Conversation):
		h.strangers.Expect(peer) // whom the user writes to
	case group != "":
		h.strangers.ExpectGroup(group)
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
func (h *Heard) typingReceived(ctx context.Context, evt msn.TypingReceived) {
	if account, ok := msnid.FromServer(evt.From); ok && account != h.account.Identity.Account && !h.unwanted(ctx, evt.Conversation, account) {
		h.heardOf(evt.Conversation, account)
		h.contactTypes(typist{h.portalOf(evt.Conversation, account), account})
	}
}

// typist is somebody who writes, and where.
type typist struct {
	portal  networkid.PortalKey
	account string
}

// contactTypes has somebody shown as writing.
func (h *Heard) contactTypes(who typist) {
	h.work.Do("typing "+string(who.portal.ID)+" "+who.account, func(ctx context.Context) { h.showTyping(ctx, who) })
}

// showTyping shows a contact as writing.
func (h *Heard) showTyping(ctx context.Context, who typist) {
	h.rooms.TryUpdate(ctx, &simplevent.Typing{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventTyping,
			PortalKey: who.portal,
			Sender:    h.account.SenderOf(who.account),
		},
		Timeout: typingShown,
	})
}

// heardOf has what waits for a contact sent: they are there, whatever their status says.
func (h *Heard) heardOf(conversation *msn.Conversation, account string) {
	if alone(conversation) {
		h.outbox.Release(account)
	}
}

// portalOf returns the key of the room that a conversation belongs to, in which
// account has said something.
func (h *Heard) portalOf(conversation *msn.Conversation, account string) networkid.PortalKey {
	if group := conversation.Group(); group != "" {
		return h.account.GroupKey(group)
	}
	if circle := conversation.Circle(); circle != "" {
		return h.account.CircleKey(circle)
	}
	return h.account.PortalKey(account)
}
