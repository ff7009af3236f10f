package database_test

import (
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/database"
)

// What is kept counts for an absence when it has arrived, once, and an absence that ends while something is
// kept begins anew.
func TestAbsenceCountsWhatArrived(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		const portal = "dm:bob@example.com"
		get := func() []*database.Absence {
			t.Helper()
			rows, err := db.Absence.Get(ctx, login, portal)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		hold := func(e *database.QueuedEvent) {
			t.Helper()
			if held, err := db.MatrixQueue.Hold(ctx, e, time.UnixMilli(1000)); err != nil || !held {
				t.Fatalf("held: %t, %v", held, err)
			}
			e.HeldAt = time.UnixMilli(1000)
		}
		first, second, third := putEvent(t, db, "$one"), putEvent(t, db, "$two"), putEvent(t, db, "$three")
		hold(first)
		hold(second)
		hold(second) // as after an answer that was lost
		if rows := get(); len(rows) != 1 || rows[0].EventID != "$one" || rows[0].Keeper != database.KeptByBridge || rows[0].Told || rows[0].Messages != 0 || rows[0].RoomID != "!r:x" {
			t.Fatalf("begun: %+v", rows)
		}
		must(db.Absence.Told(ctx, get()[0]))
		for e, outcome := range map[*database.QueuedEvent]database.EventOutcome{first: database.EventDelivered, second: database.EventRefused, third: database.EventDelivered} {
			must(db.Intake.SetOutcome(ctx, database.Received{EventID: e.EventID, RoomID: e.RoomID, Sender: e.Sender, Outcome: outcome, At: time.Now()}))
			for n, want := range []bool{true, false} {
				if removed, err := db.MatrixQueue.Remove(ctx, e); err != nil || removed != want {
					t.Errorf("%s removed for time %d: %t, %v", e.EventID, n, removed, err)
				}
			}
		}
		if rows := get(); len(rows) != 1 || !rows[0].Told || rows[0].Messages != 1 {
			t.Errorf("of one that was kept and arrived: %+v", rows)
		}
		fourth := putEvent(t, db, "$four")
		hold(fourth)
		if n, err := db.Absence.Held(ctx, login, portal); err != nil || n != 1 {
			t.Errorf("held are %d, %v", n, err)
		}
		must(db.Absence.End(ctx, get()[0]))
		if rows := get(); len(rows) != 1 || rows[0].EventID != "$four" || rows[0].Told || rows[0].Messages != 0 {
			t.Errorf("begun anew: %+v", rows)
		}
		must(db.Absence.Given(ctx, fourth, time.Now()))
		must(db.Absence.Given(ctx, fourth, time.Now()))
		if rows := get(); len(rows) != 2 || rows[1].Keeper != database.KeptByService || rows[1].Messages != 2 || !fourth.HeldAt.IsZero() {
			t.Errorf("given to the service: %+v", rows)
		}
		for _, row := range get() {
			must(db.Absence.End(ctx, row))
		}
		if portals, err := db.Absence.Portals(ctx, login); err != nil || len(portals) != 0 {
			t.Errorf("left are %q, %v", portals, err)
		}
	})
}
