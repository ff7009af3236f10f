package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
)

// keyID is the key under which the database keeps the appservice.id of the bridge that uses it.
const keyID bridgedb.Key = "msn_appservice_id"

// SameID returns an error, a sentence for the admin, if the database is used by a bridge with another appservice.id. db may have no
// tables yet.
func SameID(ctx context.Context, db *dbutil.Database, id string) error {
	if stored, err := db.TableExists(ctx, "kv_store"); err != nil {
		return fmt.Errorf("the database cannot be read: %w", err)
	} else if !stored {
		return nil
	}
	var found string
	switch err := db.QueryRow(ctx, "SELECT value FROM kv_store WHERE bridge_id='' AND key=$1", keyID).Scan(&found); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("the database cannot be read: %w", err)
	case found != id:
		return fmt.Errorf("database.uri names the database of the bridge whose appservice.id is %q, and here it is %q: give this bridge a database of its own, or put back the other appservice.id. "+
			"If it is the same bridge with a new registration, start it once with --ignore-foreign-tables", found, id)
	}
	return nil
}

// NoteID has the database know its bridge by its appservice.id.
func NoteID(ctx context.Context, kv *bridgedb.KVQuery, id string) {
	if kv.Get(ctx, keyID) != id {
		kv.Set(ctx, keyID, id)
	}
}

// Opened does something with the database of a config, if there is one. It makes none.
func Opened(ctx context.Context, c dbutil.Config, do func(context.Context, *dbutil.Database) error) error {
	if path := File(c); path != "" {
		if missing, err := sqliteFile(path); err != nil || missing { // to ask it would make the file
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	db, err := open(c, "")
	if err != nil {
		return databaseError(c, err)
	}
	defer db.Close()
	return do(ctx, db)
}
