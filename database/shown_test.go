package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

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
