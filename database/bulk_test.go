package database_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// Many messages go their way at once, each of them twice: what is made together comes to the same as one after the other.
func TestManyMessagesAtOnceGoTheirWayOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		const events, rooms = 150, 7
		random := rand.New(rand.NewPCG(1, 2))
		var going sync.WaitGroup
		var mu sync.Mutex
		positions := make(map[int64]id.EventID)
		for n := range events {
			var added, removed, said atomic.Int64
			event, owner := id.EventID(fmt.Sprint("$", n)), fmt.Sprint("run", random.IntN(2))
			room := networkid.PortalID(fmt.Sprint("dm:", n%rooms, "@example.com"))
			for range 2 {
				going.Go(func() {
					ctx := t.Context()
					if _, err := db.Intake.Put(ctx, []*database.Received{{EventID: event, RoomID: "!r:x", Sender: matrixUser, Content: "{}", At: time.Now()}}); err != nil {
						t.Error(event, err)
					}
					e := &database.QueuedEvent{LoginID: login, EventID: event, RoomID: "!r:x", Sender: matrixUser, PortalID: room, Body: string(event), WrittenAt: time.Now(), Owner: owner}
					isNew, err := db.MatrixQueue.Put(ctx, e)
					if err != nil {
						t.Error(event, err)
					}
					if !isNew {
						return
					}
					added.Add(1)
					mu.Lock()
					positions[e.Position] = event
					mu.Unlock()
					if changed, err := db.MatrixQueue.SetOwner(ctx, e, ""); err != nil || !changed || e.Body != string(event) {
						t.Errorf("%s is not given back: %t, %q, %v", event, changed, e.Body, err)
					}
					if changed, err := db.MatrixQueue.SetOwner(ctx, e, "other"); err != nil || !changed {
						t.Errorf("%s is not claimed: %t, %v", event, changed, err)
					}
					err = db.Intake.SetOutcomeWith(ctx, database.Received{EventID: event, RoomID: "!r:x", Sender: matrixUser, Outcome: database.EventDelivered, At: time.Now()},
						func(context.Context) error { said.Add(1); return nil })
					if err != nil {
						t.Error(event, err)
					}
					if gone, err := db.MatrixQueue.Remove(ctx, e); err != nil || !gone {
						t.Errorf("%s is not removed: %t, %v", event, gone, err)
					}
					removed.Add(1)
				})
			}
			t.Cleanup(func() {
				if added.Load() != 1 || removed.Load() != 1 || said.Load() < 1 {
					t.Errorf("%s was put %d times, removed %d times", event, added.Load(), removed.Load())
				}
			})
		}
		going.Wait()
		if left, err := db.MatrixQueue.GetAll(t.Context(), login); err != nil || len(left) > 0 || len(positions) != events {
			t.Errorf("%d are left, at %d positions, %v", len(left), len(positions), err)
		}
		for n := range events {
			r, err := db.Intake.Get(t.Context(), id.EventID(fmt.Sprint("$", n)))
			if err != nil || r.State != database.ReceivedFinished || r.Content != "" || r.Outcome != database.EventDelivered {
				t.Errorf("%d: %+v, %v", n, r, err)
			}
		}
	})
}

// A transaction of the homeserver's holds what was there before, the same twice, and what must not be on disk.
func TestManyEventsAreStoredInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		event := func(n int) *database.Received {
			return &database.Received{
				EventID: id.EventID(fmt.Sprint("$", n)), RoomID: "!r:x", Sender: matrixUser, Content: fmt.Sprintf(`{"n":%d}`, n), At: time.UnixMilli(int64(1000 + n)), Secret: n == 5,
			}
		}
		if _, err := db.Intake.Put(ctx, []*database.Received{event(3), event(4)}); err != nil {
			t.Fatal(err)
		}
		if err := db.Intake.Finish(ctx, "$3"); err != nil {
			t.Fatal(err)
		}
		var all []*database.Received
		for n := range 140 {
			all = append(all, event(n))
		}
		all = append(all, event(7)) // once more
		open, err := db.Intake.Put(ctx, all)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[id.EventID]int)
		for _, r := range open {
			seen[r.EventID]++
		}
		for n := range 140 {
			want := 1
			switch n {
			case 3:
				want = 0 // it is finished
			case 7:
				want = 2 // the second is the first once more
			}
			if got := seen[id.EventID(fmt.Sprint("$", n))]; got != want {
				t.Errorf("$%d is open %d times, want %d", n, got, want)
			}
		}
		rows, err := db.Intake.InState(ctx, database.ReceivedWaiting, 0, 1000)
		if err != nil || len(rows) != 138 || rows[0].EventID != "$4" {
			t.Fatalf("%d wait, %v", len(rows), err)
		}
		want := 0
		for _, r := range rows[1:] {
			for want == 3 || want == 4 || want == 5 {
				want++
			}
			if r.EventID != id.EventID(fmt.Sprint("$", want)) || r.Content != fmt.Sprintf(`{"n":%d}`, want) || r.At.UnixMilli() != int64(1000+want) {
				t.Errorf("%+v stands where $%d was to", r, want)
			}
			want++
		}
		if secret, err := db.Intake.Get(ctx, "$5"); err != nil || secret.Content != "" || secret.State != database.ReceivedBegun || secret.Outcome != database.EventSecret {
			t.Errorf("the secret is %+v, %v", secret, err)
		}
	})
}

// One of many fails: it alone does.
func TestOneOfManyThatFailsHarmsNoOther(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		refused := errors.New("a whim")
		var ending sync.WaitGroup
		for n := range 80 {
			ending.Go(func() {
				r := database.Received{EventID: id.EventID(fmt.Sprint("$", n)), RoomID: "!r:x", Sender: matrixUser, Outcome: database.EventDelivered, At: time.Now()}
				err := db.Intake.SetOutcomeWith(t.Context(), r, func(context.Context) error {
					if n%9 == 0 {
						return refused
					}
					return nil
				})
				if (n%9 == 0) != errors.Is(err, refused) || n%9 != 0 && err != nil {
					t.Errorf("%d: %v", n, err)
				}
			})
		}
		ending.Wait()
		for n := range 80 {
			r, err := db.Intake.Get(t.Context(), id.EventID(fmt.Sprint("$", n)))
			if err != nil || (r != nil) == (n%9 == 0) {
				t.Errorf("%d: %+v, %v", n, r, err)
			}
		}
	})
}

// The clock was set back between two runs, and many rows are put at the same time: each gets a position of its own, behind those that are there.
func TestRowsOfManyAtOnceHaveTheirOwnPositionsAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		put := func(n int) (positions [4]int64) {
			event := id.EventID(fmt.Sprint("$", n))
			r := &database.Received{EventID: event, RoomID: "!r:x", Sender: matrixUser, Content: "{}", At: time.Now()}
			e := &database.QueuedEvent{LoginID: login, EventID: event, RoomID: "!r:x", Sender: matrixUser, PortalID: "dm:a@example.com", WrittenAt: time.Now()}
			m := &database.QueuedMessage{LoginID: login, MessageID: networkid.MessageID(event), PortalID: "dm:a@example.com", At: time.Now()}
			f := &database.QueuedFile{LoginID: login, EventID: event + "f", RoomID: "!r:x", Sender: matrixUser, PortalID: "dm:a@example.com", WrittenAt: time.Now()}
			_, ofIntake := db.Intake.Put(ctx, []*database.Received{r})
			added, ofMatrix := db.MatrixQueue.Put(ctx, e)
			addedToo, ofMSN := db.MSNQueue.Put(ctx, m)
			addedFile, ofFile := db.FileQueue.Put(ctx, f)
			if err := errors.Join(ofIntake, ofMatrix, ofMSN, ofFile); err != nil || !added || !addedToo || !addedFile {
				t.Error(n, added, addedToo, addedFile, err)
			}
			return [4]int64{r.Position, e.Position, m.Position, f.Position}
		}
		put(0)
		ahead := time.Now().Add(24 * time.Hour).UnixNano()
		for _, table := range []string{"intake", "matrix_queue", "msn_queue", "file_queue"} {
			if _, err := framework.Exec(ctx, "UPDATE "+table+" SET position=$1", ahead); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := framework.Exec(ctx, "UPDATE intake SET state='waiting'"); err != nil {
			t.Fatal(err)
		}
		if err := db.Learn(ctx); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var seen [4]map[int64]bool
		for i := range seen {
			seen[i] = make(map[int64]bool)
		}
		const many = 200
		var putting sync.WaitGroup
		for n := range many {
			putting.Go(func() {
				for i, position := range put(n + 1) {
					mu.Lock()
					if position <= ahead || seen[i][position] {
						t.Errorf("position %d is not new, or not behind %d", position, ahead)
					}
					seen[i][position] = true
					mu.Unlock()
				}
			})
		}
		putting.Wait()
	})
}
