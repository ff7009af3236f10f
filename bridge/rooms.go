package bridge

import (
	"context"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// createTimeout bounds making a room.
const createTimeout = 2 * time.Minute

// storedRoom returns the room of a portal, "" while there is none. It is asked of the
// database, because the framework's own copy changes under its hands.
func (c *Client) storedRoom(ctx context.Context, key networkid.PortalKey) (id.RoomID, error) {
	portal, err := c.connector.br.DB.Portal.GetByKey(ctx, key)
	if err != nil || portal == nil {
		return "", err
	}
	return portal.MXID, nil
}

// membership returns what the user is to a room, "" while they were never invited.
func (c *Client) membership(ctx context.Context, room id.RoomID) (event.Membership, error) {
	members, err := c.connector.br.Matrix.GetMembers(ctx, room)
	if own := members[c.login.UserMXID]; err == nil && own != nil {
		return own.Membership, nil
	}
	return "", err
}

// hasLeft reports whether a membership is that of somebody who was in a room, or invited,
// and is no more.
func hasLeft(membership event.Membership) bool {
	return membership == event.MembershipLeave || membership == event.MembershipBan
}

// ensureRoom makes the room of a portal unless there is one. Who comes while somebody
// else makes it waits for them.
func (c *Client) ensureRoom(ctx context.Context, key networkid.PortalKey, describe func(context.Context) (*bridgev2.ChatInfo, error)) error {
	defer c.rooms.lock(key.ID)()
	if room, err := c.storedRoom(ctx, key); err != nil || room != "" {
		return err
	}
	making, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	portal, err := c.connector.br.GetPortalByKey(making, key)
	if err != nil {
		return err
	}
	info, err := describe(making)
	if err != nil {
		return err
	}
	return portal.CreateMatrixRoom(making, c.login, info)
}

// settling returns a context that ends a moment after ctx, so that what is half-way comes
// to its end when the bridge stops.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	settled, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(settleTimeout, cancel)
		context.AfterFunc(settled, func() { timer.Stop() })
	})
	return settled, func() {
		stop()
		cancel()
	}
}
