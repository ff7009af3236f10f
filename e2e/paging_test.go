package e2e

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
)

// pages returns the pages that the service has taken from Alice.
func (c *cast) pages() (pages []msntest.SentPage) {
	for _, page := range c.service.Pages() {
		if page.From == c.account {
			pages = append(pages, page)
		}
	}
	return pages
}

func TestPageGoesOutAndBouncesLater(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.startChat()
	c.asks(room, "!page Fish & <chips>\n für 👋", "Paged "+c.bobName, "no error came back")
	pages := c.pages()
	if len(pages) != 1 || pages[0].To != c.bobAccount || pages[0].Page.Text != "Fish & <chips>\n für 👋" {
		t.Fatalf("the service has taken %+v", pages)
	}
	mark := c.alice.Mark()
	if err := c.service.Bounce(pages[0], notify.BounceTooLong); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "the bounce", stack.Notice(room, c.bridge.Bot(), "did not arrive after all", "too long for the device", "Fish & <chips>"))
	c.asks(c.management, "page --callback mobile "+c.bobAccount+" Call me", "Paged "+c.bobName)
	if pages = c.pages(); len(pages) != 2 || pages[1].Page.Callback != (notify.Callback{Location: notify.Mobile, Number: "15550001111"}) {
		t.Errorf("the service has taken %+v", pages)
	}
}

func TestPageThatIsNotSentSaysWhy(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	for _, test := range []struct{ refuse, text, want string }{
		{"220", "x", "was not accepted"},
		{"800", "x", "perhaps because you send too fast"},
		{"715", "x", "Paging is not available"},
		{"", strings.Repeat("ä", 114), "has 114 characters, and at most 113 fit"},
	} {
		c.service.RefusePages(c.bobAccount, test.refuse)
		c.asks(c.management, "!page "+c.bobAccount+" "+test.text, test.want)
	}
	c.asks(c.management, "!page stranger@example.org x", "has no mobile device")
	if pages := c.pages(); len(pages) > 0 {
		t.Errorf("the service has taken %+v", pages)
	}
	c.asks(c.management, "!page "+c.bobAccount+" "+strings.Repeat("&", 112)+"👋", "Paged "+c.bobName)
}

func TestPagesFromMobileDevicesArrive(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	if err := c.service.PageFrom(c.account, c.bobAccount, "I am on the road"); err != nil {
		t.Fatal(err)
	}
	c.sees(0, "Bob's page", stack.Text("", c.ghost, "📱 (from a mobile phone) I am on the road"))
	if err := c.service.PageFrom(c.account, "tel:+15551112222", "who am I?"); err != nil {
		t.Fatal(err)
	}
	isAlert := c.alertsUser()
	seen := c.sees(0, "the page of a stranger", func(s stack.Seen) bool {
		return isAlert(s) && strings.Contains(s.Content.AsMessage().Body, "who am I?")
	})
	if message := seen.Content.AsMessage(); message.MsgType != event.MsgText || !message.Mentions.Has(c.alice.ID()) ||
		!strings.Contains(message.Body, "+15551112222") {
		t.Errorf("the page of a stranger is %s %q, mentioning %v", message.MsgType, message.Body, message.Mentions)
	}
}
