package command

import (
	"context"
	"slices"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/simplevent"
)

// The framework's set-relay asks for power in the room, which users have in none that the bridge has
// made, though it is their own account that others speak through; and its unset-relay fails in rooms
// that belong to a login, as all do here. For the user whose room it is these take their places.

// relayTimeout is how long a command waits for the room.
const relayTimeout = time.Minute

// relay returns both commands.
func (c *Commands) relay() []commands.CommandHandler {
	set, unset := *commands.CommandSetRelay, *commands.CommandUnsetRelay
	others := set.Func
	set.Func = func(ce *commands.Event) {
		if !isOwn(ce) || len(ce.Args) > 0 {
			others(ce)
			return
		}
		config, login := ce.Bridge.Config.Relay, ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
		switch {
		case !config.Enabled, !ce.User.Permissions.ManageRelay,
			config.AdminOnly && !ce.User.Permissions.Admin && !slices.Contains(config.DefaultRelays, login.ID):
			ce.Reply("The admin of this bridge does not let people speak through your account.")
		case setRelay(ce, login):
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

// isOwn reports whether the room of a command belongs to an account of the user's.
func isOwn(ce *commands.Event) bool {
	login := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
	return login != nil && login.UserMXID == ce.User.MXID
}

// setRelay has others speak through a login in the room of a command, or through none. That is done
// among the events of the room, which look at it. It answers, and reports false, when it fails.
func setRelay(ce *commands.Event, through *bridgev2.UserLogin) bool {
	owner := ce.Bridge.GetCachedUserLoginByID(ce.Portal.Receiver)
	done := make(chan error, 1)
	if owner != nil {
		owner.QueueRemoteEvent(&simplevent.EventMeta{
			Type: bridgev2.RemoteEventUnknown, PortalKey: ce.Portal.PortalKey,
			PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
				portal.Relay, portal.RelayLoginID = through, ""
				if through != nil {
					portal.RelayLoginID = through.ID
				}
				done <- portal.Save(ctx)
			},
		})
	}
	waiting, cancel := context.WithTimeout(ce.Ctx, relayTimeout)
	defer cancel()
	var err error
	select {
	case err = <-done:
	case <-waiting.Done():
		err = waiting.Err()
	}
	if err != nil {
		ce.Log.Err(err).Msg("Failed to change through whom others speak in a room")
		ce.Reply("The bridge could not do it. Send the command again; if that lasts, tell the admin of this bridge.")
	}
	return err == nil
}
