package database

import (
	"context"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// GroupChange is that somebody leaves the room of a group chat or comes back, which is not shown there yet.
type GroupChange struct {
	LoginID networkid.UserLoginID
	GroupID string
	Account string
	Left    bool
	Reason  string // that is shown with it, or ""
}

// Scan reads a row of the columns that groupChangesGet names.
func (c *GroupChange) Scan(row dbutil.Scannable) (*GroupChange, error) {
	return dbutil.ValueOrErr(c, row.Scan(&c.LoginID, &c.GroupID, &c.Account, &c.Left, &c.Reason))
}

// GroupChangeQuery are the queries on the table group_change. It holds the last change of each person in each
// group chat.
type GroupChangeQuery struct {
	*dbutil.QueryHelper[*GroupChange]
	bridgeID networkid.BridgeID
	holders  holders
}

const (
	groupChangesNew = `
		INSERT INTO group_change (bridge_id, login_id, group_id, account, has_left, reason) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (bridge_id, login_id, group_id, account) DO `
	groupChangesPut    = groupChangesNew + `UPDATE SET has_left=excluded.has_left, reason=excluded.reason`
	groupChangesPutNew = groupChangesNew + `NOTHING`
	groupChangesGet    = `
		SELECT login_id, group_id, account, has_left, reason FROM group_change
		WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3 ORDER BY account`
	groupChangesGroups = `SELECT DISTINCT group_id FROM group_change WHERE bridge_id=$1 AND login_id=$2 ORDER BY group_id`
	groupChangesDone   = `
		DELETE FROM group_change
		WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3 AND account=$4 AND has_left=$5 AND reason=$6`
	groupChangesForget = `DELETE FROM group_change WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3`
)

// Put notes a change, in the place of an earlier one of the same person.
func (q *GroupChangeQuery) Put(ctx context.Context, c *GroupChange) error {
	if err := q.holders.put(c.LoginID); err != nil {
		return err
	}
	return q.Exec(ctx, groupChangesPut, q.bridgeID, c.LoginID, c.GroupID, c.Account, c.Left, c.Reason)
}

// PutNew notes a change unless there is one of the same person.
func (q *GroupChangeQuery) PutNew(ctx context.Context, c *GroupChange) error {
	if err := q.holders.put(c.LoginID); err != nil {
		return err
	}
	return q.Exec(ctx, groupChangesPutNew, q.bridgeID, c.LoginID, c.GroupID, c.Account, c.Left, c.Reason)
}

// Get returns the changes of a group chat.
func (q *GroupChangeQuery) Get(ctx context.Context, login networkid.UserLoginID, group string) ([]*GroupChange, error) {
	return q.QueryMany(ctx, groupChangesGet, q.bridgeID, login, group)
}

// Groups returns the group chats of a login that have changes.
func (q *GroupChangeQuery) Groups(ctx context.Context, login networkid.UserLoginID) ([]string, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, groupChangesGroups, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[string], err).AsList()
}

// Done says that a change is shown. One that has taken its place meanwhile stays.
func (q *GroupChangeQuery) Done(ctx context.Context, c *GroupChange) error {
	return q.Exec(ctx, groupChangesDone, q.bridgeID, c.LoginID, c.GroupID, c.Account, c.Left, c.Reason)
}

// Forget takes the changes of a group chat out, which has no room.
func (q *GroupChangeQuery) Forget(ctx context.Context, login networkid.UserLoginID, group string) error {
	return q.Exec(ctx, groupChangesForget, q.bridgeID, login, group)
}
