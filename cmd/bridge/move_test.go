package main

import (
	"bytes"
	"context"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/lib/pq" // the driver
	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/crypto/sql_store_upgrade"
	"maunium.net/go/mautrix/sqlstatestore"

	"matrix-msn/database"
	"matrix-msn/internal/postgrestest"
)

// newTables opens a database and makes all tables that a bridge which encrypts has.
func newTables(t *testing.T, kind, uri string) *dbutil.Database {
	t.Helper()
	db, err := dbutil.NewFromConfig("test", dbutil.Config{PoolConfig: dbutil.PoolConfig{Type: kind, URI: uri, MaxOpenConns: 1, MaxIdleConns: 1}}, dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for name, upgrade := range map[string]func(context.Context) error{
		"the framework's": bridgedb.New("", bridgedb.MetaTypes{}, db).Upgrade,
		"our":             database.New("", db, dbutil.NoopLogger).Upgrade,
		"the rooms'":      sqlstatestore.NewSQLStateStore(db, dbutil.NoopLogger, false).Upgrade,
		"the keys'":       db.Child(sql_store_upgrade.VersionTableName, sql_store_upgrade.Table, dbutil.NoopLogger).Upgrade,
	} {
		if err := upgrade(zerolog.Nop().WithContext(t.Context())); err != nil {
			t.Fatalf("make %s tables: %v", name, err)
		}
	}
	return db
}

// What docs/postgresql.md has pgloader do brings every value of SQLite to PostgreSQL, bytes among them: a bridge that encrypts does
// not start without its keys.
func TestMoveToPostgreSQL(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("pgloader")
	if err != nil {
		t.Skip("the way from SQLite to PostgreSQL is not tried: install pgloader")
	}
	server, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	uri, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "matrix-msn.db")
	from, to := newTables(t, "sqlite3-fk-wal", "file:"+path+"?_txlock=immediate"), newTables(t, "postgres", uri)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	moved := []struct {
		table  string
		values map[string]any
	}{
		{`"user"`, map[string]any{"bridge_id": "", "mxid": "@a:x"}},
		{"user_login", map[string]any{"bridge_id": "", "user_mxid": "@a:x", "id": "home/a@x", "remote_name": "A", "remote_profile": "{}", "metadata": `{"password": "sealed"}`}},
		{"contact", map[string]any{"bridge_id": "", "login_id": "home/a@x", "account": "b@x", "name": "Bob\n\t'\\ ☃", "lists": int64(3)}},
		{"mx_user_profile", map[string]any{"room_id": "!r:x", "user_id": "@a:x", "membership": "join", "displayname": "Ann", "avatar_url": "", "name_skeleton": all[:32]}},
		{"crypto_account", map[string]any{"account_id": "bot", "device_id": "DEVICE", "shared": true, "sync_token": "s1", "account": []byte("MTIzNA+/==")}},
		{"crypto_secrets", map[string]any{"account_id": "bot", "name": "m.megolm_backup.v1", "secret": all}},
	}
	for _, row := range moved {
		columns := slices.Sorted(maps.Keys(row.values))
		marks, values := make([]string, len(columns)), make([]any, len(columns))
		for i, column := range columns {
			marks[i], values[i] = "$"+strconv.Itoa(i+1), row.values[column]
		}
		statement := "INSERT INTO " + row.table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
		if _, err := from.Exec(t.Context(), statement, values...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	page, err := os.ReadFile("../../docs/postgresql.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```\n( +load database.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page has nothing for pgloader")
	}
	load := strings.NewReplacer(
		"/var/lib/matrix-msn/matrix-msn.db", path,
		"postgresql://matrix_msn:password@localhost/matrix_msn", forLoader(t, uri),
	).Replace(string(block[1]))
	file := filepath.Join(dir, "move.load")
	if err := os.WriteFile(file, []byte(load), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--root-dir", dir, file)
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("ERROR")) {
		t.Fatalf("pgloader: %v\n%s\n%s", err, load, out)
	}
	for _, row := range moved {
		for column, want := range row.values {
			var got any
			if err := to.QueryRow(t.Context(), "SELECT "+column+" FROM "+row.table).Scan(&got); err != nil {
				t.Errorf("%s of %s: %v", column, row.table, err)
				continue
			}
			if read, isBytes := got.([]byte); isBytes && reflect.TypeOf(want).Kind() == reflect.String { // as the driver gives what is no plain text
				got = string(read)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s is %q, and was %q", column, row.table, got, want)
			}
		}
	}
}

// forLoader writes the address of a database as pgloader reads it.
func forLoader(t *testing.T, uri string) string {
	t.Helper()
	at, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	return "postgresql://" + query.Get("user") + "@unix:" + query.Get("host") + ":5432" + at.Path
}
