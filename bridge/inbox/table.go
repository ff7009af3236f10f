package inbox

import (
	"context"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/database"
)

// table is the queue of one login on disk. Messages are claimed as they are read: one that
// an earlier run had begun with is handed over again, since the framework knows by its ID
// whether Matrix has it.
type table struct {
	query *database.MSNQueueQuery
	login networkid.UserLoginID
}

var _ queue.Store[networkid.PortalID, *database.QueuedMessage] = (*table)(nil)
var _ queue.Failures[*database.QueuedMessage] = (*table)(nil)

// Keys returns the rooms for which messages wait.
func (t *table) Keys(ctx context.Context) ([]networkid.PortalID, error) {
	return t.query.Portals(ctx, t.login)
}

// Read claims messages of a room behind a position.
func (t *table) Read(ctx context.Context, portal networkid.PortalID, after int64, limit int, run string) ([]queue.Entry[*database.QueuedMessage], error) {
	rows, err := t.query.Take(ctx, t.login, portal, after, limit, run)
	entries := make([]queue.Entry[*database.QueuedMessage], 0, len(rows))
	for _, row := range rows {
		entries = append(entries, queue.Entry[*database.QueuedMessage]{Row: row, Position: row.Position, Owner: row.Owner})
	}
	return entries, err
}

// SetOwner claims a message, or gives it back.
func (t *table) SetOwner(ctx context.Context, e queue.Entry[*database.QueuedMessage], owner string) (bool, error) {
	e.Row.Owner = e.Owner
	return t.query.SetOwner(ctx, e.Row, owner)
}

// Hold gives a message back.
func (t *table) Hold(ctx context.Context, e queue.Entry[*database.QueuedMessage]) (bool, error) {
	return t.SetOwner(ctx, e, "")
}

// Remove takes a message out, unless that is done.
func (t *table) Remove(ctx context.Context, e queue.Entry[*database.QueuedMessage]) (bool, error) {
	if e.Row.Removed {
		return true, nil
	}
	e.Row.Owner = e.Owner
	return t.query.Remove(ctx, e.Row)
}

// Failed notes why a message still waits.
func (t *table) Failed(ctx context.Context, e queue.Entry[*database.QueuedMessage], why error) error {
	return t.query.Failed(ctx, e.Row, why)
}
