package database

import (
	"context"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// GroupSpace is the space of a group of contacts of a login, as the homeserver has it.
type GroupSpace struct {
	LoginID  networkid.UserLoginID
	GroupID  string
	RoomID   id.RoomID
	Name     string
	Children []id.RoomID
	Parent   id.RoomID // the space of the login that it is in, or ""
	Joined   bool      // the user was invited, or brought in where the bridge can do that
}

// Scan reads a row of the columns that groupSpaceColumns names.
func (s *GroupSpace) Scan(row dbutil.Scannable) (*GroupSpace, error) {
	return dbutil.ValueOrErr(s, row.Scan(&s.LoginID, &s.GroupID, &s.RoomID, &s.Name, dbutil.JSON{Data: &s.Children}, &s.Parent, &s.Joined))
}

// GroupSpaceQuery are the queries on the table group_space.
type GroupSpaceQuery struct {
	*dbutil.QueryHelper[*GroupSpace]
	bridgeID networkid.BridgeID
	holders  holders
}

const (
	groupSpaceGetAll = `SELECT login_id, group_id, room_id, name, children, parent, joined FROM group_space WHERE bridge_id=$1 AND login_id=$2 ORDER BY group_id`
	groupSpacePut    = `
		INSERT INTO group_space (bridge_id, login_id, group_id, room_id, name, children, parent, joined) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (bridge_id, login_id, group_id) DO UPDATE SET
			room_id=excluded.room_id, name=excluded.name, children=excluded.children, parent=excluded.parent, joined=excluded.joined`
	groupSpaceMove   = `UPDATE group_space SET group_id=$4 WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3`
	groupSpaceDelete = `DELETE FROM group_space WHERE bridge_id=$1 AND login_id=$2 AND group_id=$3`
	groupSpaceRooms  = `SELECT id, mxid FROM portal WHERE bridge_id=$1 AND receiver=$2 AND mxid<>''`
)

// None reports whether a login surely has no spaces.
func (q *GroupSpaceQuery) None(login networkid.UserLoginID) bool { return q.holders.none(login) }

// GetAll returns the spaces of a login.
func (q *GroupSpaceQuery) GetAll(ctx context.Context, login networkid.UserLoginID) ([]*GroupSpace, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	return q.QueryMany(ctx, groupSpaceGetAll, q.bridgeID, login)
}

// Put stores how the homeserver has a space.
func (q *GroupSpaceQuery) Put(ctx context.Context, s *GroupSpace) error {
	if err := q.holders.put(s.LoginID); err != nil {
		return err
	}
	return q.Exec(ctx, groupSpacePut, q.bridgeID, s.LoginID, s.GroupID, s.RoomID, s.Name, dbutil.JSON{Data: &s.Children}, s.Parent, s.Joined)
}

// Move notes that the group of a space has got another ID, which has no space.
func (q *GroupSpaceQuery) Move(ctx context.Context, s *GroupSpace, group string) error {
	err := q.Exec(ctx, groupSpaceMove, q.bridgeID, s.LoginID, s.GroupID, group)
	if err == nil {
		s.GroupID = group
	}
	return err
}

// Delete forgets a space.
func (q *GroupSpaceQuery) Delete(ctx context.Context, s *GroupSpace) error {
	return q.Exec(ctx, groupSpaceDelete, q.bridgeID, s.LoginID, s.GroupID)
}

// portalRoom is a portal and its room.
type portalRoom struct {
	portal networkid.PortalID
	room   id.RoomID
}

// Rooms returns the rooms of a login, by portal.
func (q *GroupSpaceQuery) Rooms(ctx context.Context, login networkid.UserLoginID) (map[networkid.PortalID]id.RoomID, error) {
	rows, err := q.GetDB().Query(ctx, groupSpaceRooms, q.bridgeID, login)
	list, err := dbutil.NewRowIterWithError(rows, func(row dbutil.Scannable) (p portalRoom, err error) {
		err = row.Scan(&p.portal, &p.room)
		return p, err
	}, err).AsList()
	rooms := make(map[networkid.PortalID]id.RoomID, len(list))
	for _, p := range list {
		rooms[p.portal] = p.room
	}
	return rooms, err
}
