package command

import (
	"errors"
	"fmt"
	"html"

	"maunium.net/go/mautrix/bridgev2/provisionutil"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn/wire"
)

// The framework has these two commands as well. Its answers make markup of the names of
// contacts, and it picks one of several accounts without a word.

const startChatUsage = "Write `start-chat bob@example.com`."

// runStartChat makes the room with a contact, or says which it is.
func runStartChat(c *call) {
	login, found := c.lookUp(startChatUsage, true)
	if found == nil {
		return
	}
	who, room := login.nameOf(c, found), found.Portal.MXID
	sentence := "Your new room with "
	if !found.JustCreated {
		sentence = "You already have a room with "
	}
	c.ReplyAdvanced(fmt.Sprintf(`%s%s: <a href="%s">%s</a>`, sentence, html.EscapeString(who),
		html.EscapeString(room.URI(c.bridge.Matrix.ServerName()).MatrixToURL()), html.EscapeString(room.String())), false, true)
}

// runResolve says whether there can be an account.
func runResolve(c *call) {
	login, found := c.lookUp("Write `resolve-identifier bob@example.com`.", false)
	if found != nil {
		if identity, ok := msnid.ParseUserID(found.ID); ok && !login.canKnow(identity.Account) {
			c.say("%s", unsaid(login.Account.Service.Name, identity.Account))
			return
		}
		c.say("%s: `start-chat` opens your room with them.", login.nameOf(c, found))
	}
}

// canKnow reports whether it is known that there is an account: it is on a list, or the service
// says so of any.
func (l *Login) canKnow(account string) bool {
	client := l.Session.Current()
	if client == nil || client.Dialect() >= wire.FirstNetworks {
		return true
	}
	contact, _ := client.Contact(account)
	return contact.Lists != 0
}

// lookUp looks for the account that is named, and makes the room with it if create is set. It
// answers, and returns nil, when there is none.
func (c *call) lookUp(usage string, create bool) (*Login, *provisionutil.RespResolveIdentifier) {
	c.takeLogin()
	login, ok := c.login()
	if !ok {
		return nil, nil
	}
	if c.text == "" {
		c.say("Whom? %s", usage)
		return nil, nil
	}
	found, err := provisionutil.ResolveIdentifier(c.Ctx, login.Account.Login, c.text, create)
	if err == nil && found == nil {
		err = errors.New("nothing was found")
	}
	if err != nil {
		c.Log.Info().Err(err).Msg("Failed to look for an account")
		c.say("%s", login.lookupSentence(c.text, err))
		return nil, nil
	}
	return login, found
}

// lookupSentence says why there is no account, or no room. What the network connector says of
// itself is such a sentence already.
func (l *Login) lookupSentence(typed string, err error) string {
	if said, ok := reason.Said(err); ok {
		return said
	}
	return reason.Of(err, reason.Lookup, l.Account.About(names.Clean(typed))).Sentence
}

func (l *Login) nameOf(c *call, found *provisionutil.RespResolveIdentifier) string {
	identity, ok := msnid.ParseUserID(found.ID)
	if !ok {
		return names.Clean(string(found.ID))
	}
	return l.Account.Person(c.Ctx, identity.Account).Name
}
