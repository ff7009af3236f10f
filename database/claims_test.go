package database_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/database"
)

func putEvent(t *testing.T, db *database.Database, event id.EventID) *database.QueuedEvent {
	t.Helper()
	e := &database.QueuedEvent{LoginID: login, EventID: event, RoomID: "!r:x", Sender: matrixUser, PortalID: "dm:bob@example.com", WrittenAt: time.Now()}
	if added, err := db.MatrixQueue.Put(t.Context(), e); err != nil || !added {
		t.Fatalf("put: %v, %v", added, err)
	}
	return e
}

// Two runs of the bridge meet at one message: one of them gets it.
func TestMessageIsClaimedByOneRunAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		e := putEvent(t, db, "$e")
		seen := *e    // by the other run, before the claim
		for range 2 { // an answer that was lost
			e.Owner = ""
			if changed, err := db.MatrixQueue.SetOwner(ctx, e, "one"); err != nil || !changed || e.Owner != "one" {
				t.Fatalf("the first claims it: %v, %v, %+v", changed, err, e)
			}
		}
		other := seen
		if changed, err := db.MatrixQueue.SetOwner(ctx, &other, "two"); err != nil || changed || other.Owner != "" {
			t.Errorf("the second claims it: %v, %v, %+v", changed, err, other)
		}
		if changed, err := db.MatrixQueue.Hold(ctx, &database.QueuedEvent{LoginID: login, EventID: "$e", Owner: "two"}, time.Now()); err != nil || changed {
			t.Errorf("the second holds it: %v, %v", changed, err)
		}
		if removed, err := db.MatrixQueue.Remove(ctx, &seen); err != nil || removed {
			t.Errorf("the second removes it: %v, %v", removed, err)
		}
		if removed, err := db.MatrixQueue.Remove(ctx, e); err != nil || !removed {
			t.Errorf("the first removes it: %v, %v", removed, err)
		}
		if changed, err := db.MatrixQueue.SetOwner(ctx, e, ""); err != nil || changed {
			t.Errorf("what is gone is given back: %v, %v", changed, err)
		}
	})
}

func TestMessageThatIsHeldKeepsTheTimeOfTheFirstTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		e := putEvent(t, db, "$e")
		since := time.UnixMilli(1_000_000_000_123)
		for i := range 3 {
			if changed, err := db.MatrixQueue.SetOwner(ctx, e, "run"); err != nil || !changed {
				t.Fatal(changed, err)
			}
			if changed, err := db.MatrixQueue.Hold(ctx, e, since.Add(time.Duration(i)*time.Hour)); err != nil || !changed {
				t.Fatal(changed, err)
			}
		}
		got, err := db.MatrixQueue.ForPortal(ctx, login, e.PortalID, 0, 10)
		if err != nil || len(got) != 1 || !got[0].HeldAt.Equal(since) || got[0].Owner != "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// Who has read up to a position misses nothing, though all before it is gone.
func TestPositionsGrowThoughTheQueueIsEmptied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		var last int64
		for i := range 5 {
			e := putEvent(t, db, id.EventID(fmt.Sprint("$", i)))
			if e.Position <= last {
				t.Errorf("position %d after %d", e.Position, last)
			}
			rows, err := db.MatrixQueue.ForPortal(ctx, login, e.PortalID, last, 10)
			if err != nil || len(rows) != 1 || rows[0].EventID != e.EventID || rows[0].Position != e.Position {
				t.Errorf("behind %d are %+v, %v", last, rows, err)
			}
			last = e.Position
			if removed, err := db.MatrixQueue.Remove(ctx, e); err != nil || !removed {
				t.Fatal(removed, err)
			}
		}
		if portals, err := db.MatrixQueue.Portals(ctx, login); err != nil || len(portals) != 0 {
			t.Errorf("portals %v, %v", portals, err)
		}
	})
}

func TestIncomingMessagesAreTakenInOrderAndAgainByTheNextRun(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		for i := range 5 {
			m := &database.QueuedMessage{LoginID: login, MessageID: networkid.MessageID(fmt.Sprint("m", 9-i)), PortalID: "dm:bob@example.com", Body: fmt.Sprint(i), At: time.Now()}
			if _, err := db.MSNQueue.Put(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		first, err := db.MSNQueue.Take(ctx, login, "dm:bob@example.com", 0, 3, "one")
		if err != nil || len(first) != 3 {
			t.Fatalf("took %v, %v", first, err)
		}
		rest, err := db.MSNQueue.Take(ctx, login, "dm:bob@example.com", first[2].Position, 3, "one")
		if err != nil || len(rest) != 2 {
			t.Fatalf("took %v, %v", rest, err)
		}
		for i, m := range append(first, rest...) {
			if m.Body != fmt.Sprint(i) || m.Owner != "one" {
				t.Errorf("number %d is %+v", i, m)
			}
		}
		again, err := db.MSNQueue.Take(ctx, login, "dm:bob@example.com", 0, 10, "two")
		if err != nil || len(again) != 5 || again[0].Body != "0" || again[4].Body != "4" {
			t.Fatalf("the next run took %v, %v", again, err)
		}
		if removed, err := db.MSNQueue.Remove(ctx, first[0]); err != nil || removed {
			t.Errorf("the run before removes it: %v, %v", removed, err)
		}
		if removed, err := db.MSNQueue.Remove(ctx, again[0]); err != nil || !removed {
			t.Errorf("the next run removes it: %v, %v", removed, err)
		}
	})
}

func TestPageIsSentByItsOwnerOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		p := &database.Page{LoginID: login, PageID: "p", State: database.PageSending, WrittenAt: time.Now()}
		if err := db.Page.Put(ctx, p); err != nil {
			t.Fatal(err)
		}
		other := *p
		if changed, err := db.Page.SetOwner(ctx, p, "one"); err != nil || !changed {
			t.Fatal(changed, err)
		}
		other.SentAt = time.Now()
		if changed, err := db.Page.SetSent(ctx, &other); err != nil || changed {
			t.Errorf("somebody else sends it: %v, %v", changed, err)
		}
		for i, want := range []bool{true, false} {
			p.TrID, p.SentAt = uint32(i), time.UnixMilli(int64(1_000_000_000_000+i))
			if changed, err := db.Page.SetSent(ctx, p); err != nil || changed != want {
				t.Errorf("sent for the %d. time: %v, %v", i+1, changed, err)
			}
		}
		if ids, err := db.Page.UntoldIDs(ctx, login); err != nil || len(ids) != 1 || ids[0] != "p" {
			t.Errorf("untold are %q, %v", ids, err)
		}
	})
}

func TestWhoListensHearsOfTheNewMessagesOfTheirLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		var heard []id.EventID
		listen := func(of networkid.UserLoginID) func() {
			return db.MatrixQueue.Listen(of, func(e *database.QueuedEvent) { heard = append(heard, e.EventID) })
		}
		stop, stopOther := listen(login), listen(other)
		defer stopOther()
		putEvent(t, db, "$1")
		if _, err := db.MatrixQueue.Put(t.Context(), &database.QueuedEvent{LoginID: login, EventID: "$1"}); err != nil {
			t.Fatal(err)
		}
		stop()
		putEvent(t, db, "$2")
		if fmt.Sprint(heard) != "[$1]" {
			t.Errorf("heard of %q", heard)
		}
	})
}

// An admin sees in the tables why something waits.
func TestQueuesNoteWhyMessagesWait(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, raw *bridgedb.Database) {
		ctx := t.Context()
		m := &database.QueuedMessage{LoginID: login, MessageID: "m", PortalID: "dm:bob@example.com", At: time.Now()}
		if _, err := db.MSNQueue.Put(ctx, m); err != nil {
			t.Fatal(err)
		}
		e := putEvent(t, db, "$e")
		for _, why := range []error{errors.New("first"), errors.New("then \x00\xff" + strings.Repeat("x", 1000))} {
			if err := errors.Join(db.MSNQueue.Failed(ctx, m, why), db.MatrixQueue.Failed(ctx, e, why)); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"msn_queue", "matrix_queue"} {
			var attempts int
			var last string
			if err := raw.QueryRow(ctx, "SELECT attempts, last_error FROM "+table).Scan(&attempts, &last); err != nil {
				t.Fatal(err)
			}
			if attempts != 2 || !strings.HasPrefix(last, "then xxx") || len(last) > 500 {
				t.Errorf("%s has %d attempts, %.20q (%d bytes)", table, attempts, last, len(last))
			}
		}
		var queued int64
		if err := raw.QueryRow(ctx, "SELECT queued_at FROM msn_queue").Scan(&queued); err != nil || time.Since(time.UnixMilli(queued)) > time.Hour {
			t.Errorf("queued at %d, %v", queued, err)
		}
	})
}

// The answer to storing a message is lost, it is sent meanwhile, and then it is stored again.
func TestMessageThatHasItsOutcomeIsNotQueuedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		e := putEvent(t, db, "$e")
		putEvent(t, db, "$other")
		if err := db.Intake.SetOutcome(ctx, database.Received{EventID: "$e", Outcome: database.EventRefused, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if removed, err := db.MatrixQueue.Remove(ctx, e); err != nil || !removed {
			t.Fatalf("remove: %v, %v", removed, err)
		}
		again := *e
		if added, err := db.MatrixQueue.Put(ctx, &again); err != nil || added {
			t.Errorf("put again: %v, %v", added, err)
		}
		putEvent(t, db, "$next")
	})
}

// The clock is set back between two runs, or has stood still.
func TestReceivedEventsKeepTheirOrderWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		put := func(events ...id.EventID) {
			t.Helper()
			var rows []*database.Received
			for _, evt := range events {
				rows = append(rows, &database.Received{EventID: evt, RoomID: "!room", Sender: "@user", Content: "{}", At: time.Now()})
			}
			if open, err := db.Intake.Put(ctx, rows); err != nil || len(open) != len(events) {
				t.Fatalf("%d open, %v", len(open), err)
			}
		}
		put("$z", "$y")
		if _, err := framework.Exec(ctx, "UPDATE intake SET position=position+$1", time.Hour.Nanoseconds()); err != nil {
			t.Fatal(err)
		}
		if err := db.Learn(ctx); err != nil {
			t.Fatal(err)
		}
		put("$x", "$w", "$z") // $z is repeated
		waiting, err := db.Intake.InState(ctx, database.ReceivedWaiting, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var order []id.EventID
		for _, r := range waiting {
			order = append(order, r.EventID)
		}
		if want := []id.EventID{"$z", "$y", "$x", "$w"}; !slices.Equal(order, want) {
			t.Errorf("got %q", order)
		}
	})
}

// A process that hung for so long that another one has taken over takes nothing more from the homeserver: the other one would
// never hear of it.
func TestEventsAreStoredByTheHolderOfTheLeaseAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		t.Cleanup(func() { _, _ = framework.Exec(context.WithoutCancel(ctx), "DELETE FROM lease") })
		second := database.New("", framework.Database, dbutil.NoopLogger)
		put := func(by *database.Database, event id.EventID) error {
			open, err := by.Intake.Put(ctx, []*database.Received{{EventID: event, RoomID: "!room", Sender: "@user", Content: "{}", At: time.Now()}})
			if err == nil && len(open) != 1 {
				t.Errorf("%s: %d are open", event, len(open))
			}
			return err
		}
		if taken, err := db.Lease.Take(ctx, "", 0, "first"); err != nil || !taken {
			t.Fatal(taken, err)
		}
		if err := put(db, "$1"); err != nil {
			t.Error(err)
		}
		if taken, err := second.Lease.Take(ctx, "first", 1, "second"); err != nil || !taken {
			t.Fatal(taken, err)
		}
		if err := put(db, "$2"); !errors.Is(err, database.ErrUsurped) {
			t.Errorf("who has lost the lease stores: %v", err)
		}
		// Nor does it claim what the other works on.
		e := putEvent(t, db, "$e")
		if changed, err := db.MatrixQueue.SetOwner(ctx, e, "run"); err != nil || changed {
			t.Errorf("who has lost the lease claims: %v, %v", changed, err)
		}
		owned := &database.QueuedEvent{LoginID: login, EventID: "$owned", RoomID: "!r:x", Sender: matrixUser, PortalID: e.PortalID, WrittenAt: time.Now(), Owner: "run"}
		if added, err := db.MatrixQueue.Put(ctx, owned); err != nil || !added || owned.Owner != "" {
			t.Errorf("who has lost the lease claims what it puts: %t, %q, %v", added, owned.Owner, err)
		}
		m := &database.QueuedMessage{LoginID: login, MessageID: "m", PortalID: e.PortalID, At: time.Now()}
		if _, err := db.MSNQueue.Put(ctx, m); err != nil {
			t.Fatal(err)
		}
		if changed, err := db.MSNQueue.SetOwner(ctx, m, "run"); err != nil || changed {
			t.Errorf("who has lost the lease claims: %v, %v", changed, err)
		}
		for by, want := range map[*database.Database]int{db: 0, second: 1} {
			if taken, err := by.MSNQueue.Take(ctx, login, e.PortalID, 0, 10, "run"); err != nil || len(taken) != want {
				t.Errorf("took %d, want %d, %v", len(taken), want, err)
			}
		}
		if changed, err := second.MatrixQueue.SetOwner(ctx, e, "run"); err != nil || !changed {
			t.Errorf("who has it does not: %v, %v", changed, err)
		}
		// What is there can be said to be there.
		if err := put(db, "$1"); err != nil {
			t.Error(err)
		}
		if err := put(second, "$2"); err != nil {
			t.Error(err)
		}
	})
}

// A process hangs in the middle of a transaction: who takes over gets at its rows.
func TestTransactionOfWhoHangsIsEnded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		if framework.Dialect != dbutil.Postgres {
			if n, err := db.Lease.Evict(ctx, 0); n != 0 || err != nil {
				t.Errorf("evicted %d, %v", n, err)
			}
			return
		}
		putEvent(t, db, "$e")
		hung, err := framework.RawDB.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hung.ExecContext(ctx, "UPDATE matrix_queue SET body='changed'"); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Lease.Evict(ctx, time.Hour); n != 0 || err != nil {
			t.Errorf("of a transaction that works %d were evicted, %v", n, err)
		}
		if n, err := db.Lease.Evict(ctx, 0); n != 1 || err != nil {
			t.Errorf("evicted %d, %v", n, err)
		}
		if removed, err := db.MatrixQueue.Withdraw(ctx, login, "$e"); err != nil || !removed {
			t.Errorf("withdraw: %v, %v", removed, err)
		}
		if err := hung.Commit(); err == nil {
			t.Error("the transaction was not ended")
		}
	})
}

// Who has given no sign of life for as long as another process waits for one stores nothing more, of whatever kind: the other
// one would never hear of it. With the next sign of life it does again.
func TestWhoGivesNoSignOfLifeStoresNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, login)
		ctx := t.Context()
		puts := map[string]func() error{
			"a message of MSN": func() error {
				_, err := db.MSNQueue.Put(ctx, &database.QueuedMessage{LoginID: login, MessageID: networkid.MessageID(rand.Text()), PortalID: "dm:bob@example.com", At: time.Now()})
				return err
			},
			"a text": func() error {
				_, err := db.MatrixQueue.Put(ctx, &database.QueuedEvent{LoginID: login, EventID: id.EventID(rand.Text()), PortalID: "dm:bob@example.com", WrittenAt: time.Now()})
				return err
			},
			"a file": func() error {
				_, err := db.FileQueue.Put(ctx, &database.QueuedFile{LoginID: login, EventID: id.EventID(rand.Text()), PortalID: "dm:bob@example.com", WrittenAt: time.Now()})
				return err
			},
			"a page": func() error {
				return db.Page.Put(ctx, &database.Page{LoginID: login, PageID: rand.Text(), State: database.PageSending, WrittenAt: time.Now(), UpdatedAt: time.Now()})
			},
			"who has come": func() error {
				return db.GroupChange.Put(ctx, &database.GroupChange{LoginID: login, GroupID: "group", Account: rand.Text()})
			},
		}
		all := func(want error) {
			t.Helper()
			for what, put := range puts {
				if err := put(); !errors.Is(err, want) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if held := db.Intake.Held(); held != (want == nil) {
				t.Errorf("held is %t", held)
			}
		}
		all(nil)
		if taken, err := db.Lease.Take(ctx, "", 0, "first"); err != nil || !taken {
			t.Fatal(taken, err)
		}
		time.Sleep(database.LeaseLasts - time.Millisecond)
		all(nil)
		time.Sleep(time.Millisecond)
		all(database.ErrUsurped)
		if ours, err := db.Lease.Beat(ctx, "first"); err != nil || !ours {
			t.Fatal(ours, err)
		}
		all(nil)
		if ours, err := db.Lease.Beat(ctx, "another"); err != nil || ours {
			t.Fatal(ours, err)
		}
		time.Sleep(database.LeaseLasts)
		all(database.ErrUsurped)
	})
}
