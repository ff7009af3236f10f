package command

import (
	"context"
	"strings"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
)

// The framework's set-relay asks for power in the room, which users have in none that the bridge has
// made, though it is their own account that others speak through; and its unset-relay fails in rooms
// that belong to a login, as all do here. For the user whose room it is these take their places.

// roomTimeout is how long a command waits for the room.
const roomTimeout = time.Minute

// relay returns both commands.
func (c *Commands) relay() []commands.CommandHandler {
	set, unset := *commands.CommandSetRelay, *commands.CommandUnsetRelay
	others := set.Func
	set.Func = func(ce *commands.Event) {
		if _, chat := msnid.ParsePeer(ce.Portal.ID); !chat {
			call.Reply(ce, "command.this_room_is_no_chat_with")
			return
		}
		if !isOwn(ce) {
			if ce.User.Permissions.Admin || len(ce.User.GetUserLogins()) > 0 {
				others(ce)
				return
			}
			call.Reply(ce, "command.only_the_user_whose_room_this")
			return
		}
		login := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
		switch {
		case !namesNothing(ce, login):
			call.Reply(ce, "command.this_is_a_room_of_your", login.ID)
		case !call.MayRelay(ce, login):
			call.Reply(ce, "command.the_admin_of_this_bridge_does")
		case setRelay(ce, login):
			if own := c.shared.LoginOf(login); own.Account.Config.RelayJoins {
				own.Chat.MeetRelayed(ce.Ctx, ce.RoomID) // before the next is heard of them
			}
			call.Reply(ce, "command.relay_is_on")
		}
	}
	unset.Func = func(ce *commands.Event) {
		switch {
		case ce.Portal.Relay == nil:
			call.Reply(ce, "command.nobody_else_speaks_through_your_account")
		case !isOwn(ce) && !ce.User.Permissions.Admin:
			call.Reply(ce, "command.the_user_whose_account_it_is")
		case setRelay(ce, nil):
			call.Reply(ce, "command.relay_is_off")
		}
	}
	return []commands.CommandHandler{&set, &unset}
}

// namesNothing reports whether a command names no other account than that of its room.
func namesNothing(ce *commands.Event, own *bridgev2.UserLogin) bool {
	return len(ce.Args) == 0 || len(ce.Args) == 1 && strings.EqualFold(strings.Trim(ce.Args[0], "`"), string(own.ID))
}

// isOwn reports whether the room of a command belongs to an account of the user's.
func isOwn(ce *commands.Event) bool {
	login := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
	return login != nil && login.UserMXID == ce.User.MXID
}

// setRelay has others speak through a login in the room of a command, or through none. It answers, and
// reports false, when it fails.
func setRelay(ce *commands.Event, through *bridgev2.UserLogin) bool {
	err := amongEvents(ce, func(ctx context.Context, portal *bridgev2.Portal) error {
		portal.Relay, portal.RelayLoginID = through, ""
		if through != nil {
			portal.RelayLoginID = through.ID
		}
		return portal.Save(ctx)
	})
	if err != nil {
		ce.Log.Err(err).Msg("Failed to change through whom others speak in a room")
		call.Reply(ce, "command.the_bridge_could_not_do_it")
	}
	return err == nil
}

// unbridge returns the framework's command, which changes what the events of its room look at, as one
// that is run among them.
func (c *Commands) unbridge() commands.CommandHandler {
	unbridge := *commands.CommandUnbridge
	run := unbridge.Func
	unbridge.Func = func(ce *commands.Event) {
		if ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver) == nil {
			run(ce)
			return
		}
		given := ce.RoomID
		err := amongEvents(ce, func(ctx context.Context, portal *bridgev2.Portal) error {
			run(ce)
			if portal.MXID == "" {
				sayGivenBack(ctx, ce, given)
			}
			return nil
		})
		if err != nil {
			call.Reply(ce, "command.the_room_is_busy_it_is")
		}
	}
	return &unbridge
}

// sayGivenBack says in a user's chat with the bot that a room is theirs again: the bot has left the room.
func sayGivenBack(ctx context.Context, ce *commands.Event, room id.RoomID) {
	chat, err := ce.User.GetManagementRoom(ctx)
	if err == nil {
		_, err = ce.Bot.SendMessage(ctx, chat, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgNotice, Mentions: &event.Mentions{},
			Body: words.Text("command.the_room_is_given_back_and", room.URI(ce.Bridge.Matrix.ServerName()).MatrixToURL()),
		}}, nil)
	}
	if err != nil {
		ce.Log.Warn().Err(err).Msg("Failed to say that a room is given back")
	}
}

// amongEvents does something among the events of the room of a command, which look at what it changes.
func amongEvents(ce *commands.Event, do func(context.Context, *bridgev2.Portal) error) error {
	done := make(chan error, 1)
	if owner := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver); owner != nil {
		owner.QueueRemoteEvent(&simplevent.EventMeta{
			Type: bridgev2.RemoteEventUnknown, PortalKey: ce.Portal.PortalKey,
			PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) { done <- do(ctx, portal) },
		})
	}
	waiting, cancel := context.WithTimeout(ce.Ctx, roomTimeout)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-waiting.Done():
		return waiting.Err()
	}
}
