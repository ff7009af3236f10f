package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"

	"matrix-msn/bridge"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/doctor"
)

// Exit codes that the framework uses for the same.
const (
	exitConfig   = 10
	exitNetwork  = 11 // the config has a mistake in network
	exitLogging  = 12
	exitDatabase = 14
	exitNoDomain = 20 // there can be no registration yet
	exitListener = 23

	exitUsurped = 41 // another process has taken the database over
	exitHeld    = 42 // another process uses the database
)

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(code)
}

// checkConfigFile checks what the framework would overwrite, or take out, without a word. The errors unknown do not
// keep the bridge from starting.
func checkConfigFile(path string) (unknown []error, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, readError(path, err)
	}
	errs, unknown := config.CheckLayout(content)
	if len(errs) == 0 {
		return unknown, config.CheckFile(content)
	}
	return unknown, errors.Join(errs...)
}

// checkSecret tells of a config that others may read.
func checkSecret(path string) error {
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil // one that is not there is told of elsewhere
	}
	return fmt.Errorf("others may read %s, which holds tokens and keys: chmod 600 it", path)
}

// checkKeyIsSaved refuses to go on with a key that the next start would not have.
func checkKeyIsSaved(path string, connector *bridge.Connector) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the config: %w", err)
	}
	return connector.Config.CheckKeyIsSaved(content)
}

// checkRegistration refuses to write tokens over a registration that is there: the homeserver
// would go on with the old ones. The sample of the repository is such a file too.
func checkRegistration(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("cannot look for the registration: %w", err)
	}
	return fmt.Errorf("%s is there already, and -g would put new tokens into it that the homeserver does not know. "+
		"Move it away first, or name another file with -r; then give the homeserver the new one", path)
}

// checkRegistrable refuses to make a registration of which nothing is known that belongs into it. What else is wrong with
// the config is found by the start.
func checkRegistrable(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return readError(path, err)
	}
	settings, err := loadConfig(content, &bridge.Connector{})
	if err != nil {
		return err
	}
	return doctor.HomeserverSettings(settings)
}

// checkIsOwn refuses a database that is that of another bridge, which anyID allows, or one of whose passwords the key reads none. code
// is the exit code of that.
func checkIsOwn(ctx context.Context, db *dbutil.Database, settings *bridgeconfig.Config, connector *bridge.Connector, anyID bool) (code int, err error) {
	if err := doctor.SameID(ctx, db, settings.AppService.ID); err != nil && !anyID {
		return exitConfig, err
	}
	return exitNetwork, doctor.SameKey(ctx, db, &connector.Config)
}

// adviseOnDatabase tells of a database that keeps less than it could.
func adviseOnDatabase(log *zerolog.Logger, database dbutil.Config) {
	if database.Type == "sqlite3-fk-wal" {
		log.Warn().Msg("With database.type sqlite3-fk-wal a power cut can take back the last messages that the homeserver was told are safe. " +
			"sqlite3-fk-wal-fullsync keeps them: change it in the config, the file stays the same")
	}
	if database.Type == "sqlite3-fk-wal-fullsync" && !strings.Contains(database.URI, "_txlock=immediate") {
		log.Warn().Msg("Without _txlock=immediate in database.uri, statements fail at times that would only have to wait: append it")
	}
	if strings.HasPrefix(database.Type, "sqlite3") && !strings.Contains(database.URI, "_secure_delete=") {
		log.Info().Msg("Texts of messages that were delivered stay in free parts of the database file: append &_secure_delete=on to database.uri to have them overwritten")
	}
}

// checkListeners tries the address at which the homeserver reaches the bridge, and that of the metrics, if they are
// served. The framework would go on without the first, deaf.
func checkListeners(settings *bridgeconfig.Config, metrics string) error {
	if address := doctor.ListensAt(settings); address != "" { // else the framework listens nowhere, or at a socket in the file system
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return doctor.CannotListen(address, err)
		}
		defer listener.Close() // the two may not be the same
	}
	if metrics == "" {
		return nil
	}
	listener, err := net.Listen("tcp", metrics)
	if err != nil {
		return doctor.CannotServe(settings, metrics, err)
	}
	return listener.Close()
}
