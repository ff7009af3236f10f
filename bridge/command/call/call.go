// Package call is a command that a user has given: which login it is for, what was typed behind
// it, and how it is answered.
package call

import (
	"cmp"
	"context"
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
	"matrix-msn/bridge/circle"
	"matrix-msn/bridge/group"
	"matrix-msn/bridge/loginpage"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/outage"
	"matrix-msn/bridge/people"
	"matrix-msn/bridge/picture"
	"matrix-msn/bridge/request"
	"matrix-msn/bridge/self"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Login is one login as the commands use it.
type Login struct {
	Account  *account.Account
	Session  *session.Session
	People   *people.People
	Requests *request.Requests
	Groups   *group.Groups
	Circles  *circle.Circles
	Chat     *chat.Chat
	Alerts   *alert.Alerts
	Pages    Pages
	Files    Files
	Self     *self.Self

	Presence Presence
	Picture  *picture.Own
	Outages  *outage.Outages

	ShownCircles Shown // as the user saw them last
}

// Pages sends pages to mobile devices.
type Pages interface {
	// Put stores a page to be sent. Its sender is told in the room what becomes of it.
	Put(context.Context, *database.Page) error
}

// Files are those that contacts offer.
type Files interface {
	// Answer takes the file that was offered last in a room, or declines it. It says what is done,
	// and reports false when no file waits there.
	Answer(ctx context.Context, portal networkid.PortalID, accept bool) (said string, ok bool)
}

// Presence is whether the contacts of a login are shown as online in Matrix.
type Presence interface {
	On() bool
	Works() bool
	InProfiles() bool
	Switch(ctx context.Context, on bool) error
}

// Parts are what all commands share.
type Parts struct {
	DB         *database.Database
	LoginPages *loginpage.Pages
	LoginOf    func(*bridgev2.UserLogin) *Login
	Encrypts   func() bool                  // whether the bridge can read and write in encrypted rooms
	Inviting   exsync.KeyedMutex[id.UserID] // by who has an invitation mailed
}

// Call is a command that a user has given.
type Call struct {
	*commands.Event
	*Parts
	Given Options // the options at its beginning
	Text  string  // what was typed behind them, with its blanks and line ends
}

// Login returns the login that the command is for: the one that is named, that of the
// room, or the only one. It answers when there is none.
func (c *Call) Login() (*Login, bool) {
	if named := c.Given[LoginOption]; named != "" {
		return c.Named(named)
	}
	if c.Portal != nil && c.Portal.Receiver != "" {
		login := c.Bridge.GetCachedUserLoginByID(c.Portal.Receiver)
		if login != nil && login.UserMXID == c.User.MXID {
			return c.LoginOf(login), true
		}
	}
	logins := c.User.GetUserLogins()
	switch len(logins) {
	case 0:
		c.Tell("command.call.you_are_not_logged_in_to")
		return nil, false
	case 1:
		return c.LoginOf(logins[0]), true
	}
	// The command as it was given, but for what stands behind it, which can be long.
	c.Tell("command.call.you_have_several_accounts_name_the",
		strings.TrimPrefix(c.Command, "!"), firstName(logins), loginNames(logins))
	return nil, false
}

// SpeaksThrough returns the login through which the user speaks in a room: that of another who
// relays them, or as Login.
func (c *Call) SpeaksThrough() (*Login, bool) {
	if c.Given[LoginOption] == "" && c.InRoomOfOther() && c.Portal.Relay != nil {
		return c.LoginOf(c.Portal.Relay), true
	}
	if c.InRoomOfOther() && len(c.User.GetUserLogins()) == 0 {
		c.Tell("command.call.nobody_speaks_for_you_to_msn")
		return nil, false
	}
	return c.Login()
}

// Named returns the user's login with an ID. It answers when there is none.
func (c *Call) Named(name string) (*Login, bool) {
	login := c.Bridge.GetCachedUserLoginByID(networkid.UserLoginID(strings.ToLower(name)))
	if login == nil || login.UserMXID != c.User.MXID {
		if own := c.User.GetUserLogins(); len(own) > 0 {
			c.Tell("command.call.you_have_no_login_you_have", names.Clean(name), loginNames(own))
		} else {
			c.Tell("command.call.you_have_no_login_you_are", names.Clean(name))
		}
		return nil, false
	}
	return c.LoginOf(login), true
}

// Logins returns the logins that the command is about: the one that is named, that of the
// room, or all of the user's. It answers when there is none of that name.
func (c *Call) Logins(named string) ([]*Login, bool) {
	if named != "" {
		login, ok := c.Named(named)
		return []*Login{login}, ok
	}
	if c.Portal != nil {
		login, _, err := c.Portal.FindPreferredLogin(c.Ctx, c.User, false)
		if err == nil && login != nil {
			return []*Login{c.LoginOf(login)}, true
		}
	}
	all := c.User.GetUserLogins()
	slices.SortFunc(all, func(a, b *bridgev2.UserLogin) int { return strings.Compare(string(a.ID), string(b.ID)) })
	logins := make([]*Login, 0, len(all))
	for _, login := range all {
		logins = append(logins, c.LoginOf(login))
	}
	return logins, true
}

// Session returns the login that the command is for, as login does, with its session. It
// answers when there is none.
func (c *Call) Session() (*Login, *msn.Client, bool) {
	login, ok := c.Login()
	if !ok {
		return nil, nil, false
	}
	client, ok := c.SessionOf(login)
	return login, client, ok
}

// ContactOfRoom returns the contact whose room the command was given in, or "".
func (c *Call) ContactOfRoom(login *Login) string {
	if c.Portal == nil || c.Portal.Receiver != login.Account.Login.ID {
		return ""
	}
	contact, _ := msnid.ParseDMPortalID(c.Portal.ID)
	return contact
}

// PeerOfRoom returns whom the room of the command is with, which is nobody where there is no chat. It
// answers, and reports false, when it is the room of another login: what is done in it would be done
// with people that the login knows otherwise, or not at all.
func (c *Call) PeerOfRoom(login *Login) (room msnid.Peer, ok bool) {
	switch {
	case c.Portal == nil:
	case c.Portal.Receiver == login.Account.Login.ID:
		room, _ = msnid.ParsePeer(c.Portal.ID)
	case c.InRoomOfOther():
		c.Tell("command.call.this_is_the_chat_of_another")
		return room, false
	default:
		c.Tell("command.call.this_is_a_chat_of_another")
		return room, false
	}
	return room, true
}

// InRoomOfOther reports whether the command was given in the room of a chat that is another
// user's.
func (c *Call) InRoomOfOther() bool {
	if c.Portal == nil || c.Portal.Receiver == "" {
		return false
	}
	login := c.Bridge.GetCachedUserLoginByID(c.Portal.Receiver)
	return login == nil || login.UserMXID != c.User.MXID
}

// firstName returns the first of the names of logins.
func firstName(logins []*bridgev2.UserLogin) string {
	name, _, _ := strings.Cut(loginNames(logins), ", ")
	return name
}

func loginNames(logins []*bridgev2.UserLogin) string {
	ids := make([]string, len(logins))
	for i, login := range logins {
		ids[i] = string(login.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// NamedLogin returns the login that is named behind a command that takes nothing else, with
// --login or without.
func (c *Call) NamedLogin() string {
	word, _ := CutWord(c.Text)
	return cmp.Or(c.Given[LoginOption], word)
}

// TakeLogin takes a login ID that stands behind the command without --login.
func (c *Call) TakeLogin() {
	word, rest := CutWord(c.Text)
	if _, ok := msnid.ParseUserID(networkid.UserID(strings.ToLower(word))); ok && c.Given[LoginOption] == "" {
		c.Given[LoginOption], c.Text = word, rest
	}
}
