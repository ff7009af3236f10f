package database_test

import (
	"errors"
	"strings"
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
		// In these it is only asked whether there is surely nothing.
		unless := func(none bool) (int, error) {
			if none {
				return 0, nil
			}
			return 1, nil
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
			"group_member": {
				func(db *database.Database) error {
					_, err := db.Group.Put(ctx, login, "g", "bob@example.com")
					return err
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					all, err := db.Group.GetAll(ctx, of)
					first, again := db.Group.First(ctx, of)
					with, third := db.Group.With(ctx, of, "bob@example.com")
					if len(first) != len(all) || len(with) != len(all) {
						t.Errorf("%d group chats, %d with a first member, %d with a contact", len(all), len(first), len(with))
					}
					return len(all), errors.Join(err, again, third)
				},
			},
			"group_space": {
				func(db *database.Database) error {
					return db.GroupSpace.Put(ctx, &database.GroupSpace{LoginID: login, GroupID: "1", RoomID: "!s:x"})
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					all, err := db.GroupSpace.GetAll(ctx, of)
					return len(all), err
				},
			},
			"spaces of groups, by whether there are none": {
				func(*database.Database) error { return nil }, // another one has put it
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					return unless(db.GroupSpace.None(of))
				},
			},
			"coming files, by whether there are none": {
				func(*database.Database) error { return nil },
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					return unless(db.ComingFile.None(of))
				},
			},
			"space of a login, by whether there is none": {
				func(db *database.Database) error {
					db.LoginSpace.Making(login)
					return framework.UserLogin.Update(ctx, &bridgedb.UserLogin{UserMXID: matrixUser, ID: login, SpaceRoom: "!space:x"})
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					return unless(db.LoginSpace.None(of))
				},
			},
			"picture": {
				func(db *database.Database) error {
					return db.Picture.Put(ctx, &database.Picture{LoginID: login, Source: "mxc://x/y"})
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					picture, err := db.Picture.Get(ctx, of)
					if picture == nil {
						return 0, err
					}
					return 1, err
				},
			},
			"file_coming": {
				func(db *database.Database) error {
					return db.ComingFile.Put(ctx, &database.ComingFile{LoginID: login, FileID: "f", PortalID: portal, At: time.Now()})
				},
				func(db *database.Database, of networkid.UserLoginID) (int, error) {
					all, err := db.ComingFile.All(ctx, of)
					return len(all), err
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
		if next.LoginSpace.None(other) || next.GroupSpace.None(other) || next.ComingFile.None(other) {
			t.Error("who has nothing is known before it was read")
		}
		for round := range 2 {
			for name := range tables {
				for _, db := range []*database.Database{db, next} {
					if round == 0 && db == next && strings.Contains(name, "by whether") {
						continue // it knows nothing yet
					}
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
