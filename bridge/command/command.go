// Package command is what users tell the bot to do: one table of commands, which are parsed
// in one way and find the login that they are for in one place.
package command

import (
	"slices"
	"strings"

	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/alert"
	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/loginpage"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/self"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Login is one login as the commands use it.
type Login struct {
	Account *account.Account
	Session *session.Session
	Chat    *chat.Chat
	Alerts  *alert.Alerts
	Pages   Pages
	Self    *self.Self

	Presence Presence

	circles circlesShown
}

// Commands are the commands of the bridge.
type Commands struct {
	bridge     *bridgev2.Bridge
	db         *database.Database
	loginPages *loginpage.Pages
	loginOf    func(*bridgev2.UserLogin) *Login
	answers    answers
	inviting   exsync.KeyedMutex[id.UserID] // by who has an invitation mailed
}

// New returns the commands of a bridge. loginOf returns the parts of a login.
func New(br *bridgev2.Bridge, db *database.Database, pages *loginpage.Pages, loginOf func(*bridgev2.UserLogin) *Login) *Commands {
	return &Commands{bridge: br, db: db, loginPages: pages, loginOf: loginOf}
}

// call is a command that a user has given.
type call struct {
	*commands.Event
	*Commands
	given options // the options at its beginning
	text  string  // what was typed behind them, with its blanks and line ends
}

// login returns the login that the command is for: the one that is named, that of the
// room, or the only one. It answers when there is none.
func (c *call) login() (*Login, bool) {
	if named := c.given[loginOption]; named != "" {
		return c.named(named)
	}
	if c.Portal != nil && c.Portal.Receiver != "" {
		login := c.bridge.GetCachedUserLoginByID(c.Portal.Receiver)
		if login != nil && login.UserMXID == c.User.MXID {
			return c.loginOf(login), true
		}
	}
	logins := c.User.GetUserLogins()
	switch len(logins) {
	case 0:
		c.say("You are not logged in to MSN. Use `$cmdprefix login` first.")
		return nil, false
	case 1:
		return c.loginOf(logins[0]), true
	}
	c.say("You have several accounts: name the one to use right behind the command, as in --login %s. You have %s.",
		loginNames(logins[:1]), loginNames(logins))
	return nil, false
}

// named returns the user's login with an ID. It answers when there is none.
func (c *call) named(name string) (*Login, bool) {
	login := c.bridge.GetCachedUserLoginByID(networkid.UserLoginID(strings.ToLower(name)))
	if login == nil || login.UserMXID != c.User.MXID {
		c.say("You have no login %s. Use `$cmdprefix list-logins` to see yours.", names.Clean(name))
		return nil, false
	}
	return c.loginOf(login), true
}

// logins returns the logins that the command is about: the one that is named, that of the
// room, or all of the user's. It answers when there is none of that name.
func (c *call) logins(named string) ([]*Login, bool) {
	if named != "" {
		login, ok := c.named(named)
		return []*Login{login}, ok
	}
	if c.Portal != nil {
		login, _, err := c.Portal.FindPreferredLogin(c.Ctx, c.User, false)
		if err == nil && login != nil {
			return []*Login{c.loginOf(login)}, true
		}
	}
	all := c.User.GetUserLogins()
	slices.SortFunc(all, func(a, b *bridgev2.UserLogin) int { return strings.Compare(string(a.ID), string(b.ID)) })
	logins := make([]*Login, 0, len(all))
	for _, login := range all {
		logins = append(logins, c.loginOf(login))
	}
	return logins, true
}

// session returns the login that the command is for, as login does, with its session. It
// answers when there is none.
func (c *call) session() (*Login, *msn.Client, bool) {
	login, ok := c.login()
	if !ok {
		return nil, nil, false
	}
	client, ok := c.sessionOf(login)
	return login, client, ok
}

// sessionOf returns the session of a login. It answers when there is none.
func (c *call) sessionOf(login *Login) (*msn.Client, bool) {
	client, problem := login.Session.State()
	switch {
	case client != nil:
		return client, true
	case problem != nil:
		c.say("You are not signed in to MSN as %s. %s", login.Account.Identity.Account, problem.Sentence)
	default:
		c.say("The bridge is just signing in to %s as %s. Try again in a moment.", login.Account.Service.Name, login.Account.Identity.Account)
	}
	return nil, false
}

// contactOfRoom returns the contact whose room the command was given in, or "".
func (c *call) contactOfRoom(login *Login) string {
	if c.Portal == nil || c.Portal.Receiver != login.Account.Login.ID {
		return ""
	}
	contact, _ := msnid.ParseDMPortalID(c.Portal.ID)
	return contact
}

func loginNames(logins []*bridgev2.UserLogin) string {
	ids := make([]string, len(logins))
	for i, login := range logins {
		ids[i] = string(login.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}
