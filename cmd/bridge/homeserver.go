package main

import (
	"context"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// latest is how many events of a room are looked through: what comes while one message is
// under way.
const latest = 50

// homeserver implements room.Homeserver.
type homeserver struct{ bot *mautrix.Client }

// Answers asks who the bot is, which changes nothing and nobody sees.
func (h homeserver) Answers(ctx context.Context) error {
	_, err := h.bot.Whoami(ctx)
	return err
}

// Find looks through the latest events of a room.
func (h homeserver) Find(ctx context.Context, room id.RoomID, field, text string) (*event.Event, error) {
	messages, err := h.bot.Messages(ctx, room, "", "", mautrix.DirectionBackward, nil, latest)
	if err != nil {
		return nil, err
	}
	for _, evt := range messages.Chunk {
		if value, ok := evt.Content.Raw[field].(string); ok && value == text {
			return evt, nil
		}
	}
	return nil, nil
}
