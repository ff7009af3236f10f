package people

import (
	"strings"

	"matrix-msn/bridge/command/call"
)

// Emoticons shows or chooses whether emoji stand for the emoticons of MSN.
func Emoticons(c *call.Call) {
	login, ok := c.Login()
	if !ok {
		return
	}
	switch word := strings.ToLower(c.Text); word {
	case "":
	case "on", "off":
		if err := login.Account.ChooseEmoticons(c.Ctx, word == "on"); err != nil {
			c.Log.Err(err).Msg("Failed to store whether emoji stand for emoticons")
			c.Say("The bridge could not store that: it holds until it is started again.")
			return
		}
	default:
		c.Say("Write `!emoticons on` or `!emoticons off`. Nothing was changed.")
		return
	}
	if login.Account.TextOptions().Emoticons {
		c.Say("You see emoji for the emoticons of MSN, and your contacts emoticons for your emoji, as `(Y)` for 👍. `!emoticons off` leaves texts as they were written.")
		return
	}
	c.Say("Texts go both ways as they were written, with `(Y)` and 👍 as they are. `!emoticons on` has emoji stand for the emoticons of MSN.")
}
