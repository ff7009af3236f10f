package queuetest

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // registers the driver
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

// Statements counts what a database is asked for.
type Statements struct {
	dbutil.DatabaseLogger
	atomic.Int64
}

// QueryTiming implements dbutil.DatabaseLogger.
func (s *Statements) QueryTiming(_ context.Context, method, _ string, _ []any, _ int, _ time.Duration, _ error) {
	if method != "EndRows" { // which tells of a query for the second time
		s.Add(1)
	}
}

// OpenDatabase opens a new database on disk with logins. It is closed with the test.
func OpenDatabase(t testing.TB, logins ...networkid.UserLoginID) (*database.Database, *Statements) {
	t.Helper()
	ctx := context.Background()
	statements := &Statements{DatabaseLogger: dbutil.NoopLogger}
	raw, err := dbutil.NewFromConfig("test", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "test.db") + "?_txlock=immediate", MaxOpenConns: 4, MaxIdleConns: 1,
	}}, statements)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	framework := bridgedb.New("", bridgedb.MetaTypes{}, raw)
	if err := framework.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	db := database.New("", raw, statements)
	if err := db.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	if err := framework.User.Insert(ctx, &bridgedb.User{MXID: "@user:x"}); err != nil {
		t.Fatal(err)
	}
	for _, login := range logins {
		if err := framework.UserLogin.Insert(ctx, &bridgedb.UserLogin{UserMXID: "@user:x", ID: login}); err != nil {
			t.Fatal(err)
		}
	}
	return db, statements
}
