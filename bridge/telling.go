package bridge

import (
	"context"
	"errors"

	"matrix-msn/bridge/retry"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
)

// untilTold has tell say something in a room, once, and then forget note that it is
// said. It goes on trying until ctx ends or the room shows that it takes nothing, and
// reports whether it is noted.
func untilTold(ctx context.Context, log zerolog.Logger, tell, forget func() error) bool {
	waits := retry.Waits()
	for told, attempt := false, 1; ; attempt++ {
		var err error
		if !told {
			err = tell()
			told = err == nil || errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound) || attempt >= maxAttempts
		}
		if err != nil {
			log.Err(err).Bool("given_up", told).Msg("Failed to tell what became of a message")
		}
		if told {
			if err = forget(); err == nil {
				return true
			}
			log.Err(err).Msg("Failed to note that the fate of a message is told")
		}
		if !retry.Sleep(ctx, waits.NextBackOff()) {
			return false
		}
	}
}
