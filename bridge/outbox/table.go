package outbox

import (
	"context"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/database"
)

// table is the queue of one login on disk.
type table struct {
	query *database.MatrixQueueQuery
	login networkid.UserLoginID
	// settled are told of each room in which a message was taken out, or waits for its recipient now.
	settled []func(networkid.PortalID)
}

var _ queue.Store[networkid.PortalID, *database.QueuedEvent] = (*table)(nil)
var _ queue.Failures[*database.QueuedEvent] = (*table)(nil)

// Keys returns the rooms in which messages were written that wait.
func (t *table) Keys(ctx context.Context) ([]networkid.PortalID, error) {
	return t.query.Portals(ctx, t.login)
}

// Read returns messages of a room behind a position.
func (t *table) Read(ctx context.Context, portal networkid.PortalID, after int64, limit int, _ string) ([]queue.Entry[*database.QueuedEvent], error) {
	rows, err := t.query.ForPortal(ctx, t.login, portal, after, limit)
	entries := make([]queue.Entry[*database.QueuedEvent], 0, len(rows))
	for _, row := range rows {
		entries = append(entries, queue.Entry[*database.QueuedEvent]{Row: row, Position: row.Position, Owner: row.Owner})
	}
	return entries, err
}

// SetOwner claims a message, or gives it back.
func (t *table) SetOwner(ctx context.Context, e queue.Entry[*database.QueuedEvent], owner string) (bool, error) {
	e.Row.Owner = e.Owner
	return t.query.SetOwner(ctx, e.Row, owner)
}

// Hold notes that a message waits for its recipient.
func (t *table) Hold(ctx context.Context, e queue.Entry[*database.QueuedEvent]) (bool, error) {
	e.Row.Owner = e.Owner
	defer t.tell(e.Row.PortalID)
	return t.query.Hold(ctx, e.Row, time.Now())
}

// Remove takes a message out.
func (t *table) Remove(ctx context.Context, e queue.Entry[*database.QueuedEvent]) (bool, error) {
	e.Row.Owner = e.Owner
	defer t.tell(e.Row.PortalID)
	return t.query.Remove(ctx, e.Row)
}

// tell tells that a message of a room is settled.
func (t *table) tell(portal networkid.PortalID) {
	for _, tell := range t.settled {
		tell(portal)
	}
}

// Failed notes why a message still waits.
func (t *table) Failed(ctx context.Context, e queue.Entry[*database.QueuedEvent], why error) error {
	return t.query.Failed(ctx, e.Row, why)
}
