package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// Waiting is what waits of a login.
type Waiting struct {
	Out    int       // texts and files for MSN
	Kept   int       // texts that are kept until their recipients are online
	In     int       // messages for Matrix
	Oldest time.Time // since when the oldest of Out and In waits, zero for none
}

const waitingQuery = `
	SELECT login_id, COUNT(*), 0, 0, MIN(queued_at) FROM matrix_queue WHERE bridge_id=$1 AND held_at=0 GROUP BY login_id
	UNION ALL SELECT login_id, COUNT(*), 0, 0, MIN(queued_at) FROM file_queue WHERE bridge_id=$1 GROUP BY login_id
	UNION ALL SELECT login_id, 0, COUNT(*), 0, 0 FROM matrix_queue WHERE bridge_id=$1 AND held_at<>0 GROUP BY login_id
	UNION ALL SELECT login_id, 0, 0, COUNT(*), MIN(queued_at) FROM msn_queue WHERE bridge_id=$1 GROUP BY login_id
`

// WaitingQuery looks over all queues.
type WaitingQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

// All returns what waits of each login of which anything does.
func (q *WaitingQuery) All(ctx context.Context) (map[networkid.UserLoginID]Waiting, error) {
	rows, err := q.db.Query(ctx, waitingQuery, q.bridgeID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[networkid.UserLoginID]Waiting)
	for rows.Next() {
		var login networkid.UserLoginID
		var part Waiting
		var since int64
		if err := rows.Scan(&login, &part.Out, &part.Kept, &part.In, &since); err != nil {
			return nil, err
		}
		of := all[login]
		of.Out, of.Kept, of.In = of.Out+part.Out, of.Kept+part.Kept, of.In+part.In
		if at := fromMilli(since); !at.IsZero() && (of.Oldest.IsZero() || at.Before(of.Oldest)) {
			of.Oldest = at
		}
		all[login] = of
	}
	return all, rows.Err()
}
