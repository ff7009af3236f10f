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
