package people

import (
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
)

// ClearRooms takes away the rooms of accounts that are not logged in any more, of which the user is in and
// nobody else but the bridge: whose they were is forgotten with the login.
func ClearRooms(c *call.Call) {
	portals, err := c.Bridge.GetAllPortalsWithMXID(c.Ctx)
	if err != nil {
		c.Log.Err(err).Msg("Failed to read rooms")
		c.Tell("command.people.the_bridge_could_not_look_for")
		return
	}
	answered := c.OrigRoomID
	cleared, failed, shared := 0, 0, 0
	for _, portal := range portals {
		dead, others := isDead(c, portal)
		switch {
		case !dead:
		case others:
			shared++
		case clear(c, portal):
			cleared++
			if portal.MXID == answered {
				answered = ""
			}
		default:
			failed++
		}
	}
	if answered == "" { // the room of the command is gone
		if c.OrigRoomID, err = c.User.GetManagementRoom(c.Ctx); err != nil {
			c.Log.Err(err).Msg("Failed to open the chat with the bot")
			return
		}
	}
	c.Say("%s", describeCleared(cleared, failed, shared))
}

func describeCleared(cleared, failed, shared int) string {
	said := words.Text("command.people.there_are_no_rooms_of_accounts")
	switch {
	case cleared > 0:
		said = words.Count("command.people.rooms_gone", cleared)
	case failed+shared > 0:
		said = words.Text("command.people.nothing_is_gone")
	}
	if failed > 0 {
		said += " " + words.Count("command.people.rooms_left", failed)
	}
	if shared > 0 {
		said += " " + words.Count("command.people.rooms_shared", shared)
	}
	return said
}

// isDead reports whether a room in which the user is belongs to an account that is not logged in any more, and
// whether others are there too.
func isDead(c *call.Call, portal *bridgev2.Portal) (dead, others bool) {
	if portal.MXID == "" || portal.Receiver == "" {
		return false, false
	}
	if login, err := c.Bridge.GetExistingUserLoginByID(c.Ctx, portal.Receiver); err != nil || login != nil {
		return false, false
	}
	members, err := c.Bridge.Matrix.GetMembers(c.Ctx, portal.MXID)
	if own := members[c.User.MXID]; err != nil || own == nil || !own.Membership.IsInviteOrJoin() {
		return false, false
	}
	others, err = room.Overheard(c.Ctx, c.Bridge, portal.MXID, c.User.MXID)
	return true, others || err != nil
}

// clear takes a room away. One that was there before it was bridged stays with its people.
func clear(c *call.Call, portal *bridgev2.Portal) bool {
	err := c.Bot.DeleteRoom(c.Ctx, portal.MXID, account.Borrows(portal))
	if err == nil || room.IsRefusal(err) {
		err = portal.Delete(c.Ctx)
	}
	if err != nil {
		c.Log.Err(err).Stringer("dead_room_id", portal.MXID).Msg("Failed to take away the room of an account that is gone")
	}
	return err == nil
}
