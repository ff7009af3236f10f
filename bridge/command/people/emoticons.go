package people

import (
	"context"
	"strings"

	"matrix-msn/bridge/command/call"
)

// Emoticons shows or chooses whether emoji stand for the emoticons of MSN.
func Emoticons(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	if !switched(c, "emoticons", login.Account.ChooseEmoticons) {
		return
	}
	if login.Account.TextOptions().Emoticons {
		c.Say("You see emoji for the emoticons of MSN, and your contacts emoticons for your emoji, as `(Y)` for 👍. `!emoticons off` leaves texts as they were written.")
		return
	}
	c.Say("Texts go both ways as they were written, with `(Y)` and 👍 as they are. `!emoticons on` has emoji stand for the emoticons of MSN.")
}

// switched has "on" or "off" behind a command stored, if one is there. It reports whether what holds
// now is to be said, and else says what is wrong.
func switched(c *call.Call, command string, choose func(ctx context.Context, on bool) error) bool {
	switch word := strings.ToLower(c.Text); word {
	case "":
	case "on", "off":
		if err := choose(c.Ctx, word == "on"); err != nil {
			c.Log.Err(err).Str("what", command).Msg("Failed to store what a user has chosen")
			c.Say("The bridge could not store that: it holds until it is started again.")
			return false
		}
	default:
		c.Say("Write `!%s on` or `!%s off`. Nothing was changed.", command, command)
		return false
	}
	return true
}
