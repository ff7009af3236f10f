package main

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge"
	"matrix-msn/bridge/retry"
	"matrix-msn/database"
)

const (
	// readingPatience is for how long an event is read again that the database did not take.
	// Others wait meanwhile. The framework does not wait for one event for longer than 15 minutes.
	readingPatience = 10 * time.Minute
	// readingWait is the longest wait between two attempts.
	readingWait = 10 * time.Second
	// syncingWait is the longest wait between two attempts to note how far the bot has synced. The keys
	// of what users write come after that.
	syncingWait = 30 * time.Second
)

// patientCrypto is the framework's encryption, which waits for a database that takes nothing.
//
// It reads an encrypted event again while the database does not take that it was read.
// The framework would tell its sender at once that it surely was not bridged. But the intake
// keeps it, and a start after that would send it.
//
// It tries again to note how far the bot has synced. The framework would end the program over
// that, and what waits in memory would be gone.
type patientCrypto struct{ matrix.Crypto }

// Start implements matrix.Crypto.
func (c patientCrypto) Start() {
	if client := c.Client(); client != nil && client.Store != nil {
		if _, waits := client.Store.(patientStore); !waits {
			client.Store = patientStore{client.Store, client.Log}
		}
	}
	c.Crypto.Start()
}

// Reset implements matrix.Crypto. It makes the client anew, which has to wait too.
func (c patientCrypto) Reset(ctx context.Context, startAfterReset bool) error {
	err := c.Crypto.Reset(ctx, false)
	if err == nil && startAfterReset {
		go c.Start()
	}
	return err
}

// patientStore notes how far a client has synced, and tries until it can.
type patientStore struct {
	mautrix.SyncStore
	log zerolog.Logger // the framework gives none along
}

// SaveFilterID implements mautrix.SyncStore.
func (s patientStore) SaveFilterID(ctx context.Context, user id.UserID, filter string) error {
	return s.insist(ctx, func() error { return s.SyncStore.SaveFilterID(ctx, user, filter) })
}

// LoadFilterID implements mautrix.SyncStore.
func (s patientStore) LoadFilterID(ctx context.Context, user id.UserID) (filter string, err error) {
	err = s.insist(ctx, func() (err error) { filter, err = s.SyncStore.LoadFilterID(ctx, user); return err })
	return filter, err
}

// SaveNextBatch implements mautrix.SyncStore.
func (s patientStore) SaveNextBatch(ctx context.Context, user id.UserID, token string) error {
	return s.insist(ctx, func() error { return s.SyncStore.SaveNextBatch(ctx, user, token) })
}

// LoadNextBatch implements mautrix.SyncStore.
func (s patientStore) LoadNextBatch(ctx context.Context, user id.UserID) (token string, err error) {
	err = s.insist(ctx, func() (err error) { token, err = s.SyncStore.LoadNextBatch(ctx, user); return err })
	return token, err
}

// insist does something to the database until it works. It ends with ctx, and then with the
// error of ctx: the framework takes no other one for the end.
func (s patientStore) insist(ctx context.Context, do func() error) error {
	waits := retry.Waits()
	waits.MaxInterval = syncingWait
	for {
		err := do()
		if err == nil {
			return nil
		}
		if !retry.Sleep(ctx, waits.NextBackOff()) {
			return ctx.Err()
		}
		s.log.Warn().Err(err).Msg("The database does not take how far the bot has synced, trying again")
	}
}

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

// orderlyCrypto is an encryption of which the connector knows what it decrypts, so that nothing
// overtakes an event that waits for its key.
type orderlyCrypto struct {
	matrix.Crypto
	connector *bridge.Connector
}

// Decrypt implements matrix.Crypto.
func (c orderlyCrypto) Decrypt(ctx context.Context, evt *event.Event) (*event.Event, error) {
	return c.connector.Decrypt(ctx, evt, c.Crypto.Decrypt, matrix.NoSessionFound)
}

// encryptPatiently has the framework's own encryption wait for the database and keep the order. It
// is to be called before the bridge is started, and does nothing in one that does not encrypt.
func encryptPatiently(m *mxmain.BridgeMain, connector *bridge.Connector) {
	if m.Matrix.Crypto != nil {
		m.Matrix.Crypto = orderlyCrypto{patientCrypto{m.Matrix.Crypto}, connector}
	}
}
