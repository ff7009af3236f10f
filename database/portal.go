package database

import (
	"context"
	"database/sql"
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// maxRooms is of how many portals the room is remembered, of those that were asked for last. Each takes some 250 bytes.
const maxRooms = 8 << 10

// PortalQuery are queries on the framework's table portal that it has not itself.
type PortalQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
	rooms    *lru.Cache[networkid.PortalKey, id.RoomID]
}

// newPortalQuery makes the queries on the table portal.
func newPortalQuery(db *dbutil.Database, bridgeID networkid.BridgeID) *PortalQuery {
	rooms, err := lru.New[networkid.PortalKey, id.RoomID](maxRooms)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &PortalQuery{db: db, bridgeID: bridgeID, rooms: rooms}
}

const roomOfPortal = `SELECT COALESCE(mxid, '') FROM portal WHERE bridge_id=$1 AND id=$2 AND receiver=$3`

// Room returns the room of a portal, "" while there is none. It is asked for each message: the framework's own
// query reads all that is known of a portal. A room that was found is remembered, and the table is asked again when still says
// that it is not that of the portal any more.
func (q *PortalQuery) Room(ctx context.Context, key networkid.PortalKey, still func(id.RoomID) bool) (room id.RoomID, err error) {
	if room, known := q.rooms.Get(key); known && still(room) {
		return room, nil
	}
	err = q.db.QueryRow(ctx, roomOfPortal, q.bridgeID, key.ID, key.Receiver).Scan(&room)
	if errors.Is(err, sql.ErrNoRows) {
		room, err = "", nil
	}
	if err != nil {
		return "", err
	}
	if room != "" {
		q.rooms.Add(key, room)
	} else {
		q.rooms.Remove(key)
	}
	return room, nil
}
