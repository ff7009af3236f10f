package notice

import (
	"fmt"
	"testing"

	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// foundingAlert is the alert of the founding page.
const foundingAlert = `<NOTIFICATION ver="2" id="1" siteid="45705" siteurl="http://calendar.msn.com"><TO pid="0x00060000:0x81ee5a43" name="alice@example.com"/>` +
	`<MSG pri="1" id="1"><ACTION url="/calendar/isapi.dll?request=action"/><SUBSCR url="/calendar/isapi.dll?request=subscr"/><CAT id="111902"/>` +
	`<BODY lang="3076" icon="/En/img/calendar.png"><TEXT>goto Sparkle at 7pm</TEXT></BODY></MSG></NOTIFICATION>`

// newNotices returns the notices of a connection. Nobody else is told of anything.
func newNotices(t testing.TB) (conn nstest.Conn, n *Notices) {
	conn = nstest.New(t, 9, func(c *ns.Conn) {
		n = New(c, Hooks{AddressBook: func() {}, Circle: func(string) {}, CountMails: func() bool { return false }})
	})
	return conn, n
}

func TestAlertMemoryIsBounded(t *testing.T) {
	t.Parallel()
	conn, n := newNotices(t)
	alert := func(id int) wire.Command {
		return wire.New("NOT").WithPayload(fmt.Sprintf(`<NOTIFICATION id="%d" siteid="1"><MSG id="1"><BODY><TEXT>x</TEXT></BODY></MSG></NOTIFICATION>`, id))
	}
	shown := func(id int) bool {
		for _, e := range conn.Tell(alert(id)) {
			if _, ok := e.(AlertReceived); ok {
				return true
			}
		}
		return false
	}
	allow := func() { conn.Do(func() { n.all = limit.New(AlertBurst, AlertEvery) }) }
	for id := range MaxSeen {
		allow()
		if !shown(id+1) || shown(id+1) {
			t.Fatalf("alert %d is not shown once", id+1)
		}
	}
	allow()
	if !shown(MaxSeen + 1) {
		t.Error("a new alert is not shown")
	}
	allow()
	if shown(2) {
		t.Error("a late alert is forgotten")
	}
	if !shown(1) {
		t.Error("the oldest is remembered")
	}
	if keyOf(&notify.Notification{ID: "1"}, notify.Message{ID: "2"}) == keyOf(&notify.Notification{ID: "12"}, notify.Message{}) {
		t.Error("the border between fields does not count")
	}
}

// BenchmarkAlert is one alert of the founding page, from the payload to the event.
func BenchmarkAlert(b *testing.B) {
	conn, n := newNotices(b)
	cmd := wire.New("NOT").WithPayload(foundingAlert)
	b.SetBytes(int64(len(cmd.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		conn.Do(func() { n.seen, n.all = nil, limit.New(AlertBurst, AlertEvery) })
		if events := conn.Tell(cmd); len(events) != 1 {
			b.Fatalf("%d events", len(events))
		}
	}
}
