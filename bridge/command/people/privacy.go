package people

import (
	"context"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/reason"
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
		c.Say("Write `!privacy everybody` or `!privacy contacts` for who may see you and write to you, `!privacy ask` or `!privacy open` for who may add you without your being asked.")
		return
	}
	if c.Tries(reason.Request, login.Account.About(""), do) {
		c.Say("%s", describePrivacy(client.Privacy()))
	}
}

func describePrivacy(privacy msn.Privacy) string {
	seen := "Only those whom you have let in may see you and write to you: `!privacy everybody` lets all others in."
	if privacy.Everybody {
		seen = "Everybody may see you and write to you whom you have not blocked: `!privacy contacts` keeps out whom you have not let in."
	}
	added := "You are not asked when somebody adds you, if your Messenger keeps to that: `!privacy ask` changes it. This bridge always tells you."
	if privacy.Asks {
		added = "You are asked when somebody adds you."
	}
	return seen + "\n" + added
}
