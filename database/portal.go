package database

import (
	"context"
	"database/sql"
	"errors"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// PortalQuery are queries on the framework's table portal that it has not itself.
type PortalQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

// portalsPictured finds rooms whose picture is not surely none.
const portalsPictured = `SELECT id FROM portal WHERE bridge_id=$1 AND receiver=$2 AND mxid<>'' AND (avatar_id<>'' OR NOT avatar_set) AND id IN (`

// Pictured returns those of some portals of a login that have a room with a picture, or one of which it is not sure.
func (q *PortalQuery) Pictured(ctx context.Context, login networkid.UserLoginID, ids []networkid.PortalID) (map[networkid.PortalID]bool, error) {
	return among(ctx, q.db, portalsPictured, []any{q.bridgeID, login}, ids)
}

const roomOfPortal = `SELECT COALESCE(mxid, '') FROM portal WHERE bridge_id=$1 AND id=$2 AND receiver=$3`

// Room returns the room of a portal, "" while there is none. It is asked for each message: the framework's own
// query reads all that is known of a portal.
func (q *PortalQuery) Room(ctx context.Context, key networkid.PortalKey) (room id.RoomID, err error) {
	err = q.db.QueryRow(ctx, roomOfPortal, q.bridgeID, key.ID, key.Receiver).Scan(&room)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return room, err
}
