package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/retry"
	"matrix-msn/database"
)

const (
	// readingPatience is for how long an event is read again that the database did not take.
	// Others wait meanwhile. The framework does not wait for one event for longer than 15 minutes.
	readingPatience = 10 * time.Minute
	// readingWait is the longest wait between two attempts.
	readingWait = 10 * time.Second
)

// patientCrypto reads an encrypted event again while the database does not take that it was read.
// The framework would tell its sender at once that it surely was not bridged. But the intake
// keeps it, and a start after that would send it.
type patientCrypto struct{ matrix.Crypto }

// Decrypt implements matrix.Crypto.
func (c patientCrypto) Decrypt(ctx context.Context, evt *event.Event) (*event.Event, error) {
	trying, cancel := context.WithTimeout(ctx, readingPatience)
	defer cancel()
	waits := retry.Waits()
	waits.MaxInterval = readingWait
	for {
		decrypted, err := c.Crypto.Decrypt(ctx, evt)
		if err == nil || !isOfDatabase(err) || !retry.Sleep(trying, waits.NextBackOff()) {
			return decrypted, err
		}
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("event_id", evt.ID).Msg("The database does not take that an event was decrypted, trying again")
	}
}

// isOfDatabase reports whether an event cannot be decrypted because of the database, and not of
// the event. What keeps a session from being stored is not told by its error.
func isOfDatabase(err error) bool {
	return database.InTrouble(err) || errors.Is(err, crypto.ErrRatchetError)
}

// readPatiently puts a patientCrypto in the place of the framework's own. It is to be called
// before the bridge is started, and does nothing in one that does not encrypt.
func readPatiently(m *mxmain.BridgeMain) {
	if m.Matrix.Crypto != nil {
		m.Matrix.Crypto = patientCrypto{m.Matrix.Crypto}
	}
}
