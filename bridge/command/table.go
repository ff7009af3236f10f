package command

import (
	"slices"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/command/people"
	"matrix-msn/bridge/command/service"
	"matrix-msn/bridge/room"
	"matrix-msn/msn"
)

// row is one line of the table of commands. What help says of it is in topics.
type row struct {
	name string
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
	// admin commands are for admins of the bridge.
	admin bool
	// anybody can give a command without an account.
	anybody bool
	run     func(*call.Call)
}

// table is all commands but those of the framework.
var table = []row{
	{name: "reconnect", private: true, run: service.Reconnect},
	{name: "contacts", bare: true, private: true, run: people.Contacts},
	{name: "whois", bare: true, private: true, run: people.Whois},
	{name: "start-chat", alias: "pm", private: true, run: people.StartChat},
	{name: "bridge", run: people.Bridge},
	{name: "clear-rooms", anybody: true, private: true, run: people.ClearRooms},
	{name: "resolve-identifier", private: true, run: people.Resolve},
	{name: "search", private: true, run: people.Search},
	{name: "list-logins", private: true, run: service.ListLogins},
	{name: "logins", admin: true, private: true, run: service.AllLogins},
	{name: "logout", private: true, run: service.Logout},
	{name: "add", bare: true, private: true, run: people.Add},
	{name: "remove", bare: true, private: true, run: people.Remove},
	{name: "block", bare: true, private: true, run: people.Block},
	{name: "unblock", bare: true, private: true, run: people.Unblock},
	{name: "accept", bare: true, private: true, run: people.Accept},
	{name: "decline", bare: true, private: true, run: people.Decline},
	{name: "rename", bare: true, private: true, run: people.Rename},
	{name: "group", bare: true, private: true, run: people.Group},
	{name: "nick", bare: true, private: true, run: people.Nick},
	{name: "privacy", bare: true, private: true, run: people.Privacy},
	{name: "status", bare: true, private: true, run: people.Status},
	{name: "psm", bare: true, private: true, run: people.Personal},
	{name: "picture", bare: true, private: true, run: people.Picture},
	{name: "presence", bare: true, private: true, run: people.Presence},
	{name: "emoticons", bare: true, run: people.Emoticons},
	{name: "nudge", bare: true, run: people.Nudge},
	{name: "retry", bare: true, relayed: true, run: people.Retry},
	{name: "page", bare: true, private: true, options: []string{service.CallbackOption}, run: service.Page},
	{name: "invite", bare: true, private: true, run: service.Invite},
	{name: "alerts", bare: true, private: true, run: service.Alerts},
	{name: "url", bare: true, run: service.URL},
	{name: "inbox", bare: true, run: service.PageLink("inbox", msn.URLInbox)},
	{name: "compose", bare: true, run: service.Compose},
	{name: "profile", bare: true, run: service.Profile},
	{name: "account", bare: true, run: service.PageLink("account", msn.URLPerson)},
	{name: "mobile", bare: true, run: service.PageLink("mobile", msn.URLMobile)},
	{name: "find", bare: true, private: true, run: service.Find},
	{name: "places", bare: true, private: true, run: service.Places},
	{name: "circles", bare: true, private: true, run: people.Circles},
	{name: "client-version", bare: true, run: service.ClientVersion},
}

// isBare reports whether a command is also understood without prefix.
func isBare(name string) bool {
	return slices.ContainsFunc(table, func(r row) bool { return r.bare && r.name == name })
}

// Handlers returns the commands for the framework. What help says of them is in topics.
func (c *Commands) Handlers() []commands.CommandHandler {
	handlers := []commands.CommandHandler{c.createGroup(), c.unbridge(), c.help()}
	handlers = append(handlers, c.relay()...)
	for _, r := range table {
		handler := &commands.FullHandler{Func: func(ce *commands.Event) { c.run(r, ce) }, Name: r.name, RequiresLogin: !r.relayed && !r.anybody && !r.admin, RequiresAdmin: r.admin}
		if r.alias != "" {
			handler.Aliases = append(handler.Aliases, r.alias)
		}
		handlers = append(handlers, handler)
	}
	return marked(handlers)
}

// marked returns handlers that are also called by a name with "!" before it, which is typed in the chat with
// the bot out of habit.
func marked(handlers []commands.CommandHandler) []commands.CommandHandler {
	for _, handler := range handlers {
		if full, ok := handler.(*commands.FullHandler); ok {
			full.Aliases = append(slices.Clone(full.Aliases), "!"+full.Name)
		}
	}
	return handlers
}

// createGroup is the framework's create-group with an answer for people: that of the
// framework names the group chat by its ID.
func (c *Commands) createGroup() commands.CommandHandler {
	handler := *commands.CommandCreateGroup
	handler.Func = func(ce *commands.Event) {
		c.amongReaders(ce, false)
		given := make(call.Options)
		text := given.Take(typedArguments(ce), call.LoginOption)
		people.CreateGroup(&call.Call{Event: ce, Parts: &c.shared, Given: given, Text: text})
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
		call.Reply(ce, "command.others_read_along_here_send_in", name)
		return false
	}
	if chat == ce.RoomID || c.overheard(ce, chat) {
		call.Reply(ce, othersInChat, name)
		return false
	}
	call.Reply(ce, "command.others_read_along_here_you_find")
	ce.OrigRoomID = chat
	return true
}

// othersInChat is said where even the chat with the bot is no private place.
const othersInChat = "command.others_read_along_in_your_chat"

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
