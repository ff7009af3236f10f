package doctor

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // registers the kinds of SQLite
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/config"
	"matrix-msn/internal/postgrestest"
)

const owner = "megabridge/matrix-msn"

func databaseConfig(kind, uri string) (c dbutil.Config) {
	c.Type, c.URI = kind, uri
	return c
}

func TestDatabaseSettings(t *testing.T) {
	t.Parallel()
	const sqlite = "sqlite3-fk-wal-fullsync"
	for _, test := range []struct{ kind, uri, want string }{
		{sqlite, "file:matrix-msn.db?_txlock=immediate", ""},
		{"sqlite3-fk-wal", "matrix-msn.db", ""},
		{"postgres", "postgres://u@h/db", ""},
		{"postgres", "host=h user=u dbname=db", ""},
		{"sqlite", "file:x.db", `database.type is "sqlite": set it to sqlite3-fk-wal-fullsync`},
		{"sqlite3", "file:x.db", `database.type is "sqlite3": set it to sqlite3-fk-wal-fullsync`},
		{"postgresql", "postgres://u@h/db", `database.type is "postgresql": set it to postgres`},
		{"mysql", "x", `database.type is "mysql", which the bridge does not know`},
		{"", "x", `database.type is "", which the bridge does not know`},
		{sqlite, "postgres://u:secret@h/db", "database.uri is that of a PostgreSQL database"},
		{"postgres", "file:x.db", "database.uri is that of a file"},
		{"postgres", "", "database.uri is empty"},
		{"postgres", examplePool, "database.uri is still that of the example"},
		{"postgres", "postgres://u:sec/ret@h:p/db", "database.uri is no address"},
		{sqlite, "", "database.uri names no database"},
		{sqlite, "file:", "database.uri names no database"},
		{sqlite, "file:?_txlock=immediate", "database.uri names no database"},
		{sqlite, ":memory:", "database.uri names no database"},
		{sqlite, "file::memory:?cache=shared", "database.uri names no database"},
	} {
		err := DatabaseSettings(databaseConfig(test.kind, test.uri))
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "sec/") || strings.Contains(err.Error(), "secret@")) {
			t.Errorf("%s %q: %v", test.kind, test.uri, err)
		}
	}
}

func TestDatabaseThatIsNotToBeUsedHasItsSentence(t *testing.T) {
	t.Parallel()
	const sqlite = "sqlite3-fk-wal-fullsync"
	for _, test := range []struct {
		name string
		make func(t *testing.T, file string) (uri string)
		want string // of the error, or of the state after an =
	}{
		{"none yet", func(_ *testing.T, file string) string { return file }, "=is made by the first start"},
		{"empty", func(t *testing.T, file string) string { return made(t, file) }, "=empty"},
		{"of another program", func(t *testing.T, file string) string {
			return made(t, file, "CREATE TABLE database_owner (key INTEGER, owner TEXT)", "INSERT INTO database_owner VALUES (0, 'megabridge/mautrix-signal')")
		}, "belongs to another program (megabridge/mautrix-signal)"},
		{"of Synapse", func(t *testing.T, file string) string {
			return made(t, file, "CREATE TABLE state_groups_state (id INTEGER)")
		}, "names the database of Synapse"},
		{"newer", func(t *testing.T, file string) string {
			return made(t, file, "CREATE TABLE msn_version (version INTEGER, compat INTEGER)", "INSERT INTO msn_version VALUES (4002, 4001)")
		}, "used by a newer version of the bridge (its tables are of version 4002"},
		{"newer, of the framework", func(t *testing.T, file string) string {
			return made(t, file, "CREATE TABLE version (version INTEGER, compat INTEGER)", "INSERT INTO version VALUES (4002, 4001)")
		}, "used by a newer version"},
		{"newer and good for this", func(t *testing.T, file string) string {
			return made(t, file, "CREATE TABLE version (version INTEGER, compat INTEGER)", "INSERT INTO version VALUES (4002, 2)")
		}, "=takes writes"},
		{"no directory", func(_ *testing.T, file string) string { return filepath.Join(file, "x", "y.db") }, "which does not exist: make the directory"},
		{"a file as directory", func(t *testing.T, file string) string {
			write(t, file)
			return filepath.Join(file, "y.db")
		}, "which is no directory"},
		{"no database", func(t *testing.T, file string) string { write(t, file); return file }, "which is no SQLite database or is damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "bridge.db")
			uri := test.make(t, file)
			state, err := Database(t.Context(), databaseConfig(sqlite, "file:"+uri+"?_txlock=immediate"), owner)
			if want, fine := strings.CutPrefix(test.want, "="); fine && (err != nil || !strings.Contains(state, want)) {
				t.Errorf("got %q, %v", state, err)
			} else if !fine && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %q, %v", state, err)
			}
			if _, err := os.Stat(file); test.name == "none yet" && err == nil {
				t.Error("the doctor has made a database")
			}
		})
	}
}

// The doctor called in another directory than the bridge's looks for another database, and shows which.
func TestDatabaseIsNamedByItsWholePath(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	state, err := Database(t.Context(), databaseConfig("sqlite3-fk-wal-fullsync", "file:bridge.db?_txlock=immediate"), owner)
	if want := filepath.Join(here, "bridge.db") + " is made by the first start"; err != nil || !strings.Contains(state, want) {
		t.Errorf("got %q, %v, not %q", state, err, want)
	}
	_, err = Database(t.Context(), databaseConfig("sqlite3-fk-wal-fullsync", "file:none/bridge.db?_txlock=immediate"), owner)
	if want := filepath.Join(here, "none") + ", which does not exist"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, not %q", err, want)
	}
}

// A database that is not the bridge's, perhaps, is left as it is.
func TestDoctorChangesNoDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "other.db")
	db, err := dbutil.NewFromConfig("", databaseConfig("sqlite3", "file:"+file), dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "CREATE TABLE state_groups_state (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := databaseConfig("sqlite3-fk-wal-fullsync", "file:"+file+"?_txlock=immediate")
	if _, err := Database(t.Context(), c, owner); err == nil || !strings.Contains(err.Error(), "Synapse") {
		t.Errorf("got %v", err)
	}
	Key(t.Context(), &config.Config{CredentialKey: "0123456789abcdef"}, c)
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the database was changed, %v", err)
	}
}

// What could not be asked is not taken for what is not there.
func TestDatabaseThatDoesNotAnswerIsNotTakenForAnEmptyOne(t *testing.T) {
	t.Parallel()
	c := databaseConfig("sqlite3-fk-wal-fullsync", "file:"+made(t, filepath.Join(t.TempDir(), "bridge.db")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if all := said(Key(ctx, &config.Config{CredentialKey: "0123456789abcdef"}, c)); !strings.Contains(all, "fail") || !strings.Contains(all, "cannot be read") {
		t.Error(all)
	}
	db, err := dbutil.NewFromConfig("", c, dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if state, err := contents(ctx, db, owner); err == nil {
		t.Errorf("it is said to be %q", state)
	}
}

func TestPostgreSQLThatIsDownHasASentenceWithoutThePassword(t *testing.T) {
	t.Parallel()
	_, err := Database(t.Context(), databaseConfig("postgres", "postgres://u:secret@127.0.0.1:1/db?sslmode=disable"), owner)
	if err == nil || !strings.Contains(err.Error(), "nothing listens at the host and port in database.uri: start PostgreSQL") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// Who may make tables in a database in which those of the bridge are somebody else's is told so, and not that all is well or that
// it is empty: whether they may read and write those or not.
func TestTablesOfAnotherUser(t *testing.T) {
	t.Parallel()
	uri, err := url.Parse(postgrestest.URI(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := dbutil.NewFromConfig(owner, databaseConfig("postgres", uri.String()), dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Users are those of the whole server, which other tests use as well.
	const user = "restored_by_another"
	does := func(statement string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	does("CREATE ROLE " + user + " LOGIN")
	does("GRANT CREATE, USAGE ON SCHEMA public TO " + user)
	does("CREATE TABLE portal (id TEXT)")
	does("CREATE TABLE spatial_ref_sys (id TEXT)") // of an extension
	query := uri.Query()
	query.Set("user", user)
	uri.RawQuery = query.Encode()
	theirs := databaseConfig("postgres", uri.String())
	for _, grant := range []string{"", "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + user} {
		if grant != "" {
			does(grant)
		}
		state, err := Database(t.Context(), theirs, owner)
		if want := `belong to "postgres" (portal, for one), and the user in database.uri is "` + user + `"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after %q: %s, %v", grant, state, err)
		}
	}
	does("ALTER TABLE portal OWNER TO " + user)
	if state, err := Database(t.Context(), theirs, owner); err != nil {
		t.Errorf("with tables of its own: %s, %v", state, err)
	}
	does("DROP OWNED BY " + user + " CASCADE")
	does("DROP ROLE " + user)
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	uri := postgrestest.URI(t)
	if state, err := Database(t.Context(), databaseConfig("postgres", uri), owner); err != nil || !strings.Contains(state, "PostgreSQL") {
		t.Errorf("got %q, %v", state, err)
	}
	for want, change := range map[string]func(*url.URL){
		"has no such database as in database.uri": func(u *url.URL) { u.Path = "/matrix_msn_none" },
		"the host in database.uri is not known":   func(u *url.URL) { u.Host, u.RawQuery = "none.invalid", "sslmode=disable" },
	} {
		wrong, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		change(wrong)
		if _, err := Database(t.Context(), databaseConfig("postgres", wrong.String()), owner); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// PostgreSQL says of nothing that it takes no writes before something is written outside of a transaction.
func TestPostgreSQLThatTakesNoWrites(t *testing.T) {
	t.Parallel()
	uri, err := url.Parse(postgrestest.URI(t))
	if err != nil {
		t.Fatal(err)
	}
	query := uri.Query()
	query.Set("default_transaction_read_only", "on")
	uri.RawQuery = query.Encode()
	if state, err := Database(t.Context(), databaseConfig("postgres", uri.String()), owner); err == nil || !strings.Contains(err.Error(), "database.uri takes no writes") {
		t.Errorf("got %q, %v", state, err)
	}
}

// A key that reads none of the passwords keeps the bridge from starting, until they are forgotten as the page on backups says.
func TestKeyThatReadsNoneOfThePasswords(t *testing.T) {
	t.Parallel()
	key, other := &config.Config{CredentialKey: "0123456789abcdef"}, &config.Config{CredentialKey: "abcdef0123456789"}
	page, err := os.ReadFile("../../docs/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	forget := func(kind string) string {
		found := regexp.MustCompile(`(?m)^` + kind + ` .*"(UPDATE user_login .*)"$`).FindSubmatch(page)
		if found == nil {
			t.Fatalf("the page does not say how %s forgets", kind)
		}
		return string(found[1])
	}
	for kind, c := range map[string]dbutil.Config{
		"sqlite3": databaseConfig("sqlite3-fk-wal-fullsync", "file:"+made(t, filepath.Join(t.TempDir(), "bridge.db"))),
		"runuser": databaseConfig("postgres", ""),
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			kindOfMetadata := "TEXT"
			if c.Type == "postgres" {
				c.URI, kindOfMetadata = postgrestest.URI(t), "JSONB"
			}
			same := func(key *config.Config) error {
				return Opened(t.Context(), c, func(ctx context.Context, db *dbutil.Database) error { return SameKey(ctx, db, key) })
			}
			do := func(statement string) {
				t.Helper()
				err := Opened(t.Context(), c, func(ctx context.Context, db *dbutil.Database) error { _, err := db.Exec(ctx, statement); return err })
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := same(key); err != nil {
				t.Errorf("without tables: %v", err)
			}
			do("CREATE TABLE user_login (id TEXT, metadata " + kindOfMetadata + ")")
			for _, login := range []networkid.UserLoginID{"home/alice@example.com", "home/bob@example.com"} {
				sealed, err := key.SealPassword(login, "pw-nobody-may-see")
				if err != nil {
					t.Fatal(err)
				}
				do(`INSERT INTO user_login VALUES ('` + string(login) + `', '{"password":"` + sealed + `","greet":true}')`)
			}
			if err := same(key); err != nil {
				t.Error(err)
			}
			if err := same(other); err == nil || !strings.Contains(err.Error(), "network.credential_key reads none of the stored passwords (2)") {
				t.Errorf("got %v", err)
			}
			do("UPDATE user_login SET id='home/carol@example.com' WHERE id='home/bob@example.com'")
			if err := same(key); err != nil {
				t.Errorf("one of two is read: %v", err)
			}
			do(forget(kind))
			if err := same(other); err != nil {
				t.Error(err)
			}
		})
	}
}

// A database is that of the bridge that has used it first.
func TestDatabaseOfAnotherBridge(t *testing.T) {
	t.Parallel()
	c := databaseConfig("sqlite3-fk-wal-fullsync", "file:"+made(t, filepath.Join(t.TempDir(), "bridge.db")))
	err := Opened(t.Context(), c, func(ctx context.Context, db *dbutil.Database) error {
		if err := SameID(ctx, db, "msn"); err != nil {
			t.Errorf("without tables: %v", err)
		}
		if _, err := db.Exec(ctx, "CREATE TABLE kv_store (bridge_id TEXT, key TEXT, value TEXT, PRIMARY KEY (bridge_id, key))"); err != nil {
			return err
		}
		if err := SameID(ctx, db, "msn"); err != nil {
			t.Errorf("not noted yet: %v", err)
		}
		kv := &bridgedb.KVQuery{Database: db}
		NoteID(ctx, kv, "msn")
		NoteID(ctx, kv, "msn")
		if err := SameID(ctx, db, "msn"); err != nil {
			t.Error(err)
		}
		if err := SameID(ctx, db, "friends"); err == nil || !strings.Contains(err.Error(), `the bridge whose appservice.id is "msn", and here it is "friends"`) {
			t.Errorf("got %v", err)
		}
		NoteID(ctx, kv, "friends")
		return SameID(ctx, db, "friends")
	})
	if err != nil {
		t.Error(err)
	}
}

func TestKeyReadsThePasswords(t *testing.T) {
	t.Parallel()
	key, other := &config.Config{CredentialKey: "0123456789abcdef"}, &config.Config{CredentialKey: "abcdef0123456789"}
	sealed, err := key.SealPassword("home/alice@example.com", "pw-nobody-may-see")
	if err != nil {
		t.Fatal(err)
	}
	file := made(t, filepath.Join(t.TempDir(), "bridge.db"), "CREATE TABLE user_login (id TEXT, metadata TEXT)",
		`INSERT INTO user_login VALUES ('home/alice@example.com', '{"password":"`+sealed+`"}')`, `INSERT INTO user_login VALUES ('home/carol@example.com', '{}')`)
	c := databaseConfig("sqlite3-fk-wal-fullsync", "file:"+file)
	for _, test := range []struct {
		key  *config.Config
		want string
	}{{key, "ok    key                network.credential_key reads the stored password"}, {other, "fail  key                network.credential_key reads none of the stored passwords (1)"}} {
		if all := said(Key(t.Context(), test.key, c)); !strings.HasPrefix(all, test.want) || strings.Contains(all, "nobody-may-see") {
			t.Errorf("want %q, got %q", test.want, all)
		}
	}
	none := filepath.Join(t.TempDir(), "none.db")
	if all := said(Key(t.Context(), key, databaseConfig("sqlite3-fk-wal-fullsync", "file:"+none))); !strings.Contains(all, "no passwords") {
		t.Error(all)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("the doctor has made a database")
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	all := said(Disk([]Place{{"logs", t.TempDir()}, {"nothing", filepath.Join(t.TempDir(), "none")}}))
	if !strings.Contains(all, "is left for logs") || strings.Contains(all, "nothing") {
		t.Error(all)
	}
}

// made makes an SQLite database.
func made(t *testing.T, file string, statements ...string) string {
	t.Helper()
	db, err := dbutil.NewFromConfig("", databaseConfig("sqlite3-fk-wal-fullsync", "file:"+file), dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range append([]string{"CREATE TABLE something (one INTEGER)"}, statements...) {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func write(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
}
