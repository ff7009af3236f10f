package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// calendar is an alert as the founding specification shows them.
func calendar(text string) notify.Notification {
	const link = "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=1&uicode1=modifyreminder&locale=2052"
	return notify.Notification{
		Version: "1", SiteID: "111100200", SiteURL: "http://calendar.msn.com",
		Messages: []notify.Message{{
			ActionURL: link, SubscribeURL: link, CategoryID: "111100201", LCID: 2052,
			IconURL: "http://calendar.msn.com/En/img/calendar.png", Text: text,
		}},
	}
}

// alert sends Alice an alert.
func (b *testBridge) alert(n notify.Notification) {
	b.Helper()
	if err := b.srv.Alert(alice, n); err != nil {
		b.Fatal(err)
	}
}

// ofAlerts matches what the alerts ghost writes.
func (b *testBridge) ofAlerts(r record) bool {
	return r.kind == "message" && r.sender == b.matrix.FormatGhostMXID(msnid.MakeAlertsUserID("home"))
}

func (b *testBridge) waitAlert(from int, text string) (record, int) {
	b.Helper()
	return b.matrix.wait(b.T, from, fmt.Sprintf("alert %q", text), func(r record) bool {
		return b.ofAlerts(r) && strings.Contains(r.body, text)
	})
}

// inManagement makes a bridge that shows alerts in the chat with the bot.
func inManagement(b *testBridge) {
	b.config = func(c *config.Config) { c.Alerts = config.AlertsInManagement }
}

func TestFirstAlertMakesARoomOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, dialect := range []wire.Dialect{5, 7, 8, 12} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t, msntest.WithDialects(dialect)))
			b.login()
			b.alert(calendar("goto club <7>. 2002 21:15 - 22:15"))
			got, _ := b.waitAlert(0, "goto club")
			const link = "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=1&uicode1=modifyreminder&locale=2052"
			if want := "goto club <7>. 2002 21:15 - 22:15\nOpen: " + link; got.body != want {
				t.Errorf("the text is %q, want %q", got.body, want)
			}
			if want := `<span lang="zh-CN">goto club &lt;7&gt;. 2002 21:15 - 22:15</span><br><a href="` + strings.ReplaceAll(link, "&", "&amp;") + `">Open</a>`; got.html != want {
				t.Errorf("the HTML is %q, want %q", got.html, want)
			}
			if got.msg != event.MsgNotice || len(got.calls) > 0 {
				t.Errorf("it is %s and calls %v", got.msg, got.calls)
			}
			field, _ := got.raw["chat.matrix_msn.alert"].(map[string]any)
			for name, want := range map[string]any{"site_id": "111100200", "notification_id": "1", "message_id": "1", "category": "111100201", "lcid": 2052, "lang": "zh-CN"} {
				if field[name] != want {
					t.Errorf("%s of the event is %v, want %v", name, field[name], want)
				}
			}
			rooms := b.matrix.all(func(r record) bool { return r.kind == "room" && r.room == got.room })
			if len(rooms) != 1 || rooms[0].body != account.AlertsName {
				t.Errorf("the room was made as %+v", rooms)
			}
			if name := b.matrix.names[got.sender]; name != account.AlertsName {
				t.Errorf("the ghost is named %q", name)
			}
		})
	}
}

func TestUrgentAlertCallsTheUser(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	n := calendar("the house is on fire")
	n.Messages[0].Priority = "1"
	b.alert(n)
	got, _ := b.waitAlert(0, "on fire")
	if got.msg != event.MsgText || len(got.calls) != 1 || got.calls[0] != fakeUser {
		t.Errorf("it is %s and calls %v", got.msg, got.calls)
	}
}

// The server counts anew with each session: the same IDs with the same content are
// the same alert, with other content another one.
func TestAlertIsShownOnceAcrossSessionsAndRestarts(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(*testBridge){"room": func(*testBridge) {}, "management": inManagement} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), config)
			b.login()
			b.alert(calendar("first"))
			b.alert(calendar("second"))
			_, from := b.waitMessage(0, "first")
			b.waitMessage(from, "second")

			b.restart()
			b.waitState("CONNECTED")
			b.alert(calendar("first"))
			b.alert(calendar("second"))
			b.alert(calendar("third"))
			b.waitMessage(0, "third")
			again := calendar("another with the first ID")
			again.ID = "1"
			b.alert(again)
			b.waitMessage(0, "another with the first ID")
			for _, text := range []string{"first\n", "second\n"} {
				if found := b.matrix.all(func(r record) bool { return strings.HasPrefix(r.body, text) }); len(found) > 0 {
					t.Errorf("%q was shown again: %+v", text, found)
				}
			}
		})
	}
}

func TestAlertWithoutIDIsShownAsOftenAsASessionBringsIt(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	n := calendar("tea time")
	n.ID = "0"
	b.alert(n)
	b.alert(n)
	_, from := b.waitAlert(0, "tea time")
	b.waitAlert(from, "tea time")
	b.restart()
	b.waitState("CONNECTED")
	b.alert(n)
	b.alert(n)
	b.alert(calendar("done"))
	b.waitAlert(0, "done")
	if found := b.matrix.all(func(r record) bool { return b.ofAlerts(r) && strings.HasPrefix(r.body, "tea time") }); len(found) > 0 {
		t.Errorf("the repetition was shown: %+v", found)
	}
}

func TestAlertsWaitForTheHomeserver(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(*testBridge){"room": func(*testBridge) {}, "management": inManagement} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), config)
			login := b.login()
			b.management()
			b.matrix.failSending(fmt.Errorf("out of order"))
			for i := range 3 {
				b.alert(calendar(fmt.Sprint("alert ", i)))
			}
			b.eventually("the alerts in the queue", func() bool {
				n, err := b.conn.db.MSNQueue.Count(b.ctx, login.ID, msnid.MakeAlertsPortalKey(login.ID).ID)
				return err == nil && n == 3
			})
			b.restart()
			from := 0
			for i := range 3 {
				_, from = b.waitMessage(from, fmt.Sprint("alert ", i))
			}
		})
	}
}

func TestAlertsCanBeShownInTheChatWithTheBot(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), inManagement)
	b.login()
	b.alert(calendar("goto club"))
	got, _ := b.waitMessage(0, "goto club")
	if got.room != b.management() || got.sender != fakeBot || got.msg != event.MsgNotice {
		t.Errorf("it came from %s as %s into %s", got.sender, got.msg, got.room)
	}
}

func TestAlertsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.Alerts = config.AlertsOff }
	})
	b.login()
	b.alert(calendar("goto club"))
	// People are not switched off, and the page comes behind the alert.
	if err := b.srv.PageFrom(alice, "tel:+15551112222", "it is me"); err != nil {
		t.Fatal(err)
	}
	got, _ := b.waitMessage(0, "it is me")
	if got.room != b.management() {
		t.Errorf("the page came into %s", got.room)
	}
	if found := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "goto club") }); len(found) > 0 {
		t.Errorf("the alert was shown: %+v", found)
	}
}

func TestUnreadableAlertIsShownAsText(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.alert(notify.Notification{Raw: "<!DOCTYPE x><b>bomb</b>\x00" + strings.Repeat("x", 5000)})
	got, _ := b.waitAlert(0, "could not be read")
	if !strings.Contains(got.body, "<b>bomb</b>") || strings.Contains(got.body, "\x00") || len(got.body) > 2000 {
		t.Errorf("the text is %q", got.body)
	}
	if strings.Contains(got.html, "<b>") {
		t.Errorf("markup came of it: %q", got.html)
	}
}

func TestDangerousLinksAreNone(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	n := calendar("click here")
	n.Messages[0].ActionURL, n.Messages[0].SubscribeURL = "javascript:alert(1)", "http://user@evil.example/"
	b.alert(n)
	got, _ := b.waitAlert(0, "click here")
	if strings.Contains(got.html, "href") || strings.Contains(got.body, "javascript") || strings.Contains(got.body, "evil") {
		t.Errorf("got %q, %q", got.body, got.html)
	}
}

func TestNothingIsSentFromTheRoomOfAlerts(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.alert(calendar("goto club"))
	got, from := b.waitAlert(0, "goto club")
	b.write(got.room, "hello?")
	status, _ := b.waitStatus(from)
	if status.status == event.MessageStatusSuccess || !strings.Contains(status.html, "nobody reads what is written here") {
		t.Errorf("the status is %s: %q", status.status, status.html)
	}
	if answer := b.ask(got.room, "!alerts"); !strings.Contains(answer.body, "goto club") {
		t.Errorf("the command gave %q", answer.body)
	}
}

func TestAlertsAreListed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	room := b.management()
	if got := b.ask(room, "alerts"); !strings.Contains(got.body, "there are none") {
		t.Errorf("without alerts: %q", got.body)
	}
	from := b.matrix.position()
	for i := range 12 {
		b.alert(calendar(fmt.Sprintf("alert %d <b>", i)))
	}
	b.waitAlert(from, "alert 11 <b>")
	got := b.ask(room, "!alerts")
	if strings.Contains(got.body, "alert 1 <b>") || !strings.Contains(got.body, "alert 2 <b>") || !strings.Contains(got.body, "http://calendar.msn.com/") {
		t.Errorf("the list is %q", got.body)
	}
	if strings.Index(got.body, "alert 2 ") > strings.Index(got.body, "alert 11 ") || !strings.Contains(got.html, "alert 2 &lt;b&gt; <a href=") {
		t.Errorf("the list is %q", got.html)
	}
	if got := b.ask(room, "!alerts 50"); strings.Count(got.body, "• ") != 12 {
		t.Errorf("the list of all is %q", got.body)
	}
	for _, wrong := range []string{"!alerts 0", "!alerts 51", "!alerts -1"} {
		if got := b.ask(room, wrong); !strings.Contains(got.body, "must be from 1 to 50") {
			t.Errorf("%s gives %q", wrong, got.body)
		}
	}
	if got := b.ask(room, "!alerts abc"); !strings.Contains(got.body, "\"abc\" is neither") {
		t.Errorf("a word gives %q", got.body)
	}
	if got := b.ask(room, "!alerts 5 home/nobody@example.com"); !strings.Contains(got.body, "You have no login") {
		t.Errorf("another login gives %q", got.body)
	}
}

// A list of the longest alerts must fit into events.
func TestLongListComesInSeveralMessages(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	for i := range 20 {
		n := calendar(fmt.Sprint(i, strings.Repeat("<", 300)))
		n.ID = fmt.Sprint(i + 1)
		n.Messages[0].ActionURL = "http://example.com/?" + strings.Repeat("&", 950)
		client.session.Dispatch(b.ctx, msn.AlertReceived{Notification: &n, At: time.Now()})
	}
	messages := client.alerts.List(b.ctx, 20)
	if len(messages) < 2 {
		t.Fatalf("%d messages", len(messages))
	}
	items := 0
	for _, m := range messages {
		if data, err := json.Marshal([]string{m.Body, m.FormattedBody}); err != nil || len(data) > 60<<10 {
			t.Errorf("a message takes %d bytes", len(data))
		}
		items += strings.Count(m.FormattedBody, "<li>")
	}
	if items != 20 {
		t.Errorf("%d alerts are listed", items)
	}
}

func TestNoticesOfTheService(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	if err := b.srv.Mail(alice, "Eve <b>", "eve@example.org", "Größe\nX"); err != nil {
		t.Fatal(err)
	}
	got, from := b.waitAlert(0, "New mail")
	if !strings.Contains(got.body, "from Eve <b> <eve@example.org>: Größe") || got.html != "" {
		t.Errorf("the mail is %q, %q", got.body, got.html)
	}
	if err := b.srv.AnnounceShutdown(alice, 5); err != nil {
		t.Fatal(err)
	}
	b.waitAlert(from, "Home goes down for maintenance in 5 minutes")
	client.session.Dispatch(b.ctx, msn.AlertsSuppressed{Count: 17})
	b.waitAlert(from, "left out 17 of them")
	client.session.Dispatch(b.ctx, msn.SystemMessage{Type: "7", Args: []string{"<x>"}})
	b.waitAlert(from, "type 7, <x>")
}

func TestUnreadMailsAreToldWhenTheirNumberIsNew(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t)
	srv.AddAccount(alice, pass, msntest.Unread(3, 1))
	b := newTestBridge(t, srv)
	b.login()
	b.waitAlert(0, "3 unread mails")
	b.restart()
	b.waitState("CONNECTED")
	b.alert(calendar("done"))
	b.waitAlert(0, "done")
	if found := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "unread") }); len(found) > 0 {
		t.Errorf("the number was told again: %+v", found)
	}
}

func TestUnreadMailsAreToldAgainWhenSomeWereReadBetween(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t)
	srv.AddAccount(alice, pass, msntest.Unread(2, 0))
	b := newTestBridge(t, srv)
	b.login()
	_, from := b.waitAlert(0, "2 unread mails")
	if err := srv.MoveMail(alice, "ACTIVE", "ACTIVE", 1); err != nil {
		t.Fatal(err)
	}
	if err := srv.Mail(alice, "Eve", "eve@example.org", "hello"); err != nil {
		t.Fatal(err)
	}
	b.waitAlert(from, "New mail")
	b.restart()
	b.waitAlert(0, "2 unread mails")
}

func TestWhatAStoppedSessionHasLeftOutIsTold(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	stopped, stop := context.WithCancel(b.ctx)
	stop()
	client.session.Dispatch(stopped, msn.AlertsSuppressed{Count: 17})
	b.waitAlert(0, "left out 17 of them")
}

func TestServiceThatDemandsAnotherClientIsToldOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t, msntest.WithVersion("99.0.0001", "98.0.0001")))
	b.login()
	b.waitAlert(0, "wants clients of version 98.0.0001 or later")
	b.restart()
	b.waitState("CONNECTED")
	b.alert(calendar("done"))
	b.waitAlert(0, "done")
	if found := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "98.0.0001") }); len(found) > 0 {
		t.Errorf("it was told again: %+v", found)
	}
}

func TestContactCannotTakeTheNameOfTheAlerts(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Account(bob).SetName("MSN Alerts")
	b := newTestBridge(t, srv)
	login := b.login()
	b.dm(login, bob)
	name := b.matrix.names[b.matrix.FormatGhostMXID("home/bob@example.com")]
	if !strings.Contains(name, bob) {
		t.Errorf("the ghost of the contact is named %q", name)
	}
}

func TestPageFromAContactIsAMessageFromThem(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	if err := b.srv.PageFrom(alice, bob, "I am <on> the road"); err != nil {
		t.Fatal(err)
	}
	got, _ := b.waitMessage(0, "I am <on> the road")
	if got.room != room || got.sender != b.matrix.FormatGhostMXID("home/bob@example.com") {
		t.Errorf("it came from %s into %s", got.sender, got.room)
	}
	if !strings.HasPrefix(got.body, "📱 (from a mobile phone) ") || got.html != "" || got.raw["chat.matrix_msn.page"] == nil {
		t.Errorf("got %q, %q, %v", got.body, got.html, got.raw)
	}
	// The same text again is another page.
	_, from := b.waitMessage(0, "I am <on> the road")
	if err := b.srv.PageFrom(alice, bob, "I am <on> the road"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(from, "I am <on> the road")
}

func TestLongPageFromAContactComesInParts(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.dm(b.login(), bob)
	b.matrix.mu.Lock()
	b.matrix.maxBody = 16 << 10
	b.matrix.mu.Unlock()
	if err := b.srv.PageFrom(alice, bob, strings.Repeat("x", 40<<10)+"the end"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "the end")
	length := 0
	for _, r := range b.matrix.all(func(r record) bool { return strings.HasPrefix(r.body, "📱 (from a mobile phone) ") }) {
		length += len(r.body) - len("📱 (from a mobile phone) ")
	}
	if length != 40<<10+len("the end") {
		t.Errorf("%d bytes arrived", length)
	}
}

// A homeserver refuses an event of more than 64 KiB, and other alerts would wait for it.
func TestFieldsOfAnAlertMakeNoHugeEvent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	long := strings.Repeat("<", 2000) // six bytes each in JSON
	n := calendar("with long fields")
	n.ID, n.SiteID = long, long
	n.Messages[0].ID, n.Messages[0].CategoryID, n.Messages[0].Priority = long, long, long
	b.alert(n)
	got, _ := b.waitAlert(0, "with long fields")
	if data, err := json.Marshal(got.raw); err != nil || len(got.raw) == 0 || len(data) > 8<<10 {
		t.Errorf("%d bytes of fields, %v", len(data), err)
	}
}

func TestPageFromAnUnknownNumberIsAnAlertThatCalls(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	if err := b.srv.PageFrom(alice, "tel:+15551112222", "who <am> I"); err != nil {
		t.Fatal(err)
	}
	got, _ := b.waitAlert(0, "who <am> I")
	if !strings.Contains(got.body, "+15551112222") || got.msg != event.MsgText || len(got.calls) != 1 || got.calls[0] != id.UserID(fakeUser) {
		t.Errorf("got %q as %s, calling %v", got.body, got.msg, got.calls)
	}
}

// What a server can send in a second is more than anybody reads. It neither floods
// the room nor holds up what people say.
func TestFloodOfAlertsIsSummedUpAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	bot, _ := b.friend()
	const flood = 1000
	for i := range flood {
		b.alert(calendar(fmt.Sprint("flood ", i)))
	}
	if err := bot.Say(b.ctx, alice, "and I say"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "and I say")
	if err := b.srv.Drop(alice); err != nil { // which has the rest told at once
		t.Fatal(err)
	}
	b.waitAlert(0, "The bridge has left out")
	if n := len(b.matrix.all(func(r record) bool { return b.ofAlerts(r) && strings.Contains(r.body, "flood ") })); n == 0 || n > flood/10 {
		t.Errorf("%d of %d alerts were shown", n, flood)
	}
}
