package database_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // registers the driver
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
	"matrix-msn/internal/postgrestest"
)

const (
	login = networkid.UserLoginID("home/alice@example.com")
	other = networkid.UserLoginID("home/bob@example.com")

	matrixUser = "@user:example.com"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// each runs a test on SQLite, and on PostgreSQL where it is installed.
func each(t *testing.T, test func(t *testing.T, db *database.Database, framework *bridgedb.Database)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		uri := "file:" + filepath.Join(t.TempDir(), "test.db") + "?_txlock=immediate"
		open(t, "sqlite3-fk-wal", uri, test)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		open(t, "postgres", postgrestest.URI(t), test)
	})
}

func open(t *testing.T, driver, uri string, test func(*testing.T, *database.Database, *bridgedb.Database)) {
	ctx := t.Context()
	raw, err := dbutil.NewFromConfig("test", database.Tuned(dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: driver, URI: uri, MaxOpenConns: 4, MaxIdleConns: 1,
	}}), dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	framework := bridgedb.New("", bridgedb.MetaTypes{}, raw)
	if err := framework.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	db := database.New("", raw, dbutil.NoopLogger)
	for range 2 { // the second time there is nothing to do
		if err := db.Upgrade(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if user, err := framework.User.GetByMXID(ctx, matrixUser); err != nil {
		t.Fatal(err)
	} else if user == nil {
		if err := framework.User.Insert(ctx, &bridgedb.User{MXID: matrixUser}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []networkid.UserLoginID{login, other} {
		if err := framework.UserLogin.Insert(ctx, &bridgedb.UserLogin{UserMXID: matrixUser, ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, id := range []networkid.UserLoginID{login, other} {
			if err := framework.UserLogin.Delete(context.WithoutCancel(ctx), id); err != nil {
				t.Error(err)
			}
		}
		if _, err := framework.Exec(context.WithoutCancel(ctx), `DELETE FROM intake`); err != nil { // belongs to no login
			t.Error(err)
		}
	})
	test(t, db, framework)
}

func TestContactsAreReplacedChangedAndKeptApart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		bob := &database.Contact{LoginID: login, Account: "bob@example.com", Name: "Bob ♥", Lists: 11}
		eve := &database.Contact{LoginID: login, Account: "eve@example.com", Name: "", Lists: 8}
		theirs := &database.Contact{LoginID: other, Account: "bob@example.com", Name: "Another Bob", Lists: 1}
		for id, contacts := range map[networkid.UserLoginID][]*database.Contact{login: {eve, bob}, other: {theirs}} {
			if err := db.Contact.ReplaceAll(ctx, id, contacts); err != nil {
				t.Fatal(err)
			}
		}
		got, err := db.Contact.GetAll(ctx, login)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || *got[0] != *bob || *got[1] != *eve {
			t.Errorf("got %v", got)
		}
		seen := make(map[string]database.Contact)
		err = db.Contact.Each(ctx, login, func(account, name string, lists int) bool {
			seen[account] = database.Contact{LoginID: login, Account: account, Name: name, Lists: lists}
			return true
		})
		if err != nil || len(seen) != 2 || seen[bob.Account] != *bob || seen[eve.Account] != *eve {
			t.Errorf("seen %v, %v", seen, err)
		}
		clear(seen)
		err = db.Contact.Each(ctx, login, func(account, _ string, _ int) bool {
			seen[account] = database.Contact{}
			return false
		})
		if err != nil || len(seen) != 1 {
			t.Errorf("seen %v before it was to end, %v", seen, err)
		}
		bob.Name = "Robert"
		if err := db.Contact.Put(ctx, bob); err != nil {
			t.Fatal(err)
		}
		if again, err := db.Contact.Get(ctx, login, bob.Account); err != nil || *again != *bob {
			t.Errorf("got %v, %v", again, err)
		}
		if none, err := db.Contact.Get(ctx, login, "nobody@example.com"); err != nil || none != nil {
			t.Errorf("got %v, %v", none, err)
		}
		if err := db.Contact.ReplaceAll(ctx, login, nil); err != nil {
			t.Fatal(err)
		}
		if left, err := db.Contact.GetAll(ctx, other); err != nil || len(left) != 1 {
			t.Errorf("the other login has %v, %v", left, err)
		}
	})
}

func TestQueueKeepsOrderAndTakesEachMessageOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000_000_123)
		for i := range 5 {
			m := &database.QueuedMessage{LoginID: login, MessageID: networkid.MessageID(fmt.Sprint("m", 5-i)),
				PortalID: "dm:bob@example.com", Sender: "bob@example.com", At: at, Body: fmt.Sprint("text ", i), GroupSize: 1}
			for _, first := range []bool{true, false} {
				if added, err := db.MSNQueue.Put(ctx, m); err != nil || added != first {
					t.Fatalf("put: %v, %v", added, err)
				}
			}
		}
		elsewhere := &database.QueuedMessage{LoginID: login, MessageID: "e", PortalID: "dm:eve@example.com", At: at}
		if _, err := db.MSNQueue.Put(ctx, elsewhere); err != nil {
			t.Fatal(err)
		}
		got, err := db.MSNQueue.ForPortal(ctx, login, "dm:bob@example.com", 10)
		if err != nil || len(got) != 5 {
			t.Fatalf("got %v, %v", got, err)
		}
		for i, m := range got {
			if m.Body != fmt.Sprint("text ", i) || !m.At.Equal(at) {
				t.Errorf("number %d is %+v", i, m)
			}
		}
		if portals, err := db.MSNQueue.Portals(ctx, login); err != nil || len(portals) != 2 {
			t.Errorf("portals %v, %v", portals, err)
		}
		if removed, err := db.MSNQueue.Remove(ctx, got[0]); err != nil || !removed {
			t.Fatal(removed, err)
		}
		if n, err := db.MSNQueue.Count(ctx, login, "dm:bob@example.com"); err != nil || n != 4 {
			t.Errorf("%d left, %v", n, err)
		}
		if none, err := db.MSNQueue.Portals(ctx, other); err != nil || len(none) != 0 {
			t.Errorf("the other login has %v, %v", none, err)
		}
	})
}

func TestEventsKeepTheirOrderAndWhoHasClaimedThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000_000_123)
		var events []*database.QueuedEvent
		for i := range 3 {
			e := &database.QueuedEvent{LoginID: login, EventID: id.EventID(fmt.Sprint("$", 9-i)), RoomID: "!r:x", Sender: matrixUser,
				PortalID: "dm:bob@example.com", Body: fmt.Sprint("text ", i), Format: "EF=B", WrittenAt: at}
			for _, first := range []bool{true, false} {
				if added, err := db.MatrixQueue.Put(ctx, e); err != nil || added != first {
					t.Fatalf("put: %v, %v", added, err)
				}
			}
			events = append(events, e)
		}
		if changed, err := db.MatrixQueue.SetOwner(ctx, events[1], "run"); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if removed, err := db.MatrixQueue.Remove(ctx, events[0]); err != nil || !removed {
			t.Fatal(removed, err)
		}
		got, err := db.MatrixQueue.GetAll(ctx, login)
		if err != nil || len(got) != 2 {
			t.Fatalf("got %v, %v", got, err)
		}
		if got[0].Body != "text 1" || got[0].Owner != "run" || got[1].Body != "text 2" || got[1].Owner != "" || !got[1].WrittenAt.Equal(at) {
			t.Errorf("got %+v, %+v", got[0], got[1])
		}
	})
}

func TestRowsGoWithTheirLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		if err := db.Contact.Put(ctx, &database.Contact{LoginID: login, Account: "bob@example.com"}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.MSNQueue.Put(ctx, &database.QueuedMessage{LoginID: login, MessageID: "m"}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.MatrixQueue.Put(ctx, &database.QueuedEvent{LoginID: login, EventID: "$e"}); err != nil {
			t.Fatal(err)
		}
		if err := framework.UserLogin.Delete(ctx, login); err != nil {
			t.Fatal(err)
		}
		if events, err := db.MatrixQueue.GetAll(ctx, login); err != nil || len(events) != 0 {
			t.Errorf("events %v, %v", events, err)
		}
		contacts, err := db.Contact.GetAll(ctx, login)
		if err != nil || len(contacts) != 0 {
			t.Errorf("contacts %v, %v", contacts, err)
		}
		queued, err := db.MSNQueue.Portals(ctx, login)
		if err != nil || len(queued) != 0 {
			t.Errorf("queue %v, %v", queued, err)
		}
	})
}
