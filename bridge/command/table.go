package command

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/command/people"
	"matrix-msn/bridge/command/service"
	"matrix-msn/bridge/room"
	"matrix-msn/msn"
)

// row is one line of the table of commands.
type row struct {
	name, args, description string
	// bare commands are also understood without the prefix, in every room: "!contacts". A
	// text that begins with "!" and is none of them goes to the contact as text.
	bare bool
	// alias is another name of the command, or "".
	alias string
	// options can stand right behind the name, besides --login.
	options []string
	// private commands show what is nobody else's business: in a room where others read
	// along they are answered in the chat with the bot.
	private bool
	// relayed commands are also for people without an account who speak through that of
	// another.
	relayed bool
	run     func(*call.Call)
}

// table is all commands but those of the framework.
var table = []row{
	{name: "reconnect", private: true, args: "[_login ID_]",
		description: "Sign in again now. If the account is in use at another place, this ends the session there.", run: runReconnect},
	{name: "contacts", bare: true, private: true, args: "[_login ID_] [online|offline|waiting|blocked|group _name_|_part of a name_]",
		description: "Show your contact list with everybody's status, or those who are online, offline, wait for an answer, are blocked, in a group, or called like that.", run: people.Contacts},
	{name: "whois", bare: true, private: true, args: "[_e-mail_]", description: "Show what is known of a contact: lists, groups, names, status, phone numbers. In the room with them the address may be left out.", run: people.Whois},
	{name: "start-chat", alias: "pm", private: true, args: "[_login ID_] <_e-mail_>", description: "Open the room with somebody. Who is not on your contact list has to be online, unless the service says that it knows them.", run: people.StartChat},
	{name: "bridge", args: "<_e-mail_ or _name_> [--move]",
		description: "Make the room that you are in that of a contact, a group chat or a circle. With `--move` it takes the place of the one there is. `unbridge` gives it back.", run: people.Bridge},
	{name: "resolve-identifier", private: true, args: "[_login ID_] <_e-mail_>", description: "See whether the service knows an account, without opening a room.", run: people.Resolve},
	{name: "search", private: true, args: "[_login ID_] <_part of a name or an address_>", description: "Look for people on your contact list.", run: people.Search},
	{name: "list-logins", private: true, description: "Show your accounts, and whether they are signed in.", run: service.ListLogins},
	{name: "logout", private: true, args: "<_login ID_>", description: "Forget an account, and sign out of it. What waits to be sent there is not sent.", run: service.Logout},
	{name: "add", bare: true, private: true, args: "<_e-mail_> [_text for them_]", description: "Put somebody on your contact list, and let them see you. This also answers who has added you.", run: people.Add},
	{name: "remove", bare: true, private: true, args: "[_e-mail_]", description: "Take a contact off your contact list.", run: people.Remove},
	{name: "block", bare: true, private: true, args: "[_e-mail_]", description: "Keep somebody from seeing you and writing to you.", run: people.Block},
	{name: "unblock", bare: true, private: true, args: "[_e-mail_]", description: "Let somebody see you and write to you, who was blocked or waits for an answer.", run: people.Unblock},
	{name: "accept", bare: true, private: true, args: "[_e-mail_]", description: "Take the file that was offered last in the room. Or answer somebody who has added you: let them see you, and put them on your contact list.", run: people.Accept},
	{name: "decline", bare: true, private: true, args: "[_e-mail_]", description: "Decline the file that was offered last in the room. Or answer somebody who has added you: keep them from seeing you and writing to you.", run: people.Decline},
	{name: "rename", bare: true, private: true, args: "[_e-mail_] [_name_]", description: "Call a contact by a name of your own, which only you see; `-` takes it away. Without a name it shows how they are called.", run: people.Rename},
	{name: "group", bare: true, private: true, args: "[add _name_|remove _number_|rename _number_ _name_|put _number_ [_e-mail_]|take _number_ [_e-mail_]]",
		description: "List the groups of your contact list; or make, remove and rename one, put a contact into one or take them out.", run: people.Group},
	{name: "nick", bare: true, private: true, args: "[_name_ | --follow]", description: "Show the name that your contacts see, take another one, or follow your name of Matrix.", run: people.Nick},
	{name: "privacy", bare: true, private: true, args: "[everybody|contacts|ask|open]",
		description: "Show who may see you and write to you: everybody whom you have not blocked, or only those you have let in; and whether you are asked when somebody adds you.", run: people.Privacy},
	{name: "status", bare: true, private: true, args: "[follow|activity|online|busy|away|brb|phone|lunch|idle|hidden]",
		description: "Show or choose as what your contacts see you: as Matrix shows you, as online while you write and read, or always the same.", run: people.Status},
	{name: "psm", bare: true, private: true, args: "[_text_]", description: "Show the personal message that your contacts read below your name, or set it; `-` takes it away.", run: people.Personal},
	{name: "picture", bare: true, private: true, args: "[remove | --follow]",
		description: "Show a picture to your contacts: send it here, and answer it with this command. `remove` takes it away, `--follow` shows your picture of Matrix.", run: people.Picture},
	{name: "presence", bare: true, private: true, args: "[on|off]", description: "Show or choose whether Matrix shows which of your contacts are online.", run: people.Presence},
	{name: "emoticons", bare: true, args: "[on|off]", description: "Show or choose whether emoji stand for the emoticons of MSN, such as `:)` and `(Y)`.", run: people.Emoticons},
	{name: "nudge", bare: true, args: "[_e-mail_]", description: "Nudge somebody: Messenger shakes its window. In the room with them the address may be left out.", run: people.Nudge},
	{name: "retry", bare: true, relayed: true, args: "[anyway]",
		description: "Send the last text again that you have written in the room and that has failed; with `anyway` also one that may have arrived.", run: people.Retry},
	{name: "page", bare: true, private: true, args: "[--callback home|work|mobile[=_number_]] [_e-mail or +number_] <_text_>",
		description: "Send a text of up to 113 characters to somebody's mobile device. In the room with a contact the address may be left out.",
		options:     []string{service.CallbackOption}, run: service.Page},
	{name: "invite", bare: true, private: true, args: "<_e-mail_>… [_text_]",
		description: "Call contacts into the conversation of the room; or have the service mail an invitation to somebody who is no contact of yours.", run: service.Invite},
	{name: "alerts", bare: true, private: true, args: "[_number_] [_login ID_]", description: "List the latest alerts, mail notices and announcements of the service.", run: service.Alerts},
	{name: "url", bare: true, args: "[_name_] [_argument_]", description: "Link to a page of the service. Without a name it lists them.", run: service.URL},
	{name: "inbox", bare: true, description: "Link to your mail.", run: service.PageLink("inbox", msn.URLInbox)},
	{name: "compose", bare: true, args: "[_e-mail_]", description: "Link to where a mail is written.", run: service.Compose},
	{name: "profile", bare: true, args: "[_e-mail_]", description: "Link to where your profile is edited, or to the profile of a contact.", run: service.Profile},
	{name: "account", bare: true, description: "Link to where your account is managed: password, secret question, data.", run: service.PageLink("account", msn.URLPerson)},
	{name: "mobile", bare: true, description: "Link to where your mobile device is set up.", run: service.PageLink("mobile", msn.URLMobile)},
	{name: "find", bare: true, private: true, args: "<_first name_> <_last name_> [city=_…_] [state=_…_] [country=_…_]", description: "Search the service's directory of members.", run: service.Find},
	{name: "places", bare: true, private: true, args: "[out <_number_>|out all]",
		description: "List the places where your account is signed in; or sign it out at another one, or all others.", run: service.Places},
	{name: "circles", bare: true, private: true, args: "[accept|decline|leave <_number_>|create <_name_>]",
		description: "List your circles; or answer an invitation into one, leave one, make one.", run: people.Circles},
	{name: "client-version", bare: true, args: "[announce]",
		description: "Show what the service is told about the bridge, and what it says to that; or tell it again.", run: service.ClientVersion},
}

// everywhere is added to the description of bare commands.
const everywhere = " In every room also as `!%s`."

var helpSection = commands.HelpSection{Name: "MSN Messenger", Order: 25}

// isBare reports whether a command is also understood without prefix.
func isBare(name string) bool {
	return slices.ContainsFunc(table, func(r row) bool { return r.bare && r.name == name })
}

// Handlers returns the commands for the framework, with their help.
func (c *Commands) Handlers() []commands.CommandHandler {
	var handlers []commands.CommandHandler
	for _, r := range table {
		handler := &commands.FullHandler{
			Func:          func(ce *commands.Event) { c.run(r, ce) },
			Name:          r.name,
			Help:          commands.HelpMeta{Section: helpSection, Description: r.description, Args: r.args},
			RequiresLogin: !r.relayed,
		}
		if r.bare {
			handler.Aliases = []string{"!" + r.name}
			handler.Help.Description += fmt.Sprintf(everywhere, r.name)
		}
		if r.alias != "" {
			handler.Aliases = append(handler.Aliases, r.alias)
		}
		handlers = append(handlers, handler)
	}
	handlers = append(append(handlers, c.createGroup(), c.unbridge()), c.relay()...)
	return append(handlers, help(handlers))
}

// help is the framework's help, which shows one command alone that is named behind it.
func help(own []commands.CommandHandler) commands.CommandHandler {
	handler := *commands.CommandHelp
	all := handler.Func
	handler.Help.Args = "[_command_]"
	handler.Help.Description = "Show all commands, or one of them."
	handler.Func = func(ce *commands.Event) {
		if len(ce.Args) == 0 {
			all(ce)
			return
		}
		name := strings.ToLower(strings.TrimPrefix(strings.Trim(ce.Args[0], "`"), "!"))
		for _, of := range own {
			found, ok := of.(*commands.FullHandler)
			if ok && (found.Name == name || slices.Contains(found.Aliases, name)) {
				sayHelp(ce, found)
				return
			}
		}
		for _, found := range ofFramework {
			if found.Name == name {
				sayHelp(ce, found)
				return
			}
		}
		ce.Reply("%s", noSuchCommand(name))
	}
	return &handler
}

func sayHelp(ce *commands.Event, of *commands.FullHandler) {
	about := of.GetHelp()
	ce.Reply("%s", about.String())
}

// createGroup is the framework's create-group with an answer for people: that of the
// framework names the group chat by its ID.
func (c *Commands) createGroup() commands.CommandHandler {
	handler := *commands.CommandCreateGroup
	handler.Help.Args = "[_name_]"
	handler.Help.Description = "Make the room that you are in a group chat with the contacts who are in it."
	handler.Func = func(ce *commands.Event) {
		c.amongReaders(ce, false)
		people.CreateGroup(&call.Call{Event: ce, Parts: &c.shared})
	}
	return &handler
}

// run parses a command and does what it says.
func (c *Commands) run(r row, ce *commands.Event) {
	given := make(call.Options)
	text := given.Take(typedArguments(ce), append([]string{call.LoginOption}, r.options...)...)
	if r.private && !c.toPrivate(ce, r.name) {
		return
	}
	c.amongReaders(ce, r.private)
	r.run(&call.Call{Event: ce, Parts: &c.shared, Given: given, Text: text})
}

// amongReaders has people called by the names that they give themselves in the answer of a command
// that others read. Those of private commands nobody else does.
func (c *Commands) amongReaders(ce *commands.Event, private bool) {
	if !private && c.overheard(ce, ce.RoomID) {
		ce.Ctx = account.AmongOthers(ce.Ctx)
	}
}

// toPrivate has a command that others would read the answer of answered in the user's own chat with
// the bot. It reports false, and says why, when that cannot be: others are there too.
func (c *Commands) toPrivate(ce *commands.Event, name string) bool {
	if !c.overheard(ce, ce.RoomID) {
		return true
	}
	chat, err := ce.User.GetManagementRoom(ce.Ctx)
	if err != nil {
		ce.Log.Err(err).Msg("Failed to open the chat with the bot")
		ce.Reply("Others read along here. Send `%s` in your own chat with me.", name)
		return false
	}
	if chat == ce.RoomID || c.overheard(ce, chat) {
		ce.Reply(othersInChat, name)
		return false
	}
	ce.Reply("Others read along here: you find the answer in your own chat with me.")
	ce.OrigRoomID = chat
	return true
}

// othersInChat is said where even the chat with the bot is no private place.
const othersInChat = "Others read along in your chat with me. Open a chat with me that nobody else is in, send `set-management-room` there, and then `%s`."

// overheard reports whether others than the user and the bridge read what is said in a room.
// Where that cannot be seen, they may; the chat with the bot is then taken to be the user's own.
func (c *Commands) overheard(ce *commands.Event, chat id.RoomID) bool {
	overheard, err := room.Overheard(ce.Ctx, c.bridge, chat, ce.User.MXID)
	if err != nil {
		ce.Log.Err(err).Msg("Failed to look who is in the room of a command")
		return chat != ce.User.ManagementRoom
	}
	return overheard
}

func runReconnect(c *call.Call) {
	logins, ok := c.Logins(c.NamedLogin())
	if !ok {
		return
	}
	for _, login := range logins {
		c.Reply("Signing in to MSN again as %s.", html.EscapeString(string(login.Account.Login.ID)))
		login.Session.Reconnect(c.Ctx)
	}
}
