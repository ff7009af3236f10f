package people

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
)

// The framework has this command as well. It takes the ID of a chat, which nobody knows, renames
// the room, and puts people out of it who have no account.

const (
	bridgeUsage = "command.people.write_bridge_bob_example_com_to"
	// moveOption has a room replaced that there is already.
	moveOption = "--move"
)

// Bridge makes the room of the command that of a contact, a group chat or a circle.
func Bridge(c *call.Call) {
	if c.Portal != nil {
		c.Tell("command.people.bridged_already", names.Quoted(roomOf(c, c.Portal)))
		return
	}
	if c.RoomID == c.User.ManagementRoom {
		c.Tell("command.people.own_chat_is_not_bridged")
		return
	}
	if unreadable(c) {
		return
	}
	if why := mayNotBridge(c); why != "" {
		c.Say("%s", why)
		return
	}
	move := false
	var typed []string
	for word := range strings.FieldsSeq(c.Text) {
		if strings.EqualFold(word, moveOption) || strings.EqualFold(word, "—move") {
			move = true
			continue
		}
		typed = append(typed, word)
	}
	c.Text = strings.Join(typed, " ")
	login, target := chatNamed(c)
	if target == nil {
		return
	}
	portal, err := c.Bridge.GetPortalByKey(c.Ctx, target.PortalKey)
	if err != nil {
		cannotBridge(c, err)
		return
	}
	before, err := login.Account.StoredRoom(c.Ctx, portal.PortalKey)
	if err != nil {
		cannotBridge(c, err)
		return
	}
	if before != "" && !move {
		c.ReplyAdvanced(words.Text("command.people.there_is_a_room_for_it", link(c, before), moveOption), false, true)
		return
	}
	if err := inviteAll(c, login, target.PortalInfo); err != nil {
		c.Log.Warn().Err(err).Msg("Failed to invite people into a room that is to be bridged")
		c.Tell("command.people.the_homeserver_does_not_let_me")
		return
	}
	relayed, err := takeRoom(c, login, portal, target.PortalInfo, before, !move)
	if err != nil {
		cannotBridge(c, err)
		return
	}
	if contact, ok := msnid.ParseDMPortalID(portal.ID); ok {
		login.People.Strangers.Expect(contact)
	}
	leaveRoom(c, before)
	text := words.Text("command.people.this_room_is_now_that_of")
	if relayed {
		text += " " + words.Text("command.people.those_who_spoke_through_your_account")
	}
	if call.MayRelay(c.Event, login.Account.Login) {
		text += " " + words.Text("command.people.you_alone_are_heard_on_msn")
	}
	c.Say(text, names.Quoted(roomOf(c, portal)))
}

// takeRoom makes the room of the command that of a chat, unless it has one and must not; before is the one that it had. That is
// done among the events of the chat, because the framework does not expect it beside them; without
// a room there are none. That others speak through the login ends with the room before, for which it was
// allowed: it reports whether they did.
func takeRoom(c *call.Call, login *call.Login, portal *bridgev2.Portal, info *bridgev2.ChatInfo, before id.RoomID, onlyFirst bool) (relayed bool, err error) {
	take := func(ctx context.Context) error {
		return portal.UpdateMatrixRoomID(ctx, c.RoomID, bridgev2.UpdateMatrixRoomIDParams{
			FailIfMXIDSet: onlyFirst, SyncDBMetadata: func() {
				account.Borrow(portal, c.RoomID)
				relayed = portal.RelayLoginID != ""
				portal.Relay, portal.RelayLoginID = nil, ""
			},
		})
	}
	taken := false
	if before == "" {
		// What the framework does meanwhile outlasts the command.
		if err := take(context.WithoutCancel(c.Ctx)); err != nil {
			return false, err
		}
		taken = true
	}
	type end struct {
		relayed bool
		err     error
	}
	done := make(chan end, 1)
	login.Account.Login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: portal.PortalKey,
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			var err error
			if !taken {
				err = take(ctx)
			}
			if err == nil {
				portal.UpdateInfo(ctx, account.OfBorrowed(info), login.Account.Login, nil, time.Time{})
				portal.UpdateBridgeInfo(ctx)
			}
			done <- end{relayed, err}
		},
	})
	waiting, cancel := context.WithTimeout(c.Ctx, room.CreateTimeout)
	defer cancel()
	select {
	case end := <-done:
		return end.relayed, end.err
	case <-waiting.Done():
		return false, waiting.Err()
	}
}

// unreadable reports whether the bridge can neither read nor write in the room of the command, because
// the room is encrypted and the bridge is not to. It says so in the user's chat with the bot: what the
// bot says in the room the homeserver does not get.
func unreadable(c *call.Call) bool {
	if c.Encrypts() {
		return false
	}
	matrix, ok := c.Bridge.Matrix.(bridgev2.MatrixConnectorWithArbitraryRoomState)
	if !ok {
		return false
	}
	state, err := matrix.GetStateEvent(c.Ctx, c.RoomID, event.StateEncryption, "")
	if err != nil || state == nil { // most rooms have none
		return false
	}
	chat, err := c.User.GetManagementRoom(c.Ctx)
	if err != nil {
		c.Log.Err(err).Msg("Failed to open the chat with the bot")
		return true
	}
	in := link(c, c.RoomID)
	c.OrigRoomID = chat
	c.ReplyAdvanced(words.Text("command.people.the_room_is_encrypted_and_code", in), false, true)
	return true
}

// mayNotBridge says why the user cannot bridge the room, or returns "".
func mayNotBridge(c *call.Call) string {
	if !c.User.Permissions.ManageRelay {
		return words.Text("command.people.the_admin_of_this_bridge_does")
	}
	levels, err := c.Bridge.Matrix.GetPowerLevels(c.Ctx, c.RoomID)
	if err != nil || levels == nil {
		c.Log.Err(err).Msg("Failed to get the power levels of a room that is to be bridged")
		return words.Text("command.people.the_homeserver_does_not_say_who")
	}
	if own, needed := levels.GetUserLevel(c.User.MXID), levels.GetEventLevel(event.StateBridge); own < needed && !c.User.Permissions.Admin {
		return words.Text("command.people.that_takes_a_power_level_of", needed, own)
	}
	if bot, needed := levels.GetUserLevel(c.Bot.GetMXID()), levels.Invite(); bot < needed {
		return words.Text("command.people.i_may_not_invite_anybody_into", needed, bot)
	}
	return ""
}

// chatNamed returns the chat that is named behind the command. It answers, and returns nil, when
// there is none.
func chatNamed(c *call.Call) (*call.Login, *bridgev2.CreateChatResponse) {
	c.TakeLogin()
	_, ghost := c.Bridge.Matrix.ParseGhostMXID(id.UserID(c.Text))
	if _, address := call.IsAddress(c.Text); address || ghost || c.Text == "" {
		login, found := lookUp(c, words.Text(bridgeUsage), true)
		if found == nil {
			return nil, nil
		}
		return login, found.Chat
	}
	login, ok := c.Login()
	if !ok {
		return nil, nil
	}
	found, err := named(c, login)
	if err == nil && len(found) == 1 {
		var info *bridgev2.ChatInfo
		if info, err = describe(c, login, found[0]); err == nil {
			return login, &bridgev2.CreateChatResponse{PortalKey: found[0], PortalInfo: info}
		}
	}
	switch {
	case err != nil:
		cannotBridge(c, err)
	case len(found) > 1:
		c.Tell("command.people.several_group_chats_or_circles_are")
	default:
		c.Tell("command.people.no_group_chat_and_no_circle", names.Own(names.Clean(c.Text)), words.Text(bridgeUsage))
	}
	return nil, nil
}

// named returns the group chats and circles of a login that are called as the command says: those
// that have a room by its name, and all circles.
func named(c *call.Call, login *call.Login) (found []networkid.PortalKey, err error) {
	seen := make(map[networkid.PortalKey]bool)
	add := func(key networkid.PortalKey, name string) {
		if !seen[key] && strings.EqualFold(names.Clean(name), names.Clean(c.Text)) {
			seen[key] = true
			found = append(found, key)
		}
	}
	// Asked of the database: the framework's own copies change under its hands.
	portals, err := c.Bridge.DB.Portal.GetAllWithMXID(c.Ctx)
	for _, portal := range portals {
		to, ok := msnid.ParsePeer(portal.ID)
		if ok && to.Account == "" && portal.Receiver == login.Account.Login.ID {
			add(portal.PortalKey, portal.Name)
		}
	}
	if client := login.Session.Current(); client != nil {
		for _, circle := range client.Circles() {
			if circle.Member {
				add(login.Account.CircleKey(circle.ID), circle.Name)
			}
		}
	}
	return found, err
}

func describe(c *call.Call, login *call.Login, key networkid.PortalKey) (*bridgev2.ChatInfo, error) {
	to, _ := msnid.ParsePeer(key.ID)
	if to.Circle != "" {
		return login.Circles.Info(c.Ctx, to.Circle), nil
	}
	return login.Groups.Info(c.Ctx, to.Group)
}

// maxInvited is how many people are invited before the command is answered.
const maxInvited = 20

// inviteAll invites the people of a chat into the room of the command, so that it shows whether
// they can be.
func inviteAll(c *call.Call, login *call.Login, info *bridgev2.ChatInfo) error {
	if err := c.Bot.EnsureJoined(c.Ctx, c.RoomID); err != nil {
		return err
	}
	invited := 0
	for user := range info.Members.MemberMap {
		if user == login.Account.UserID() || invited == maxInvited {
			continue
		}
		invited++
		if err := c.Bot.EnsureInvited(c.Ctx, c.RoomID, c.Bridge.Matrix.GhostIntent(user).GetMXID()); err != nil {
			return err
		}
	}
	return nil
}

// leaveRoom says in a room that it is replaced by that of the command, and leaves it with the
// people of MSN.
func leaveRoom(c *call.Call, before id.RoomID) {
	if before == "" {
		return
	}
	_, err := c.Bot.SendMessage(c.Ctx, before, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Mentions: &event.Mentions{},
		Body:   words.Text("command.people.this_conversation_goes_on_in_another", c.RoomID.URI(c.Bridge.Matrix.ServerName()).MatrixToURL()),
		Format: event.FormatHTML, FormattedBody: words.Text("command.people.this_conversation_goes_on_in_another", link(c, c.RoomID)),
	}}, nil)
	if err == nil || room.TakesNothing(err) {
		err = c.Bot.DeleteRoom(c.Ctx, before, true)
	}
	if err != nil {
		c.Log.Err(err).Stringer("old_room_id", before).Msg("Failed to leave a room that was replaced")
	}
}

// cannotBridge says that the room could not be bridged.
func cannotBridge(c *call.Call, err error) {
	if errors.Is(err, bridgev2.ErrTargetRoomIsPortal) || errors.Is(err, bridgev2.ErrRoomAlreadyExists) {
		c.Tell("command.people.the_room_was_bridged_meanwhile")
		return
	}
	c.Log.Err(err).Msg("Failed to bridge a room")
	c.Tell("command.people.the_bridge_could_not_do_it")
}

// roomOf returns whom the room of a portal is with.
func roomOf(c *call.Call, portal *bridgev2.Portal) string {
	to, _ := msnid.ParsePeer(portal.ID)
	if login := c.Bridge.GetCachedUserLoginByID(portal.Receiver); login != nil && to.Account != "" {
		return c.LoginOf(login).Account.Person(c.Ctx, to.Account).Name
	}
	if stored, err := c.Bridge.DB.Portal.GetByKey(c.Ctx, portal.PortalKey); err == nil && stored != nil && stored.Name != "" {
		return names.Clean(stored.Name)
	}
	return map[bool]string{true: "a circle", false: words.Text("command.people.several_people")}[to.Circle != ""]
}

// link is a link to a room.
func link(c *call.Call, room id.RoomID) string {
	return fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(room.URI(c.Bridge.Matrix.ServerName()).MatrixToURL()), html.EscapeString(room.String()))
}
