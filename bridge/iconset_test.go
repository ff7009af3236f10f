package bridge

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/icon"
)

// Bot, alerts and what rooms say of the bridge have pictures, which are brought into Matrix once.
func TestBotAndAlertsHavePictures(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	uploaded := b.matrix.iconsTaken()
	if len(uploaded) != len(icon.Kinds) {
		t.Errorf("uploaded %v", uploaded)
	}
	if got := b.matrix.avatarOf(fakeBot); got != b.conn.icons.URI(icon.Bot) || got == "" {
		t.Errorf("the bot has %q", got)
	}
	login := b.login()
	req, _ := b.birth(b.dm(login, bob))
	info := bornWith[event.BridgeEventContent](req)
	if icon := b.conn.icons.URI(icon.Bot); info == nil || info.Protocol.AvatarURL != icon || info.Network.AvatarURL != icon {
		t.Errorf("a room says %+v", info)
	}
	client := login.Client.(*Client)
	if got := client.alerts.Info(); got.Avatar == nil || got.Avatar.MXC != b.conn.icons.URI(icon.Alerts) {
		t.Errorf("the room of alerts has %+v", got.Avatar)
	}
	if got := client.alerts.Ghost(); got.Avatar == nil || got.Avatar.MXC != b.conn.icons.URI(icon.Alerts) {
		t.Errorf("who writes alerts has %+v", got.Avatar)
	}
	if got := client.circles.Info(b.ctx, "00000000-0000-0000-0009-000000000001@live.com"); got.Avatar == nil || got.Avatar.MXC != b.conn.icons.URI(icon.Circle) {
		t.Errorf("a circle has %+v", got.Avatar)
	}
	before := b.conn.icons.URI(icon.Bot)
	b.restart()
	if again := b.matrix.iconsTaken(); len(again) > 0 || b.conn.icons.URI(icon.Bot) != before {
		t.Errorf("uploaded again: %v, %q", again, b.conn.icons.URI(icon.Bot))
	}
	if got := b.matrix.avatarOf(fakeBot); got != "" {
		t.Errorf("the bot is given %q again", got) // this Matrix side does not know of the first time
	}
}

// What the admin has chosen for the bot stays.
func TestChosenPictureOfTheBotStays(t *testing.T) {
	t.Parallel()
	b := &testBridge{T: t, srv: newTestServer(t), dbPath: databaseDir(t) + "/bridge.db"}
	b.startWith(func() { b.conn.BotHasPicture = true })
	t.Cleanup(func() { b.stop() })
	if got := b.matrix.avatarOf(fakeBot); got != "" {
		t.Errorf("the bot is given %q", got)
	}
	if !slices.ContainsFunc(b.matrix.iconsTaken(), func(name string) bool { return strings.Contains(name, "alerts") }) {
		t.Error("alerts have no picture")
	}
}

// A contact in the list is a link to their Matrix user, whom a client shows as a pill.
func TestContactsAreClickable(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	for _, command := range []string{"contacts", "search bob"} {
		got := b.ask(b.management(), command)
		if want := `<a href="` + b.ghostMXID(login, bob).URI().MatrixToURL() + `">Bob Builder</a> (<code>` + bob + `</code>)`; !strings.Contains(got.html, want) {
			t.Errorf("%s is answered by %q, want %q", command, got.html, want)
		}
		if !strings.Contains(got.body, "⚪ Bob Builder ("+bob+"): offline") || len(got.calls) > 0 {
			t.Errorf("%s is answered by %q, which calls %v", command, got.body, got.calls)
		}
	}
}
