package command

import (
	"context"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
)

// runNick shows or changes the name that contacts see of the user.
func runNick(c *call) {
	login, client, ok := c.session()
	if !ok {
		return
	}
	name := names.OneLine(c.text)
	if name == "" {
		c.say("Your contacts see you as %s. `!nick` and a name changes that.", names.Quoted(names.Clean(client.DisplayName())))
		return
	}
	rename := func(ctx context.Context) error { return client.SetDisplayName(ctx, name) }
	if c.tries(reason.Name, login.Account.About(""), rename) {
		c.say("Your contacts see you as %s now.", names.Quoted(names.Clean(name)))
	}
}
