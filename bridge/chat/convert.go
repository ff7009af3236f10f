package chat

import (
	"context"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/database"
)

// Convert makes the event of a message that waits for Matrix, of any kind but alerts.
func (h *Heard) Convert(ctx context.Context, m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	switch m.Kind {
	case database.QueuedPage:
		return h.convertPage(m)
	case database.QueuedNote:
		return convertNote(m)
	case database.QueuedInk:
		return h.convertInk(ctx, m)
	case database.QueuedNudge:
		return convertNudge(m, h.account.Login.UserMXID)
	}
	return h.convertText(ctx, m)
}

// SenderOf returns who sent a message.
func (h *Heard) SenderOf(m *database.QueuedMessage) bridgev2.EventSender {
	if m.Sender == h.account.Identity.Account {
		return h.account.OwnSender()
	}
	return h.account.SenderOf(m.Sender)
}

func convertNote(m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	content := msgconv.ToMatrix(m.Body, "", msgconv.Options{})
	content.MsgType = event.MsgNotice
	return &bridgev2.ConvertedMessagePart{Type: event.EventMessage, Content: content}
}

// MaxPicturesWaiting is how many messages may wait for a room before those are left out that only bring pictures
// into texts.
const MaxPicturesWaiting = 200

const (
	// mobileNote stands before a text that a contact sent from a mobile device: an
	// answer in the room does not reach it there.
	mobileNote = "📱 (from a mobile phone) "
	// pageField marks the event of such a text.
	pageField = "chat.matrix_msn.page"
)

func (h *Heard) convertPage(m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	return &bridgev2.ConvertedMessagePart{
		Type:    event.EventMessage,
		Content: msgconv.ToMatrixWithNote(mobileNote, m.Body, "", h.account.TextOptions()),
		Extra:   map[string]any{pageField: map[string]any{"mobile": true}},
	}
}

// groupNote stands before a text that was said to more people than the user: an
// answer in the room goes to its sender alone.
const groupNote = "(in a conversation with several people) "

func (h *Heard) convertText(ctx context.Context, m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	note := ""
	if m.GroupSize > 1 {
		note = groupNote
	}
	pictures := h.emoticons.Pictures(ctx, m.Emoticons)
	part := &bridgev2.ConvertedMessagePart{
		Type: event.EventMessage, Content: msgconv.ToMatrixWithPictures(note, m.Body, m.Format, pictures, h.account.TextOptions()),
	}
	if len(pictures) > 0 {
		part.DBMetadata = &account.MessageMetadata{Pictures: len(pictures)}
	}
	return part
}
