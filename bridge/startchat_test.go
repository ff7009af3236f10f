package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/msn/msntest"
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

// What is no text is refused in words that say what to do.
func TestPicturesAreRefusedInWords(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	for _, kind := range []event.MessageType{event.MsgImage, event.MsgFile, event.MsgAudio, event.MsgVideo} {
		from := b.matrix.position()
		b.writeContent(room, &event.MessageEventContent{MsgType: kind, Body: "cat.png", URL: "mxc://example.org/cat", Info: &event.FileInfo{MimeType: "image/png"}})
		got, _ := b.waitStatus(from)
		if !strings.Contains(got.body, "no pictures, files or voice messages") {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}
