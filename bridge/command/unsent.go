package command

import (
	"cmp"
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

// shortPart is from how many letters on the beginning of a command's name stands for the whole of it: fewer begin other
// words as well.
const shortPart = 4

// meant returns the command that a text begins with, or seems to: one that is not understood
// without its prefix, or one of which the name or the prefix is mistyped. It is "" when the text is to be sent.
func meant(body, prefix string) (name string) {
	word, rest := call.CutWord(body)
	typed, marked := strings.CutPrefix(strings.ToLower(word), "!")
	if !marked || isBare(typed) || strings.HasPrefix(typed, "!") || word == prefix {
		return ""
	}
	if name = namedBy(typed); name == "" && len(prefix) > len("!") && strings.HasPrefix(prefix, "!") {
		name = behindMistyped(prefix, strings.ToLower(word), strings.ToLower(rest))
	}
	if name == "" {
		return ""
	}
	return topicOf(name).name
}

// namedBy returns the name that a word without its mark is, or is like, or begins, "" for none. The word is in lower case.
func namedBy(typed string) string {
	typed = strings.TrimRight(typed, ".,:;?!")
	if isName(typed) {
		return typed
	}
	near := 1
	switch n := utf8.RuneCountInString(typed); {
	case n < 3:
		return ""
	case n >= longWord:
		near = 2
	}
	return cmp.Or(nearest(typed, near), beginsName(typed))
}

// beginsName returns the first name that begins with all of a word: with shortPart letters or more, or as far as a hyphen.
func beginsName(typed string) string {
	for _, name := range allNames() {
		if rest, ok := strings.CutPrefix(name, typed); ok && (len(typed) >= shortPart || strings.HasPrefix(rest, "-")) {
			return name
		}
	}
	return ""
}

// behindMistyped returns the command of a text that begins with a word which only looks like the prefix: "!MSN help",
// "!msnhelp", "! msn help". One in which a letter is wrong can be another word, and stands for the prefix only where a
// command is behind it. All but the prefix, which begins with a mark, is in lower case.
func behindMistyped(prefix, word, rest string) string {
	prefix = strings.ToLower(prefix)
	if word == "!" {
		word, rest = call.CutWord(rest)
		word = "!" + word
		if word != prefix {
			return ""
		}
	}
	next, _ := call.CutWord(rest)
	glued, ok := strings.CutPrefix(word, prefix)
	switch {
	case ok && isName(glued):
		return glued
	case ok && strings.Trim(glued, ".,:;?!") == "":
		return cmp.Or(namedBy(next), commands.CommandHelp.Name)
	case distance(word, prefix) <= 1:
		return namedBy(next)
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
	return text, isBare(strings.ToLower(text[1:len(word)])) || meant(text, prefix) != "" || word == prefix
}

// keepBack makes of a text that looks like a command one that says so, and of one that is to be sent all
// the same what is sent. It is for the rooms of chats, and reports whether it has done either.
func (c *Commands) keepBack(ctx context.Context, evt *event.Event, content *event.MessageEventContent) bool {
	prefix := c.bridge.Config.CommandPrefix
	name := meant(content.Body, prefix)
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
