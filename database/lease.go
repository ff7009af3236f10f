package database

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// LeaseQuery are the queries on the table lease: which process uses the database.
type LeaseQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
	holder   atomic.Pointer[string]    // for whom Take has taken it, nil before
	signed   atomic.Pointer[time.Time] // when the last sign of life began that was noted, nil before Take
}

// LeaseLasts is after how long without a sign of life another process may take the lease.
const LeaseLasts = time.Minute

// Held reports whether no other process can have taken the lease since it was taken here: a process that hung finds out
// by that before it asks the database. Before it was taken here nobody minds.
func (q *LeaseQuery) Held() bool {
	signed := q.signed.Load()
	if signed == nil {
		return true
	}
	now := time.Now()
	// By both clocks: one of them stands still while the machine sleeps, the other is set.
	return now.Sub(*signed) < LeaseLasts && now.Round(0).Sub(signed.Round(0)) < LeaseLasts
}

// ErrUsurped says that something is not stored, because another process uses the database, or may by now.
var ErrUsurped = errors.New("another process of this bridge may have taken the database over")

// Conditions of statements: that the lease is that of this process, which LeaseQuery.ours names as the parameter, or that none was
// taken. Who has lost it claims nothing any more that another process works on.
const (
	ifHeld2 = `($2='' OR EXISTS (SELECT 1 FROM lease WHERE bridge_id=$1 AND holder=$2))`
	ifHeld6 = `($6='' OR EXISTS (SELECT 1 FROM lease WHERE bridge_id=$1 AND holder=$6))`
	ifHeld7 = `($7='' OR EXISTS (SELECT 1 FROM lease WHERE bridge_id=$1 AND holder=$7))`
)

// ours is for whom Take has taken the lease, "" before.
func (q *LeaseQuery) ours() string {
	if holder := q.holder.Load(); holder != nil {
		return *holder
	}
	return ""
}

const (
	leaseGet  = `SELECT holder, beat FROM lease WHERE bridge_id=$1`
	leaseMake = `INSERT INTO lease (bridge_id, holder, beat) VALUES ($1, $2, 1) ON CONFLICT (bridge_id) DO NOTHING`
	leaseTake = `UPDATE lease SET holder=$4, beat=beat+1 WHERE bridge_id=$1 AND holder=$2 AND beat=$3`
	leaseBeat = `UPDATE lease SET beat=beat+1 WHERE bridge_id=$1 AND holder=$2`
	// leaseEvict ends sessions with the same database that are in the middle of a transaction in which nothing happens.
	leaseEvict = `
		SELECT COUNT(*) FROM (
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname=current_database() AND usename=current_user AND pid<>pg_backend_pid()
				AND state LIKE 'idle in transaction%' AND state_change<=now()-$1*interval '1 millisecond'
			) ended`
	leaseEnd = `UPDATE lease SET holder='', beat=beat+1 WHERE bridge_id=$1 AND holder=$2`
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
// it was. From then on events of Matrix are stored only while holder has it.
func (q *LeaseQuery) Take(ctx context.Context, before string, beat int64, holder string) (taken bool, err error) {
	began := time.Now()
	if beat == 0 {
		taken, err = changes(q.db.Exec(ctx, leaseMake, q.bridgeID, holder))
	} else {
		taken, err = changes(q.db.Exec(ctx, leaseTake, q.bridgeID, before, beat, holder))
	}
	if taken {
		q.signed.Store(&began)
		q.holder.Store(&holder)
	}
	return taken, err
}

// Beat is a sign of life of the holder. It reports false when the lease is another's.
func (q *LeaseQuery) Beat(ctx context.Context, holder string) (ours bool, err error) {
	began := time.Now()
	if ours, err = changes(q.db.Exec(ctx, leaseBeat, q.bridgeID, holder)); ours && err == nil {
		q.signed.Store(&began)
	}
	return ours, err
}

// Release gives the lease up.
func (q *LeaseQuery) Release(ctx context.Context, holder string) error {
	_, err := q.db.Exec(ctx, leaseEnd, q.bridgeID, holder)
	return err
}

// Evict ends the transactions of others in which nothing has happened for a time, and returns how many there were. Who hangs in the middle of one
// keeps the rows that it has changed from everybody else for as long as its connection lasts. With SQLite there is nothing to do: who hangs there
// keeps the lease itself from being taken.
func (q *LeaseQuery) Evict(ctx context.Context, idle time.Duration) (n int, err error) {
	if q.db.Dialect != dbutil.Postgres {
		return 0, nil
	}
	err = q.db.QueryRow(ctx, leaseEvict, idle.Milliseconds()).Scan(&n)
	return n, err
}
