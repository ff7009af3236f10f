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
			ce.Reply("This room is no chat with people on MSN: what is written here goes to nobody, through whatever account. Send the command in the room of a chat.")
			return
		}
		if !isOwn(ce) {
			if ce.User.Permissions.Admin || len(ce.User.GetUserLogins()) > 0 {
				others(ce)
				return
			}
			ce.Reply("Only the user whose room this is can let others speak through their account. To speak through your own send `login` to me, in a chat of your own.")
			return
		}
		login := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
		switch {
		case !namesNothing(ce, login):
			ce.Reply("This is a room of your account `%s`, and others can speak through no other one here. Send `$cmdprefix set-relay` with nothing behind it.", login.ID)
		case !call.MayRelay(ce, login):
			ce.Reply("The admin of this bridge does not let people speak through your account.")
		case setRelay(ce, login):
			if own := c.shared.LoginOf(login); own.Account.Config.RelayJoins {
				own.Chat.MeetRelayed(ce.Ctx, ce.Portal.MXID) // before the next is heard of them
			}
			ce.Reply("What others write in this room will now be relayed through your account, under their names. `$cmdprefix unset-relay` ends that.")
		}
	}
	unset.Func = func(ce *commands.Event) {
		switch {
		case ce.Portal.Relay == nil:
			ce.Reply("Nobody else speaks through your account in this room.")
		case !isOwn(ce) && !ce.User.Permissions.Admin:
			ce.Reply("The user whose account it is can end it, or an admin of the bridge.")
		case setRelay(ce, nil):
			ce.Reply("What others write in this room is not relayed any more.")
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
		ce.Reply("The bridge could not do it. Send the command again; if that lasts, tell the admin of this bridge.")
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
		given := ce.Portal.MXID
		err := amongEvents(ce, func(ctx context.Context, portal *bridgev2.Portal) error {
			run(ce)
			if portal.MXID == "" {
				sayGivenBack(ctx, ce, given)
			}
			return nil
		})
		if err != nil {
			ce.Reply("The room is busy. It is given back when the bridge comes to it.")
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
			Body: "The room is given back, and what is written there reaches nobody on MSN any more. To bridge it again invite me into it first: " +
				room.URI(ce.Bridge.Matrix.ServerName()).MatrixToURL(),
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
