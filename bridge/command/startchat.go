package command

import (
	"errors"
	"fmt"
	"html"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn/wire"
)

// The framework has these two commands as well. Its answers make markup of the names of
// contacts, it picks one of several accounts without a word, and logs what users mistype as
// errors.

const startChatUsage = "Write `start-chat bob@example.com`."

// runStartChat makes the room with a contact, or says which it is.
func runStartChat(c *call) {
	login, found := c.lookUp(startChatUsage, true)
	if found == nil {
		return
	}
	portal, made, err := c.openRoom(login, found.Chat)
	if err != nil {
		c.Log.Err(err).Msg("Failed to make the room with a contact")
		c.say("%s", login.lookupSentence(c.text, err))
		return
	}
	who, room := login.nameOf(c, found), portal.MXID
	sentence := "You already have a room with "
	if made {
		sentence = "Your new room with "
	}
	c.ReplyAdvanced(fmt.Sprintf(`%s%s: <a href="%s">%s</a>`, sentence, html.EscapeString(who),
		html.EscapeString(room.URI(c.bridge.Matrix.ServerName()).MatrixToURL()), html.EscapeString(room.String())), false, true)
}

// runResolve says whether there can be an account.
func runResolve(c *call) {
	login, found := c.lookUp("Write `resolve-identifier bob@example.com`.", false)
	if found == nil {
		return
	}
	if identity, ok := msnid.ParseUserID(found.UserID); ok && !login.canKnow(identity.Account) {
		c.say("%s", unsaid(login.Account.Service.Name, identity.Account))
		return
	}
	c.say("%s: `start-chat` opens your room with them.", login.nameOf(c, found))
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

// lookUp looks for the account that is named, by its address or by the Matrix user of its ghost,
// and prepares the room with it if create is set. It answers, and returns nil, when there is none.
func (c *call) lookUp(usage string, create bool) (*Login, *bridgev2.ResolveIdentifierResponse) {
	c.takeLogin()
	login, ok := c.login()
	if !ok {
		return nil, nil
	}
	if c.text == "" {
		c.say("Whom? %s", usage)
		return nil, nil
	}
	named := c.text
	if ghost, ok := c.bridge.Matrix.ParseGhostMXID(id.UserID(named)); ok {
		named = string(ghost)
	}
	found, err := login.Chat.Resolve(c.Ctx, named, create) // which logs why not
	if err != nil {
		c.say("%s", login.lookupSentence(c.text, err))
		return nil, nil
	}
	found.Ghost.UpdateInfo(c.Ctx, found.UserInfo)
	return login, found
}

// errNoRoom says that the framework made no room, and not why.
var errNoRoom = errors.New("no room was made")

// openRoom returns the portal of a room, and whether the room had to be made.
func (c *call) openRoom(login *Login, chat *bridgev2.CreateChatResponse) (portal *bridgev2.Portal, made bool, err error) {
	portal, err = c.bridge.GetPortalByKey(c.Ctx, chat.PortalKey)
	if err != nil {
		return nil, false, err
	}
	portal.CleanupOrphanedDM(c.Ctx, c.User.MXID)
	if portal.MXID != "" {
		return portal, false, nil
	}
	if err := portal.CreateMatrixRoom(c.Ctx, login.Account.Login, chat.PortalInfo); err != nil {
		return nil, false, err
	}
	if portal.MXID == "" {
		return nil, false, errNoRoom
	}
	return portal, true, nil
}

// lookupSentence says why there is no account, or no room. What the network connector says of
// itself is such a sentence already.
func (l *Login) lookupSentence(typed string, err error) string {
	if said, ok := reason.Said(err); ok {
		return said
	}
	return reason.Of(err, reason.Lookup, l.Account.About(names.Clean(typed))).Sentence
}

func (l *Login) nameOf(c *call, found *bridgev2.ResolveIdentifierResponse) string {
	identity, ok := msnid.ParseUserID(found.UserID)
	if !ok {
		return names.Clean(string(found.UserID))
	}
	return l.Account.Person(c.Ctx, identity.Account).Name
}
