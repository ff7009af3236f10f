package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// What of a room is looked through: pages of so many events, and so many of those.
const (
	pageOfEvents = 100
	maxPages     = 10
)

// homeserver implements room.Homeserver.
type homeserver struct {
	bot *mautrix.Client
	// as returns what makes requests as somebody of the bridge.
	as func(id.UserID) *mautrix.Client
	// decrypt reads an event that is encrypted. Nil when the bridge does not encrypt.
	decrypt func(context.Context, *event.Event) (*event.Event, error)
	// ours reports whether somebody is a ghost: of those the bridge has the keys.
	ours func(id.UserID) bool
}

func newHomeserver(m *matrix.Connector) homeserver {
	h := homeserver{bot: m.AS.BotClient(), as: m.AS.Client, ours: func(user id.UserID) bool {
		_, ghost := m.ParseGhostMXID(user)
		return ghost
	}}
	if m.Crypto != nil {
		h.decrypt = m.Crypto.Decrypt
	}
	return h
}

// Answers asks who the bot is, which changes nothing and nobody sees.
func (h homeserver) Answers(ctx context.Context) error {
	_, err := h.bot.Whoami(ctx)
	return err
}

// DisplayName implements room.Homeserver.
func (h homeserver) DisplayName(ctx context.Context, user id.UserID) (string, error) {
	shown, err := h.bot.GetDisplayName(mautrix.WithMaxRetries(ctx, 0), user)
	switch {
	case errors.Is(err, mautrix.MNotFound): // a profile without a name
		return "", nil
	case err != nil:
		return "", err
	}
	return shown.DisplayName, nil
}

// Avatar implements room.Homeserver.
func (h homeserver) Avatar(ctx context.Context, user id.UserID) (id.ContentURIString, error) {
	shown, err := h.bot.GetProfile(mautrix.WithMaxRetries(ctx, 0), user)
	switch {
	case errors.Is(err, mautrix.MNotFound): // there is no profile
		return "", nil
	case err != nil:
		return "", err
	}
	return shown.AvatarURL.CUString(), nil
}

// Event implements room.Homeserver. It is asked for once: somebody waits.
func (h homeserver) Event(ctx context.Context, room id.RoomID, evtID id.EventID) (*event.Event, error) {
	evt, err := h.bot.GetEvent(mautrix.WithMaxRetries(ctx, 0), room, evtID)
	if err != nil {
		return nil, err
	}
	evt.Type.Class = event.MessageEventType
	if err := parse(evt); err != nil {
		return nil, err
	}
	if evt.Type != event.EventEncrypted || h.decrypt == nil {
		return evt, nil
	}
	decrypted, err := h.decrypt(ctx, evt)
	if err != nil {
		return nil, err
	}
	return decrypted, parse(decrypted)
}

// parse reads the content of an event, if it was not read yet. What is of no known type stays as
// it is.
func parse(evt *event.Event) error {
	if evt.Content.Parsed != nil {
		return nil
	}
	if err := evt.Content.ParseRaw(evt.Type); err != nil && !errors.Is(err, event.ErrUnsupportedContentType) {
		return err
	}
	return nil
}

// Find looks through the latest events of a room.
func (h homeserver) Find(ctx context.Context, room id.RoomID, field, text string, since time.Time) (*event.Event, error) {
	from := ""
	for range maxPages {
		messages, err := h.bot.Messages(ctx, room, from, "", mautrix.DirectionBackward, nil, pageOfEvents)
		if err != nil {
			return nil, err
		}
		for _, evt := range messages.Chunk {
			if value, ok := h.content(ctx, evt)[field].(string); ok && value == text {
				return evt, nil
			}
		}
		if len(messages.Chunk) == 0 || messages.End == "" || messages.Chunk[len(messages.Chunk)-1].Timestamp < since.UnixMilli() {
			break
		}
		from = messages.End
	}
	return nil, nil
}

// Since implements room.Homeserver.
func (h homeserver) Since(ctx context.Context, as id.UserID, room id.RoomID, evtID id.EventID) (found []*event.Event, err error) {
	defer func() { slices.Reverse(found) }()
	client, from := h.as(as), ""
	for range maxPages {
		messages, err := client.Messages(mautrix.WithMaxRetries(ctx, 0), room, from, "", mautrix.DirectionBackward, nil, pageOfEvents)
		if err != nil {
			return nil, err
		}
		for _, evt := range messages.Chunk {
			if evt.ID == evtID {
				return found, nil
			}
			found = append(found, evt)
		}
		if len(messages.Chunk) == 0 || messages.End == "" {
			break
		}
		from = messages.End
	}
	return found, nil
}

// content is what is in an event, nothing if that cannot be read.
func (h homeserver) content(ctx context.Context, evt *event.Event) map[string]any {
	if evt.Type.Type != event.EventEncrypted.Type || h.decrypt == nil || !h.ours(evt.Sender) {
		return evt.Content.Raw
	}
	evt.Type.Class = event.MessageEventType
	if evt.Content.Parsed == nil {
		if err := evt.Content.ParseRaw(evt.Type); err != nil {
			return nil
		}
	}
	decrypted, err := h.decrypt(ctx, evt)
	if err != nil {
		return nil
	}
	return decrypted.Content.Raw
}
