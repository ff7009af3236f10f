package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// QueuedEvent is a message from Matrix whose fate is not told yet.
type QueuedEvent struct {
	LoginID   networkid.UserLoginID
	EventID   id.EventID
	Position  int64 // order of arrival within the login
	RoomID    id.RoomID
	Sender    id.UserID
	PortalID  networkid.PortalID
	Body      string // as it goes to MSN
	Format    string // X-MMS-IM-Format
	WrittenAt time.Time
	// Started is set before the message may go on the wire: after a crash it is
	// not certain whether it did.
	Started bool
	// HeldAt is since when a message waits for its recipient to be online. Zero means
	// that it does not.
	HeldAt time.Time
}

// Scan reads a row of the columns that eventsGetAll names.
func (e *QueuedEvent) Scan(row dbutil.Scannable) (*QueuedEvent, error) {
	var written, held int64
	err := row.Scan(&e.LoginID, &e.EventID, &e.Position, &e.RoomID, &e.Sender, &e.PortalID, &e.Body, &e.Format, &written, &e.Started, &held)
	e.WrittenAt = time.UnixMilli(written)
	if held != 0 {
		e.HeldAt = time.UnixMilli(held)
	}
	return dbutil.ValueOrErr(e, err)
}

// MatrixQueueQuery are the queries on the table matrix_queue.
type MatrixQueueQuery struct {
	*dbutil.QueryHelper[*QueuedEvent]
	bridgeID networkid.BridgeID
}

const (
	eventsPut = `
		INSERT INTO matrix_queue (bridge_id, login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, started)
		SELECT $1, $2, $3, COALESCE(MAX(position), 0)+1, $4, $5, $6, $7, $8, $9, $10
		FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2
		ON CONFLICT (bridge_id, login_id, event_id) DO NOTHING`
	eventsGetAll = `
		SELECT login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, started, held_at
		FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 ORDER BY position`
	eventsStart  = `UPDATE matrix_queue SET started=$4 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
	eventsHold   = `UPDATE matrix_queue SET started=false, held_at=$4 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
	eventsDelete = `DELETE FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
)

// Put adds a message at the end of its login's queue. It reports false for one
// that is in the queue already. Position is given by the table.
func (q *MatrixQueueQuery) Put(ctx context.Context, e *QueuedEvent) (added bool, err error) {
	result, err := q.GetDB().Exec(ctx, eventsPut, q.bridgeID, e.LoginID, e.EventID, e.RoomID, e.Sender, e.PortalID,
		e.Body, e.Format, e.WrittenAt.UnixMilli(), e.Started)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// GetAll returns the messages of a login in order.
func (q *MatrixQueueQuery) GetAll(ctx context.Context, login networkid.UserLoginID) ([]*QueuedEvent, error) {
	return q.QueryMany(ctx, eventsGetAll, q.bridgeID, login)
}

// SetStarted notes whether a message may be on the wire from now on.
func (q *MatrixQueueQuery) SetStarted(ctx context.Context, e *QueuedEvent, started bool) error {
	return q.Exec(ctx, eventsStart, q.bridgeID, e.LoginID, e.EventID, started)
}

// Hold notes since when a message waits for its recipient. It was not sent.
func (q *MatrixQueueQuery) Hold(ctx context.Context, e *QueuedEvent, since time.Time) error {
	return q.Exec(ctx, eventsHold, q.bridgeID, e.LoginID, e.EventID, since.UnixMilli())
}

// Delete takes a message out of the queue: its fate is told.
func (q *MatrixQueueQuery) Delete(ctx context.Context, e *QueuedEvent) error {
	return q.Exec(ctx, eventsDelete, q.bridgeID, e.LoginID, e.EventID)
}
