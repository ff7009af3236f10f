package chat

import (
	"context"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// What contacts send besides texts is one line in the room, so that nobody waits in vain for
// something that vanished.

// besidesKind says what is counted together.
type besidesKind uint8

const (
	besidesNudge  besidesKind = iota
	besidesThing              // what Messenger shows, plays or offers and the bridge does not carry
	besidesInk                // pictures drawn by hand
	besidesAction             // what a contact's Messenger says of them
	besidesVoice              // recordings
	besidesFile               // files that are offered, or do not come
)

// What is shown of one contact within a floodWindow.
const (
	maxNudges = 1
	maxThings = 5
	// maxActions is more: they are texts, as of games that somebody plays.
	maxActions = 20
	// maxClips is more too: they last some seconds.
	maxClips = 20
	// maxFiles are those that the user is asked for, and those that do not come. Others come without a line.
	maxFiles = 10
)

// most is how many of a kind are shown.
func (k besidesKind) most() int {
	switch k {
	case besidesNudge:
		return maxNudges
	case besidesInk:
		return maxInkShown
	case besidesAction:
		return maxActions
	case besidesVoice:
		return maxClips
	case besidesFile:
		return maxFiles
	}
	return maxThings
}

// more says what was not shown.
func (k besidesKind) more(name string, n int) string {
	key := "chat.more.things"
	switch k {
	case besidesNudge:
		key = "chat.more.nudges"
	case besidesInk:
		key = "chat.more.pictures"
	case besidesAction:
		key = "chat.more.lines"
	case besidesVoice:
		key = "chat.more.clips"
	case besidesFile:
		key = "chat.more.files"
	}
	return words.Count(key, n, name)
}

// nudgeReceived calls the user: that is what a nudge is for.
func (h *Heard) nudgeReceived(ctx context.Context, evt msn.NudgeReceived) {
	h.besides(ctx, evt.Origin, besidesNudge, database.QueuedNudge, func(name string) string { return words.Text("chat.nudge", name) })
}

func (h *Heard) winkReceived(ctx context.Context, evt msn.WinkReceived) {
	line := h.thing(ctx, evt.Origin, func(name string) string {
		if called := names.Cut(names.OneLine(evt.Object.Friendly), names.MaxField); !msgconv.IsBlank(called) {
			return words.Text("chat.sent_the_wink_an_animation", name, names.Quoted(called))
		}
		return words.Text("chat.sent_a_wink_an_animation", name)
	})
	if line != nil && h.mayFetch(ctx, evt.Conversation, line.Sender) {
		h.winks.Show(evt.Object, *line)
	}
}

func (h *Heard) voiceClipReceived(ctx context.Context, evt msn.VoiceClipReceived) {
	if evt.Object.Size == 0 || evt.Object.Type != msn.ObjectVoice {
		h.thing(ctx, evt.Origin, func(name string) string {
			return words.Text("chat.sent_a_voice_clip_their_messenger", name)
		})
		return
	}
	account, ok := h.sender(ctx, evt.Origin)
	if !ok || h.unwanted(ctx, evt.Conversation, account) {
		return
	}
	portal := h.portalOf(evt.Conversation, account)
	if !h.floods.allow(flooder{portal, account, besidesVoice}, besidesVoice.most()) {
		return
	}
	if refused := h.takers.Spoken(ctx, evt, account, portal.ID); refused != "" {
		h.thing(ctx, evt.Origin, func(string) string { return refused })
	}
}

// actionReceived shows what a contact's Messenger has made. It says itself whom it is about. One in
// which nothing can be seen is none.
func (h *Heard) actionReceived(ctx context.Context, evt msn.ActionReceived) {
	text := names.Cut(names.OneLine(evt.Text), names.MaxField)
	if msgconv.IsBlank(text) {
		return
	}
	h.besides(ctx, evt.Origin, besidesAction, database.QueuedNote, func(string) string { return text })
}

// thing is besides for what the bridge names.
func (h *Heard) thing(ctx context.Context, from msn.Origin, line func(name string) string) *database.QueuedMessage {
	return h.besides(ctx, from, besidesThing, database.QueuedNote, line)
}

// besides puts a line about what somebody has sent into the queue on disk, unless there were many.
// It is made of their name. What is returned is the line, nil for none.
func (h *Heard) besides(ctx context.Context, from msn.Origin, kind besidesKind, as database.QueuedKind, line func(name string) string) *database.QueuedMessage {
	account, ok := h.sender(ctx, from)
	if !ok {
		return nil
	}
	portal := h.portalOf(from.Conversation, account)
	if !h.floods.allow(flooder{portal, account, kind}, kind.most()) {
		return nil
	}
	m := database.QueuedMessage{
		LoginID:   h.account.Login.ID,
		MessageID: msnid.MakeChatMessageID(from.Session, account, from.Seq, 0, from.At),
		PortalID:  portal.ID,
		Sender:    account,
		At:        from.At,
		Body:      line(h.calledIn(ctx, portal, account)),
		GroupSize: 1,
		Kind:      as,
	}
	stored := m // that belongs to the inbox
	h.inbox.Put(ctx, &stored)
	return &m
}

// sender returns who has sent something that is no text, and notes what follows from that. It
// reports false for somebody who cannot be shown, or is blocked: nothing follows from what they send.
func (h *Heard) sender(ctx context.Context, from msn.Origin) (account string, ok bool) {
	account, ok = msnid.FromServer(from.From)
	if !ok || account == h.account.Identity.Account {
		zerolog.Ctx(ctx).Debug().Msg("Something besides a text is of nobody who can be shown")
		return "", false
	}
	if len(from.Others) == 0 && h.unwanted(ctx, from.Conversation, account) {
		return "", false
	}
	if from.Conversation.Group() != "" {
		h.groups.NoteMembers(ctx, from.Conversation)
	}
	h.heardOf(from.Conversation, account)
	h.names.SaysName(ctx, account, from.FromName)
	h.strangers.Mark(ctx, from.Conversation, account)
	return account, true
}

// sayMore tells what was not shown of somebody.
func (h *Heard) sayMore(ctx context.Context, of flooder, more int) {
	at := time.Now()
	h.inbox.Put(ctx, &database.QueuedMessage{
		LoginID:   h.account.Login.ID,
		MessageID: msnid.MakeNoticeMessageID("more", string(of.portal.ID), of.account, strconv.Itoa(int(of.kind)), at.Format(time.RFC3339Nano)),
		PortalID:  of.portal.ID,
		Sender:    of.account,
		At:        at,
		Body:      of.kind.more(h.calledIn(ctx, of.portal, of.account), more),
		GroupSize: 1,
		Kind:      database.QueuedNote,
	})
}

// calledIn is what somebody is called in a line of a room that says what they did.
func (h *Heard) calledIn(ctx context.Context, portal networkid.PortalKey, account string) string {
	if name := h.account.DisplayName(h.rooms.AmongReaders(ctx, portal), account); name != "" {
		return names.Unlinked(name)
	}
	return account
}

// convertNudge makes a text that mentions the user: by the default rules of Matrix notices never
// ring.
func convertNudge(m *database.QueuedMessage, user id.UserID) *bridgev2.ConvertedMessagePart {
	part := convertNote(m)
	part.Content.MsgType = event.MsgText
	part.Content.Mentions = &event.Mentions{UserIDs: []id.UserID{user}}
	return part
}
