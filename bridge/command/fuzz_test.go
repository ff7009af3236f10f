package command

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/chat"
)

// FuzzLine gives the framework what people write, in a room and in the chat with the bot. A
// bare command and one behind the prefix are run with what was typed behind their name; all
// else that only begins like one reaches the contact as it is; and nothing runs the command
// that answers to questions are.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"!contacts", "  !Contacts x", "\n!PAGE bob@example.com  a\n b", "!contactsx", "!msn", "!msn help", "!msnx", "!MSN help", "!msn\thelp", "!msn\nhelp", "!msn  help  a  b",
		"!msn " + unsentCommand, unsentCommand + " help", "!help", "!!help", "!hlep", "!!hlep x", "!!!help", "!msn " + answerCommand, "!msn  " + answerCommand, answerCommand, " " + answerCommand, "!msn " + strings.ToUpper(answerCommand), "!!contacts", "! contacts", "!MSN", "! msn", "!msnhelp", "!msn: x", "!resolve x", "!mns hlep", "!help...", "!\u2060contacts",
		"\u2060!msn", "\u2060\u2060!msn", "!İnvite a@b.c", "!msn !contacts", "!page !page", "!page\u00a0x", "", "\x00", "!page \xff",
	} {
		f.Add(s)
	}
	const prefix = "!msn"
	f.Fuzz(func(t *testing.T, body string) {
		given := rewritten(body, prefix)
		ran, arguments, isCommand := runBy(given, prefix)
		inChat, _, _ := runBy(prefix+" "+strings.TrimPrefix(given, prefix+" "), prefix)
		if isInner(ran) || isInner(inChat) {
			t.Fatalf("%q runs a command of the bridge's own", body)
		}
		if name := meant(body, prefix); name != "" && topicOf(name) == nil {
			t.Errorf("%q is taken for %q", body, name)
		}
		if text, all := unmarked(body, prefix); !strings.HasSuffix(body, text) || all && !strings.HasPrefix(text, "!") {
			t.Errorf("%q is sent as %q", body, text)
		}
		words := strings.Fields(body)
		first, _, _ := strings.Cut(strings.TrimLeft(body, " \n"), " ")
		first, _, _ = strings.Cut(first, "\n")
		switch name, marked := strings.CutPrefix(strings.ToLower(first), "!"); {
		case marked && isBare(name):
			if !isCommand || ran != name || !slices.Equal(strings.Fields(arguments), words[1:]) {
				t.Errorf("%q runs %q with %q", body, ran, arguments)
			}
		case strings.HasPrefix(body, prefix+" ") && given == body:
			if !isCommand || len(words) > 1 && (ran != strings.ToLower(words[1]) || !slices.Equal(strings.Fields(arguments), words[2:])) {
				t.Errorf("%q runs %q with %q", body, ran, arguments)
			}
		case body == prefix:
		case given != body && given != chat.NoCommand+body:
			t.Errorf("%q reaches the contact as %q", body, given)
		case isCommand && first != prefix:
			t.Errorf("%q runs %q", body, ran)
		}
	})
}

// runBy is what the framework makes of a text: the command that it runs, and what typedArguments
// finds behind it. It is no command in a room without the prefix.
func runBy(body, prefix string) (command, arguments string, ok bool) {
	if !strings.HasPrefix(body, prefix) {
		return "", "", false
	}
	message := strings.TrimPrefix(body, prefix+" ")
	words := strings.Fields(message)
	if len(words) == 0 {
		return "", "", true
	}
	command = strings.ToLower(words[0])
	raw := strings.TrimLeft(strings.TrimPrefix(message, command), " ")
	return command, typedArguments(&commands.Event{RawArgs: raw, Args: words[1:]}), true
}
