package msn

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/notice"
	"matrix-msn/msn/internal/notice/noticetest"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/paging"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// foundingAlert is one of the two examples of section 5.1, with a text of one's own.
func foundingAlert(id, object, text string) string {
	url := `/calendar/isapi.dll?request=action&operation=modify&objectID=` + object + `&uicode1=modifyreminder&locale=2052`
	return strings.ReplaceAll(`<NOTIFICATION ver="1" siteid="111100200" siteurl="http://calendar.msn.com" id="`+id+`">
<TO pid="0x00060000:0x81ee5a43" name="jabber_test@hotmail.com" />
<MSG pri="" id="`+id+`">
<ACTION url="`+url+`"/>
<SUBSCR url="`+url+`"/><CAT id="111100201" />
<BODY lang="2052" icon="/En/img/calendar.png">
<TEXT>`+text+`</TEXT>
</BODY>
</MSG>
</NOTIFICATION>
`, "\n", "\r\n")
}

// The texts of the two examples: the date of the first was damaged on its way.
const (
	foundingTextA = "aaaaa (bbbbb) 2002\xe5\x81\x81\xe5\x8d\x81\xe4\x81\x81\xe6\x9c\x8814\xa5\xe6\x97\xe6\x98\x9f\xe6\x9c\x9f\x9b21:45 - 22:45 "
	foundingTextB = "goto club 7. 2002 21:15 - 22:15 "
)

func TestAlertsOfTheFoundingPage(t *testing.T) {
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, trid string) {
		// Number 2 comes first, and both come twice.
		for range 2 {
			ns.sendDocument("NOT", foundingAlert("2", "2", foundingTextA))
			ns.sendDocument("NOT", foundingAlert("1", "1", foundingTextB))
		}
		ns.sendDocument("NOT", foundingAlert("1", "1", "the end"))
		for _, want := range []struct{ id, object, text string }{
			{"2", "2", "aaaaa (bbbbb) 2002偁十䁁月14\uFFFD星期\uFFFD21:45 - 22:45"},
			{"1", "1", "goto club 7. 2002 21:15 - 22:15"},
			{"1", "1", "the end"}, // the same numbers with another content
		} {
			e := waitFor[AlertReceived](t, client)
			if len(e.Notification.Messages) != 1 {
				t.Fatalf("%d messages", len(e.Notification.Messages))
			}
			m := e.Notification.Messages[0]
			url := "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=" + want.object + "&uicode1=modifyreminder&locale=2052"
			if m.ID != want.id || e.Notification.ID != want.id || m.ActionURL != url || m.SubscribeURL != url ||
				m.IconURL != "http://calendar.msn.com/En/img/calendar.png" || m.LCID != 2052 || m.Priority != "" || m.CategoryID != "111100201" {
				t.Errorf("alert %+v", m)
			}
			if strings.TrimSpace(m.Text) != want.text {
				t.Errorf("text %q, want %q", m.Text, want.text)
			}
			if e.At.IsZero() || e.Notification.Raw == "" {
				t.Error("no time, or not the document as it came")
			}
		}
		ns.barrier()
	})
}

func TestAlertSplitIntoSegments(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 5)
	document := foundingAlert("1", "1", foundingTextB)
	unit := fmt.Sprintf("NOT %d\r\n%s", len(document), document)
	for i := range len(unit) {
		if _, err := io.WriteString(ns.conn, unit[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if e := waitFor[AlertReceived](t, client); len(e.Notification.Messages) != 1 || e.Notification.Messages[0].ID != "1" {
		t.Errorf("alert %+v", e.Notification)
	}
}

// dataAlert carries news for programs.
func dataAlert(body string) string {
	escaped := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace("<NotificationData>" + body + "</NotificationData>")
	return `<NOTIFICATION id="0" siteid="45705" siteurl="http://contacts.msn.com"><TO pid="0x2:0x1" name="alice@example.com"/>` +
		`<MSG id="0"><SUBSCR url="s.htm" /><ACTION url="a.htm" /><BODY>` + "\r\n" + escaped + "\r\n</BODY></MSG></NOTIFICATION>"
}

func TestAlertsForPrograms(t *testing.T) {
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, trid string) {
		book := dataAlert("<Service>ABCHInternal</Service><CID>4294967298</CID><HasNewItem>false</HasNewItem>")
		ns.sendDocument("NOT", book)
		ns.sendDocument("NOT", book)
		ns.sendDocument("NOT", dataAlert("<CircleId>00000000-0000-0000-0009-000000000001</CircleId><HasNewItem>true</HasNewItem>"))
		for _, want := range []DataReceived{
			{Kind: notify.AddressBook, Data: map[string]string{"Service": "ABCHInternal", "CID": "4294967298", "HasNewItem": "false"}},
			{Kind: notify.AddressBook, Data: map[string]string{"Service": "ABCHInternal", "CID": "4294967298", "HasNewItem": "false"}},
			{Kind: notify.Circle, Data: map[string]string{"CircleId": "00000000-0000-0000-0009-000000000001", "HasNewItem": "true"}},
		} {
			if e := waitFor[DataReceived](t, client); !reflect.DeepEqual(e, want) {
				t.Errorf("event %+v, want %+v", e, want)
			}
		}
	})
}

// plainAlert is an alert with the numbers and messages that a test wants.
func plainAlert(site, id string, messages ...string) string {
	return `<NOTIFICATION siteid="` + site + `" siteurl="http://a.example" id="` + id + `">` + strings.Join(messages, "") + `</NOTIFICATION>`
}

func alertMessage(id, text string) string {
	return `<MSG id="` + id + `"><ACTION url="/x"/><BODY><TEXT>` + text + `</TEXT></BODY></MSG>`
}

func TestAlertsAreShownOnce(t *testing.T) {
	for _, test := range []struct {
		name      string
		documents []string
		want      []string // the texts of each event
	}{
		{"the same", []string{plainAlert("1", "7", alertMessage("7", "a")), plainAlert("1", "7", alertMessage("7", "a"))}, []string{"a"}},
		{"another site", []string{plainAlert("1", "7", alertMessage("7", "a")), plainAlert("2", "7", alertMessage("7", "a"))}, []string{"a", "a"}},
		{"another content", []string{plainAlert("1", "7", alertMessage("7", "a")), plainAlert("1", "7", alertMessage("7", "b"))}, []string{"a", "b"}},
		{"another message", []string{plainAlert("1", "7", alertMessage("7", "a")), plainAlert("1", "7", alertMessage("8", "a"))}, []string{"a", "a"}},
		{"ID 0", []string{plainAlert("1", "0", alertMessage("0", "a")), plainAlert("1", "0", alertMessage("0", "a"))}, []string{"a", "a"}},
		{"no ID", []string{plainAlert("1", "", alertMessage("", "a")), plainAlert("1", "", alertMessage("", "a"))}, []string{"a", "a"}},
		{"one of two is new", []string{plainAlert("1", "7", alertMessage("7", "a")), plainAlert("1", "7", alertMessage("7", "a"), alertMessage("8", "b"))}, []string{"a", "b"}},
		{"two at once", []string{plainAlert("1", "7", alertMessage("7", "a"), alertMessage("8", "b"))}, []string{"a+b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 9)
			for _, document := range test.documents {
				ns.sendDocument("NOT", document)
			}
			for _, want := range test.want {
				var texts []string
				for _, m := range waitFor[AlertReceived](t, client).Notification.Messages {
					texts = append(texts, m.Text)
				}
				if got := strings.Join(texts, "+"); got != want {
					t.Errorf("alert %q, want %q", got, want)
				}
			}
			expectNothingMore(t, client, ns)
		})
	}
}

// expectNothingMore checks that all events were read.
func expectNothingMore(t *testing.T, client *Client, ns *fakeConn) {
	t.Helper()
	ns.barrier()
	waiting := 0
	client.conn.Do(func() { waiting = client.conn.Waiting() })
	for range waiting {
		e := nextEvent(t, client)
		t.Errorf("one event too many: %T %+v", e, e)
	}
}

func TestAlertsThatCannotBeRead(t *testing.T) {
	bomb := `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><NOTIFICATION id="1"><MSG id="1"><BODY><TEXT>&b;</TEXT></BODY></MSG></NOTIFICATION>`
	for name, document := range map[string]string{
		"nothing":         "",
		"no XML":          "hello, world",
		"NUL":             "\x00\x00\x00",
		"no UTF-8":        "\xff\xfe<N\x00O\x00",
		"an entity bomb":  bomb,
		"10,000 levels":   strings.Repeat("<MSG>", 10_000),
		"no messages":     `<NOTIFICATION siteid="1"></NOTIFICATION>`,
		"only a tag":      "<NOTIFICATION",
		"a huge document": "<NOTIFICATION>" + strings.Repeat("x", 200_000),
	} {
		for _, verb := range []string{"NOT", "IPG"} {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				client, ns := signedIn(t, newFakeNet(t), 9)
				ns.sendDocument(verb, document)
				e := waitFor[AlertReceived](t, client)
				if len(e.Notification.Messages) != 0 {
					t.Errorf("it was read: %+v", e.Notification)
				}
				if document != "" && !strings.HasPrefix(strings.ToValidUTF8(document, "\uFFFD"), e.Notification.Raw) || e.Notification.Raw == "" != (document == "") {
					t.Errorf("raw is %.60q", e.Notification.Raw)
				}
				ns.sendDocument("NOT", foundingAlert("1", "1", "still there"))
				if e := waitFor[AlertReceived](t, client); len(e.Notification.Messages) != 1 {
					t.Errorf("the next alert is %+v", e.Notification)
				}
			})
		}
	}
}

// pageDocument is a page from a mobile device.
func pageDocument(from, text string) string {
	return `<NOTIFICATION id="0" siteid="111100400" siteurl="http://mobile.msn.com/">` + "\n" +
		`<TO name="alice@example.com" pid="0x00000001:0x00000002" email="alice@example.com"><VIA agent="mobile"/></TO>` + "\n" +
		`<FROM pid="0x00000001:0x00000002" name="` + from + `"/><MSG pri="1" id="0"><ACTION url="2wayIM.asp"/><SUBSCR url="2wayIM.asp"/>` +
		`<CAT id="110110001"/><BODY lang="1033"><TEXT>` + text + "</TEXT></BODY></MSG></NOTIFICATION>"
}

func TestPagesThatComeIn(t *testing.T) {
	tests := []struct {
		name, document string
		from, contact  string
		text           string
	}{
		{"from a contact", pageDocument("Bob@Example.com", "Hello &amp; bye"), "bob@example.com", "bob@example.com", "Hello & bye"},
		{"from a stranger", pageDocument("dave@example.com", "Hello"), "dave@example.com", "", "Hello"},
		{"from a contact's number", pageDocument("tel:+15551112222", "Hello"), "tel:+15551112222", "bob@example.com", "Hello"},
		{"from an unknown number", pageDocument("tel:+15559999999", "Hello"), "tel:+15559999999", "", "Hello"},
		{"from a number that two contacts have", pageDocument("tel:+4930", "Hello"), "tel:+4930", "", "Hello"},
		{"from no number", pageDocument("tel:bob", "Hello"), "", "", "Hello"},
		{"from nobody", pageDocument("", "Hello"), "", "", "Hello"},
		{"from a second command", pageDocument("bob@example.com&#13;&#10;OUT", "Hello"), "", "", "Hello"},
		{"with a declaration, other letter case and ID 1", `<?xml version="1.0"?>` + strings.NewReplacer(`<MSG pri="1" id="0">`, `<MSG pri="1" id="1">`, "<CAT id", "<CAT Id", "lang=", "lcid=").
			Replace(pageDocument("bob@example.com", "Hello")), "bob@example.com", "bob@example.com", "Hello"},
	}
	for d := wire.Dialect(6); d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), d)
			mobileBob(ns)
			client.conn.Do(func() {
				for _, account := range []string{"erin@example.com", "carol@example.com"} {
					client.book.Change(account, func(c *Contact) { c.SetProperty("PHM", "49%2030") })
				}
			})
			for _, test := range tests {
				ns.sendDocument("IPG", test.document)
				e := waitFor[PageReceived](t, client)
				if e.From != test.from || e.Contact != test.contact || e.Text != test.text || e.LCID != 1033 || e.At.IsZero() {
					t.Errorf("%s: %+v", test.name, e)
				}
			}
			expectNothingMore(t, client, ns)
		})
	}
}

func TestPageReportWithoutNumberIsShown(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 9)
	for _, trid := range []string{"0", "x", ""} {
		ns.sendDocument("IPG", bounce(trid, "407"))
		if e := waitFor[AlertReceived](t, client); e.Notification.Raw == "" {
			t.Errorf("number %q: %+v", trid, e)
		}
	}
}

func TestAlertFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9)
		const flood = 1000
		for i := range flood {
			ns.sendDocument("NOT", plainAlert("1", fmt.Sprint(i+1), alertMessage("1", "x")))
		}
		ns.barrier()
		ns.sendDocument("IPG", pageDocument("bob@example.com", "another kind"))
		for range notice.AlertBurst {
			if _, ok := nextEvent(t, client).(AlertReceived); !ok {
				t.Fatal("no alert")
			}
		}
		if e, ok := nextEvent(t, client).(PageReceived); !ok {
			t.Fatalf("the page is held up by alerts: %T", e)
		}
		// Time passes while others answer the heartbeat.
		go func() {
			_ = ns.conn.SetReadDeadline(time.Time{})
			for {
				if cmd, err := ns.reader.Read(); err != nil || cmd.Verb == "PNG" && trySend(ns, "QNG 50\r\n") != nil {
					return
				}
			}
		}()
		start := time.Now()
		e := <-client.Events()
		if told, ok := e.(AlertsSuppressed); !ok || told.Count != flood-notice.AlertBurst {
			t.Errorf("event %T %+v", e, e)
		}
		if took := time.Since(start); took != notice.SuppressedEvery {
			t.Errorf("told after %v", took)
		}
		ns.sendDocument("NOT", plainAlert("1", "1000", alertMessage("1", "x")))
		if e := waitFor[AlertReceived](t, client); e.Notification.ID != "1000" {
			t.Errorf("what was left out is not shown when it is repeated: %+v", e)
		}
		ns.close()
	})
}

func TestFloodOfWhatCannotBeReadDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which no time passes that would allow more
		var log testLog
		client, server := signedIn(t, newFakeNet(t), 9, func(c *Config) { c.Logger = log.logger() })
		for i := range 5 * notice.AlertBurst {
			server.sendDocument("NOT", "<!x>")
			server.sendDocument("IPG", fmt.Sprintf(`<NOTIFICATION id="%d"/>`, 1000+i))
		}
		server.barrier()
		for what, most := range map[string]int{"unreadable notification": ns.LogBurst, "has not sent": ns.LogBurst} {
			if n := strings.Count(log.text(), what); n != most {
				t.Errorf("%d lines say %q, want %d", n, what, most)
			}
		}
		_ = client.Close()
	})
}

func trySend(ns *fakeConn, text string) error {
	_, err := io.WriteString(ns.conn, text)
	return err
}

func TestPageFloodOfOneSenderLeavesOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9)
		for range 1000 {
			ns.sendDocument("IPG", pageDocument("mallory@example.net", "x"))
		}
		ns.sendDocument("IPG", pageDocument("bob@example.com", "hello"))
		ns.barrier()
		for range paging.Burst {
			if e := waitFor[PageReceived](t, client); e.From != "mallory@example.net" {
				t.Fatalf("event %+v", e)
			}
		}
		if e := waitFor[PageReceived](t, client); e.From != "bob@example.com" {
			t.Errorf("event %+v", e)
		}
		ns.close()
		// What was left out is told before the end.
		if e := nextEvent(t, client); e != (AlertsSuppressed{Count: 1000 - paging.Burst}) {
			t.Errorf("event %T %+v", e, e)
		}
		if e, ok := nextEvent(t, client).(Disconnected); !ok {
			t.Errorf("event %T", e)
		}
	})
}

// A contact cannot say what only the server says.
func TestSwitchboardMakesNoMailAndNoAlerts(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	ns.send("RNG 1 " + fakeSB + " CKI 2 bob@example.com Bob")
	sb := n.accept(fakeSB)
	sb.read()
	sb.send("IRO 1 1 1 bob@example.com Bob", "ANS 1 OK")
	for _, payload := range noticetest.Messages {
		sb.sendMessage("bob@example.com", "Bob", payload)
	}
	sb.sendDocument("NOT", foundingAlert("1", "1", "x"))
	sb.sendMessage("bob@example.com", "Bob", textPayload("the end"))
	for {
		switch e := nextEvent(t, client).(type) {
		case OtherReceived, ParticipantJoined:
		case TextReceived:
			if e.Text != "the end" {
				continue
			}
			return
		default:
			t.Fatalf("a contact makes the event %T %+v", e, e)
		}
	}
}
