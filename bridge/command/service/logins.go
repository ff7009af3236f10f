package service

import (
	"slices"
	"strings"

	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
)

// The framework has these two commands as well. Its answers name accounts where others read
// along, and do not say what was done.

// loginStates are what people are told of the states of a login.
var loginStates = map[status.BridgeStateEvent]string{
	status.StateConnected: "signed in", status.StateConnecting: "signing in", status.StateTransientDisconnect: "trying to sign in",
	status.StateBadCredentials: "signed out: send `relogin`", status.StateUnknownError: "signed out",
	status.StateLoggedOut: "logged out",
}

// ListLogins lists the accounts of a user.
func ListLogins(c *call.Call) {
	lines := describeLogins(c)
	if len(lines) == 0 {
		c.Say("You are not logged in to MSN. `login` logs you in.")
		return
	}
	c.Say("%s", strings.Join(lines, "\n"))
}

func describeLogins(c *call.Call) (lines []string) {
	for _, own := range c.User.GetUserLogins() {
		login := c.LoginOf(own)
		line := string(login.Account.Login.ID) + " at " + login.Account.Service.Name
		if state := loginStates[login.Account.Login.BridgeState.GetPrevUnsent().StateEvent]; state != "" {
			line += ": " + state
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// Logout forgets an account.
func Logout(c *call.Call) {
	named := c.NamedLogin()
	if named == "" {
		lines := describeLogins(c)
		if len(lines) == 0 {
			c.Say("You are not logged in to MSN.")
			return
		}
		c.Say("Which account? Write `logout` and one of these:\n%s", strings.Join(lines, "\n"))
		return
	}
	login, ok := c.Named(named)
	if !ok {
		return
	}
	login.Account.Login.Logout(c.Ctx)
	c.Say("You are logged out of %s as %s. Your rooms stay; `login` brings the account back.", login.Account.Service.Name, names.Clean(login.Account.Identity.Account))
}
