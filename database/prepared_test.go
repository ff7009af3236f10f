package database_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"
	"go.mau.fi/util/dbutil"

	"matrix-msn/database"
	"matrix-msn/internal/postgrestest"
)

// prepared opens a database of its own at PostgreSQL, as the bridge does.
func prepared(t *testing.T, connections int) *dbutil.Database {
	db, err := dbutil.NewFromConfig("test", database.Tuned(dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "postgres", URI: postgrestest.URI(t), MaxOpenConns: connections, MaxIdleConns: connections,
	}}), dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if db.Dialect != dbutil.Postgres {
		t.Fatalf("the framework takes it for %v", db.Dialect)
	}
	return db
}

func mustExec(t *testing.T, db *dbutil.Database, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func scan[T any](t *testing.T, db *dbutil.Database, query string, args ...any) (value T) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query, args...).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

const countPrepared = "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE '%texts%'"

func TestPostgresPreparesEachStatementOnce(t *testing.T) {
	t.Parallel()
	db := prepared(t, 1)
	mustExec(t, db, "CREATE TABLE texts (number BIGINT PRIMARY KEY, text TEXT, bytes bytea, more jsonb)")
	const put = "INSERT INTO texts (number, text, bytes, more) VALUES ($1, $2, $3, $4)"
	for n := range 10 {
		// What a text, bytes and JSON are made of is the statement's to know.
		mustExec(t, db, put, n, fmt.Sprint("text ", n), fmt.Sprint(n, `\`), []byte(`{"a":1}`))
		if got := scan[string](t, db, "SELECT text FROM texts WHERE number=$1", n); got != fmt.Sprint("text ", n) {
			t.Errorf("number %d has %q", n, got)
		}
	}
	if n := scan[int](t, db, countPrepared); n != 2 {
		t.Errorf("two statements were prepared %d times", n)
	}
	if got := scan[string](t, db, "SELECT bytes FROM texts WHERE number=$1", 3); got != `3\` {
		t.Errorf("the bytes are %q", got)
	}
}

// A statement that PostgreSQL refuses is refused as ever, and the connection goes on.
func TestRefusedStatementIsNotKept(t *testing.T) {
	t.Parallel()
	db := prepared(t, 1)
	mustExec(t, db, "CREATE TABLE texts (number BIGINT PRIMARY KEY, text TEXT)")
	const put = "INSERT INTO texts (number, text) VALUES ($1, $2)"
	for range 2 {
		if _, err := db.Exec(t.Context(), "INSERT INTO texts (nothing) VALUES ($1)", 1); err == nil {
			t.Error("there is no such column")
		}
		if _, err := db.Exec(t.Context(), put, 1, "a\x00b"); !database.Refuses(err) {
			t.Errorf("PostgreSQL keeps no NUL: %v", err)
		}
	}
	err := db.DoTxn(t.Context(), nil, func(ctx context.Context) error {
		if _, err := db.Exec(ctx, put, 1, "one"); err != nil {
			return err
		}
		_, err := db.Exec(ctx, put, 1, "one again")
		return err
	})
	if !database.Refuses(err) {
		t.Errorf("the number is there already: %v", err)
	}
	mustExec(t, db, put, 1, "one") // all of that was undone
}

// A connection whose statements are of tables as they were is not used for long.
func TestChangedTableEndsTheConnection(t *testing.T) {
	t.Parallel()
	db := prepared(t, 1)
	mustExec(t, db, "CREATE TABLE texts (number BIGINT PRIMARY KEY, text TEXT)")
	mustExec(t, db, "INSERT INTO texts (number, text) VALUES ($1, $2)", 1, "one")
	const all = "SELECT * FROM texts WHERE number=$1"
	read := func() error {
		rows, err := db.Query(t.Context(), all, 1)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "ALTER TABLE texts ADD COLUMN more TEXT")
	if err := read(); err != nil {
		if _, ok := err.(*pq.Error); !ok {
			t.Errorf("not an error of PostgreSQL: %v", err)
		}
	}
	if err := read(); err != nil {
		t.Errorf("a new connection has it as the first: %v", err)
	}
}

func TestPreparedStatementsAreBounded(t *testing.T) {
	t.Parallel()
	db := prepared(t, 1)
	mustExec(t, db, "CREATE TABLE texts (number BIGINT PRIMARY KEY)")
	const kinds = 300
	for n := range kinds {
		if got := scan[int](t, db, fmt.Sprintf("SELECT %d FROM (SELECT COUNT(*) FROM texts WHERE number=$1) a", n), 1); got != n {
			t.Fatalf("%d is %d", n, got)
		}
	}
	if n := scan[int](t, db, countPrepared); n >= kinds || n < 200 {
		t.Errorf("%d statements are kept", n)
	}
}

func TestPreparedStatementsOfManyAtOnce(t *testing.T) {
	t.Parallel()
	db := prepared(t, 4)
	mustExec(t, db, "CREATE TABLE texts (number BIGINT PRIMARY KEY, text TEXT)")
	var all sync.WaitGroup
	var late atomic.Int64 // that came to an end all the same: the server can have been asked to give up between two steps
	for who := range 8 {
		all.Go(func() {
			for n := range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				if n%5 == 4 { // whoever gives up in mid-call harms nobody
					time.AfterFunc(5*time.Millisecond, cancel)
					_, err := db.Exec(ctx, "INSERT INTO texts (number, text) SELECT $1, $2 FROM pg_sleep(1)", 100*who+n, "text")
					if err == nil {
						late.Add(1)
					}
					continue
				}
				_, err := db.Exec(ctx, "INSERT INTO texts (number, text) VALUES ($1, $2)", 100*who+n, "text")
				cancel()
				if err != nil {
					t.Errorf("%d of %d: %v", n, who, err)
				}
			}
		})
	}
	all.Wait()
	if n := scan[int](t, db, "SELECT COUNT(*) FROM texts WHERE text=$1", "text"); n != 8*16+int(late.Load()) || late.Load() > 8 {
		t.Errorf("%d texts, %d of them late", n, late.Load())
	}
}

// What comes once takes no place of what comes again and again, and only so many are kept.
func TestStatementsThatComeOnceMakeRoomAgain(t *testing.T) {
	t.Parallel()
	db := prepared(t, 1)
	mustExec(t, db, "CREATE TABLE texts (number BIGINT PRIMARY KEY)")
	for n := range 300 {
		scan[int](t, db, fmt.Sprintf("SELECT COUNT(*)+%d FROM texts WHERE number=$1", n), n)
		mustExec(t, db, "INSERT INTO texts (number) VALUES ($1)", n)
	}
	if n := scan[int](t, db, "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO texts%'"); n != 1 {
		t.Errorf("a statement that is used again and again is kept %d times", n)
	}
	if n := scan[int](t, db, "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT COUNT(*)+%'"); n >= 300 || n < 200 {
		t.Errorf("of 300 that came once %d are kept", n)
	}
}
