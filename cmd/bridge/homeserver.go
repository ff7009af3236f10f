package main

import (
	"context"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// What of a room is looked through: pages of so many events, and so many of those.
const (
	pageOfEvents = 100
	maxPages     = 10
)

// homeserver implements room.Homeserver.
type homeserver struct{ bot *mautrix.Client }

// Answers asks who the bot is, which changes nothing and nobody sees.
func (h homeserver) Answers(ctx context.Context) error {
	_, err := h.bot.Whoami(ctx)
	return err
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
			if value, ok := evt.Content.Raw[field].(string); ok && value == text {
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
