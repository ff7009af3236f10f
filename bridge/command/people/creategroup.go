package people

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/provisionutil"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
)

// GroupType is the one type of group chats, as the framework knows it.
const GroupType = "group"

// cannotGroup says why the room is no group chat.
func cannotGroup(c *call.Call, login *bridgev2.UserLogin, err error) {
	why := reason.Of(fmt.Errorf("%w: %w", reason.ErrGroup, err), reason.Request, c.LoginOf(login).Account.About(""))
	c.Say("%s", why.Sentence)
}

// CreateGroup makes the room a group chat with the contacts who are in it.
func CreateGroup(c *call.Call) {
	c.TakeLogin()
	typed := strings.Fields(c.Text)
	switch {
	case c.Portal != nil:
		c.Tell("command.people.bridged_already_invite_calls", names.Quoted(roomOf(c, c.Portal)))
		return
	case c.RoomID == c.User.ManagementRoom:
		c.Tell("command.people.own_chat_is_no_group")
		return
	}
	if unreadable(c) {
		return
	}
	if slices.ContainsFunc(typed, func(word string) bool { _, named := call.IsAddress(word); return named }) {
		c.Tell("command.people.create_group_makes_a_group_chat")
		return
	}
	members, err := groupMembers(c)
	login, ok := loginForGroup(c, members)
	if !ok {
		return
	}
	if err != nil {
		c.Log.Err(err).Msg("Failed to get room members for group creation")
		cannotGroup(c, login, err)
		return
	}
	if len(members) < 2 { // the framework would say it in its own words
		cannotGroup(c, login, map[bool]error{true: reason.ErrNoMembers, false: reason.ErrOneMember}[len(members) == 0])
		return
	}
	name := nameOfRoom(c)
	chosen := names.Cut(names.Clean(strings.Join(typed, " ")), names.Max)
	if chosen != "" && !strings.EqualFold(chosen, GroupType) {
		name = nameRoom(c, chosen)
	}
	made, err := provisionutil.CreateGroup(c.Ctx, login, &bridgev2.GroupCreateParams{
		Type: GroupType, Participants: members, Name: name, RoomID: c.RoomID,
	})
	if err != nil {
		c.Log.Err(err).Msg("Failed to make a group chat")
		cannotGroup(c, login, err)
		return
	}
	c.Tell("command.people.this_room_is_now_a_group", cmp.Or(namesOfGroup(c, login, made.ID), words.Text("command.people.your_contacts_here")))
}

// nameRoom gives the command's room a name and returns it. The group chat bears it also where the bot may
// not name the room, which it says.
func nameRoom(c *call.Call, name string) *event.RoomNameEventContent {
	content := &event.RoomNameEventContent{Name: name}
	if before := nameOfRoom(c); before != nil && before.Name == name {
		return before
	}
	if _, err := c.Bot.SendState(c.Ctx, c.RoomID, event.StateRoomName, "", &event.Content{Parsed: content}, time.Time{}); err != nil {
		c.Log.Warn().Err(err).Msg("Failed to name a room that becomes a group chat")
		c.Tell("command.people.i_may_not_name_this_room")
	}
	return content
}

// loginForGroup returns the login that is named behind the command, the only one at the service of the people
// in the room, or the only one of the user. It answers when it is none.
func loginForGroup(c *call.Call, members []networkid.UserID) (*bridgev2.UserLogin, bool) {
	if c.Given[call.LoginOption] == "" {
		services := make(map[string]bool)
		for _, member := range members {
			if identity, ok := msnid.ParseUserID(member); ok {
				services[identity.Service] = true
			}
		}
		var fitting []*bridgev2.UserLogin
		for _, login := range c.User.GetUserLogins() {
			if services[c.LoginOf(login).Account.Identity.Service] {
				fitting = append(fitting, login)
			}
		}
		if len(fitting) == 1 && len(services) == 1 {
			return fitting[0], true
		}
	}
	login, ok := c.Login()
	if !ok {
		return nil, false
	}
	return login.Account.Login, true
}

// groupMembers returns the IDs of the people in the command's room: ghosts, and other users
// of the bridge by their logins.
func groupMembers(c *call.Call) (ids []networkid.UserID, err error) {
	members, err := c.Bridge.Matrix.GetMembers(c.Ctx, c.RoomID)
	for user, member := range members {
		if user == c.User.MXID || user == c.Bot.GetMXID() || !member.Membership.IsInviteOrJoin() {
			continue
		}
		if ghost, ok := c.Bridge.Matrix.ParseGhostMXID(user); ok {
			ids = append(ids, ghost)
			continue
		}
		if c.Bridge.Config.SplitPortals {
			continue
		}
		other, err := c.Bridge.GetExistingUserByMXID(c.Ctx, user)
		if err != nil {
			c.Log.Err(err).Stringer("user_id", user).Msg("Failed to get user for room member")
		} else if other != nil {
			for _, login := range other.GetUserLogins() {
				if login.Client.IsLoggedIn() {
					ids = append(ids, c.LoginOf(login).Account.UserID())
				}
			}
		}
	}
	return ids, err
}

// nameOfRoom returns what the command's room is called, or nil.
func nameOfRoom(c *call.Call) *event.RoomNameEventContent {
	matrix, ok := c.Bridge.Matrix.(bridgev2.MatrixConnectorWithArbitraryRoomState)
	if !ok {
		return nil
	}
	state, err := matrix.GetStateEvent(c.Ctx, c.RoomID, event.StateRoomName, "")
	if err != nil {
		zerolog.Ctx(c.Ctx).Err(err).Stringer("event_type", event.StateRoomName).Msg("Failed to get state event for group creation")
	}
	if err != nil || state == nil {
		return nil
	}
	name, _ := state.Content.Parsed.(*event.RoomNameEventContent)
	return name
}

// namesOfGroup returns the names of the members of a group chat, or "".
func namesOfGroup(c *call.Call, login *bridgev2.UserLogin, portal networkid.PortalID) string {
	group, ok := msnid.ParseGroupPortalID(portal)
	if !ok {
		return ""
	}
	members, err := c.DB.Group.Get(c.Ctx, login.ID, group)
	if err != nil {
		zerolog.Ctx(c.Ctx).Err(err).Msg("Failed to read the members of a group chat")
		return ""
	}
	called := make([]string, 0, len(members))
	for _, account := range members {
		called = append(called, c.LoginOf(login).Account.Person(c.Ctx, account).Name)
	}
	return strings.Join(called, ", ")
}
