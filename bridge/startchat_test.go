package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// The room with a contact is opened by command, and the contact's name makes no markup.
func TestChatIsStarted(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.AddAccount(bob, pass, msntest.Name("[click](https://evil.example)"))
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	chat := b.management()
	for _, step := range []struct{ command, want string }{
		{"start-chat", "Whom? Write `start-chat bob@example.com`."},
		{"start-chat bob", "An MSN account is an e-mail address such as bob@example.com."},
		{"start-chat " + alice, alice + " is your own account. Name somebody else."},
		{"start-chat other/" + alice + " " + bob, "You have no login other/" + alice},
		{"resolve-identifier " + bob, "evil.\u2060example) (" + bob + "): `start-chat` opens your room with them."},
		{"start-chat " + string(login.ID) + " " + bob, "Your new room with [click]"},
		{"pm " + strings.ToUpper(bob), "You already have a room with [click]"},
		{"contacts", "[click]"}, {"whois " + bob, "Name: [click]"}, {"block " + bob, "[click]"}, {"unblock " + bob, "[click]"}, {"add " + bob, "[click]"},
	} {
		got := b.ask(chat, step.command)
		if !strings.Contains(got.body, step.want) {
			t.Errorf("%s is answered by %q, want %q", step.command, got.body, step.want)
		}
		if strings.Contains(got.html+got.body, "https://evil") {
			t.Errorf("%s is answered by %q, %q", step.command, got.body, got.html)
		}
	}
}

// An address that nobody has heard of gets no room in which nothing would arrive. Where the
// service does not say whether it knows it, that is found out by a call.
func TestNoRoomIsMadeForWhoCannotBeReached(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		const nobody = "nobody@example.com"
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		chat := b.management()
		says := login.Client.(*Client).session.Current().Dialect() >= wire.FirstNetworks
		steps := map[string][2]string{ // what is answered where the service does not say, and where it does
			"start-chat " + nobody: {
				nobody + " is on none of your lists, and not online: Home does not say whether there is such an account. `!add " + nobody + "` puts them on your list, if there is.",
				"Home knows no account " + nobody},
			"resolve-identifier " + nobody: {"Home does not say whether there is an account " + nobody + ".", "Home knows no account " + nobody},
			"whois " + nobody:              {"Home does not say whether there is an account " + nobody + ".", "Home knows no account " + nobody},
			"whois " + carol:               {"Home does not say whether there is an account " + carol + ".", carol + " is on none of your lists"},
		}
		for command, want := range steps {
			wanted := want[0]
			if says {
				wanted = want[1]
			}
			if got := b.ask(chat, command); !strings.Contains(got.body, wanted) {
				t.Errorf("%s is answered by %q, want %q", command, got.body, wanted)
			}
		}
		b.srv.Play(carol, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { b.Errorf("Carol was sent %q", text) }})
		from := b.matrix.position()
		b.write(chat, "start-chat "+carol)
		b.matrix.wait(b.T, from, "a room with somebody who is online", func(r record) bool {
			return r.room == chat && strings.Contains(r.body, "Your new room with ") && strings.Contains(r.body, carol)
		})
	})
}

// A file to somebody who is offline is refused in words that say what to do.
func TestPicturesAreRefusedInWords(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	for _, kind := range []event.MessageType{event.MsgImage, event.MsgFile, event.MsgAudio, event.MsgVideo} {
		from := b.matrix.position()
		b.writeContent(room, &event.MessageEventContent{MsgType: kind, Body: "cat.png", URL: "mxc://example.org/cat", Info: &event.FileInfo{MimeType: "image/png"}})
		got, _ := b.waitStatus(from)
		if !strings.Contains(got.body, "is offline, and files are not kept for later. Send it again when they are back") {
			t.Errorf("%s: %+v", kind, got)
		}
		from = b.matrix.position()
		b.writeContent(room, &event.MessageEventContent{MsgType: kind, Body: "cat.png"})
		if got, _ := b.waitStatus(from); !strings.Contains(got.body, "did not say where the file is") {
			t.Errorf("%s without an address: %+v", kind, got)
		}
	}
}
