package service

import (
	"slices"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
)

// The framework has these two commands as well. Its answers name accounts where others read
// along, and do not say what was done.

// ListLogins lists the accounts of a user.
func ListLogins(c *call.Call) {
	lines := describeLogins(c)
	if len(lines) == 0 {
		c.Tell("command.service.not_logged_in_login_logs_in")
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
		return words.Text("command.service.signed_in")
	case problem == nil:
		return words.Text("command.service.signing_in")
	case problem.Retried():
		return words.Text("command.service.trying_to_sign_in_because", problem.Sentence)
	}
	return words.Text("command.service.signed_out") + " " + problem.Sentence
}

// Logout forgets an account.
func Logout(c *call.Call) {
	named := c.NamedLogin()
	if named == "" {
		lines := describeLogins(c)
		if len(lines) == 0 {
			c.Tell("command.service.not_logged_in")
			return
		}
		c.Tell("command.service.which_account_write_logout_and_one", strings.Join(lines, "\n"))
		return
	}
	login, ok := c.Named(named)
	if !ok {
		return
	}
	login.Account.Login.Logout(c.Ctx)
	c.Tell("command.service.you_are_logged_out_of_as", login.Account.Service.Name, names.Clean(login.Account.Identity.Account))
}
