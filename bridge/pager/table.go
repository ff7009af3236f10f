package pager

import (
	"context"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/database"
)

// table is the pages of one login on disk whose fate is not told. No page waits for another:
// each is a key of its own. It can be told of twice, when it bounces.
type table struct {
	query *database.PageQuery
	login networkid.UserLoginID
}

var _ queue.Store[string, *database.Page] = (*table)(nil)

// positionOf returns the position of a page: it is behind itself once it has bounced.
func positionOf(page *database.Page) int64 {
	if page.State == database.PageBounced {
		return 2
	}
	return 1
}

// Keys returns the pages whose fate is not told.
func (t *table) Keys(ctx context.Context) ([]string, error) { return t.query.UntoldIDs(ctx, t.login) }

// Read returns a page.
func (t *table) Read(ctx context.Context, id string, after int64, _ int, _ string) ([]queue.Entry[*database.Page], error) {
	page, err := t.query.Get(ctx, t.login, id)
	if err != nil || page == nil || page.Told || positionOf(page) <= after {
		return nil, err
	}
	return []queue.Entry[*database.Page]{{Row: page, Position: positionOf(page), Owner: page.Owner}}, nil
}

// SetOwner claims a page, or gives it back.
func (t *table) SetOwner(ctx context.Context, e queue.Entry[*database.Page], owner string) (bool, error) {
	e.Row.Owner = e.Owner
	return t.query.SetOwner(ctx, e.Row, owner)
}

// Hold gives a page back. No page is held.
func (t *table) Hold(ctx context.Context, e queue.Entry[*database.Page]) (bool, error) {
	return t.SetOwner(ctx, e, "")
}

// Remove notes that the fate of a page is told, unless it has bounced meanwhile.
func (t *table) Remove(ctx context.Context, e queue.Entry[*database.Page]) (bool, error) {
	told := *e.Row
	told.Told = true
	return t.query.Change(ctx, &told, e.Row.State)
}
