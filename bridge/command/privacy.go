package command

import (
	"context"
	"strings"

	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

// runPrivacy shows or changes what the user lets others do.
func runPrivacy(c *call) {
	login, client, ok := c.session()
	if !ok {
		return
	}
	do := func(context.Context) error { return nil }
	switch choice := strings.ToLower(c.text); choice {
	case "":
	case "everybody", "contacts":
		do = func(ctx context.Context) error { return client.SetEverybody(ctx, choice == "everybody") }
	case "ask", "open":
		do = func(ctx context.Context) error { return client.SetAsks(ctx, choice == "ask") }
	default:
		c.say("Write `!privacy everybody` or `!privacy contacts` for who may see you and write to you, `!privacy ask` or `!privacy open` for who may add you without your being asked.")
		return
	}
	if c.tries(reason.Request, login.Account.About(""), do) {
		c.say("%s", describePrivacy(client.Privacy()))
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
