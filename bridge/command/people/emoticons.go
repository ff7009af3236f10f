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
		c.Tell("command.people.you_see_emoji_for_the_emoticons")
		return
	}
	c.Tell("command.people.texts_go_both_ways_as_they")
}

// switched has "on" or "off" behind a command stored, if one is there. It reports whether what holds
// now is to be said, and else says what is wrong.
func switched(c *call.Call, command string, choose func(ctx context.Context, on bool) error) bool {
	switch word := strings.ToLower(c.Text); word {
	case "":
	case "on", "off":
		if err := choose(c.Ctx, word == "on"); err != nil {
			c.Log.Err(err).Str("what", command).Msg("Failed to store what a user has chosen")
			c.Tell("command.people.the_bridge_could_not_store_that")
			return false
		}
	default:
		c.Tell("command.people.write_on_or_off_nothing_was", command, command)
		return false
	}
	return true
}
