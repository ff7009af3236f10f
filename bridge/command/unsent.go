package command

import (
	"context"
	"strings"
	"unicode/utf8"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
)

// What looks like a command in the room of a chat is not sent to the people there: who writes "!login" or
// "!conatcts" does not mean them. Two exclamation marks send it all the same.

// unsentCommand is what such a text is to the framework. Nobody can type a command of this name, as with
// answerCommand.
const unsentCommand = "\u2060unsent"

// longWord is from how many letters on a word can have two that are wrong and still be taken for that of a
// command. In shorter ones a second one makes another word.
const longWord = 6

// meant returns the command that a text begins with, or seems to: one that is not understood
// without its prefix, or one that is mistyped. It is "" when the text is to be sent.
func meant(body string) (name string) {
	word, _ := call.CutWord(body)
	typed, marked := strings.CutPrefix(strings.ToLower(word), "!")
	if !marked || isBare(typed) || strings.HasPrefix(typed, "!") {
		return ""
	}
	if isName(typed) {
		return topicOf(typed).name
	}
	near := 1
	switch n := utf8.RuneCountInString(typed); {
	case n < 3:
		return ""
	case n >= longWord:
		near = 2
	}
	if name = nearest(typed, near); name != "" {
		return topicOf(name).name
	}
	return ""
}

// unmarked returns a text without the first of the two exclamation marks that have it sent although it
// looks like a command, and reports whether it is such a text.
func unmarked(body, prefix string) (text string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimLeft(body, " \n"), "!")
	if !ok || !strings.HasPrefix(text, "!") || strings.HasPrefix(text, "!!") {
		return body, false
	}
	word, _ := call.CutWord(text)
	return text, isBare(strings.ToLower(text[1:len(word)])) || meant(text) != "" || word == prefix
}

// keepBack makes of a text that looks like a command one that says so, and of one that is to be sent all
// the same what is sent. It is for the rooms of chats, and reports whether it has done either.
func (c *Commands) keepBack(ctx context.Context, evt *event.Event, content *event.MessageEventContent) bool {
	prefix := c.bridge.Config.CommandPrefix
	name := meant(content.Body)
	if prefix == "!" || firstWord(content.Body) == prefix {
		name = "" // it is one
	}
	text, all := unmarked(content.Body, prefix)
	if name == "" && !all {
		return false
	}
	portal, err := c.bridge.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil {
		return false
	}
	if all {
		// Of one and the same text in two forms, both have the marks.
		content.FormattedBody = strings.Replace(content.FormattedBody, "!"+firstWord(text), firstWord(text), 1)
		content.Body = chat.NoCommand + text
		return true
	}
	user, err := c.bridge.GetUserByMXID(ctx, evt.Sender)
	if err != nil || user == nil || !user.Permissions.Commands {
		return false // they could not run it
	}
	content.Body = prefix + " " + unsentCommand + " " + name
	return true
}

func firstWord(text string) string {
	word, _ := call.CutWord(text)
	return word
}

// unsentHandler says that a text was not sent because it looks like a command.
type unsentHandler struct{ *Commands }

// GetName implements commands.CommandHandler.
func (unsentHandler) GetName() string { return unsentCommand }

// Run implements commands.CommandHandler.
func (h unsentHandler) Run(ce *commands.Event) {
	if len(ce.Args) == 0 {
		return
	}
	name := ce.Args[0]
	what := words.Text("command.it_looks_like_the_command_write", name, inRooms(name, ce.Bridge.Config.CommandPrefix))
	if name == commands.CommandLogin.Name || name == commands.CommandRelogin.Name {
		what = words.Text("command.it_looks_like_the_command_which", name, ce.Bot.GetMXID().String())
	}
	reached := words.Text("command.message_not_sent") + " "
	if ce.Portal != nil {
		if _, chat := msnid.ParsePeer(ce.Portal.ID); !chat {
			(&call.Call{Event: ce, Parts: &h.shared}).Say("%s", what) // nothing is sent from there
			return
		}
	}
	// What clients show below the message; the command itself has gone well.
	ce.MessageStatus.Status, ce.MessageStatus.ErrorReason = event.MessageStatusFail, event.MessageStatusGenericError
	ce.MessageStatus.IsCertain, ce.MessageStatus.Message = true, what
	(&call.Call{Event: ce, Parts: &h.shared}).Say("%s", words.Text("command.to_send_it_as_a_text", reached, what))
}
