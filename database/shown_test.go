package database_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// withBob has a room and a ghost in the framework's tables, and returns what puts a message of theirs there.
func withBob(t *testing.T, framework *bridgedb.Database) (put func(networkid.MessageID, id.EventID) *bridgedb.Message) {
	t.Helper()
	key := networkid.PortalKey{ID: "dm:bob", Receiver: login}
	if err := framework.Ghost.Insert(t.Context(), &bridgedb.Ghost{ID: "home/bob", Metadata: map[string]any{}}); err != nil {
		t.Fatal(err)
	}
	if err := framework.Portal.Insert(t.Context(), &bridgedb.Portal{PortalKey: key, MXID: "!bob:x", Metadata: map[string]any{}}); err != nil {
		t.Fatal(err)
	}
	return func(message networkid.MessageID, event id.EventID) *bridgedb.Message {
		return &bridgedb.Message{ID: message, MXID: event, Room: key, SenderID: "home/bob", SenderMXID: "@bob:x", Timestamp: time.Now(), Metadata: map[string]any{}}
	}
}

func TestMessageLeavesTheQueueOnceTheFrameworkHasIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		message := withBob(t, framework)
		m := &database.QueuedMessage{LoginID: login, MessageID: "one", PortalID: "dm:bob", At: time.Now(), Owner: "run"}
		of := &database.QueuedMessage{LoginID: other, MessageID: "one", PortalID: "dm:bob", At: time.Now(), Owner: "run"}
		for _, row := range []*database.QueuedMessage{m, of} {
			if _, err := db.MSNQueue.Put(ctx, row); err != nil {
				t.Fatal(err)
			}
		}
		take := func(row *database.QueuedMessage, want bool) {
			t.Helper()
			if removed, err := db.MSNQueue.RemoveShown(ctx, row); err != nil || removed != want || row.Removed != want {
				t.Errorf("removed: %t, noted: %t, %v", removed, row.Removed, err)
			}
		}
		take(m, false) // Matrix does not have it
		if err := framework.Message.Insert(ctx, message("one", "$one")); err != nil {
			t.Fatal(err)
		}
		take(of, false) // it is another login's
		theirs := *m
		theirs.Owner = "another run"
		take(&theirs, false)
		take(m, true)
		if waits, err := db.MSNQueue.Has(ctx, login, "one"); err != nil || waits {
			t.Errorf("it waits: %t, %v", waits, err)
		}
		if removed, err := db.MSNQueue.RemoveShown(ctx, m); err != nil || removed || !m.Removed {
			t.Errorf("a second time: %t, %t, %v", removed, m.Removed, err)
		}
	})
}

// What is in Matrix is noted for the framework as it would do itself, and leaves the queue with that.
func TestMessageInMatrixIsNotedAsItLeavesTheQueue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		message := withBob(t, framework)
		row := func(name networkid.MessageID) *database.QueuedMessage {
			m := &database.QueuedMessage{LoginID: login, MessageID: name, PortalID: "dm:bob", At: time.Now(), Owner: "run"}
			if _, err := db.MSNQueue.Put(ctx, m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		note := func(m *database.QueuedMessage, as *bridgedb.Message, want bool) {
			t.Helper()
			if removed, err := db.MSNQueue.NoteShown(ctx, m, as); err != nil || removed != want || m.Removed {
				t.Errorf("%s: removed: %t, noted in the row: %t, %v", m.MessageID, removed, m.Removed, err)
			}
		}
		ours, theirs := message("ours", "$ours"), message("theirs", "$theirs")
		ours.PartID, ours.IsDoublePuppeted, ours.Metadata = "part", true, map[string]any{"pictures": 2.0}
		if err := framework.Message.Insert(ctx, theirs); err != nil {
			t.Fatal(err)
		}
		first := row("ours")
		note(first, ours, true)
		for _, want := range []*bridgedb.Message{ours, theirs} {
			got, err := framework.Message.GetAllPartsByID(ctx, login, want.ID)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d of %s, %v", len(got), want.ID, err)
			}
			has := *got[0]
			if has.MXID != want.MXID || has.PartID != want.PartID || has.Room != want.Room || has.SenderID != want.SenderID || has.SenderMXID != want.SenderMXID ||
				has.Timestamp.UnixNano() != want.Timestamp.UnixNano() || has.IsDoublePuppeted != want.IsDoublePuppeted || has.EditCount != 0 || has.RowID == 0 {
				t.Errorf("%+v is noted, and not %+v", has, want)
			}
			var text string
			var metadata map[string]any
			if err := framework.QueryRow(ctx, "SELECT metadata FROM message WHERE mxid=$1", want.MXID).Scan(&text); err != nil || json.Unmarshal([]byte(text), &metadata) != nil || !reflect.DeepEqual(metadata, want.Metadata) {
				t.Errorf("%q is noted, and not %v, %v", text, want.Metadata, err)
			}
		}
		note(first, ours, false) // once more
		note(row("theirs"), theirs, true)
		held := row("held")
		another := *held
		another.Owner = "another run"
		note(&another, message("held", "$held"), false) // it is in Matrix all the same
		if known, err := framework.Message.GetAllPartsByID(ctx, login, "held"); err != nil || len(known) != 1 {
			t.Errorf("%d are known, %v", len(known), err)
		}
		if waits, err := db.MSNQueue.Has(ctx, login, "held"); err != nil || !waits {
			t.Errorf("somebody else's waits: %t, %v", waits, err)
		}
		strange := message("strange", "$strange")
		strange.SenderID = "home/nobody"
		waiting := row("strange")
		if removed, err := db.MSNQueue.NoteShown(ctx, waiting, strange); err == nil || removed {
			t.Errorf("one of somebody without a ghost is removed: %t, %v", removed, err)
		}
		if waits, err := db.MSNQueue.Has(ctx, login, "strange"); err != nil || !waits {
			t.Errorf("what is not noted waits: %t, %v", waits, err)
		}
	})
}

// Many come into Matrix at once, and one of them cannot be noted: it alone stays.
func TestManyMessagesAreNotedAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		message := withBob(t, framework)
		const many, strange = 150, 77
		var noting sync.WaitGroup
		for n := range many {
			name := networkid.MessageID(fmt.Sprint("m", n))
			m := &database.QueuedMessage{LoginID: login, MessageID: name, PortalID: "dm:bob", At: time.Now(), Owner: "run"}
			if _, err := db.MSNQueue.Put(ctx, m); err != nil {
				t.Fatal(err)
			}
			as := message(name, id.EventID("$"+name))
			if n == strange {
				as.SenderID = "home/nobody"
			}
			noting.Go(func() {
				if removed, err := db.MSNQueue.NoteShown(ctx, m, as); (err == nil) != (n != strange) || removed != (n != strange) {
					t.Errorf("%s: %t, %v", name, removed, err)
				}
			})
		}
		noting.Wait()
		left, err := db.MSNQueue.ForPortal(ctx, login, "dm:bob", many)
		if err != nil || len(left) != 1 || left[0].MessageID != "m77" {
			t.Errorf("%d are left, %v", len(left), err)
		}
		if known, err := framework.Message.CountMessagesInPortal(ctx, message("", "").Room); err != nil || known != many-1 {
			t.Errorf("%d are known, %v", known, err)
		}
	})
}

// A connection plans a statement once, and queues are empty most of the time: it must not compare each row that waits with each that goes
// when they are long.
func TestRowsLeaveALongQueueByTheirHash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ *database.Database, framework *bridgedb.Database) {
		if framework.Dialect != dbutil.Postgres {
			return // SQLite looks each up in the index
		}
		conn, err := framework.RawDB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		exec := func(statement string) {
			t.Helper()
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		exec("ANALYZE")
		exec("SET plan_cache_mode=force_generic_plan")
		n := 0
		for statement, parameters := range database.TakenOut() {
			n++
			exec(fmt.Sprintf("PREPARE planned%d AS %s", n, statement))
			rows, err := conn.QueryContext(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE planned%d(%s)", n, strings.Repeat("NULL, ", parameters-1)+"NULL"))
			if err != nil {
				t.Fatal(err)
			}
			var plan []string
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, line)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(plan, "\n"); !strings.Contains(all, "hashed SubPlan") || strings.Contains(all, "Join") {
				t.Errorf("%.60s…\nis planned as\n%s", statement, all)
			}
		}
	})
}

// The framework knows for longer what was sent than the intake does.
func TestWhatWasSentIsNotQueuedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		message := withBob(t, framework)
		for _, event := range []id.EventID{"$sent", "$open"} {
			if _, err := db.Intake.Put(ctx, []*database.Received{{EventID: event, RoomID: "!bob:x", Sender: matrixUser, Content: "{}", At: time.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := framework.Message.Insert(ctx, message("sent", "$sent")); err != nil {
			t.Fatal(err)
		}
		heard := 0
		defer db.MatrixQueue.Listen(login, func(e *database.QueuedEvent) {
			if heard++; !e.New {
				t.Error("a new message is not called so")
			}
		})()
		for event, want := range map[id.EventID]bool{"$sent": false, "$open": true} {
			e := &database.QueuedEvent{LoginID: login, EventID: event, RoomID: "!bob:x", Sender: matrixUser, PortalID: "dm:bob", Body: "text", WrittenAt: time.Now()}
			if added, err := db.MatrixQueue.Put(ctx, e); err != nil || added != want || e.New != want {
				t.Errorf("%s: added %t, new %t, %v", event, added, e.New, err)
			}
			if received, err := db.Intake.Get(ctx, event); err != nil || received.State != database.ReceivedFinished {
				t.Errorf("%s is %+v, %v", event, received, err)
			}
		}
		if rows, err := db.MatrixQueue.ForPortal(ctx, login, "dm:bob", 0, 10); err != nil || len(rows) != 1 || rows[0].New || heard != 1 {
			t.Errorf("%d rows, heard of %d, %v", len(rows), heard, err)
		}
	})
}

func TestOutcomeIsNotedWithTheMessageOrNotAtAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		message := withBob(t, framework)
		outcome := func(event id.EventID) database.EventOutcome {
			t.Helper()
			received, err := db.Intake.Get(ctx, event)
			if err != nil {
				t.Fatal(err)
			}
			if received == nil {
				return ""
			}
			return received.Outcome
		}
		delivered := func(event id.EventID, m *bridgedb.Message) error {
			r := database.Received{EventID: event, RoomID: "!bob:x", Sender: matrixUser, Outcome: database.EventDelivered, At: time.Now()}
			return db.Intake.SetOutcomeWith(ctx, r, func(ctx context.Context) error { return framework.Message.Insert(ctx, m) })
		}
		if err := delivered("$one", message("one", "$one")); err != nil || outcome("$one") != database.EventDelivered {
			t.Errorf("%q, %v", outcome("$one"), err)
		}
		if err := delivered("$two", message("one", "$two")); !database.Refuses(err) || outcome("$two") != "" {
			t.Errorf("a message that is there: %q, %v", outcome("$two"), err)
		}
		homeless := message("three", "$three")
		homeless.Room.ID = "dm:nobody"
		if err := delivered("$three", homeless); !database.Refuses(err) || outcome("$three") != "" {
			t.Errorf("a message without a room: %q, %v", outcome("$three"), err)
		}
		if err := db.Intake.SetOutcomeWith(ctx, database.Received{EventID: "$four", Outcome: database.EventDelivered, At: time.Now()},
			func(context.Context) error { return errors.New("a whim") }); err == nil || outcome("$four") != "" {
			t.Errorf("%q, %v", outcome("$four"), err)
		}
	})
}
