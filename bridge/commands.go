package bridge

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"slices"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// bareCommands is the table of the commands that are also understood without
// prefix, in every room: "!contacts". A text that begins with "!" and is not in
// it goes to the contact as text.
var bareCommands = []string{
	"contacts", "page", "invite", "alerts", "url", "inbox", "compose", "profile", "account", "mobile", "find", "client-version", "places", "circles",
}

var helpSection = commands.HelpSection{Name: "MSN Messenger", Order: 25}

// everywhere is added to the description of bare commands.
const everywhere = " In every room also as `!%s`."

func (c *Connector) commandHandlers() []commands.CommandHandler {
	handlers := []commands.CommandHandler{
		&commands.FullHandler{
			Func: c.fnReconnect,
			Name: "reconnect",
			Help: commands.HelpMeta{
				Section: helpSection,
				Description: "Sign in again now. If the account is in use at another place, " +
					"this ends the session there.",
				Args: "[_login ID_]",
			},
			RequiresLogin: true,
		},
	}
	for _, command := range []struct {
		name, args, description string
		run                     func(*commands.Event)
	}{
		{"contacts", "[_login ID_]", "Show your contact list with everybody's status.", c.fnContacts},
		{"page", "[--callback home|work|mobile[=_number_]] [_e-mail or +number_] <_text_>",
			"Send a text of up to 113 characters to somebody's mobile device. In the room with a contact the address may be left out.", c.fnPage},
		{"invite", "<_e-mail_> [_text_]", "Call a contact into the conversation of the room; or have the service mail an invitation to somebody who is no contact of yours.", c.fnInvite},
		{"alerts", "[_number_] [_login ID_]", "List the latest alerts, mail notices and announcements of the service.", c.fnAlerts},
		{"url", "[_name_] [_argument_]", "Link to a page of the service. Without a name it lists them.", c.fnURL},
		{"inbox", "", "Link to your mail.", c.fnPageLink("inbox", msn.URLInbox)},
		{"compose", "[_e-mail_]", "Link to where a mail is written.", c.fnCompose},
		{"profile", "[_e-mail_]", "Link to where your profile is edited, or to the profile of a contact.", c.fnProfile},
		{"account", "", "Link to where your account is managed: password, secret question, data.", c.fnPageLink("account", msn.URLPerson)},
		{"mobile", "", "Link to where your mobile device is set up.", c.fnPageLink("mobile", msn.URLMobile)},
		{"find", "<_first name_> <_last name_> [city=_…_] [state=_…_] [country=_…_]", "Search the service's directory of members.", c.fnFind},
		{"places", "[out <_number_>|all]", "List the places where your account is signed in; or sign it out at another one, or all others.", c.fnPlaces},
		{"circles", "[accept|decline|leave <_number_>|create <_name_>]", "List your circles; or answer an invitation into one, leave one, make one.", c.fnCircles},
		{"client-version", "[announce]", "Show what the service is told about the bridge, and what it says to that; or tell it again.", c.fnClientVersion},
	} {
		handlers = append(handlers, &commands.FullHandler{
			Func:    command.run,
			Name:    command.name,
			Aliases: []string{"!" + command.name},
			Help: commands.HelpMeta{
				Section:     helpSection,
				Description: command.description + fmt.Sprintf(everywhere, command.name),
				Args:        command.args,
			},
			RequiresLogin: true,
		})
	}
	return handlers
}

// RewriteCommand gives a bare command its prefix, so that the framework takes it
// for one, and marks a text that only looks like one, so that it does not. It is
// to be called for every m.room.message before the framework sees it.
func (c *Connector) RewriteCommand(ctx context.Context, evt *event.Event) {
	content, ok := evt.Content.Parsed.(*event.MessageEventContent)
	if !ok || content.MsgType != event.MsgText || content.RelatesTo.GetReplaceID() != "" {
		return
	}
	if c.completeRelogin(ctx, evt, content) {
		return
	}
	word, _, _ := strings.Cut(strings.TrimLeft(content.Body, " \n"), " ")
	word, _, _ = strings.Cut(word, "\n")
	name, bare := strings.CutPrefix(word, "!")
	prefix := c.br.Config.CommandPrefix
	switch {
	case bare && slices.Contains(bareCommands, strings.ToLower(name)):
		content.Body = prefix + " " + strings.TrimPrefix(strings.TrimLeft(content.Body, " \n"), "!")
	case strings.HasPrefix(content.Body, prefix) && word != prefix:
		content.Body = noCommand + content.Body
	}
}

// completeRelogin adds the service to "relogin <login ID>". The framework asks for
// it where there are several, although the ID names it.
func (c *Connector) completeRelogin(ctx context.Context, evt *event.Event, content *event.MessageEventContent) bool {
	words := strings.Fields(content.Body)
	prefixed := len(words) == 3 && words[0] == c.br.Config.CommandPrefix
	if prefixed {
		words = words[1:]
	}
	if len(words) != 2 || !strings.EqualFold(words[0], "relogin") {
		return false
	}
	if !prefixed {
		user, err := c.br.GetExistingUserByMXID(ctx, evt.Sender)
		if err != nil || user == nil || user.ManagementRoom != evt.RoomID {
			return false
		}
	}
	identity, ok := msnid.ParseLoginID(networkid.UserLoginID(words[1]))
	if ok {
		content.Body += " " + identity.Service
	}
	return ok
}

// noCommand stands before a text that begins like the prefix of commands but is
// none ("!msnfoo"): the framework looks for the prefix without regard to where
// the word ends. It is an invisible character that no text begins with.
const noCommand = "\u2060"

// unescapeCommand undoes what RewriteCommand did to a text.
func unescapeCommand(content *event.MessageEventContent) {
	content.Body = strings.TrimPrefix(content.Body, noCommand)
}

// ownLogin returns the user's login with an ID. It answers when there is none.
func ownLogin(ce *commands.Event, named string) (*bridgev2.UserLogin, bool) {
	login := ce.Bridge.GetCachedUserLoginByID(networkid.UserLoginID(strings.ToLower(named)))
	if login == nil || login.UserMXID != ce.User.MXID {
		say(ce, "You have no login %s. Use `$cmdprefix list-logins` to see yours.", shorten(oneLine(named), maxName))
		return nil, false
	}
	return login, true
}

// loginsFor returns the logins that a command is about: the one that is named, that
// of the room, or all of the user's.
func loginsFor(ce *commands.Event, named string) ([]*bridgev2.UserLogin, bool) {
	if named != "" {
		login, ok := ownLogin(ce, named)
		return []*bridgev2.UserLogin{login}, ok
	}
	if ce.Portal != nil {
		login, _, err := ce.Portal.FindPreferredLogin(ce.Ctx, ce.User, false)
		if err == nil && login != nil {
			return []*bridgev2.UserLogin{login}, true
		}
	}
	logins := ce.User.GetUserLogins()
	slices.SortFunc(logins, func(a, b *bridgev2.UserLogin) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return logins, true
}

// namedLogin returns the login that is named behind a command that takes nothing
// else, with --login or without.
func namedLogin(ce *commands.Event) string {
	given := make(options)
	word, _ := cutWord(given.take(typedArguments(ce), loginOption))
	return cmp.Or(given[loginOption], word)
}

func (c *Connector) fnReconnect(ce *commands.Event) {
	logins, ok := loginsFor(ce, namedLogin(ce))
	if !ok {
		return
	}
	for _, login := range logins {
		ce.Reply("Signing in to MSN again as %s.", html.EscapeString(string(login.ID)))
		login.Client.(*Client).Reconnect(ce.Ctx)
	}
}

func (c *Connector) fnContacts(ce *commands.Event) {
	logins, ok := loginsFor(ce, namedLogin(ce))
	if !ok {
		return
	}
	for _, login := range logins {
		for _, part := range login.Client.(*Client).describeContacts(ce.Ctx) {
			ce.ReplyAdvanced(part, false, true)
		}
	}
}
