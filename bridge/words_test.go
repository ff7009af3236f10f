package bridge

import (
	"strings"
	"testing"
	"time"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
)

// Who opens a chat with the bot is greeted in English.
func TestBotGreets(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.matrix.setMember("!new:example.test", fakeUser, event.MembershipJoin)
	b.matrix.setMember("!new:example.test", fakeBot, event.MembershipInvite)
	b.br.QueueMatrixEvent(b.ctx, &event.Event{
		Type: event.StateMember, StateKey: ptr.Ptr(string(fakeBot)), ID: "$invite", RoomID: "!new:example.test", Sender: fakeUser,
		Timestamp: time.Now().UnixMilli(), Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipInvite}},
	})
	got, _ := b.waitMessage(0, "Hello")
	if want := "Hello, I'm an " + account.NetworkName + " bridge bot."; !strings.HasPrefix(got.body, want) {
		t.Errorf("greeted by %q, want %q", got.body, want)
	}
	if got.html != "" && !strings.Contains(got.html, " an "+account.NetworkName) {
		t.Errorf("greeted by %q", got.html)
	}
}

// A mistyped command is answered by the one that is most like it, and not repeated: it can be a
// password that nobody asked for any more.
func TestMistypedCommandIsAnsweredByTheNearest(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	chat := b.management()
	for command, want := range map[string]string{
		"conatcts x":  "There is no such command. Did you mean `contacts`? `help` shows all commands.",
		"!conatcts x": "There is no such command. Did you mean `contacts`? `help` shows all commands.",
		"hunter2":     "There is no such command. `help` shows all commands.",
	} {
		shown := strings.NewReplacer("`contacts`", "<code>contacts</code>", "`help`", "<code>help</code>").Replace(want)
		if got := b.ask(chat, command); got.body != want || got.html != shown {
			t.Errorf("%s is answered by %q, shown as %q", command, got.body, got.html)
		}
	}
	// What is named there can be typed there: without the prefix it would go to the contact.
	room := b.dm(login, bob)
	for command, want := range map[string]string{
		"!msn HLEP":          "There is no such command. Did you mean `!msn help`? `!msn help` shows all commands.",
		"!msn conatcts":      "There is no such command. Did you mean `!contacts`? `!msn help` shows all commands.",
		"!msn hunter2":       "There is no such command. `!msn help` shows all commands.",
		"!msn help conatcts": "There is no such command. Did you mean `!contacts`? `!msn help` shows all commands.",
	} {
		if got := b.ask(room, command); got.body != want {
			t.Errorf("in a room %s is answered by %q", command, got.body)
		}
	}
}

// What stands between backticks in a notice is shown as code, and everything else as it is written: by whoever.
func TestNoticesShowCode(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	for text, want := range map[string]string{
		"Send `login <b>`\nnow":                "Send <code>login &lt;b&gt;</code><br>now",
		"a ` alone & <b>":                      "",
		"`" + strings.Repeat("<", 8<<10) + "`": "",
	} {
		_, err := b.br.Bot.SendMessage(b.ctx, chat, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgNotice, Body: text}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := b.waitMessage(0, text); got.body != text || got.html != want {
			t.Errorf("%.40q is shown as %.80q", text, got.html)
		}
	}
	// What has a form of its own keeps it.
	own := &event.MessageEventContent{MsgType: event.MsgNotice, Body: "`x`", Format: event.FormatHTML, FormattedBody: "<b>x</b>"}
	if _, err := b.br.Bot.SendMessage(b.ctx, chat, event.EventMessage, &event.Content{Parsed: own}, nil); err != nil || own.FormattedBody != "<b>x</b>" {
		t.Errorf("it became %q, %v", own.FormattedBody, err)
	}
}

// Who asks for the help of one command gets that alone, with examples.
func TestHelpOfOneCommand(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	chat := b.management()
	for command, want := range map[string]string{
		"help nudge": "Nudge somebody", "help !nudge": "Nudge somebody", "help pm": "Open the room with somebody", "help create-group": "Make the room that you are in a group chat",
		"help login": "Sign in to an MSN account", "help ndge": "Did you mean `nudge`?",
	} {
		if got := b.ask(chat, command); !strings.Contains(got.body, want) || len(got.body) > 600 {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	if got := b.ask(chat, "help contacts"); !strings.HasSuffix(got.body, "For example: `contacts`, `contacts online`, `contacts group Friends`, `contacts bob`") {
		t.Errorf("help of contacts is answered by %q", got.body)
	}
	if got := b.ask(b.dm(b.br.GetCachedUserLoginByID(loginID(alice)), bob), "!msn help start-chat"); !strings.HasSuffix(got.body, "For example: `!msn start-chat bob@example.com`") {
		t.Errorf("in a room help is answered by %q", got.body)
	}
}

// A command for the rooms of chats says so in the chat with the bot.
func TestCommandOfRoomsSaysWhereItWorks(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	for _, command := range []string{"set-relay", "unset-relay", "unbridge"} {
		if got := b.ask(b.management(), command).body; got != "This works only in the room of a chat: send it there, with `!msn` before it." {
			t.Errorf("%s is answered by %q", command, got)
		}
	}
}
