package people

import (
	"context"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Privacy shows or changes what the user lets others do.
func Privacy(c *call.Call) {
	login, client, ok := c.Session()
	if !ok {
		return
	}
	do := func(context.Context) error { return nil }
	switch choice := strings.ToLower(c.Text); choice {
	case "":
	case "everybody", "contacts":
		do = func(ctx context.Context) error { return client.SetEverybody(ctx, choice == "everybody") }
	case "ask", "open":
		do = func(ctx context.Context) error { return client.SetAsks(ctx, choice == "ask") }
	default:
		c.Tell("command.people.write_privacy_everybody_or_privacy_contacts")
		return
	}
	if c.Tries(reason.Request, login.Account.About(""), do) {
		c.Say("%s", describePrivacy(client.Privacy()))
	}
}

func describePrivacy(privacy msn.Privacy) string {
	seen := words.Text("command.people.only_those_whom_you_have_let")
	if privacy.Everybody {
		seen = words.Text("command.people.everybody_may_see_you_and_write")
	}
	added := words.Text("command.people.you_are_not_asked_when_somebody")
	if privacy.Asks {
		added = words.Text("command.people.you_are_asked_when_somebody_adds")
	}
	return seen + "\n" + added
}
