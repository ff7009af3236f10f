package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lib/pq"
	"github.com/mattn/go-sqlite3"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// failing decrypts when it has failed for so many times.
type failing struct {
	matrix.Crypto
	err      error
	times    int
	attempts int
}

func (f *failing) Decrypt(context.Context, *event.Event) (*event.Event, error) {
	if f.attempts++; f.attempts <= f.times {
		return nil, f.err
	}
	return &event.Event{ID: "$decrypted"}, nil
}

// What fails because of the database is tried again, so that nobody is told that it failed while
// it may still be sent. What fails because of the event is told at once.
func TestEventIsReadAgainWhileTheDatabaseDoesNotTakeIt(t *testing.T) {
	full := fmt.Errorf("failed to check if message index is duplicate: %w", sqlite3.Error{Code: sqlite3.ErrFull})
	for name, test := range map[string]struct {
		err      error
		times    int
		stops    time.Duration // after which the bridge stops, 0 for never
		attempts int           // 0 for several
		fails    bool
		most     time.Duration
	}{
		"the disk is full for a while":         {err: full, times: 2, attempts: 3, most: time.Minute},
		"the session is not stored":            {err: crypto.ErrRatchetError, times: 1, attempts: 2, most: time.Minute},
		"the server is gone":                   {err: &pq.Error{Code: "57P01"}, times: 1, attempts: 2, most: time.Minute},
		"the disk is full for ever":            {err: full, times: 1 << 30, fails: true, most: readingPatience},
		"the bridge stops":                     {err: full, times: 1 << 30, stops: time.Minute, fails: true, most: time.Minute},
		"there is no key":                      {err: crypto.ErrNoSessionFound, times: 1, attempts: 1, fails: true},
		"the event is another one's":           {err: crypto.ErrDuplicateMessageIndex, times: 1, attempts: 1, fails: true},
		"the table is not as it should be":     {err: sqlite3.Error{Code: sqlite3.ErrError}, times: 1, attempts: 1, fails: true},
		"the table is not there on PostgreSQL": {err: &pq.Error{Code: "42P01"}, times: 1, attempts: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.stops > 0 {
					time.AfterFunc(test.stops, cancel)
				}
				inner := &failing{err: test.err, times: test.times}
				began := time.Now()
				evt, err := patientCrypto{inner}.Decrypt(ctx, &event.Event{ID: "$encrypted"})
				if test.fails != errors.Is(err, test.err) || test.fails != (evt == nil) {
					t.Errorf("%v, %v", evt, err)
				}
				if test.attempts > 0 && inner.attempts != test.attempts || test.attempts == 0 && inner.attempts < 5 {
					t.Errorf("%d attempts", inner.attempts)
				}
				if took := time.Since(began); took > test.most {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// fullDisk is a store that takes nothing until a time.
type fullDisk struct {
	mautrix.SyncStore
	until time.Time
}

var errFull = sqlite3.Error{Code: sqlite3.ErrFull}

func (f fullDisk) SaveNextBatch(ctx context.Context, user id.UserID, token string) error {
	if time.Now().Before(f.until) {
		return errFull
	}
	return f.SyncStore.SaveNextBatch(ctx, user, token)
}

func (f fullDisk) LoadNextBatch(ctx context.Context, user id.UserID) (string, error) {
	if time.Now().Before(f.until) {
		return "", errFull
	}
	return f.SyncStore.LoadNextBatch(ctx, user)
}

func (f fullDisk) SaveFilterID(ctx context.Context, user id.UserID, filter string) error {
	if time.Now().Before(f.until) {
		return errFull
	}
	return f.SyncStore.SaveFilterID(ctx, user, filter)
}

func (f fullDisk) LoadFilterID(ctx context.Context, user id.UserID) (string, error) {
	if time.Now().Before(f.until) {
		return "", errFull
	}
	return f.SyncStore.LoadFilterID(ctx, user)
}

// resetting makes its client anew when it is reset, and tells with which store it is started.
type resetting struct {
	matrix.Crypto
	client  *mautrix.Client
	started chan mautrix.SyncStore
}

func (c *resetting) Reset(_ context.Context, start bool) error {
	c.client = &mautrix.Client{Store: fullDisk{mautrix.NewMemorySyncStore(), time.Now().Add(time.Hour)}}
	if start {
		c.Start()
	}
	return nil
}
func (c *resetting) Client() *mautrix.Client { return c.client }
func (c *resetting) Start()                  { c.started <- c.client.Store }

// The framework would end the program over the error.
func TestEncryptionWaitsForADatabaseThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &resetting{started: make(chan mautrix.SyncStore, 1)}
		const bot = id.UserID("@bot:x")
		for name, try := range map[string]func(context.Context, mautrix.SyncStore) error{
			"SaveNextBatch": func(ctx context.Context, s mautrix.SyncStore) error { return s.SaveNextBatch(ctx, bot, "token") },
			"LoadNextBatch": func(ctx context.Context, s mautrix.SyncStore) error { _, err := s.LoadNextBatch(ctx, bot); return err },
			"SaveFilterID":  func(ctx context.Context, s mautrix.SyncStore) error { return s.SaveFilterID(ctx, bot, "filter") },
			"LoadFilterID":  func(ctx context.Context, s mautrix.SyncStore) error { _, err := s.LoadFilterID(ctx, bot); return err },
		} {
			if err := (patientCrypto{inner}).Reset(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			began, store := time.Now(), <-inner.started
			if err := try(t.Context(), store); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took < time.Hour || took > time.Hour+2*syncingWait {
				t.Errorf("%s is done after %v", name, took)
			}
			// A stop does not wait.
			_ = patientCrypto{inner}.Reset(t.Context(), true)
			store = <-inner.started
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			began = time.Now()
			if err := try(ctx, store); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
				t.Errorf("%s ends with %v after %v", name, err, time.Since(began))
			}
			cancel()
		}
		// It is started without being made anew, also once more.
		for range 2 {
			patientCrypto{inner}.Start()
			if store, ok := (<-inner.started).(patientStore); !ok {
				t.Errorf("it is started with %T", store)
			} else if _, twice := store.SyncStore.(patientStore); twice {
				t.Error("its store waits twice")
			}
		}
	})
}
