package command

import (
	"html"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/words"
)

// helpWidth is how wide a line of the help is at most, in characters, so that all of it is one screen.
const helpWidth = 100

// help is the command of that name: one screen, or one command that is named behind it.
func (c *Commands) help() commands.CommandHandler {
	return &commands.FullHandler{Name: commands.CommandHelp.Name, Func: func(ce *commands.Event) {
		answered := &call.Call{Event: ce, Parts: &c.shared}
		if len(ce.Args) == 0 {
			answered.Send(screen(ce))
			return
		}
		name := strings.ToLower(strings.TrimPrefix(strings.Trim(ce.Args[0], "`"), "!"))
		if found := topicOf(name); found != nil && found.forWhom.has(ce) {
			ce.Reply("%s", about(ce, found))
			return
		}
		answered.Say("%s", noSuchCommand(name, func(command string) string { return asTyped(ce, command) }))
	}}
}

// has reports whether the user of a command is among those whom another command is for.
func (a audience) has(ce *commands.Event) bool {
	may := ce.User.Permissions
	switch a {
	case forAnybody:
		return true
	case forWhoMayLogIn:
		return may.Login
	case forRelays:
		return ce.Bridge.Config.Relay.Enabled && may.ManageRelay && len(ce.User.GetUserLogins()) > 0
	case forPuppets:
		return may.DoublePuppet && len(ce.User.GetUserLogins()) > 0
	case forAdmins:
		return may.Admin
	}
	return len(ce.User.GetUserLogins()) > 0
}

// screen is all commands for who asks, in one screen.
func screen(ce *commands.Event) *event.MessageEventContent {
	first, typed := "command.help_first", asTyped(ce, "help contacts")
	if len(ce.User.GetUserLogins()) == 0 {
		first, typed = "command.help_login", asTyped(ce, "login")
	}
	body := []string{words.Text(first, typed)}
	marked := []string{words.Text(first, "<code>"+typed+"</code>")}
	for _, section := range topics {
		var line, html []string
		width := 0
		flush := func() {
			if len(line) > 0 {
				body, marked = append(body, strings.Join(line, " · ")), append(marked, strings.Join(html, " · "))
			}
			line, html, width = nil, nil, 0
		}
		titled := false
		for _, of := range section.topics {
			if !of.forWhom.has(ce) {
				continue
			}
			if !titled {
				body, marked = append(body, strings.ToUpper(words.Text(section.title))), append(marked, "<strong>"+words.Text(section.title)+"</strong>")
				titled = true
			}
			plain, code := of.line(asTyped(ce, of.name))
			if width += utf8.RuneCountInString(plain) + len(" · "); width-len(" · ") > helpWidth {
				flush()
				width = utf8.RuneCountInString(plain) + len(" · ")
			}
			line, html = append(line, plain), append(html, code)
		}
		flush()
	}
	return &event.MessageEventContent{
		MsgType: event.MsgNotice, Mentions: &event.Mentions{},
		Body: strings.Join(body, "\n"), Format: event.FormatHTML, FormattedBody: strings.Join(marked, "<br>"),
	}
}

// line is what the screen says of a command that is typed so: as plain text, and as HTML.
func (t *topic) line(typed string) (plain, marked string) {
	plain, marked = typed, "<code>"+html.EscapeString(typed)+"</code>"
	if t.short != "" {
		short := words.Text(t.short)
		plain, marked = plain+": "+short, marked+" "+html.EscapeString(short)
	}
	return plain, marked
}

// about is what help says of one command, in Markdown.
func about(ce *commands.Event, of *topic) string {
	args := ""
	if of.args != "" {
		args = words.Text(of.args)
	}
	said := strings.TrimRight("**"+of.name+"** "+args, " ") + "\n" + words.Text(of.description)
	if isBare(of.name) {
		said += " " + words.Text("command.help_everywhere", of.name)
	}
	examples := make([]string, len(of.examples))
	for i, example := range of.examples {
		examples[i] = "`" + asTyped(ce, example) + "`"
	}
	return said + "\n" + words.Text("command.help_examples", strings.Join(examples, ", "))
}

// asTyped is a command as it is typed in the room of another: without the prefix in the chat with the bot.
func asTyped(ce *commands.Event, command string) string {
	if ce.RoomID == ce.User.ManagementRoom {
		return command
	}
	return inRooms(command, ce.Bridge.Config.CommandPrefix)
}

// inRooms is a command as it is typed in any room.
func inRooms(command, prefix string) string {
	if name, _ := call.CutWord(command); isBare(name) {
		return "!" + command
	}
	return prefix + " " + command
}

// topicOf returns what there is to say of a command, by its name or its other name, nil for none.
func topicOf(name string) *topic {
	for _, r := range table {
		if r.alias == name && name != "" {
			name = r.name
		}
	}
	for _, section := range topics {
		for i := range section.topics {
			if section.topics[i].name == name {
				return &section.topics[i]
			}
		}
	}
	return nil
}

// allNames are the names of the commands that people are told of who are no admins, and their other names.
var allNames = sync.OnceValue(func() (all []string) {
	for _, section := range topics {
		for _, of := range section.topics {
			if of.forWhom != forAdmins {
				all = append(all, of.name)
			}
		}
	}
	for _, r := range table {
		if r.alias != "" {
			all = append(all, r.alias)
		}
	}
	return all
})

// isName reports whether a word is the name of a command.
func isName(word string) bool {
	return slices.Contains(allNames(), strings.ToLower(strings.TrimPrefix(word, "!")))
}
