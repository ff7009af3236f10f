package people

import (
	"context"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
)

// follow is what has contacts see the user's name of Matrix.
const follow = "--follow"

// Nick shows or changes the name that contacts see of the user.
func Nick(c *call.Call) {
	login, client, ok := c.Session()
	if !ok {
		return
	}
	name := names.OneLine(c.Text)
	switch option := strings.ToLower(name); {
	case name == "":
		c.Say("Your contacts see you as %s%s", names.Own(names.Clean(client.DisplayName())), nickHint(login.Self.FollowsName()))
		return
	case option == follow:
		if c.Tries(reason.Name, login.Account.About(""), func(ctx context.Context) error { return login.Self.FollowName(ctx, client) }) {
			c.Say("Your contacts see you by your name of Matrix from now on: as %s now.", names.Own(names.Clean(client.DisplayName())))
		}
		return
	case strings.HasPrefix(name, "--"), name == noName:
		c.Say("%s is no name for you. Nothing was changed. `!nick` and a name takes that, `!nick --follow` your name of Matrix.", names.Own(names.Clean(name)))
		return
	}
	rename := func(ctx context.Context) error { return login.Self.SetName(ctx, client, name) }
	if c.Tries(reason.Name, login.Account.About(""), rename) {
		c.Say("Your contacts see you as %s now.", names.Own(names.Clean(name)))
	}
}

func nickHint(follows bool) string {
	if follows {
		return ", by your name of Matrix. `!nick` and a name ends that."
	}
	return ". `!nick` and a name changes that, `!nick --follow` takes your name of Matrix."
}
