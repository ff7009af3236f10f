package database_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/database"
)

// openV1 opens a database as the first version of the bridge left it, with a message
// in each queue and a contact.
func openV1(t *testing.T) *dbutil.Database {
	t.Helper()
	ctx := t.Context()
	uri := "file:" + filepath.Join(t.TempDir(), "test.db") + "?_txlock=immediate"
	raw, err := dbutil.NewFromConfig("test", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: uri, MaxOpenConns: 4, MaxIdleConns: 1,
	}}, dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	framework := bridgedb.New("", bridgedb.MetaTypes{}, raw)
	if err := framework.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	if err := framework.User.Insert(ctx, &bridgedb.User{MXID: matrixUser}); err != nil {
		t.Fatal(err)
	}
	if err := framework.UserLogin.Insert(ctx, &bridgedb.UserLogin{UserMXID: matrixUser, ID: login}); err != nil {
		t.Fatal(err)
	}
	schema, err := os.ReadFile("testdata/v1.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE TABLE msn_version (version INTEGER, compat INTEGER)",
		"INSERT INTO msn_version (version, compat) VALUES (1, 1)",
		string(schema),
		`INSERT INTO contact VALUES ('', 'home/alice@example.com', 'bob@example.com', 'Bob', 11)`,
		`INSERT INTO msn_queue VALUES ('', 'home/alice@example.com', 'chat/1', 1, 'dm:bob@example.com', 'bob@example.com', 1000, 'first', 'EF=B', 1)`,
		`INSERT INTO msn_queue VALUES ('', 'home/alice@example.com', 'chat/2', 2, 'dm:bob@example.com', 'bob@example.com', 2000, 'second', '', 3)`,
		`INSERT INTO matrix_queue VALUES ('', 'home/alice@example.com', '$e', 1, '!r:x', '@u:x', 'dm:bob@example.com', 'out', '', 3000, true)`,
		`INSERT INTO matrix_queue VALUES ('', 'home/alice@example.com', '$f', 2, '!r:x', '@u:x', 'dm:bob@example.com', 'next', '', 4000, false)`,
	} {
		if _, err := raw.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return raw
}

func TestWhatAnOlderBridgeLeftIsKeptWhenTheTablesAreUpgraded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := database.New("", openV1(t), dbutil.NoopLogger)
	if err := db.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	queue, err := db.MSNQueue.ForPortal(ctx, login, "dm:bob@example.com", 10)
	if err != nil || len(queue) != 2 {
		t.Fatalf("the queue holds %v, %v", queue, err)
	}
	first := database.QueuedMessage{LoginID: login, MessageID: "chat/1", Position: 1, PortalID: "dm:bob@example.com", Sender: "bob@example.com",
		At: time.UnixMilli(1000), Body: "first", Format: "EF=B", GroupSize: 1, Kind: database.QueuedText}
	if !reflect.DeepEqual(*queue[0], first) || queue[1].Kind != database.QueuedText || queue[1].GroupSize != 3 {
		t.Errorf("the queue holds %+v, %+v", queue[0], queue[1])
	}
	events, err := db.MatrixQueue.GetAll(ctx, login)
	if err != nil || len(events) != 2 || events[0].Body != "out" || events[0].Owner == "" || events[1].Body != "next" || events[1].Owner != "" {
		t.Errorf("to send are %v, %v", events, err)
	}
	if contact, err := db.Contact.Get(ctx, login, "bob@example.com"); err != nil || contact == nil || contact.Name != "Bob" {
		t.Errorf("the contact is %v, %v", contact, err)
	}
	if added, err := db.Alert.Put(ctx, &database.Alert{LoginID: login, AlertID: "a"}, nil); err != nil || !added {
		t.Errorf("an alert was stored: %v, %v", added, err)
	}
}

// A new database and an upgraded one must not differ.
func TestUpgradedTablesAreThoseOfANewDatabase(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	upgraded := openV1(t)
	if err := database.New("", upgraded, dbutil.NoopLogger).Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	raw, err := dbutil.NewFromConfig("test", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "new.db") + "?_txlock=immediate", MaxOpenConns: 4, MaxIdleConns: 1,
	}}, dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	if err := bridgedb.New("", bridgedb.MetaTypes{}, raw).Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	if err := database.New("", raw, dbutil.NoopLogger).Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"contact", "msn_queue", "matrix_queue", "alert", "page", "invitation", "group_member", "group_change", "intake", "lease", "presence", "profile_status", "group_space", "prompt", "object", "picture", "file_queue", "file_coming", "absence"} {
		want, got := columns(t, raw, table), columns(t, upgraded, table)
		if len(want) == 0 || !slices.Equal(want, got) {
			t.Errorf("%s has the columns %v after the upgrade, %v when it is new", table, got, want)
		}
	}
	if want, got := indexes(t, raw), indexes(t, upgraded); len(want) == 0 || !slices.Equal(want, got) {
		t.Errorf("after the upgrade there are the indexes %v, when it is new %v", got, want)
	}
}

func indexes(t *testing.T, db *dbutil.Database) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT sql FROM sqlite_master WHERE type='index' AND sql<>'' ORDER BY name")
	all, err := dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[string], err).AsList()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func columns(t *testing.T, db *dbutil.Database, table string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT name || ' ' || type || ' ' || \"notnull\" FROM pragma_table_info($1)", table)
	all, err := dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[string], err).AsList()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
