package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/config"
)

// Key looks whether the stored passwords can be read with network.credential_key. Without a database
// yet, or without logins, there are none.
func Key(ctx context.Context, network *config.Config, c dbutil.Config) []Finding {
	f := findings{about: "key"}
	if path := File(c); path != "" {
		if _, err := os.Stat(path); err != nil { // to ask it would make the file
			f.fine("network.credential_key is set; no passwords are stored yet")
			return f.list
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	db, err := open(c, "")
	if err != nil {
		return nil // what the database says is said by Database
	}
	defer db.Close()
	readable, all, err := passwords(ctx, db, network, false)
	switch {
	case err != nil:
		f.bad("the stored passwords cannot be read: %v", err)
	case all == 0:
		f.fine("network.credential_key is set; no passwords are stored yet")
	case readable == all && all == 1:
		f.fine("network.credential_key reads the stored password")
	case readable == all:
		f.fine("network.credential_key reads all %d stored passwords", all)
	case readable == 0:
		f.bad("%v", readsNone(all))
	default:
		f.bad("network.credential_key reads %d of %d stored passwords: put back the key with which they were stored; who is left out has to send login again", readable, all)
	}
	return f.list
}

// SameKey returns an error, a sentence for the admin, if passwords are stored and network.credential_key reads none of them:
// nobody would be signed in. db may have no tables yet.
func SameKey(ctx context.Context, db *dbutil.Database, network *config.Config) error {
	// At a start of thousands of accounts to read one will do.
	readable, all, err := passwords(ctx, db, network, true)
	if err != nil {
		return fmt.Errorf("the stored passwords cannot be read: %w", err)
	}
	if all > 0 && readable == 0 {
		return readsNone(all)
	}
	return nil
}

// readsNone is that the key is another one than that of the stored passwords, of which there are so many.
func readsNone(all int) error {
	return fmt.Errorf("network.credential_key reads none of the stored passwords (%d): put back the key with which they were stored, or give this bridge a database of its own. "+
		"If the key is lost, docs/backup.md says how the bridge starts without the passwords", all)
}

// passwords counts the stored passwords, and those that can be read: up to the first of them if one will do.
func passwords(ctx context.Context, db *dbutil.Database, network *config.Config, one bool) (readable, all int, err error) {
	if stored, err := db.TableExists(ctx, "user_login"); err != nil || !stored {
		return 0, 0, err
	}
	rows, err := db.Query(ctx, "SELECT id, metadata FROM user_login")
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for (!one || readable == 0) && rows.Next() {
		var login networkid.UserLoginID
		var metadata []byte
		var stored struct {
			Password string `json:"password"`
		}
		if rows.Scan(&login, &metadata) != nil || json.Unmarshal(metadata, &stored) != nil || stored.Password == "" {
			continue
		}
		all++
		if _, err := network.OpenPassword(login, stored.Password); err == nil {
			readable++
		}
	}
	return readable, all, rows.Err()
}
