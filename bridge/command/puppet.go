package command

import (
	"errors"
	"strings"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/command/call"
)

// ofOtherUser is what the framework says of an access token of another user. Its error cannot be told apart by anything else without what
// connects to the homeserver.
const ofOtherUser = "whoami result does not match custom mxid"

// LoginMatrix is the framework's login-matrix, in words that say what to do. automatic reports whether the admin has the bridge write in
// the names of all users of a homeserver.
func LoginMatrix(framework *commands.FullHandler, automatic func(homeserver string) bool) *commands.FullHandler {
	login := *framework
	login.Func = func(ce *commands.Event) {
		switch {
		case !ce.User.Permissions.DoublePuppet:
			call.Reply(ce, "command.puppet_not_allowed")
			return
		case automatic(ce.User.MXID.Homeserver()):
			call.Reply(ce, "command.puppet_is_on")
			return
		case len(ce.Args) == 0:
			call.Reply(ce, "command.puppet_usage")
			return
		}
		switch err := ce.User.LoginDoublePuppet(ce.Ctx, ce.Args[0]); {
		case err == nil:
			call.Reply(ce, "command.puppet_on")
		case errors.Is(err, mautrix.MUnknownToken), errors.Is(err, mautrix.MForbidden):
			call.Reply(ce, "command.puppet_token_unknown")
		case strings.Contains(err.Error(), ofOtherUser):
			call.Reply(ce, "command.puppet_token_of_other", ce.User.MXID)
		default:
			ce.Log.Err(err).Msg("Failed to have the bridge write in the name of a user")
			call.Reply(ce, "command.puppet_failed")
		}
	}
	return &login
}
