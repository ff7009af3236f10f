package database_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// The texts of messages that were delivered are in no free part of the database file, with the
// setting that the example config has; without it they are.
func TestDeliveredTextsAreNotInTheFile(t *testing.T) {
	t.Parallel()
	const text = "nobody is to read this later"
	for setting, left := range map[string]bool{"&_secure_delete=on": false, "&_secure_delete=off": true} {
		path := filepath.Join(t.TempDir(), "test.db")
		open(t, "sqlite3-fk-wal-fullsync", "file:"+path+"?_txlock=immediate"+setting, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
			var events []*database.QueuedEvent
			for i := range 40 {
				e := &database.QueuedEvent{
					LoginID: login, EventID: id.EventID(fmt.Sprint("$", i)), RoomID: "!r:example.com", Sender: matrixUser,
					PortalID: "dm:bob@example.com", WrittenAt: time.Now(), Body: text,
				}
				if _, err := db.MatrixQueue.Put(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				events = append(events, e)
			}
			for _, e := range events {
				if removed, err := db.MatrixQueue.Remove(t.Context(), e); err != nil || !removed {
					t.Fatalf("removed: %v, %v", removed, err)
				}
			}
			if err := db.MatrixQueue.Exec(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(content, []byte(text)) != left {
				t.Errorf("%s: that the text is in the file is %v", setting, !left)
			}
		})
	}
}
