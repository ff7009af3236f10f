package e2e

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

// foundingAlert is the alert of the founding specification with this number and text.
func foundingAlert(number, text string) string {
	return strings.ReplaceAll(`<NOTIFICATION ver="1" siteid="111100200" siteurl="http://calendar.msn.com" id="%">
<TO pid="0x00060000:0x81ee5a43" name="jabber_test@hotmail.com" />
<MSG pri="" id="%">
<ACTION url="/calendar/isapi.dll?request=action&operation=modify&objectID=%&uicode1=modifyreminder&locale=2052"/>
<SUBSCR url="/calendar/isapi.dll?request=action&operation=modify&objectID=%&uicode1=modifyreminder&locale=2052"/><CAT id="111100201" />
<BODY lang="2052" icon="/En/img/calendar.png">
<TEXT>`, "%", number) + text + `</TEXT>
</BODY>
</MSG>
</NOTIFICATION>
`
}

// The two alerts of the founding specification. The bytes that the first has lost are as they must have been on the
// wire: a character cut off in its middle, and the rest of one.
var (
	exampleA = foundingAlert("2", "aaaaa (bbbbb) 2002\xe5\x81\x81\xe5\x8d\x81\xe4\x81\x81\xe6\x9c\x88"+
		"14\xe6\x97\xe6\x98\x9f\xe6\x9c\x9f\xa521:45 - 22:45 ")
	exampleB = foundingAlert("1", "goto club 7. 2002 21:15 - 22:15 ")
)

// alertsUser is the ghost that shows the alerts.
func (c *cast) alertsUser() stack.Match {
	sender := c.bridge.Ghost(c.service.Key() + "/alerts")
	return func(s stack.Seen) bool { return s.Type == event.EventMessage && s.Sender == sender }
}

// alert sends Alice an alert as it stands, with the line ends of the protocol; its length is counted anew.
func (c *cast) alert(document string) {
	c.t.Helper()
	document = strings.ReplaceAll(document, "\n", "\r\n")
	if err := c.service.Alert(c.account, notify.Notification{Raw: document}); err != nil {
		c.t.Fatal(err)
	}
}

func TestFoundingAlertsArriveInOrderAndOnce(t *testing.T) {
	t.Parallel()
	c := newFriends(t, alertedBridge)
	c.alert(exampleA)
	c.alert(exampleB)
	isAlert := c.alertsUser()
	saying := func(text string) stack.Match {
		return func(s stack.Seen) bool { return isAlert(s) && strings.Contains(s.Content.AsMessage().Body, text) }
	}
	first := c.sees(0, "the first alert", saying("aaaaa (bbbbb)"))
	c.sees(0, "the second alert", saying("goto club"))

	const link = "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=%&uicode1=modifyreminder&locale=2052"
	want := []string{
		"aaaaa (bbbbb) 2002\u5041\u5341\u4041\u670814\ufffd\u661f\u671f\ufffd21:45 - 22:45\nOpen: " + strings.Replace(link, "%", "2", 1),
		"goto club 7. 2002 21:15 - 22:15\nOpen: " + strings.Replace(link, "%", "1", 1),
	}
	alerts := func() (texts []string) {
		if err := c.alice.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.alice.Count(0, func(s stack.Seen) bool {
			if isAlert(s) {
				texts = append(texts, s.Content.AsMessage().Body)
			}
			return false
		})
		return texts
	}
	if got := alerts(); !slices.Equal(got, want) {
		t.Errorf("the alerts are %q, want %q", got, want)
	}
	message := first.Content.AsMessage()
	if href := `<a href="` + strings.ReplaceAll(strings.Replace(link, "%", "2", 1), "&", "&amp;") + `">Open</a>`; message.MsgType != event.MsgNotice ||
		!strings.Contains(message.FormattedBody, href) || !strings.HasPrefix(message.FormattedBody, `<span lang="zh-CN">`) {
		t.Errorf("the first alert is %s %q", message.MsgType, message.FormattedBody)
	}
	field, _ := first.Content.Raw["chat.matrix_msn.alert"].(map[string]any)
	if field["site_id"] != "111100200" || field["notification_id"] != "2" || field["category"] != "111100201" {
		t.Errorf("the first alert holds %v", field)
	}

	mark := c.bob.Mark()
	if err := c.bridge.Stop(); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Offline)
	mark = c.bob.Mark()
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	c.alert(exampleA)
	c.alert(exampleB)
	c.alert(strings.Replace(exampleB, "goto club 7", "the same number, another text", 1))
	after := c.sees(0, "the third alert", saying("another text"))
	if got := alerts(); len(got) != 3 || !slices.Equal(got[:2], want) {
		t.Errorf("after the restart the alerts are %q", got)
	}
	if after.RoomID != first.RoomID {
		t.Error("the third alert came into another room")
	}
	c.asks(first.RoomID, "!alerts 2", "another text", "goto club")
}

func TestMailAndMaintenanceAreAnnounced(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	isAlert := c.alertsUser()
	if err := c.service.Mail(c.account, "Eve", "eve@example.org", "Grüße"); err != nil {
		t.Fatal(err)
	}
	c.sees(0, "the mail", func(s stack.Seen) bool {
		return isAlert(s) && strings.Contains(s.Content.AsMessage().Body, "New mail from Eve <eve@example.org>: Grüße")
	})
	if err := c.service.AnnounceShutdown(c.account, 5); err != nil {
		t.Fatal(err)
	}
	c.sees(0, "the maintenance", func(s stack.Seen) bool {
		return isAlert(s) && strings.Contains(s.Content.AsMessage().Body, "goes down for maintenance in 5 minutes")
	})
}
