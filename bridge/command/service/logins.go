package service

import (
	"slices"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
)

// The framework has these two commands as well. Its answers name accounts where others read
// along, and do not say what was done.

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
		lines = append(lines, string(login.Account.Login.ID)+" at "+login.Account.Service.Name+": "+stateOf(login))
	}
	slices.Sort(lines)
	return lines
}

// stateOf says whether an account is signed in, and why not.
func stateOf(login *call.Login) string {
	client, problem := login.Session.State()
	switch {
	case client != nil:
		return "signed in"
	case problem == nil:
		return "signing in"
	case problem.Retried():
		return "trying to sign in. " + problem.Sentence
	}
	return "signed out. " + problem.Sentence
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
	c.Say("You are logged out of %s as %s. Your rooms stay: `login` brings the account back, and `clear-rooms` takes them away.", login.Account.Service.Name, names.Clean(login.Account.Identity.Account))
}
