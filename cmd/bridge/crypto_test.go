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
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/event"
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
