package bridge

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed, rest string
		want        options
	}{
		{"a b", "a b", options{}},
		{"--callback home  a\n b", "a\n b", options{"callback": "home"}},
		{"--CallBack=home=123 a", "a", options{"callback": "home=123"}},
		{"—login x --callback y a --login z", "a --login z", options{"login": "x", "callback": "y"}},
		{"--other x", "--other x", options{}},
		{"--callback", "", options{"callback": ""}},
		{"", "", options{}},
		{"-- a", "-- a", options{}},
	} {
		got := make(options)
		if rest := got.take(test.typed, "login", "callback"); rest != test.rest || !maps.Equal(got, test.want) {
			t.Errorf("%q gives %q, %v", test.typed, rest, got)
		}
	}
}

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

// A name of the framework's own must not be taken by one of ours, nor shadow one.
func TestNamesOfCommandsAreNotTakenByTheFramework(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	framework := reflect.ValueOf(commands.NewProcessor(b.br)).Elem()
	taken := make(map[string]bool)
	for _, field := range []string{"handlers", "aliases"} {
		for _, name := range framework.FieldByName(field).MapKeys() {
			taken[name.String()] = true
		}
	}
	if !taken["help"] || !taken["pm"] {
		t.Fatalf("the framework has only %v", taken)
	}
	for _, handler := range b.conn.commandHandlers() {
		for _, name := range append(handler.(*commands.FullHandler).Aliases, handler.GetName()) {
			if taken[name] {
				t.Errorf("%q is the framework's", name)
			}
		}
	}
}

func TestBareCommandsAreThoseOfTheHelp(t *testing.T) {
	t.Parallel()
	var bare []string
	for _, handler := range (&Connector{}).commandHandlers() {
		full := handler.(*commands.FullHandler)
		if full.Help.Description == "" || full.Help.Section != helpSection {
			t.Errorf("%s is not in the help", full.Name)
		}
		if slices.Contains(full.Aliases, "!"+full.Name) {
			bare = append(bare, full.Name)
		}
	}
	if want := slices.Sorted(slices.Values(bareCommands)); !slices.Equal(slices.Sorted(slices.Values(bare)), want) {
		t.Errorf("the help has %v, the table %v", bare, want)
	}
}

// With several accounts a command must not guess.
func TestCommandWithSeveralLoginsAsksWhich(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	first := b.login()
	second, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the second session", func() bool { return second.Client.(*Client).current() != nil })
	room := b.management()
	for _, command := range []string{"page bob@example.com x", "invite eve@example.org", "inbox", "profile", "find A B", "client-version"} {
		if got := b.ask(room, command); !strings.Contains(got.body, "You have several accounts") || !strings.Contains(got.body, "home/alice@example.com, home/carol@example.com") {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	if got := b.ask(room, "find --login home/carol@example.com A B"); !strings.Contains(got.body, "switched off") {
		t.Errorf("with a login: %q", got.body)
	}
	if got := b.ask(room, "contacts --login home/carol@example.com"); !strings.Contains(got.body, "Contacts of carol@example.com") {
		t.Errorf("contacts with a login: %q", got.body)
	}
	if got := b.ask(room, "reconnect --login home/nobody@example.com"); !strings.Contains(got.body, "You have no login home/nobody@example.com") {
		t.Errorf("reconnect with a login: %q", got.body)
	}
	if got := b.ask(b.dm(first, bob), "!find A B"); !strings.Contains(got.body, "switched off") {
		t.Errorf("in a room: %q", got.body)
	}
}

// Whatever is typed, the server gets one command for it, never two.
func TestNothingTypedBecomesACommandOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	b.login()
	room := b.management()
	for _, command := range []string{
		"!page bob@example.com x\r\nOUT\r\n", "!page bob@example.com\r\nOUT", "!page +15551112222\r\nOUT\r\n x",
		"!page --callback home=1\r\nOUT\r\n bob@example.com x",
		"!invite eve@example.org x\r\nOUT\r\n", "!invite eve@example.org\r\nOUT\r\n", "!invite a\x00b@example.org", "!invite \"a b\"@example.org",
		"!url COMPOSE a@example.org\r\nOUT\r\n", "!url PROFILE 0x0409\r\nOUT", "!compose a@example.org\r\nOUT",
		"!find Bob\r\nOUT Builder\r\nOUT", "!find Bob B city=x\r\nOUT country=%0d%0aOUT", "!client-version announce\r\nOUT",
	} {
		b.ask(room, command)
	}
	if got := b.ask(room, "!client-version announce"); !strings.Contains(got.body, "recommends") {
		t.Errorf("afterwards the answer is %q", got.body)
	}
	for _, r := range b.srv.Sent(alice) {
		if r.Command.Verb == "OUT" {
			t.Errorf("the server got %v", r.Command)
		}
	}
	for _, mail := range b.srv.Invitations() {
		if mail.To != "eve@example.org" {
			t.Errorf("a mail went to %q", mail.To)
		}
	}
}
