package main

import (
	"context"

	"maunium.net/go/mautrix"
)

// homeserver implements room.Homeserver.
type homeserver struct{ bot *mautrix.Client }

// Answers asks who the bot is, which changes nothing and nobody sees.
func (h homeserver) Answers(ctx context.Context) error {
	_, err := h.bot.Whoami(ctx)
	return err
}
