package database_test

import (
	"path/filepath"
	"testing"

	"go.mau.fi/util/dbutil"

	"matrix-msn/database"
)

func TestSQLiteKeepsItsStatements(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"file:a.db":                   "file:a.db", // the framework says how to write it
		"a.db":                        "a.db",
		"file:a.db?_txlock=immediate": "file:a.db?_txlock=immediate&_stmt_cache_size=256",
		"file:a.db?_txlock=immediate&_stmt_cache_size=0":   "file:a.db?_txlock=immediate&_stmt_cache_size=0",
		"file:a.db?_txlock=immediate&x=%zz":                "file:a.db?_txlock=immediate&x=%zz",
		"file:a.db?_txlock=immediate&x_stmt_cache_size=12": "file:a.db?_txlock=immediate&x_stmt_cache_size=12&_stmt_cache_size=256",
	} {
		for _, of := range []string{"sqlite3-fk-wal", "sqlite3-fk-wal-fullsync", "litestream"} {
			if got := database.Tuned(dbutil.Config{PoolConfig: dbutil.PoolConfig{Type: of, URI: uri}}); got.URI != want || got.Type != of {
				t.Errorf("%s of %s becomes %s of %s, not %s", uri, of, got.URI, got.Type, want)
			}
		}
	}
}

func TestConnectionsStayOpen(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct{ given, want dbutil.PoolConfig }{
		"the framework's default": {dbutil.PoolConfig{MaxOpenConns: 5, MaxIdleConns: 1}, dbutil.PoolConfig{MaxOpenConns: 5, MaxIdleConns: 5, ConnMaxIdleTime: "5m"}},
		"a time of their own":     {dbutil.PoolConfig{MaxOpenConns: 5, MaxIdleConns: 1, ConnMaxIdleTime: "1m"}, dbutil.PoolConfig{MaxOpenConns: 5, MaxIdleConns: 5, ConnMaxIdleTime: "1m"}},
		"all stay open":           {dbutil.PoolConfig{MaxOpenConns: 5, MaxIdleConns: 5}, dbutil.PoolConfig{MaxOpenConns: 5, MaxIdleConns: 5}},
		"no limit":                {dbutil.PoolConfig{MaxIdleConns: 2}, dbutil.PoolConfig{MaxIdleConns: 2}},
	} {
		if got := database.Tuned(dbutil.Config{PoolConfig: of.given}); got.PoolConfig != of.want {
			t.Errorf("%s: %+v", name, got.PoolConfig)
		}
	}
}

// A statement that is kept is one of the tables as they are now, and of the values that it is given now.
func TestKeptStatementsSeeChangedTables(t *testing.T) {
	t.Parallel()
	db, err := dbutil.NewFromConfig("test", database.Tuned(dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "a.db") + "?_txlock=immediate", MaxOpenConns: 1, MaxIdleConns: 1,
	}}), dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT)")
	const put = "INSERT INTO texts (number, text) VALUES ($1, $2)"
	exec(put, 1, "one")
	read := func() (columns int, text string) {
		t.Helper()
		rows, err := db.Query(t.Context(), "SELECT * FROM texts WHERE text LIKE $1 ORDER BY number", "t%")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			into := make([]any, len(names))
			for i := range into {
				into[i] = new(any)
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			text += (*into[1].(*any)).(string)
		}
		return len(names), text
	}
	if columns, text := read(); columns != 2 || text != "" {
		t.Errorf("%d columns and %q", columns, text)
	}
	exec("ALTER TABLE texts ADD COLUMN more TEXT NOT NULL DEFAULT ''")
	exec(put, 2, "two")
	exec(put, 3, "three")
	if columns, text := read(); columns != 3 || text != "twothree" {
		t.Errorf("%d columns and %q after a change of the table", columns, text)
	}
}
