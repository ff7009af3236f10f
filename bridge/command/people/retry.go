package people

import (
	"context"
	"errors"
	"strings"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
)

const retryUsage = "command.people.write_retry_in_the_room_in"

// Retry sends the last text again that the user has written in a room and that has failed.
func Retry(c *call.Call) {
	login, ok := c.SpeaksThrough()
	if !ok {
		return
	}
	anyway := strings.EqualFold(c.Text, "anyway")
	if c.Portal == nil || c.Portal.Receiver != login.Account.Login.ID || c.Text != "" && !anyway {
		c.Say("%s", words.Text(retryUsage))
		return
	}
	to, ok := msnid.ParsePeer(c.Portal.ID)
	if !ok {
		c.Say("%s", words.Text(retryUsage))
		return
	}
	var text string
	var refused bridgev2.MessageStatus
	again := func(ctx context.Context) (err error) {
		text, err = login.Chat.Retry(ctx, c.Portal, c.RoomID, c.User.MXID, anyway)
		if errors.As(err, &refused) {
			return nil
		}
		return err
	}
	if !c.Tries(reason.Again, login.Chat.Recipients(c.Ctx, to), again) {
		return
	}
	if refused.Message != "" {
		c.Tell("command.people.it_was_not_sent_again", refused.Message)
		return
	}
	c.Tell("command.people.it_is_being_sent_again_i", names.Own(text))
}
