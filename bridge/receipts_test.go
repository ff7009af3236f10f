package bridge

import (
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
)

// read returns what was shown as read.
func (b *testBridge) read() (shown []id.EventID) {
	for _, r := range b.matrix.all(func(r record) bool { return r.kind == "read" && r.sender == fakeBot }) {
		shown = append(shown, r.answer)
	}
	return shown
}

// The bot shows a text as read when the service has acknowledged it, and not one that failed or
// waits.
func TestAcknowledgedTextsAreShownAsRead(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.config = func(c *config.Config) { c.ReadReceipts = true } })
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "waits for Bob")
	b.waitMessage(0, "The bridge keeps your message")
	if shown := b.read(); len(shown) > 0 {
		t.Errorf("%q are shown as read before they went out", shown)
	}
	_, texts := b.friend()
	b.receive(texts, alice+": waits for Bob")
	b.matrix.wait(t, 0, "the text to be read", func(r record) bool { return r.kind == "read" && r.answer == "$user1" && r.room == room })

	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
	from := b.matrix.position()
	b.write(room, "fails")
	if told, _ := b.waitStatus(from); told.status == event.MessageStatusSuccess {
		t.Fatalf("told %+v", told)
	}
	b.write(room, "arrives")
	b.receive(texts, alice+": arrives")
	b.matrix.wait(t, from, "the text to be read", func(r record) bool { return r.kind == "read" && r.answer == "$user3" })
	if shown := b.read(); len(shown) != 2 {
		t.Errorf("%q are shown as read", shown)
	}
}

func TestNothingIsShownAsReadUnlessTheAdminWants(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	for _, text := range []string{"one", "two"} {
		from := b.matrix.position()
		b.write(room, text)
		b.receive(texts, alice+": "+text)
		b.waitStatus(from)
	}
	if shown := b.read(); len(shown) > 0 {
		t.Errorf("%q are shown as read", shown)
	}
}
