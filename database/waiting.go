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

// Depth is what waits in a table.
type Depth struct {
	Rows   int
	Oldest time.Time // since when the first of them waits, zero for none
}

const depthsQuery = `
	SELECT 'intake', COUNT(*), COALESCE(MIN(received_at), 0) FROM intake WHERE bridge_id=$1 AND state='waiting'
	UNION ALL SELECT 'matrix_queue', COUNT(*), COALESCE(MIN(queued_at), 0) FROM matrix_queue WHERE bridge_id=$1 AND held_at=0
	UNION ALL SELECT 'matrix_queue_held', COUNT(*), COALESCE(MIN(held_at), 0) FROM matrix_queue WHERE bridge_id=$1 AND held_at<>0
	UNION ALL SELECT 'msn_queue', COUNT(*), COALESCE(MIN(queued_at), 0) FROM msn_queue WHERE bridge_id=$1
	UNION ALL SELECT 'file_queue', COUNT(*), COALESCE(MIN(queued_at), 0) FROM file_queue WHERE bridge_id=$1
	UNION ALL SELECT 'file_coming', COUNT(*), COALESCE(MIN(offered_at), 0) FROM file_coming WHERE bridge_id=$1
`

// WaitingQuery looks over all queues.
type WaitingQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

// Depths returns what waits in each table that is a queue, by its name. "matrix_queue_held" are the rows of
// matrix_queue that wait for their recipients.
func (q *WaitingQuery) Depths(ctx context.Context) (map[string]Depth, error) {
	rows, err := q.db.Query(ctx, depthsQuery, q.bridgeID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]Depth)
	for rows.Next() {
		var name string
		var depth Depth
		var since int64
		if err := rows.Scan(&name, &depth.Rows, &since); err != nil {
			return nil, err
		}
		depth.Oldest = fromMilli(since)
		all[name] = depth
	}
	return all, rows.Err()
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
