package command

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/chat"
	"matrix-msn/msn/notify"
)

// FuzzLine gives the framework what people write, in a room and in the chat with the bot. A
// bare command and one behind the prefix are run with what was typed behind their name; all
// else that only begins like one reaches the contact as it is; and nothing runs the command
// that answers to questions are.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"!contacts", "  !Contacts x", "\n!PAGE bob@example.com  a\n b", "!contactsx", "!msn", "!msn help", "!msnx", "!MSN help", "!msn\thelp", "!msn\nhelp", "!msn  help  a  b",
		"!msn " + answerCommand, "!msn  " + answerCommand, answerCommand, " " + answerCommand, "!msn " + strings.ToUpper(answerCommand), "!!contacts", "! contacts", "!\u2060contacts",
		"\u2060!msn", "\u2060\u2060!msn", "!İnvite a@b.c", "!msn !contacts", "!page !page", "!page\u00a0x", "", "\x00", "!page \xff",
	} {
		f.Add(s)
	}
	const prefix = "!msn"
	f.Fuzz(func(t *testing.T, body string) {
		given := rewritten(body, prefix)
		ran, arguments, isCommand := runBy(given, prefix)
		inChat, _, _ := runBy(prefix+" "+strings.TrimPrefix(given, prefix+" "), prefix)
		if ran == answerCommand || inChat == answerCommand {
			t.Fatalf("%q runs the command of answers", body)
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

// FuzzArguments reads what is typed behind commands. Nothing of it is lost or made up, and
// what is taken for an address, a number or a callback has its form.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{
		"--callback home a  b", "--CallBack=home=+1 555 a", "—login x --callback y a", "--callback", "--callback=", "--callback --login x", "--=x", "-- a", "--callback=a—b x",
		"bob@example.com Call me", "+1-555-111-2222 x", "TEL:+15551112222 x", "tel:15551112222 x", "TEl:+@0", "tel:+1@example.com x", "+1 from me", "meet@noon", "bob@example.com", "\u00a0bob@example.com\u00a0x",
		"a b city=x y state= country=\"a b\"", "a=b", "city=x a b", "+" + strings.Repeat("1", 30), "\"a b\" c", "", " ", "\n", "\xff",
	} {
		f.Add(s, "bob@example.com")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, s, contact string) {
		word, rest := cutWord(s)
		if got := strings.Fields(word + " " + rest); !slices.Equal(got, strings.Fields(s)) || len(strings.Fields(word)) > 1 {
			t.Errorf("%q was cut into %q and %q", s, word, rest)
		}
		given := make(options)
		text := given.take(s, loginOption, callbackOption)
		if !strings.HasSuffix(strings.TrimSpace(s), strings.TrimSpace(text)) {
			t.Errorf("%q has the text %q", s, text)
		}
		for name, value := range given {
			if name != loginOption && name != callbackOption || !strings.Contains(s, value) || len(strings.Fields(value)) > 1 {
				t.Errorf("%q has the option %q with %q", s, name, value)
			}
		}
		if more := make(options); more.take(text, loginOption, callbackOption) != text || len(more) > 0 {
			t.Errorf("%q has options behind its options: %q", s, more)
		}
		to, text, problem := pageTarget(s, contact)
		if problem == "" && contact == "" || problem != "" {
			if (to == "") != (problem != "") {
				t.Errorf("%q is for %q: %q", s, to, problem)
			}
		}
		if problem == "" && !strings.HasSuffix(strings.TrimSpace(s), strings.TrimSpace(text)) {
			t.Errorf("%q pages %q", s, text)
		}
		if number, isTel := strings.CutPrefix(to, telPrefix+"+"); isTel && (strings.Trim(number, "0123456789") != "" || len(number) < minDigits || len(number) > maxDigits) {
			t.Errorf("%q is for %q", s, to)
		}
		if account, ok := isAddress(word); ok {
			if again, ok := isAddress(account); !ok || again != account {
				t.Errorf("%q has the address %q, which is %q", s, account, again)
			}
		}
		callback, problem := parseCallback(s, func(notify.Location) string { return "1" })
		if problem == "" && (callback.Number == "" || strings.Trim(callback.Number, "0123456789") != "" || len(callback.Number) > maxDigits) {
			t.Errorf("%q calls back %q", s, callback.Number)
		}
		if query, ok := parseQuery(s); ok {
			for _, value := range []string{query.FirstName, query.LastName, query.City, query.State, query.Country} {
				for _, word := range strings.Fields(value) {
					if !strings.Contains(s, word) {
						t.Errorf("%q asks for %+v", s, query)
					}
				}
			}
		}
	})
}
