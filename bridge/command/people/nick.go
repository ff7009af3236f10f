package people

import (
	"context"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
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
		c.Tell("command.people.status_is", names.Own(names.Clean(client.DisplayName())), nickHint(login.Self.FollowsName()))
		return
	case option == follow:
		if c.Tries(reason.Name, login.Account.About(""), func(ctx context.Context) error { return login.Self.FollowName(ctx, client) }) {
			c.Tell("command.people.your_contacts_see_you_by_your", names.Own(names.Clean(client.DisplayName())))
		}
		return
	case strings.HasPrefix(name, "--"), name == noName:
		c.Tell("command.people.is_no_name_for_you_nothing", names.Own(names.Clean(name)))
		return
	}
	rename := func(ctx context.Context) error { return login.Self.SetName(ctx, client, name) }
	if c.Tries(reason.Name, login.Account.About(""), rename) {
		c.Tell("command.people.your_contacts_see_you_as_now", names.Own(names.Clean(name)))
	}
}

func nickHint(follows bool) string {
	if follows {
		return words.Text("command.people.by_your_name_of_matrix_nick")
	}
	return words.Text("command.people.nick_and_a_name_changes_that")
}
