package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// Who may not use the bridge writes into a room with a contact, and who may writes what is too
// long or nothing: nothing of it reaches MSN, and each is told so.
func TestHostileMessagesFromMatrix(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.only = true })
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	for name, test := range map[string]struct {
		sender  id.UserID
		content *event.MessageEventContent
	}{
		"a stranger": {"@mallory:elsewhere.test", &event.MessageEventContent{MsgType: event.MsgText, Body: "let me in"}},
		"a megabyte": {fakeUser, &event.MessageEventContent{MsgType: event.MsgText, Body: strings.Repeat("x", 1<<20)}},
		"a megabyte of HTML": {fakeUser, &event.MessageEventContent{MsgType: event.MsgText, Body: "x", Format: event.FormatHTML,
			FormattedBody: strings.Repeat("<b>x</b>", 1<<17)}},
		"without a body": {fakeUser, &event.MessageEventContent{MsgType: event.MsgText}},
		"without a type": {fakeUser, &event.MessageEventContent{}},
	} {
		b.writeAs(test.sender, room, test.content)
		got, next := b.matrix.wait(t, from, "the fate of "+name, func(r record) bool {
			return r.kind == "status" && r.status != event.MessageStatusPending
		})
		if from = next; got.status == event.MessageStatusSuccess {
			t.Errorf("%s: told as delivered", name)
		}
	}
	b.write(room, "the end")
	b.receive(texts, alice+": the end") // and nothing before it
}

// A contact who appears offline and writes all the same gets what waits for them.
func TestWhoAppearsOfflineAndWritesGetsWhatWaits(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "are you there?")
	b.waitMessage(0, "keeps your message")
	// Bob comes, and the server keeps that from the user: they see him offline, and their
	// own calls find nobody.
	b.srv.Account(bob).Block(alice, true)
	bot, texts := b.friend()
	chat, err := bot.Call(b.ctx, alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Say("nobody is to see me"); err != nil {
		t.Fatal(err)
	}
	b.receive(texts, alice+": are you there?")
}

// The message with the token of a command that takes one goes; where others read along the
// command is refused as well.
func TestTokenBehindACommandIsRemoved(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	ran := make(chan []string, 2)
	b.stop()
	b.startWith(func() {
		b.br.Commands.(*commands.Processor).AddHandler(b.conn.InPrivate(&commands.FullHandler{
			Name: "login-matrix", Func: func(ce *commands.Event) { ran <- ce.Args },
		}))
	})
	login = b.br.GetCachedUserLoginByID(login.ID)
	removed := func(room id.RoomID) func(record) bool {
		return func(r record) bool { return r.room == room && r.body == event.EventRedaction.Type }
	}
	from := b.matrix.position()
	room := b.dm(login, bob)
	b.write(room, "!msn login-matrix syt_secret")
	b.matrix.wait(t, from, "the removal in the room with a contact", removed(room))
	b.waitMessage(from, "works only in your own chat with me")
	if len(ran) > 0 {
		t.Error("the command was run where others read along")
	}
	chat := b.management()
	from = b.matrix.position()
	b.write(chat, "login-matrix syt_secret")
	b.matrix.wait(t, from, "the removal in the chat with the bot", removed(chat))
	if args := <-ran; len(args) != 1 || args[0] != "syt_secret" {
		t.Errorf("the command was given %q", args)
	}
}

// No contact has a name that is the bot's, the service's or the user's own.
func TestContactCannotTakeTheNameOfTheBridge(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"MSN Messenger bridge bot", "msn messenger BRIDGE bot", "MSN\u00a0Messenger\u200b bridge bot", "MSN Messenger", "ⅯSN Alerts"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newTestServer(t)
			srv.Account(bob).SetName(name)
			b := newTestBridge(t, srv)
			b.dm(b.login(), bob)
			if got := b.matrix.displayNames()[b.matrix.FormatGhostMXID("home/bob@example.com")]; !strings.Contains(got, bob) {
				t.Errorf("the ghost of the contact is named %q", got)
			}
		})
	}
}

// What a contact puts in front of a text to look like a command is text.
func TestContactGivesNoCommands(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv)
	login := b.login()
	room := b.dm(login, bob)
	bot := srv.Play(bob, msntest.Script{})
	from := b.matrix.position()
	for _, text := range []string{"!msn logout home/alice@example.com", "!contacts", "!page alice@example.com x"} {
		if err := bot.Say(b.ctx, alice, text); err != nil {
			t.Fatal(err)
		}
		var got record
		got, from = b.matrix.wait(t, from, "the text", func(r record) bool { return r.kind == "message" && strings.Contains(r.body, text) })
		if got.room != room || got.sender == fakeBot {
			t.Errorf("%q came as %+v", text, got)
		}
	}
	if answers := b.matrix.all(func(r record) bool { return r.kind == "message" && r.room == room && r.sender == fakeBot }); len(answers) > 0 {
		t.Errorf("the bot answered %+v", answers)
	}
}
