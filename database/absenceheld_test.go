package database_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/database"
)

// holds has a message of a login held.
func holds(ctx context.Context, db *database.Database, e *database.QueuedEvent) error {
	if held, err := db.MatrixQueue.Hold(ctx, e, time.Now()); err != nil || !held {
		return fmt.Errorf("held: %t, %w", held, err)
	}
	return nil
}

// A message is held while the absence before ends, which does not see it yet: there is an absence for it.
func TestAbsenceEndsWhileAMessageIsHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		first, second := putEvent(t, db, "$first"), putEvent(t, db, "$second")
		if err := holds(ctx, db, first); err != nil {
			t.Fatal(err)
		}
		before, err := db.Absence.Get(ctx, login, first.PortalID)
		if err != nil || len(before) != 1 {
			t.Fatalf("absences: %+v, %v", before, err)
		}
		if removed, err := db.MatrixQueue.Remove(ctx, first); err != nil || !removed {
			t.Fatalf("removed: %t, %v", removed, err)
		}
		ended := make(chan error, 1)
		err = framework.DoTxn(ctx, nil, func(held context.Context) error {
			if err := holds(held, db, second); err != nil {
				return err
			}
			go func() { ended <- db.Absence.End(ctx, before[0]) }()
			if framework.Dialect.String() == "postgres" {
				return waits(held, framework, func() bool { return len(ended) > 0 })
			}
			return nil // SQLite has one writer at a time
		})
		if err := errors.Join(err, <-ended); err != nil {
			t.Fatal(err)
		}
		if rows, err := db.Absence.Get(ctx, login, first.PortalID); err != nil || len(rows) != 1 || rows[0].EventID != "$second" {
			t.Errorf("a message is held, and the absences are %+v, %v", rows, err)
		}
	})
}

// waits returns when somebody waits for what a transaction has locked, or something else is so.
func waits(locked context.Context, db *bridgedb.Database, or func() bool) error {
	ctx, stop := context.WithTimeout(locked, 10*time.Second)
	defer stop()
	for n := 0; n == 0 && !or(); {
		if err := db.QueryRow(ctx, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))").Scan(&n); err != nil {
			return err
		}
	}
	return nil
}

// One login that waits for the database holds up no other, where the database does not.
func TestHeldMessageOfOneLoginHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		if framework.Dialect.String() != "postgres" {
			t.Skip("SQLite has one writer at a time")
		}
		stuck := putEvent(t, db, "$stuck")
		free := &database.QueuedEvent{LoginID: other, EventID: "$free", RoomID: "!r:x", Sender: matrixUser, PortalID: stuck.PortalID, WrittenAt: time.Now()}
		if added, err := db.MatrixQueue.Put(t.Context(), free); err != nil || !added {
			t.Fatalf("put: %t, %v", added, err)
		}
		err := framework.DoTxn(t.Context(), nil, func(locked context.Context) error {
			if _, err := framework.Exec(locked, "UPDATE matrix_queue SET body='' WHERE event_id='$stuck'"); err != nil {
				return err
			}
			ctx, giveUp := context.WithCancel(t.Context())
			var waiting sync.WaitGroup
			defer waiting.Wait()
			defer giveUp()
			waiting.Go(func() {
				if err := holds(ctx, db, stuck); err == nil {
					t.Error("what is locked was changed")
				}
			})
			if err := waits(locked, framework, func() bool { return false }); err != nil {
				return err
			}
			soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- holds(soon, db, free) }()
			select {
			case err := <-done:
				return err
			case <-soon.Done():
				return soon.Err()
			}
		})
		if err != nil {
			t.Error("the other login:", err)
		}
	})
}
