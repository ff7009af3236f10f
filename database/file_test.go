package database_test

import (
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

func fileOf(event id.EventID) *database.QueuedFile {
	return &database.QueuedFile{
		LoginID: login, EventID: event, RoomID: "!r:x", Sender: matrixUser, PortalID: "dm:bob@example.com", Content: `{"url":"mxc://x/y"}`,
		Body: "look ♥", Format: "EF=B", Instead: "a file", WrittenAt: time.UnixMilli(1000), QueuedAt: time.UnixMilli(2000),
	}
}

// A file is queued once, in the place of its event, until what became of it is known, and one run
// alone gets it.
func TestFileIsQueuedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		if _, err := db.Intake.Put(ctx, []*database.Received{{EventID: "$1", RoomID: "!r:x", Sender: matrixUser, Content: "{}", At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		var taken []id.EventID
		db.FileQueue.Taken = func(event id.EventID) { taken = append(taken, event) }
		put := func(event id.EventID, want bool) *database.QueuedFile {
			t.Helper()
			f := fileOf(event)
			if added, err := db.FileQueue.Put(ctx, f); err != nil || added != want {
				t.Fatalf("put %s: %v, %v", event, added, err)
			}
			return f
		}
		first, second := put("$1", true), put("$2", true)
		put("$1", false)
		if received, err := db.Intake.Get(ctx, "$1"); err != nil || received.State != database.ReceivedFinished || len(taken) != 3 {
			t.Errorf("the event is %+v, %v; taken %v", received, err, taken)
		}
		all, err := db.FileQueue.ForPortal(ctx, login, first.PortalID, 0, 10)
		if err != nil || len(all) != 2 || *all[0] != *first || *all[1] != *second || first.Position >= second.Position {
			t.Errorf("queued are %+v, %v", all, err)
		}
		if behind, err := db.FileQueue.ForPortal(ctx, login, first.PortalID, first.Position, 10); err != nil || len(behind) != 1 {
			t.Errorf("behind the first are %v, %v", behind, err)
		}
		if portals, err := db.FileQueue.Portals(ctx, login); err != nil || len(portals) != 1 || portals[0] != first.PortalID {
			t.Errorf("portals are %v, %v", portals, err)
		}
		other := *first
		if changed, err := db.FileQueue.SetOwner(ctx, first, "one"); err != nil || !changed || first.Owner != "one" {
			t.Errorf("claimed %v, %v", changed, err)
		}
		if changed, err := db.FileQueue.SetOwner(ctx, &other, "two"); err != nil || changed {
			t.Errorf("claimed by another %v, %v", changed, err)
		}
		if withdrawn, err := db.FileQueue.Withdraw(ctx, login, "$1"); err != nil || withdrawn {
			t.Errorf("withdrawn while it is under way %v, %v", withdrawn, err)
		}
		if withdrawn, err := db.FileQueue.Withdraw(ctx, login, "$2"); err != nil || !withdrawn {
			t.Errorf("withdrawn %v, %v", withdrawn, err)
		}
		if removed, err := db.FileQueue.Remove(ctx, &other); err != nil || removed {
			t.Errorf("removed by another %v, %v", removed, err)
		}
		// Who says that it is to be sent again waits until it is done with.
		failed := database.Received{EventID: "$1", RoomID: "!r:x", Sender: matrixUser, Outcome: database.EventRefused, At: time.Now()}
		if err := db.Intake.SetOutcome(ctx, failed); err != nil {
			t.Fatal(err)
		}
		again := func(want bool) {
			t.Helper()
			row := *first
			row.Owner = ""
			if added, err := db.FileQueue.PutAgain(ctx, &row, database.EventRefused); err != nil || added != want {
				t.Errorf("put again %v, %v", added, err)
			}
		}
		again(false)
		if removed, err := db.FileQueue.Remove(ctx, first); err != nil || !removed {
			t.Errorf("removed %v, %v", removed, err)
		}
		put("$1", false) // the homeserver repeats it
		again(true)
		putEvent(t, db, "$3")
		put("$3", false) // a text has taken its place
		if none, err := db.FileQueue.Get(ctx, login, "$3"); err != nil || none != nil {
			t.Errorf("got %v, %v", none, err)
		}
	})
}

// What is said of a file, and that it is not coming any more, are stored together.
func TestComingFileIsSettledWithWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		file := &database.ComingFile{LoginID: login, FileID: "chat/1", PortalID: "dm:bob@example.com", Sender: "bob@example.com", Name: "a ♥.txt", At: time.UnixMilli(1000)}
		dropped := *file
		dropped.FileID = "chat/2"
		for _, f := range []*database.ComingFile{file, file, &dropped} {
			if err := db.ComingFile.Put(ctx, f); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.ComingFile.Drop(ctx, login, "chat/2"); err != nil {
			t.Fatal(err)
		}
		if all, err := db.ComingFile.All(ctx, login); err != nil || len(all) != 1 || *all[0] != *file {
			t.Errorf("coming are %v, %v", all, err)
		}
		if others, err := db.ComingFile.All(ctx, other); err != nil || len(others) != 0 {
			t.Errorf("those of another are %v, %v", others, err)
		}
		m := &database.QueuedMessage{LoginID: login, MessageID: "chat/1", PortalID: file.PortalID, Sender: file.Sender, At: time.Now(), Body: "{}", GroupSize: 1, Kind: database.FileQueued}
		for i, want := range []bool{true, false} {
			if added, err := db.ComingFile.Settle(ctx, "chat/1", m); err != nil || added != want {
				t.Errorf("settled %d times: %v, %v", i+1, added, err)
			}
		}
		if all, err := db.ComingFile.All(ctx, login); err != nil || len(all) != 0 {
			t.Errorf("coming are %v, %v", all, err)
		}
		if queued, err := db.MSNQueue.ForPortal(ctx, login, file.PortalID, 10); err != nil || len(queued) != 1 || queued[0].Kind != database.FileQueued {
			t.Errorf("queued are %v, %v", queued, err)
		}
	})
}
