package people

import (
	"context"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const nudgeUsage = "command.people.write_nudge_in_the_room_with"

// Nudge shakes the windows of those whom a room is with, or of somebody who is named.
func Nudge(c *call.Call) {
	login, client, ok := c.Session()
	if !ok {
		return
	}
	to, ok := nudged(c, login)
	if !ok {
		return
	}
	about := login.Account.About(words.Text("command.people.the_conversation"))
	if to.Account != "" {
		about = login.Account.Person(c.Ctx, to.Account)
	}
	if to.Account == login.Account.Identity.Account {
		c.Tell("command.people.is_your_own_account_name_somebody", to.Account)
		return
	}
	nudge := func(ctx context.Context) error {
		if contact, _ := client.Contact(to.Account); contact.Lists.Has(msn.ListBlock) {
			return reason.ErrBlockedByUser
		}
		conversation, err := login.Chat.Conversation(ctx, client, to)
		if err != nil {
			return err
		}
		return conversation.SendNudge(ctx)
	}
	if !c.Tries(reason.Nudge, about, nudge) {
		return
	}
	if to.Account == "" {
		c.Tell("command.people.everybody_who_is_in_the_conversation")
		return
	}
	c.Tell("command.people.was_nudged", about.Name)
}

// nudged returns who is nudged: who is named, or those whom the room is with. It answers when
// there is nobody.
func nudged(c *call.Call, login *call.Login) (to msnid.Peer, ok bool) {
	if c.Text == "" && c.Portal != nil && c.Portal.Receiver == login.Account.Login.ID {
		if to, ok = msnid.ParsePeer(c.Portal.ID); ok {
			return to, true
		}
	}
	text, account := isText(c, login), ""
	if !text {
		var rest string
		if account, rest, ok = whom(c, login, words.Text(nudgeUsage)); !ok {
			return msnid.Peer{}, false
		}
		text = rest != ""
	}
	if text {
		c.Tell("command.people.a_nudge_carries_no_text", words.Text(nudgeUsage))
	}
	return msnid.Peer{Account: account}, !text
}

// isText reports whether what stands behind a command in the room of a chat is neither an address nor
// the name of anybody.
func isText(c *call.Call, login *call.Login) bool {
	word, _ := call.CutWord(c.Text)
	return c.Text != "" && c.Portal != nil && !strings.Contains(word, "@") && len(bearersOf(c, login, c.Text)) == 0
}
