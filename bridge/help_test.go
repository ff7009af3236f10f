package bridge

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// All commands are one screen, for everybody and in every room; what does nothing with MSN is left out.
func TestHelpIsOneScreen(t *testing.T) {
	t.Parallel()
	const most = 30
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.framework = func(config *bridgeconfig.BridgeConfig) {
			config.Relay.Enabled = true
			config.Permissions = bridgeconfig.PermissionConfig{"*": &bridgeconfig.PermissionLevelAdmin}
		}
	})
	chat := b.management()
	if got := b.ask(chat, "help"); !strings.Contains(got.body, "You are not logged in to MSN: login signs you in") ||
		strings.Contains(got.body, "start-chat") || !strings.Contains(got.html, "<code>login</code> sign in to one") {
		t.Errorf("before the login: %q, %q", got.body, got.html)
	}
	login := b.login()
	for name, room := range map[string]id.RoomID{"the chat with the bot": chat, "the room with a contact": b.dm(login, bob)} {
		got := b.ask(room, "!msn help")
		lines := strings.Split(got.body, "\n")
		if len(lines) > most || len(strings.Split(got.html, "<br>")) > most {
			t.Errorf("in %s the help has %d lines:\n%s", name, len(lines), got.body)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 100 {
				t.Errorf("in %s a line is too long: %s", name, line)
			}
		}
		if first, login := strings.Index(got.body, "TALK TO PEOPLE"), strings.Index(got.body, "YOUR ACCOUNTS"); first < 0 || first > login {
			t.Errorf("in %s MSN is not first:\n%s", name, got.body)
		}
		for _, idle := range []string{"mute", "filter", "create-portal", "set-preferred-login", "import-image-pack", "debug-", "delete-chat"} {
			if strings.Contains(got.body, idle) {
				t.Errorf("in %s the help has %s", name, idle)
			}
		}
	}
	if got := b.ask(b.dm(login, bob), "!msn help"); !strings.Contains(got.html, "<code>!nudge</code> shake") || !strings.Contains(got.html, "<code>!msn start-chat</code> a room") {
		t.Errorf("in a room: %q", got.html)
	}
}

// Who is no admin is not told of what admins can do.
func TestHelpOfAdminsIsForThem(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	chat := b.management()
	for _, command := range []string{"help", "help sudo"} {
		if got := b.ask(chat, command); strings.Contains(got.body, "sudo") || strings.Contains(got.body, "set-relay") {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
}

// Nobody on MSN reads a command of which only the prefix was forgotten, or a letter is wrong; two
// exclamation marks send it.
func TestWhatLooksLikeACommandIsNotSent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	for body, want := range map[string]string{
		"!help": "write `!msn help` for that", "!login": "works in your own chat with me", "!conatcts": "write `!contacts` for that",
		" !Start-chat carol@example.com": "write `!msn start-chat` for that", "!hlep": "write `!msn help` for that",
		"!resolve bob@example.com": "write `!msn resolve-identifier` for that", "!MSN login": "works in your own chat with me", "!mns contacts": "write `!contacts` for that",
	} {
		got := b.ask(room, body)
		if got.room != room || !strings.HasPrefix(got.body, "Your message was not sent. ") || !strings.Contains(got.body, want) ||
			!strings.HasSuffix(got.body, "To send it as a text, begin it with two exclamation marks: `!!`.") {
			t.Errorf("%q is answered by %q", body, got.body)
		}
		evt := id.EventID(fmt.Sprintf("$user%d", b.events))
		status, _ := b.matrix.wait(t, 0, "the status of "+body, func(r record) bool { return r.kind == "status" && r.answer == evt })
		if status.status != event.MessageStatusFail || status.html != "" {
			t.Errorf("%q has the status %+v", body, status)
		}
	}
	for body, want := range map[string]string{
		"!!help": "!help", "!!contacts now": "!contacts now", "!!msn help": "!msn help", "!!MSN help": "!MSN help", "!!resolve it": "!resolve it", "!!wow": "!!wow", "!important": "!important", "! help": "! help",
	} {
		b.write(room, body)
		b.receive(texts, alice+": "+want)
	}
	b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgText, Body: "!!help **me**", Format: event.FormatHTML, FormattedBody: "<p>!!help <strong>me</strong></p>"})
	b.receive(texts, alice+": !help me")
}

// In the chat with the bot the mark is only a habit. In rooms that are not bridged others may listen for it.
func TestMarkedCommandsOutsideOfChats(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	chat := b.management()
	for command, want := range map[string]string{"!help": "TALK TO PEOPLE", "!list-logins": "signed in", "!cancel": "No ongoing command"} {
		if got := b.ask(chat, command); !strings.Contains(got.body, want) {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: "!help"}
	b.conn.Arriving(b.ctx, &event.Event{Type: event.EventMessage, ID: "$other", RoomID: "!other:x", Sender: fakeUser, Content: event.Content{Parsed: content}})
	if content.Body != "!help" {
		t.Errorf("in another room it became %q", content.Body)
	}
}

// Who may give no commands means a text.
func TestRelayedPeopleWriteWhatTheyLike(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	_, texts := b.friend()
	room := b.relayed(login)
	user, err := b.br.GetUserByMXID(b.ctx, fakeCarol)
	if err != nil {
		t.Fatal(err)
	}
	user.Permissions.Commands = false
	b.writeAs(fakeCarol, room, plainText("!hlep"))
	b.receive(texts, alice+": Carol: !hlep")
}
