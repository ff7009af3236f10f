package bridge

import (
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
)

// maxInvitedRooms is of how many rooms it is remembered that their users were told.
const maxInvitedRooms = 1000

// invitedGhosts are rooms that are not bridged, and into which people on MSN were invited: what is written
// there reaches nobody, which is told once of each. The zero value is ready.
type invitedGhosts struct {
	mu   sync.Mutex
	told map[id.RoomID]bool
}

// first reports whether nobody was told of a room yet, and notes that somebody is.
func (i *invitedGhosts) first(room id.RoomID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.told[room] {
		return false
	}
	if i.told == nil || len(i.told) >= maxInvitedRooms {
		i.told = make(map[id.RoomID]bool)
	}
	i.told[room] = true
	return true
}

// invitedOutside tells a user who has invited somebody on MSN into a room that is not bridged what makes it
// one that is. The framework looks at invitations into rooms of two alone.
func (c *Connector) invitedOutside(ctx context.Context, evt *event.Event, ghost networkid.UserID) {
	identity, ok := msnid.ParseUserID(ghost)
	if !ok || evt.Content.AsMember().IsDirect {
		return
	}
	for _, client := range c.clientsOf(ctx, evt.Sender) {
		if client.account.Identity.Service != identity.Service {
			continue
		}
		if !c.invited.first(evt.RoomID) {
			return
		}
		if err := c.sayOutside(ctx, client, evt.RoomID, identity.Account); err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", evt.RoomID).Msg("Failed to tell that a room is not bridged")
		}
		return
	}
}

func (c *Connector) sayOutside(ctx context.Context, client *Client, room id.RoomID, account string) error {
	chat, err := client.rooms.Management(ctx)
	if err != nil {
		return err
	}
	return client.rooms.Notice(ctx, chat, words.Text("matrix.invited_ghost",
		client.account.Person(ctx, account).Name, c.br.Bot.GetMXID(), c.br.Config.CommandPrefix, account, client.rooms.Link(room)), "")
}
