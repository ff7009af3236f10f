package people

import (
	"errors"
	"fmt"
	"html"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/msn/wire"
)

// The framework has these two commands as well. Its answers make markup of the names of
// contacts, it picks one of several accounts without a word, and logs what users mistype as
// errors.

const startChatUsage = "command.people.write_start_chat_bob_example_com"

// StartChat makes the room with a contact, or says which it is.
func StartChat(c *call.Call) {
	login, found := lookUp(c, words.Text(startChatUsage), true)
	if found == nil {
		return
	}
	room, made, err := openRoom(c, login, found.Chat)
	if err != nil {
		c.Log.Err(err).Msg("Failed to make the room with a contact")
		c.Say("%s", lookupSentence(login, c.Text, err))
		return
	}
	who := nameOf(login, c, found)
	sentence := words.Text("command.people.you_already_have_a_room_with") + " "
	if made {
		sentence = words.Text("command.people.your_new_room_with") + " "
	}
	c.ReplyAdvanced(fmt.Sprintf(`%s%s: <a href="%s">%s</a>`, sentence, html.EscapeString(who),
		html.EscapeString(room.URI(c.Bridge.Matrix.ServerName()).MatrixToURL()), html.EscapeString(room.String())), false, true)
}

// Resolve says whether there can be an account.
func Resolve(c *call.Call) {
	login, found := lookUp(c, words.Text("command.people.write_resolve_identifier_bob_example_com"), false)
	if found == nil {
		return
	}
	if identity, ok := msnid.ParseUserID(found.UserID); ok && !canKnow(login, identity.Account) {
		c.Say("%s", unsaid(c, login.Account.Service.Name, identity.Account))
		return
	}
	c.Tell("command.people.start_chat_opens_your_room_with", nameOf(login, c, found))
}

// canKnow reports whether it is known that there is an account: it is on a list, or the service
// says so of any.
func canKnow(l *call.Login, account string) bool {
	client := l.Session.Current()
	if client == nil || client.Dialect() >= wire.FirstNetworks {
		return true
	}
	contact, _ := client.Contact(account)
	return contact.Lists != 0
}

// lookUp looks for the account that is named, by its address or by the Matrix user of its ghost,
// and prepares the room with it if create is set. It answers, and returns nil, when there is none.
func lookUp(c *call.Call, usage string, create bool) (*call.Login, *bridgev2.ResolveIdentifierResponse) {
	c.TakeLogin()
	login, ok := c.Login()
	if !ok {
		return nil, nil
	}
	if c.Text == "" {
		c.Say("Whom? %s", usage)
		return nil, nil
	}
	named := c.Text
	if ghost, ok := c.Bridge.Matrix.ParseGhostMXID(id.UserID(named)); ok {
		named = string(ghost)
	}
	found, err := login.People.Finder.Resolve(c.Ctx, named, create) // which logs why not
	if err != nil {
		c.Say("%s", lookupSentence(login, c.Text, err))
		return nil, nil
	}
	found.Ghost.UpdateInfo(c.Ctx, found.UserInfo)
	return login, found
}

// errNoRoom says that the framework made no room, and not why.
var errNoRoom = errors.New("no room was made")

// openRoom returns the room of a portal, and whether it had to be made. It is what is stored, because the framework's own copy
// changes under its hands while a message makes the room.
func openRoom(c *call.Call, login *call.Login, chat *bridgev2.CreateChatResponse) (room id.RoomID, made bool, err error) {
	portal, err := c.Bridge.GetPortalByKey(c.Ctx, chat.PortalKey)
	if err != nil {
		return "", false, err
	}
	room, err = login.Account.StoredRoom(c.Ctx, chat.PortalKey)
	if err != nil {
		return "", false, err
	}
	if room != "" {
		portal.CleanupOrphanedDM(c.Ctx, c.User.MXID)
		if room, err = login.Account.StoredRoom(c.Ctx, chat.PortalKey); err != nil || room != "" {
			return room, false, err
		}
	}
	if err := portal.CreateMatrixRoom(c.Ctx, login.Account.Login, chat.PortalInfo); err != nil {
		return "", false, err
	}
	if room, err = login.Account.StoredRoom(c.Ctx, chat.PortalKey); err == nil && room == "" {
		err = errNoRoom
	}
	return room, true, err
}

// lookupSentence says why there is no account, or no room. What the network connector says of
// itself is such a sentence already.
func lookupSentence(l *call.Login, typed string, err error) string {
	if said, ok := reason.Said(err); ok {
		return said
	}
	return reason.Of(err, reason.Lookup, l.Account.About(names.Clean(typed))).Sentence
}

func nameOf(l *call.Login, c *call.Call, found *bridgev2.ResolveIdentifierResponse) string {
	identity, ok := msnid.ParseUserID(found.UserID)
	if !ok {
		return names.Clean(string(found.UserID))
	}
	return l.Account.Person(c.Ctx, identity.Account).Name
}
