package database

import (
	"cmp"
	"net/url"
	"strings"

	"go.mau.fi/util/dbutil"
)

const (
	// statementsKept is how many statements each connection to SQLite keeps prepared: all that are used again and again. SQLite
	// takes about as long to prepare one as to carry it out.
	statementsKept = "256"
	// keepsStatements is the parameter of an address of SQLite that says so.
	keepsStatements = "_stmt_cache_size"
	// connectionKept is for how long a connection stays open after it was used.
	connectionKept = "5m"
)

// Tuned returns a config of a database with what makes it fast. All connections stay
// open while they are used now and then, however few the config has idle: to open one takes longer than a text does.
// An address of SQLite without _txlock=immediate is left as it is: the framework says how to write it.
func Tuned(config dbutil.Config) dbutil.Config {
	if config.MaxIdleConns < config.MaxOpenConns {
		config.MaxIdleConns = config.MaxOpenConns
		config.ConnMaxIdleTime = cmp.Or(config.ConnMaxIdleTime, connectionKept)
	}
	switch {
	case config.Type == "postgres":
		config.Type = preparedPostgres
	case strings.HasPrefix(config.Type, "sqlite3"), config.Type == "litestream":
		if strings.Contains(config.URI, "_txlock=immediate") {
			config.URI = keepStatements(config.URI)
		}
	}
	return config
}

// keepStatements returns an address of SQLite with what has statements kept.
func keepStatements(uri string) string {
	_, query, has := strings.Cut(uri, "?")
	if parameters, err := url.ParseQuery(query); err != nil || parameters.Has(keepsStatements) {
		return uri // the driver says what is wrong with it
	}
	switch {
	case !has:
		uri += "?"
	case query != "":
		uri += "&"
	}
	return uri + keepsStatements + "=" + statementsKept
}
