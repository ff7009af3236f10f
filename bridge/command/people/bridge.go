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
)

// The framework has this command as well. It takes the ID of a chat, which nobody knows, renames
// the room, and puts people out of it who have no account.

const (
	bridgeUsage = "Write `bridge bob@example.com` to make this room that of a contact, or `bridge` with the name of a group chat or a circle."
	// moveOption has a room replaced that there is already.
	moveOption = "--move"
)

// Bridge makes the room of the command that of a contact, a group chat or a circle.
func Bridge(c *call.Call) {
	if c.Portal != nil {
		c.Say("This room is bridged already: to %s. `$cmdprefix unbridge` gives it back.", names.Quoted(roomOf(c, c.Portal)))
		return
	}
	if c.RoomID == c.User.ManagementRoom {
		c.Say("This is your chat with me. Invite me into the room that is to be bridged, and send the command there.")
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
	var words []string
	for word := range strings.FieldsSeq(c.Text) {
		if strings.EqualFold(word, moveOption) || strings.EqualFold(word, "—move") {
			move = true
			continue
		}
		words = append(words, word)
	}
	c.Text = strings.Join(words, " ")
	login, target := chatNamed(c)
	if target == nil {
		return
	}
	portal, err := c.Bridge.GetPortalByKey(c.Ctx, target.PortalKey)
	if err != nil {
		cannotBridge(c, err)
		return
	}
	before := portal.MXID
	if before != "" && !move {
		c.ReplyAdvanced(fmt.Sprintf("There is a room for it already: %s. With <code>%s</code> behind the command this room takes its place.", link(c, before), moveOption), false, true)
		return
	}
	if err := inviteAll(c, login, target.PortalInfo); err != nil {
		c.Log.Warn().Err(err).Msg("Failed to invite people into a room that is to be bridged")
		c.Say("The homeserver does not let me invite the Matrix users of people on MSN into this room. Let me invite people here, and send the command again.")
		return
	}
	relayed, err := takeRoom(c, login, portal, target.PortalInfo, !move)
	if err != nil {
		cannotBridge(c, err)
		return
	}
	if contact, ok := msnid.ParseDMPortalID(portal.ID); ok {
		login.People.Strangers.Expect(contact)
	}
	leaveRoom(c, before)
	text := "This room is now that of %s. What was written here before stays here. `$cmdprefix unbridge` gives the room back."
	if relayed {
		text += " Those who spoke through your account in the old room do not here."
	}
	if call.MayRelay(c.Event, login.Account.Login) {
		text += " You alone are heard on MSN: after `$cmdprefix set-relay` others here speak through your account too."
	}
	c.Say(text, names.Quoted(roomOf(c, portal)))
}

// takeRoom makes the room of the command that of a chat, unless it has one and must not. That is
// done among the events of the chat, because the framework does not expect it beside them; without
// a room there are none. That others speak through the login ends with the room before, for which it was
// allowed: it reports whether they did.
func takeRoom(c *call.Call, login *call.Login, portal *bridgev2.Portal, info *bridgev2.ChatInfo, onlyFirst bool) (relayed bool, err error) {
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
	if portal.MXID == "" {
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
	c.ReplyAdvanced(fmt.Sprintf("The room %s is encrypted, and <code>encryption</code> is off in the config of this bridge: it can neither read nor write there. "+
		"Nothing was changed. Use a room that is not encrypted, or ask the admin of this bridge to switch encryption on.", in), false, true)
	return true
}

// mayNotBridge says why the user cannot bridge the room, or returns "".
func mayNotBridge(c *call.Call) string {
	if !c.User.Permissions.ManageRelay {
		return "The admin of this bridge does not let you bridge rooms."
	}
	levels, err := c.Bridge.Matrix.GetPowerLevels(c.Ctx, c.RoomID)
	if err != nil || levels == nil {
		c.Log.Err(err).Msg("Failed to get the power levels of a room that is to be bridged")
		return "The homeserver does not say who may do what in this room. Try again in a few minutes."
	}
	if own, needed := levels.GetUserLevel(c.User.MXID), levels.GetEventLevel(event.StateBridge); own < needed && !c.User.Permissions.Admin {
		return fmt.Sprintf("That takes a power level of %d in this room, and you have %d. Ask an admin of the room.", needed, own)
	}
	if bot, needed := levels.GetUserLevel(c.Bot.GetMXID()), levels.Invite(); bot < needed {
		return fmt.Sprintf("I may not invite anybody into this room: that takes a power level of %d, and I have %d. Give it to me, and send the command again.", needed, bot)
	}
	return ""
}

// chatNamed returns the chat that is named behind the command. It answers, and returns nil, when
// there is none.
func chatNamed(c *call.Call) (*call.Login, *bridgev2.CreateChatResponse) {
	c.TakeLogin()
	_, ghost := c.Bridge.Matrix.ParseGhostMXID(id.UserID(c.Text))
	if _, address := call.IsAddress(c.Text); address || ghost || c.Text == "" {
		login, found := lookUp(c, bridgeUsage, true)
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
		c.Say("Several group chats or circles are called so. Rename the room of the one that you mean, and send the command again.")
	default:
		c.Say("No group chat and no circle of yours is called %s. %s", names.Own(names.Clean(c.Text)), bridgeUsage)
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
	portals, err := c.Bridge.GetAllPortalsWithMXID(c.Ctx)
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
	goesOn := "This conversation goes on in another room: "
	_, err := c.Bot.SendMessage(c.Ctx, before, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Mentions: &event.Mentions{},
		Body:   goesOn + c.RoomID.URI(c.Bridge.Matrix.ServerName()).MatrixToURL() + ". What is written here reaches nobody on MSN any more.",
		Format: event.FormatHTML, FormattedBody: goesOn + link(c, c.RoomID) + ". What is written here reaches nobody on MSN any more.",
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
		c.Say("The room was bridged meanwhile.")
		return
	}
	c.Log.Err(err).Msg("Failed to bridge a room")
	c.Say("The bridge could not do it. Send the command again; if that lasts, tell the admin of this bridge.")
}

// roomOf returns whom the room of a portal is with.
func roomOf(c *call.Call, portal *bridgev2.Portal) string {
	to, _ := msnid.ParsePeer(portal.ID)
	if login := c.Bridge.GetCachedUserLoginByID(portal.Receiver); login != nil && to.Account != "" {
		return c.LoginOf(login).Account.Person(c.Ctx, to.Account).Name
	}
	if portal.Name != "" {
		return names.Clean(portal.Name)
	}
	return map[bool]string{true: "a circle", false: "several people"}[to.Circle != ""]
}

// link is a link to a room.
func link(c *call.Call, room id.RoomID) string {
	return fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(room.URI(c.Bridge.Matrix.ServerName()).MatrixToURL()), html.EscapeString(room.String()))
}
