package command

import (
	"context"
	"fmt"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
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
	asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
	defer cancel()
	if err := client.SetDisplayName(asking, name); err != nil {
		c.Log.Info().Err(err).Msg("The display name was not changed")
		c.say("%s", reason.Of(err, reason.Name, login.Account.About("")).Sentence)
		return
	}
	c.say("%s", fmt.Sprintf("Your contacts see you as %s now.", names.Quoted(names.Clean(name))))
}
