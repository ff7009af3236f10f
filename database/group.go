package database

import (
	"context"
	"slices"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// GroupMember is somebody who belongs to a group chat of a login.
type GroupMember struct {
	LoginID  networkid.UserLoginID
	GroupID  string
	Account  string
	Position int64 // order of coming
}

// Scan reads a row of the columns that groupsGetAll names.
func (m *GroupMember) Scan(row dbutil.Scannable) (*GroupMember, error) {
	return dbutil.ValueOrErr(m, row.Scan(&m.LoginID, &m.GroupID, &m.Account, &m.Position))
}

// GroupQuery are the queries on the table group_member.
type GroupQuery struct {
	*dbutil.QueryHelper[*GroupMember]
	bridgeID networkid.BridgeID
	holders  holders
}

const (
	groupsPut = `
		INSERT INTO group_member (bridge_id, login_id, group_id, account, position)
		SELECT $1, $2, $3, $4, COALESCE(MAX(position), 0)+1
		FROM group_member WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3
		ON CONFLICT (bridge_id, login_id, group_id, account) DO NOTHING`
	groupsGetAll = `
		SELECT login_id, group_id, account, position
		FROM group_member WHERE bridge_id=$1 AND login_id=$2 ORDER BY group_id, position`
	groupsWith  = `SELECT group_id FROM group_member WHERE bridge_id=$1 AND login_id=$2 AND account=$3 ORDER BY group_id`
	groupsFirst = `
		SELECT login_id, group_id, account, position FROM group_member member
		WHERE bridge_id=$1 AND login_id=$2 AND position=(
			SELECT MIN(position) FROM group_member
			WHERE bridge_id=member.bridge_id AND login_id=member.login_id AND group_id=member.group_id)`
	groupsGet = `
		SELECT login_id, group_id, account, position
		FROM group_member WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3 ORDER BY position`
)

// Put makes people members of a group chat. It returns those who were none before.
func (q *GroupQuery) Put(ctx context.Context, login networkid.UserLoginID, group string, accounts ...string) (added []string, err error) {
	if err := q.holders.put(login); err != nil {
		return nil, err
	}
	members, err := q.Get(ctx, login, group)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if slices.Contains(members, account) {
			continue
		}
		isNew, err := changes(q.GetDB().Exec(ctx, groupsPut, q.bridgeID, login, group, account))
		if err != nil {
			return added, err
		}
		if isNew {
			added = append(added, account)
		}
	}
	return added, nil
}

// With returns the group chats that somebody is a member of.
func (q *GroupQuery) With(ctx context.Context, login networkid.UserLoginID, account string) ([]string, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, groupsWith, q.bridgeID, login, account)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[string], err).AsList()
}

// Get returns the members of a group chat in order of coming.
func (q *GroupQuery) Get(ctx context.Context, login networkid.UserLoginID, group string) ([]string, error) {
	rows, err := q.QueryMany(ctx, groupsGet, q.bridgeID, login, group)
	return accountsOf(rows), err
}

// First returns who came first into each group chat of a login: who began it.
func (q *GroupQuery) First(ctx context.Context, login networkid.UserLoginID) (map[string]string, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.QueryMany(ctx, groupsFirst, q.bridgeID, login)
	first := make(map[string]string, len(rows))
	for _, row := range rows {
		first[row.GroupID] = row.Account
	}
	return first, err
}

// GetAll returns the members of all group chats of a login, by group.
func (q *GroupQuery) GetAll(ctx context.Context, login networkid.UserLoginID) (map[string][]string, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.QueryMany(ctx, groupsGetAll, q.bridgeID, login)
	groups := make(map[string][]string)
	for _, row := range rows {
		groups[row.GroupID] = append(groups[row.GroupID], row.Account)
	}
	return groups, err
}

func accountsOf(rows []*GroupMember) (accounts []string) {
	for _, row := range rows {
		accounts = append(accounts, row.Account)
	}
	return accounts
}
