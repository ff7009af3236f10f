package database

import (
	"context"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// GhostQuery are queries on the framework's table ghost that it has not itself.
type GhostQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

const (
	ghostsNameBy = `
		INSERT INTO kv_store (bridge_id, key, value) VALUES ($1, 'msn_displayname_template', $2)
		ON CONFLICT (bridge_id, key) DO UPDATE SET value=excluded.value WHERE kv_store.value<>excluded.value`
	ghostsUnset   = `UPDATE ghost SET name_set=false WHERE bridge_id=$1`
	ghostsUnnamed = `
		SELECT id FROM ghost WHERE bridge_id=$1 AND NOT name_set AND id IN (
			SELECT other_user_id FROM portal WHERE bridge_id=$1 AND receiver=$2 AND mxid<>''
			UNION SELECT $3 || account FROM group_member WHERE bridge_id=$1 AND login_id=$2)`
	ghostsInRooms = `
		SELECT other_user_id FROM portal WHERE bridge_id=$1 AND receiver=$2 AND mxid<>'' AND other_user_id<>''
		UNION SELECT $3 || account FROM group_member WHERE bridge_id=$1 AND login_id=$2`
)

// NameBy notes the template by which ghosts are named. When it is another one than before,
// all ghosts count as unnamed: the framework names each anew when it next has to do with it.
// It is to be called before the framework loads any.
func (q *GhostQuery) NameBy(ctx context.Context, template string) error {
	return q.db.DoTxn(ctx, nil, func(ctx context.Context) error {
		changed, err := changes(q.db.Exec(ctx, ghostsNameBy, q.bridgeID, template))
		if err == nil && changed {
			_, err = q.db.Exec(ctx, ghostsUnset, q.bridgeID)
		}
		return err
	})
}

// Unnamed returns the ghosts whose names the homeserver does not have yet, of those with whom
// a login has a room. prefix is what stands before the account in the ID of a ghost.
func (q *GhostQuery) Unnamed(ctx context.Context, login networkid.UserLoginID, prefix string) ([]networkid.UserID, error) {
	rows, err := q.db.Query(ctx, ghostsUnnamed, q.bridgeID, login, prefix)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.UserID], err).AsList()
}

// InRooms returns the ghosts with whom a login has a room: of its own, or that of a group chat.
// prefix is what stands before the account in the ID of a ghost.
func (q *GhostQuery) InRooms(ctx context.Context, login networkid.UserLoginID, prefix string) ([]networkid.UserID, error) {
	rows, err := q.db.Query(ctx, ghostsInRooms, q.bridgeID, login, prefix)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.UserID], err).AsList()
}
