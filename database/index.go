package database

import (
	"context"
	"errors"
)

// indices find in the framework's tables what it has no index for itself: the rooms of one login, for which each sign-in asks a
// few times, the logins of one user, for which the framework asks for each user when it starts, and the rooms of one contact, for which it
// asks whenever it names somebody, while all else that looks for a room waits. Without them each account would have the rows of everybody read.
var indices = []string{
	`CREATE INDEX IF NOT EXISTS msn_portal_receiver_idx ON portal (bridge_id, receiver)`,
	`CREATE INDEX IF NOT EXISTS msn_portal_other_user_idx ON portal (bridge_id, other_user_id) WHERE room_type='dm'`,
	`CREATE INDEX IF NOT EXISTS msn_user_login_user_idx ON user_login (bridge_id, user_mxid)`,
}

// Index sees to it that the framework's tables can be asked for what is one account's without reading what is everybody's. It is
// to be called with each start, before the framework loads anything: an update of its tables may have made one anew.
func (d *Database) Index(ctx context.Context) error {
	var failed []error
	for _, index := range indices {
		_, err := d.db.Exec(ctx, index)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
