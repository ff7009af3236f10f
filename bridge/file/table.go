package file

import (
	"context"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/database"
)

// table is the files of one login on disk that are to be sent.
type table struct {
	query *database.FileQueueQuery
	login networkid.UserLoginID
}

var _ queue.Store[networkid.PortalID, *database.QueuedFile] = (*table)(nil)

// Keys returns the rooms in which files were sent that wait.
func (t *table) Keys(ctx context.Context) ([]networkid.PortalID, error) {
	return t.query.Portals(ctx, t.login)
}

// Read returns files of a room behind a position.
func (t *table) Read(ctx context.Context, portal networkid.PortalID, after int64, limit int, _ string) ([]queue.Entry[*database.QueuedFile], error) {
	rows, err := t.query.ForPortal(ctx, t.login, portal, after, limit)
	entries := make([]queue.Entry[*database.QueuedFile], 0, len(rows))
	for _, row := range rows {
		entries = append(entries, queue.Entry[*database.QueuedFile]{Row: row, Position: row.Position, Owner: row.Owner})
	}
	return entries, err
}

// SetOwner claims a file, or gives it back.
func (t *table) SetOwner(ctx context.Context, e queue.Entry[*database.QueuedFile], owner string) (bool, error) {
	e.Row.Owner = e.Owner
	return t.query.SetOwner(ctx, e.Row, owner)
}

// Hold gives a file back that waits for the texts before it: nothing of that need be noted.
func (t *table) Hold(ctx context.Context, e queue.Entry[*database.QueuedFile]) (bool, error) {
	return t.SetOwner(ctx, e, "")
}

// Remove takes a file out.
func (t *table) Remove(ctx context.Context, e queue.Entry[*database.QueuedFile]) (bool, error) {
	e.Row.Owner = e.Owner
	return t.query.Remove(ctx, e.Row)
}
