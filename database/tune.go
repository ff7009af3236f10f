package database

import (
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
)

// Tuned returns a config of a database with what makes it fast, where the config says nothing of it.
func Tuned(config dbutil.Config) dbutil.Config {
	if !strings.HasPrefix(config.Type, "sqlite3") && config.Type != "litestream" {
		return config
	}
	_, query, has := strings.Cut(config.URI, "?")
	if parameters, err := url.ParseQuery(query); err != nil || parameters.Has(keepsStatements) {
		return config // the driver says what is wrong with it
	}
	switch {
	case !has:
		config.URI += "?"
	case query != "":
		config.URI += "&"
	}
	config.URI += keepsStatements + "=" + statementsKept
	return config
}
