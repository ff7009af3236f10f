package database

import (
	"context"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// ShownQuery are the queries on a list of the ghosts of whom the homeserver shows something that
// has to be taken back: the table presence of those who are not shown as offline, and
// profile_status of those with a status in their profile.
type ShownQuery struct {
	db               *dbutil.Database
	bridgeID         networkid.BridgeID
	all, put, delete string
}

func newShownQuery(db *dbutil.Database, bridgeID networkid.BridgeID, table string) *ShownQuery {
	return &ShownQuery{
		db: db, bridgeID: bridgeID,
		all:    "SELECT ghost_id FROM " + table + " WHERE bridge_id=$1 ORDER BY ghost_id",
		put:    "INSERT INTO " + table + " (bridge_id, ghost_id) VALUES ($1, $2) ON CONFLICT (bridge_id, ghost_id) DO NOTHING",
		delete: "DELETE FROM " + table + " WHERE bridge_id=$1 AND ghost_id=$2",
	}
}

// All returns those ghosts.
func (q *ShownQuery) All(ctx context.Context) ([]networkid.UserID, error) {
	rows, err := q.db.Query(ctx, q.all, q.bridgeID)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.UserID], err).AsList()
}

// Put notes that a ghost is one of them.
func (q *ShownQuery) Put(ctx context.Context, ghost networkid.UserID) error {
	_, err := q.db.Exec(ctx, q.put, q.bridgeID, ghost)
	return err
}

// Delete notes that a ghost is none of them any more.
func (q *ShownQuery) Delete(ctx context.Context, ghost networkid.UserID) error {
	_, err := q.db.Exec(ctx, q.delete, q.bridgeID, ghost)
	return err
}
