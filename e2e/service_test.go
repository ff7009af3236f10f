package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
)

func TestInvitationIsMailedByTheService(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	mails := func() (mails []msntest.Invitation) {
		for _, mail := range c.service.Invitations() {
			if mail.From == c.account {
				mails = append(mails, mail)
			}
		}
		return mails
	}
	c.asks(c.management, "!invite carol@example.org Come & see", "carol@example.org is no contact of yours", "with your text")
	if got := mails(); len(got) != 1 || got[0].To != "carol@example.org" || got[0].Text != "Come & see" || got[0].Verb != "SDC" {
		t.Errorf("the service has mailed %+v", got)
	}
	c.asks(c.management, "!invite carol@example.org", "has been asked to mail an invitation")
	c.asks(c.management, "!invite carol", "an e-mail address such as")
	c.asks(c.management, "!invite "+c.bobAccount, "is a contact of yours already")
	if got := mails(); len(got) != 2 || got[1].Verb != "SND" {
		t.Errorf("the service has mailed %+v", got)
	}
}

func TestLinksToTheServiceLogIn(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	c.asks(c.management, "!url", "INBOX", "COMPOSE", "CHAT")
	link := regexp.MustCompile(regexp.QuoteMeta(c.bridge.URL) + `/_msn/login/\S+`)
	for _, test := range []struct{ command, field string }{
		{"!url INBOX", `name="rru" value="/cgi-bin/HoTMaiL"`},
		{"!inbox", `name="rru" value="/cgi-bin/HoTMaiL"`},
		{"!url folders", `name="rru" value="/cgi-bin/folders"`},
		{"!url COMPOSE", `name="rru" value="/cgi-bin/compose"`},
		{"!url COMPOSE carol@example.org", `name="rru" value="/cgi-bin/compose?mailto=1&amp;to=carol%40example%2eorg"`},
		{"!url PROFILE 0x1409", `name="ru" value="http://members.msn.com/Edit.asp?lc=5129"`},
		{"!url CHGMOB", `name="ru" value="http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&amp;mobID=1"`},
		{"!url PERSON", `name="ru" value="https://register.passport.com/memberservices.srf?lc=1033"`},
		{"!url CHAT", `name="ru" value="http://chat.msn.com/Messenger.msnw?lc=1033"`},
	} {
		address := link.FindString(c.asks(c.management, test.command, "/_msn/login/"))
		if page := c.browse(http.MethodGet, address); strings.Contains(page, "creds") {
			t.Errorf("%s: the page holds the form before its button is pressed:\n%s", test.command, page)
		}
		page := c.browse(http.MethodPost, address)
		if !strings.Contains(page, test.field) || !strings.Contains(page, `name="creds"`) || !strings.Contains(page, `action="https://loginnet.passport.com/`) {
			t.Errorf("%s leads to\n%s", test.command, page)
		}
		if page := c.browse(http.MethodPost, address); !strings.Contains(page, "does not work any more") {
			t.Errorf("%s: the second time the link leads to\n%s", test.command, page)
		}
	}
	c.asks(c.management, "!url nowhere", "is no page of the service")
}

// browse returns the page at an address.
func (c *cast) browse(method, address string) string {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(page)
}

func TestSearchIsExplainedAndTheSessionGoesOn(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.startChat()
	c.asks(room, "!find Bob Builder", "switched off for all versions of Messenger in 2003")
	c.asks(room, "!client-version announce", "announced itself to Home MSN again, as MSNMSGR", "recommends version")
	c.sends(room, "still there")
}
