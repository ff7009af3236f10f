package database

import (
	"context"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// PresenceQuery are the queries on the table presence: the ghosts that are not shown as offline.
type PresenceQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

const (
	presenceAll    = `SELECT ghost_id FROM presence WHERE bridge_id=$1 ORDER BY ghost_id`
	presencePut    = `INSERT INTO presence (bridge_id, ghost_id) VALUES ($1, $2) ON CONFLICT (bridge_id, ghost_id) DO NOTHING`
	presenceDelete = `DELETE FROM presence WHERE bridge_id=$1 AND ghost_id=$2`
)

// All returns those ghosts.
func (q *PresenceQuery) All(ctx context.Context) ([]networkid.UserID, error) {
	rows, err := q.db.Query(ctx, presenceAll, q.bridgeID)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.UserID], err).AsList()
}

// Put notes that a ghost is one of them.
func (q *PresenceQuery) Put(ctx context.Context, ghost networkid.UserID) error {
	_, err := q.db.Exec(ctx, presencePut, q.bridgeID, ghost)
	return err
}

// Delete notes that a ghost is none of them any more.
func (q *PresenceQuery) Delete(ctx context.Context, ghost networkid.UserID) error {
	_, err := q.db.Exec(ctx, presenceDelete, q.bridgeID, ghost)
	return err
}
