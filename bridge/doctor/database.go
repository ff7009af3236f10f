package doctor

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/lib/pq"
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/database/upgrades"

	"matrix-msn/database"
)

// The kinds of databases, by database.type.
var (
	sqliteTypes   = []string{"sqlite3-fk-wal", "sqlite3-fk-wal-fullsync"}
	postgresTypes = []string{"postgres"}
)

// databaseTypes is what database.type may be, in a sentence.
const databaseTypes = "sqlite3-fk-wal-fullsync, sqlite3-fk-wal or postgres"

// DatabaseSettings checks the section database of the config, and opens nothing. The error is a
// sentence for the admin that names the setting at fault.
func DatabaseSettings(c dbutil.Config) error {
	sqlite := slices.Contains(sqliteTypes, c.Type)
	switch {
	case c.Type == "sqlite" || c.Type == "sqlite3":
		return fmt.Errorf("database.type is %q: set it to sqlite3-fk-wal-fullsync, which is the SQLite that the bridge uses", c.Type)
	case c.Type == "postgresql" || c.Type == "pgx":
		return fmt.Errorf("database.type is %q: set it to postgres", c.Type)
	case !sqlite && !slices.Contains(postgresTypes, c.Type):
		return fmt.Errorf("database.type is %q, which the bridge does not know: set it to %s", c.Type, databaseTypes)
	case c.URI == examplePool:
		return errors.New("database.uri is still that of the example: set it to the user, password, host and name of your PostgreSQL database")
	case sqlite && (strings.HasPrefix(c.URI, "postgres:") || strings.HasPrefix(c.URI, "postgresql:")):
		return fmt.Errorf("database.type is %q, but database.uri is that of a PostgreSQL database: set database.type to postgres", c.Type)
	case !sqlite && (strings.HasPrefix(c.URI, "file:") || strings.HasSuffix(c.URI, ".db")):
		return errors.New("database.type is postgres, but database.uri is that of a file: set database.type to sqlite3-fk-wal-fullsync")
	case !sqlite && c.URI == "":
		return errors.New("database.uri is empty: set it to the user, password, host and name of your PostgreSQL database, as in postgres://user:password@host/database")
	case !sqlite && strings.HasPrefix(c.URI, "postgres"):
		if _, err := url.Parse(c.URI); err != nil { // whose error may hold the password
			return errors.New("database.uri is no address: write %40 for @, %3A for : and %2F for / in user name and password")
		}
	}
	if path := File(c); sqlite && (path == "" || path == ":memory:") {
		return errors.New("database.uri names no database: everything would be forgotten when the bridge is stopped. " +
			"Set it to a file, as in file:matrix-msn.db?_txlock=immediate&_secure_delete=on")
	}
	return nil
}

// File is the path of an SQLite database, "" for another one.
func File(c dbutil.Config) string {
	if !slices.Contains(sqliteTypes, c.Type) {
		return ""
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(c.URI, "file:"), "?")
	return path
}

// Database opens the database, and returns an error, a sentence for the admin, if it does not open, takes
// no writes, is somebody else's or newer than this program. It makes and changes nothing. state says in a
// few words what there is.
func Database(ctx context.Context, c dbutil.Config, owner string) (state string, err error) {
	if err := DatabaseSettings(c); err != nil {
		return "", err
	}
	if path := File(c); path != "" {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole // who calls the doctor in another directory sees it here
		}
		if missing, err := sqliteFile(path); err != nil {
			return "", err
		} else if missing {
			return "SQLite, " + path + " is made by the first start", nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	db, err := open(c, owner)
	if err != nil {
		return "", databaseError(c, err)
	}
	defer db.Close()
	if db.Dialect == dbutil.Postgres {
		if err := readOnly(ctx, db); err != nil {
			return "", err
		}
	}
	if err := writable(ctx, db.RawDB); err != nil {
		return "", databaseError(c, err)
	}
	if db.Dialect == dbutil.Postgres {
		if err := owned(ctx, db); err != nil {
			return "", err
		}
	}
	return contents(ctx, db, owner)
}

// open opens a database. One of SQLite's keeps its journal as it is, which the bridge's own kinds of SQLite would
// change: it may be another program's.
func open(c dbutil.Config, owner string) (*dbutil.Database, error) {
	if File(c) != "" {
		c.Type = "sqlite3"
	}
	c.ReadOnlyPool.MaxOpenConns = 0
	return dbutil.NewFromConfig(owner, c, dbutil.NoopLogger)
}

// sqliteFile reports whether the file of a database is to be made yet.
func sqliteFile(path string) (missing bool, err error) {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("database.uri names a file in %s, which does not exist: make the directory, for the user that the bridge runs as, or name another one", dir)
	case err != nil:
		return false, fmt.Errorf("database.uri names a file in %s, which cannot be looked into: %w", dir, errors.Unwrap(err))
	case !info.IsDir():
		return false, fmt.Errorf("database.uri names a file in %s, which is no directory: name another one", dir)
	}
	if err := syscall.Access(dir, mayWrite); err != nil {
		return false, fmt.Errorf("database.uri names a file in %s, where this user may not write, and SQLite makes files beside it: run the bridge as the directory's owner, or give it to the bridge's user", dir)
	}
	if err := writeInto(dir); errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return false, fmt.Errorf("database.uri names a file in %s, where the disk is full: make room", dir)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("database.uri names %s, which this user may not read and write (%w): give it to the user that the bridge runs as", path, errors.Unwrap(err))
	}
	return false, file.Close()
}

// neededRoom is what a start writes to the database, if it makes the tables, in bytes.
const neededRoom = 1 << 20

// writeInto writes that much into a directory, to a file that has no name. SQLite shows only when it has something to store that the
// disk is full.
func writeInto(dir string) error {
	file, err := os.CreateTemp(dir, ".room-*")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	if _, err := file.Write(make([]byte, neededRoom)); err != nil {
		return err
	}
	return file.Sync()
}

// mayWrite is W_OK and X_OK of access(2).
const mayWrite = 3

// readOnly returns why PostgreSQL lets nothing be written. It shows in no transaction of writable, which the driver asks to be one that
// writes; the bridge writes without one too.
func readOnly(ctx context.Context, db *dbutil.Database) error {
	var state string
	var standsBy bool
	err := db.QueryRow(ctx, "SELECT current_setting('transaction_read_only'), pg_is_in_recovery()").Scan(&state, &standsBy)
	switch {
	case err != nil || state != "on":
		return nil // what is wrong else shows when it is written
	case standsBy:
		return errors.New("the database in database.uri takes no writes, because its server is a replica: name the primary server")
	}
	return errors.New("the database in database.uri takes no writes, because default_transaction_read_only is on for its server, for it, for its user or in database.uri: switch that off there")
}

// owned returns whose tables the user of PostgreSQL finds instead of their own, as a backup leaves them that was restored by
// somebody else: who may make tables may neither index nor change those, and perhaps not read them.
func owned(ctx context.Context, db *dbutil.Database) error {
	var table, whose, user string
	err := db.QueryRow(ctx, `SELECT tablename, tableowner, current_user FROM pg_catalog.pg_tables
		WHERE schemaname=current_schema() AND tablename IN ('version', 'portal', 'lease') AND NOT pg_has_role(tableowner, 'USAGE')
		ORDER BY tablename LIMIT 1`).Scan(&table, &whose, &user)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("the database cannot be read: %w", err)
	}
	return fmt.Errorf("the tables in the database belong to %q (%s, for one), and the user in database.uri is %q: make that one the owner of all of them, "+
		"with ALTER TABLE … OWNER TO, or restore the backup as that user", whose, table, user)
}

// writable begins to write, and takes it back.
func writable(ctx context.Context, db *sql.DB) error {
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	txn, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = txn.Rollback() }()
	_, err = txn.ExecContext(ctx, "CREATE TABLE matrix_msn_doctor (one INTEGER)")
	return err
}

// contents looks at whose tables there are and how old they are.
func contents(ctx context.Context, db *dbutil.Database, owner string) (state string, err error) {
	kind := map[dbutil.Dialect]string{dbutil.SQLite: "SQLite", dbutil.Postgres: "PostgreSQL"}[db.Dialect]
	var unread error
	exists := func(table string) bool {
		found, err := db.TableExists(ctx, table)
		unread = cmp.Or(unread, err)
		return found
	}
	for table, whose := range map[string]string{"state_groups_state": "Synapse", "roomserver_rooms": "Dendrite"} {
		if exists(table) {
			return "", fmt.Errorf("database.uri names the database of %s: give the bridge one of its own", whose)
		}
	}
	if exists("database_owner") {
		var found string
		if err := db.QueryRow(ctx, "SELECT owner FROM database_owner WHERE key=0").Scan(&found); err == nil && found != owner {
			return "", fmt.Errorf("database.uri names a database that belongs to another program (%s): give the bridge one of its own", found)
		}
	}
	own, ownNewest := database.Newest()
	newest := map[string]int{"version": len(upgrades.Table), own: ownNewest}
	versions := make(map[string]int)
	for table, known := range newest {
		if !exists(table) {
			continue
		}
		var version int
		var compat sql.NullInt32
		if err := db.QueryRow(ctx, "SELECT version, compat FROM "+table+" LIMIT 1").Scan(&version, &compat); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", fmt.Errorf("the database cannot be read: %w", err)
		}
		if needs := int(compat.Int32); needs > known || !compat.Valid && version > known {
			return "", fmt.Errorf("the database was used by a newer version of the bridge (its tables are of version %d, this program knows %d): "+
				"install that version, or restore the backup that you made before it", version, known)
		}
		versions[table] = version
	}
	if unread != nil {
		return "", fmt.Errorf("the database cannot be read: %w", unread)
	}
	if len(versions) == 0 {
		return kind + ", empty: the first start makes the tables", nil
	}
	if versions[own] < ownNewest || versions["version"] < len(upgrades.Table) {
		return kind + ", takes writes; the next start brings the tables to the version of this program", nil
	}
	return kind + ", takes writes, tables of this version", nil
}

// databaseError is what keeps a database from being used, in a sentence. No part of the address is
// repeated: there may be a password in it.
func databaseError(c dbutil.Config, err error) error {
	if path := File(c); path != "" {
		switch database.FaultOf(err) {
		case database.FaultNoDatabase:
			return fmt.Errorf("database.uri names %s, which is no SQLite database or is damaged: restore a backup, or move it away to begin anew", path)
		case database.FaultLocked:
			return fmt.Errorf("%s was locked for longer than was waited: stop what else uses it, and try again", path)
		case database.FaultReadOnly:
			return fmt.Errorf("%s takes no writes: give it and its directory to the user that the bridge runs as", path)
		case database.FaultFull:
			return fmt.Errorf("%s takes no writes, because the disk is full: make room", path)
		}
		return fmt.Errorf("database.uri names %s, which does not open: %w", path, err)
	}
	if refused, ok := errors.AsType[*pq.Error](err); ok {
		switch refused.Code.Class() {
		case "28":
			return fmt.Errorf("PostgreSQL refuses the user or the password in database.uri: check both (%s)", refused.Message)
		case "3D":
			return fmt.Errorf("PostgreSQL has no such database as in database.uri (%s): make it with createdb", refused.Message)
		case "42":
			return fmt.Errorf("the user in database.uri may not make tables in the database (%s): make the user its owner", refused.Message)
		case "25":
			return fmt.Errorf("the database in database.uri takes no writes (%s): name the primary server", refused.Message)
		}
		return fmt.Errorf("PostgreSQL does not open the database in database.uri: %s", refused.Message)
	}
	var dns *net.DNSError
	var network *net.OpError
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported):
		return errors.New("PostgreSQL speaks no TLS, which database.uri asks for: append sslmode=disable to it, if the server is on this machine or in a network of your own")
	case errors.As(err, &dns):
		return fmt.Errorf("the host in database.uri is not known (%s): check its name", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nothing listens at the host and port in database.uri: start PostgreSQL, or correct them")
	case errors.As(err, &network):
		return fmt.Errorf("PostgreSQL is not reached at the host and port in database.uri (%w): check them, and whether the server runs", network.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("PostgreSQL does not answer within %v: check the host and port in database.uri, and whether the server runs", patience)
	}
	return errors.New("PostgreSQL does not open the database in database.uri: check user, password, host, port and name in it")
}

// MayOpen returns what is to be told, if the administrator looks at the SQLite database of another user:
// files that SQLite makes beside it would be the administrator's, and closed to the bridge.
func MayOpen(c dbutil.Config) []Finding {
	path := File(c)
	if path == "" || os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	f := findings{about: "database"}
	f.warn("%s belongs to another user (number %d), and is not looked into: call the doctor as that user, with sudo -u", path, owner.Uid)
	return f.list
}
