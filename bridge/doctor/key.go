package doctor

import (
	"context"
	"encoding/json"
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
	switch stored, err := db.TableExists(ctx, "user_login"); {
	case err != nil:
		f.bad("the stored passwords cannot be read: %v", err)
		return f.list
	case !stored:
		f.fine("network.credential_key is set; no passwords are stored yet")
		return f.list
	}
	rows, err := db.Query(ctx, "SELECT id, metadata FROM user_login")
	if err != nil {
		f.bad("the stored passwords cannot be read: %v", err)
		return f.list
	}
	defer rows.Close()
	readable, all := 0, 0
	for rows.Next() {
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
	switch {
	case rows.Err() != nil:
		f.bad("the stored passwords cannot be read: %v", rows.Err())
	case all == 0:
		f.fine("network.credential_key is set; no passwords are stored yet")
	case readable == all:
		f.fine("network.credential_key reads all %d stored passwords", all)
	default:
		f.bad("network.credential_key reads %d of %d stored passwords: put back the key with which they were stored; who is left out has to send login again", readable, all)
	}
	return f.list
}
