package database_test

import (
	"errors"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

// What is put into a table is found whether or not it was asked before who has something there, by this process and by the next one.
func TestWhoHasSomethingFindsIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		const portal = "dm:bob@example.com"
		held := func(db *database.Database) error {
			e := &database.QueuedEvent{LoginID: login, EventID: "$held", RoomID: "!r:x", PortalID: portal, WrittenAt: time.Now()}
			_, put := db.MatrixQueue.Put(ctx, e)
			_, kept := db.MatrixQueue.Hold(ctx, e, time.Now())
			return errors.Join(put, kept)
		}
		tables := map[string]struct {
			put func(*database.Database) error
			has func(*database.Database, networkid.UserLoginID) (int, error)
		}{
			"msn_queue": {
				func(db *database.Database) error {
					_, err := db.MSNQueue.Put(ctx, &database.QueuedMessage{LoginID: login, MessageID: "m", PortalID: portal})
					return err
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					waits, err := db.MSNQueue.Portals(ctx, of)
					roomless, again := db.MSNQueue.Roomless(ctx, of)
					if len(roomless) != len(waits) {
						t.Errorf("%d rooms, of which %d are not made", len(waits), len(roomless))
					}
					return len(waits), errors.Join(err, again)
				},
			},
			"matrix_queue": {held, func(db *database.Database, of networkid.UserLoginID) (int, error) {
				waits, err := db.MatrixQueue.Portals(ctx, of)
				return len(waits), err
			}},
			"absence": {held, func(db *database.Database, of networkid.UserLoginID) (int, error) {
				waits, err := db.Absence.Portals(ctx, of)
				return len(waits), err
			}},
			"file_queue": {
				func(db *database.Database) error {
					_, err := db.FileQueue.Put(ctx, &database.QueuedFile{LoginID: login, EventID: "$f", RoomID: "!r:x", PortalID: portal, WrittenAt: time.Now()})
					return err
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					waits, err := db.FileQueue.Portals(ctx, of)
					return len(waits), err
				},
			},
			"page": {
				func(db *database.Database) error {
					return db.Page.Put(ctx, &database.Page{LoginID: login, PageID: "p", WrittenAt: time.Now()})
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					waits, err := db.Page.UntoldIDs(ctx, of)
					return len(waits), err
				},
			},
			"group_change": {
				func(db *database.Database) error {
					return db.GroupChange.Put(ctx, &database.GroupChange{LoginID: login, GroupID: "g", Account: "bob@example.com"})
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					waits, err := db.GroupChange.Groups(ctx, of)
					return len(waits), err
				},
			},
		}
		holds := func(name string, db *database.Database, of networkid.UserLoginID, want int) {
			t.Helper()
			if n, err := tables[name].has(db, of); err != nil || n != want {
				t.Errorf("%s of %s: %d, not %d, %v", name, of, n, want, err)
			}
		}
		if err := db.Learn(ctx); err != nil {
			t.Fatal(err)
		}
		for name := range tables {
			holds(name, db, login, 0)
		}
		for name, table := range tables {
			if err := table.put(db); err != nil {
				t.Fatal(name, err)
			}
		}
		next := database.New("", framework.Database, dbutil.NoopLogger)
		for range 2 {
			for name := range tables {
				for _, db := range []*database.Database{db, next} {
					holds(name, db, login, 1)
					holds(name, db, other, 0)
				}
			}
			if err := next.Learn(ctx); err != nil {
				t.Fatal(err)
			}
		}
	})
}
