package bridge

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

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
	replaced := []string{commands.CommandCreateGroup.Name, commands.CommandStartChat.Name, commands.CommandResolveIdentifier.Name,
		commands.CommandSearch.Name, commands.CommandListLogins.Name, commands.CommandLogout.Name, commands.CommandBridge.Name,
		commands.CommandSetRelay.Name, commands.CommandUnsetRelay.Name, commands.CommandUnbridge.Name, commands.CommandHelp.Name}
	for _, handler := range b.conn.commands.Handlers() {
		if slices.Contains(replaced, handler.GetName()) {
			continue
		}
		for _, name := range append(handler.(*commands.FullHandler).Aliases, handler.GetName()) {
			if taken[name] {
				t.Errorf("%q is the framework's", name)
			}
		}
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
	b.eventually("the second session", func() bool { return second.Client.(*Client).session.Current() != nil })
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

func TestSearchThatIsSwitchedOffIsExplained(t *testing.T) {
	t.Parallel()
	byDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		room := b.dm(login, bob)
		if got := b.ask(room, "!find Bob Builder"); !strings.Contains(got.body, "switched off for all versions of Messenger in 2003") {
			t.Errorf("the answer is %q", got.body)
		}
		_, texts := b.friend()
		b.write(room, "still there")
		b.receive(texts, alice+": still there")
	})
}

func TestPeopleWhoWereFoundAreListed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "FND" {
			return msntest.Action{}
		}
		if r.Command.Arg(1) == "fname=Nobody" {
			return msntest.Reply(wire.New("FND", r.TrID(), "0", "0"))
		}
		return msntest.Reply(
			wire.New("FND", r.TrID(), "1", "2", "fname=Bob", "lname=Builder%3Cb%3E", "city=Springfield", "state=", "country=US"),
			wire.New("FND", r.TrID(), "2", "2", "fname=Bob", "lname=Builder", "city=", "state=", "country="))
	})
	got := b.ask(b.management(), "!find Bob Builder country=US")
	if got.body != "Home has 2 in its directory:\n• Bob Builder<b> (Springfield, US)\n• Bob Builder" || got.html != "" {
		t.Errorf("the answer is %q, %q", got.body, got.html)
	}
	if got := b.ask(b.management(), "!find Nobody Atall"); !strings.Contains(got.body, "Home has nobody of that name") {
		t.Errorf("the answer is %q", got.body)
	}
	if got := b.ask(b.management(), "!find Bob"); !strings.Contains(got.body, "Write `!find Bob Builder`") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestWhatIsAnnouncedIsShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, client string
		recommended  string
		minimum      string
		command      string
		dialect      wire.Dialect
		want, never  string
	}{
		{"official", "", "", "", "!client-version", 12, "announces itself to Home as MSNMSGR 7.5", "demands"},
		{"recommended", "", "99.0", "1.0", "!client-version", 12, "Home recommends version 99.0.", "demands"},
		{"demanded", "", "99.0", "98.0", "!client-version", 12, "It demands version 98.0 at least", ""},
		{"not recognised", "", "1.0.0000", "1.0.0000", "!client-version", 12, "Home does not recognise this client", "demands"},
		{"again", "", "99.0", "1.0", "!client-version announce", 7, "Home recommends version 99.0.", ""},
		{"that it was announced again", "", "", "", "!client-version announce", 12, "The bridge has announced itself to Home again, as MSNMSGR", "announces itself"},
		{"that it was announced", "none", "", "", "!client-version announce", 7, "The bridge has announced itself to Home as", "again"},
		{"too much", "", "", "", "!client-version announce it", 12, "Write `!client-version`", ""},
		{"honest", "honest", "", "", "!client-version", 12, "announces itself to Home as matrix-msn", ""},
		{"not announced", "none", "", "", "!client-version", 7, "It has not been announced in this session", ""},
		{"announced by hand", "none", "99.0", "1.0", "!client-version announce", 7, "Home recommends version 99.0.", "has not been announced"},
		{"misspelt", "", "", "", "!client-version anounce", 12, "Write `!client-version`", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opts := []msntest.Option{msntest.WithDialects(test.dialect)}
			if test.recommended != "" {
				opts = append(opts, msntest.WithVersion(test.recommended, test.minimum))
			}
			b := newTestBridge(t, newTestServer(t, opts...), withHome(func(home *config.ServiceConfig) { home.Client = test.client }))
			b.login()
			got := b.ask(b.management(), test.command)
			if !strings.Contains(got.body, test.want) || test.never != "" && strings.Contains(got.body, test.never) {
				t.Errorf("the answer is %q", got.body)
			}
		})
	}
}

// A reply quotes what it answers, in older clients: what stands behind the quote counts.
func TestReplyIsReadBehindItsQuote(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	reply := func(text string) *event.MessageEventContent {
		return &event.MessageEventContent{
			MsgType: event.MsgText, Body: "> <@bob:example.com> hi\n\n" + text, RelatesTo: (&event.RelatesTo{}).SetReplyTo("$hi"),
			Format: event.FormatHTML, FormattedBody: "<mx-reply><blockquote>hi</blockquote></mx-reply>" + text,
		}
	}
	from := b.matrix.position()
	b.writeContent(room, reply("!contacts"))
	b.waitMessage(from, "Contacts of")
	b.writeContent(room, reply("!msnx is no command"))
	b.receive(texts, alice+": !msnx is no command")
}

// What an answer quotes is no part of it: the framework looks at what is left.
func TestAnswerThatIsACommandIsOne(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.user()
	answer := func(text string) *event.Event {
		return &event.Event{Type: event.EventMessage, ID: "$answer", RoomID: "!room", Sender: fakeUser, Content: event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgText, Body: "> <@bob:x> hello\n\n" + text,
			Format: event.FormatHTML, FormattedBody: "<mx-reply>hello</mx-reply>" + text,
			RelatesTo: (&event.RelatesTo{}).SetReplyTo("$hello"),
		}}}
	}
	if !b.conn.commands.IsCommand(b.ctx, answer("!msn help")) {
		t.Error("a command that answers is none")
	}
	if b.conn.commands.IsCommand(b.ctx, answer("help")) {
		t.Error("a text that answers is a command")
	}
}
