package database

import (
	"context"
	"database/sql"
	"errors"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// LeaseQuery are the queries on the table lease: which process uses the database.
type LeaseQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

const (
	leaseGet  = `SELECT holder, beat FROM lease WHERE bridge_id=$1`
	leaseMake = `INSERT INTO lease (bridge_id, holder, beat) VALUES ($1, $2, 1) ON CONFLICT (bridge_id) DO NOTHING`
	leaseTake = `UPDATE lease SET holder=$4, beat=beat+1 WHERE bridge_id=$1 AND holder=$2 AND beat=$3`
	leaseBeat = `UPDATE lease SET beat=beat+1 WHERE bridge_id=$1 AND holder=$2`
	leaseEnd  = `UPDATE lease SET holder='', beat=beat+1 WHERE bridge_id=$1 AND holder=$2`
)

// Get returns who holds the lease, "" for nobody, and a number that is another one after each
// sign of life.
func (q *LeaseQuery) Get(ctx context.Context) (holder string, beat int64, err error) {
	err = q.db.QueryRow(ctx, leaseGet, q.bridgeID).Scan(&holder, &beat)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return holder, beat, err
}

// Take gives the lease to holder, if it still is as Get has returned it, and reports whether
// it was.
func (q *LeaseQuery) Take(ctx context.Context, before string, beat int64, holder string) (bool, error) {
	if beat == 0 {
		return changes(q.db.Exec(ctx, leaseMake, q.bridgeID, holder))
	}
	return changes(q.db.Exec(ctx, leaseTake, q.bridgeID, before, beat, holder))
}

// Beat is a sign of life of the holder. It reports false when the lease is another's.
func (q *LeaseQuery) Beat(ctx context.Context, holder string) (bool, error) {
	return changes(q.db.Exec(ctx, leaseBeat, q.bridgeID, holder))
}

// Release gives the lease up.
func (q *LeaseQuery) Release(ctx context.Context, holder string) error {
	_, err := q.db.Exec(ctx, leaseEnd, q.bridgeID, holder)
	return err
}
