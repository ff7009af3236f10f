package command

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/command/call"
)

func TestArgumentsAsTheyWereTyped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		raw  string
		args []string
		want string
	}{
		{"a  b\nc", []string{"a", "b", "c"}, "a  b\nc"},
		{"Page a  b", []string{"a", "b"}, "a  b"},
		{"\na", []string{"a"}, "a"},
		{"PAGE\na", []string{"a"}, "a"},
		{"", nil, ""},
		{"Page", nil, ""},
		{"page page", []string{"page", "page"}, "page page"},
	} {
		if got := typedArguments(&commands.Event{RawArgs: test.raw, Args: test.args}); got != test.want {
			t.Errorf("%q gives %q, want %q", test.raw, got, test.want)
		}
	}
}

// Of every command there is help, and what is told of is there, or of the framework.
func TestBareCommandsAreThoseOfTheHelp(t *testing.T) {
	t.Parallel()
	var bare []string
	told := make(map[string]bool)
	for _, section := range topics {
		for _, of := range section.topics {
			if told[of.name] {
				t.Errorf("%s is told of twice", of.name)
			}
			told[of.name] = true
			if of.description == "" || len(of.examples) == 0 || of.short == "" && of.forWhom != forAdmins {
				t.Errorf("of %s nothing is said", of.name)
			}
			for _, example := range of.examples {
				if word, _ := call.CutWord(example); word != of.name {
					t.Errorf("%s is explained by %s", of.name, example)
				}
			}
			if isBare(of.name) {
				bare = append(bare, of.name)
			}
		}
	}
	for _, handler := range new(Commands).Handlers() {
		if !told[handler.GetName()] {
			t.Errorf("%s is not in the help", handler.GetName())
		}
	}
	want := []string{"accept", "account", "add", "alerts", "block", "circles", "client-version", "compose", "contacts", "decline", "emoticons", "find", "group", "inbox", "invite",
		"mobile", "nick", "nudge", "page", "picture", "places", "presence", "privacy", "profile", "psm", "remove", "rename", "retry", "status", "unblock", "url", "whois"}
	if !slices.Equal(slices.Sorted(slices.Values(bare)), want) {
		t.Errorf("the help has %v, the table %v", bare, want)
	}
}

// What is kept back from a contact is a command without its prefix, or one that is mistyped.
func TestWhatLooksLikeACommand(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"!help": "help", "!Login": "login", " !login escargot": "login", "!start-chat bob@example.com": "start-chat", "!pm bob": "start-chat", "!list-logins\nx": "list-logins",
		"!conatcts": "contacts", "!hlep": "help", "!stauts busy": "status", "!pge x": "page", "!invte carol@example.com": "invite", "!contact": "contacts", "!logn": "login",
		"!resolve bob@example.com": "resolve-identifier", "!Start bob@example.com": "start-chat", "!list": "list-logins", "!set carol": "set-relay", "!cont": "contacts",
		"!help...": "help", "!contacts...": "contacts", "!login?!": "login",
		"!MSN help": "help", "!Msn": "help", "!MSN pm bob@example.com": "start-chat", "!MSN hello": "help", "!MSN stauts x": "status", "!mns help": "help", "!man conatcts": "contacts",
		"!ms help me": "help", "!msnhelp": "help", "!MSNpm x": "start-chat", "!msn: status busy": "status", "! msn help": "help", "! MSN": "help", "!mns resolve x": "resolve-identifier",
		"!mns": "", "!man overboard": "", "!men are here": "", "!msnbc": "", "! man help": "", "!con": "", "!helmet": "", "!starting now": "", "MSN help": "", "!...": "", "!resolve-": "resolve-identifier",
		"!contacts": "", "!Page x": "", "!": "", "! help": "", "!!": "", "!!help": "", "!!!help": "", "!no": "", "!ok": "", "!wow": "", "!important": "", "!remindme tomorrow": "",
		"help": "", "hello!": "", "!sudo x": "", "!1": "", "!msn": "", "!\u2060help": "", "!" + strings.Repeat("help", 1000): "",
	} {
		if got := meant(body, "!msn"); got != want {
			t.Errorf("%.30q is taken for %q, want %q", body, got, want)
		}
	}
	for body, want := range map[string]string{
		"!!help": "!help", "!!contacts x\n y": "!contacts x\n y", " !!hlep": "!hlep", "!!MSN help": "!MSN help", "!! msn help": "! msn help", "!!resolve x": "!resolve x", "!!msn help": "!msn help", "!!wow": "", "!! wow": "", "!!!help": "", "!help": "", "!!": "", "!!!": "",
	} {
		got, ok := unmarked(body, "!msn")
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is sent as %q, %v", body, got, ok)
		}
	}
}
