package database

import (
	"context"
	"sync/atomic"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// positions gives positions for rows: the time, or more. They grow also while the clock stands
// still, or after it was set back: a row must not get that of one that has just been taken out,
// which somebody may still know. After learn they are behind those that are in the table.
type positions struct{ last atomic.Int64 }

func (p *positions) next() int64 { return p.before(0) }

// before returns the next position, behind which so many stay free.
func (p *positions) before(free int64) int64 {
	for {
		last := p.last.Load()
		if next := max(time.Now().UnixNano(), last+1); p.last.CompareAndSwap(last, next+free) {
			return next
		}
	}
}

// learn has positions be behind those of the rows that are in a table, of which only those count that and picks. A statement that puts a row could not
// see to that: transactions at the same time do not see each other's rows, and would give the same position twice.
func (p *positions) learn(ctx context.Context, db *dbutil.Database, bridge networkid.BridgeID, table, and string) error {
	var last int64
	if err := db.QueryRow(ctx, `SELECT COALESCE(MAX(position), 0) FROM `+table+` WHERE bridge_id=$1`+and, bridge).Scan(&last); err != nil {
		return err
	}
	for {
		before := p.last.Load()
		if before >= last || p.last.CompareAndSwap(before, last) {
			return nil
		}
	}
}
