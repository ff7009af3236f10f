package msntest_test

import (
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// PAG and PGD (protocol/07-misc-founding-spec.md, section 6).

// pageBody is the founding example of section 6.1.
const pageBody = `<TEXT xml:space="preserve">Fish &amp; chips &#225; la carte</TEXT>`

func pag(to, body string) string { return fmt.Sprintf("PAG 7 %s %d\r\n%s", to, len(body), body) }

func pgd(to, device, body string) string {
	return fmt.Sprintf("PGD 7 %s %s %d\r\n%s", to, device, len(body), body)
}

// pager starts a server where bob, who is played, has a mobile device.
func pager(t *testing.T, opts ...msntest.Option) (*msntest.Server, chan msntest.SentPage) {
	t.Helper()
	srv := friends(t, opts...)
	srv.AddAccount(bob, "secret", msntest.Mobile())
	heard := make(chan msntest.SentPage, 10)
	srv.Play(bob, msntest.Script{Paged: func(page msntest.SentPage) { heard <- page }})
	return srv, heard
}

func TestPagesAreTakenInSilence(t *testing.T) {
	t.Parallel()
	text := notify.Page{Text: "Fish & chips \u00e1 la carte"}
	back := notify.Page{Text: "x", Callback: notify.Callback{Location: notify.Home, Number: "15551114444"}}
	for _, test := range []struct {
		name string
		d    wire.Dialect
		send string
		want msntest.SentPage
	}{
		{"PAG", 5, pag(bob, pageBody), msntest.SentPage{To: bob, Page: text}},
		{"PAG of the last dialect", 8, pag("Bob@Example.com", pageBody), msntest.SentPage{To: bob, Page: text}},
		{"callback number", 7, pag(bob, `<PHONE pri="1"><LOC>HOME</LOC><NUM>15551114444</NUM></PHONE><TEXT xml:space="preserve">x</TEXT>`), msntest.SentPage{To: bob, Page: back}},
		{"PGD", 9, pgd(bob, "1", `<TEXT xml:space="preserve" enc="utf-8">Fish &amp; chips `+"\u00e1"+` la carte</TEXT>`), msntest.SentPage{To: bob, Device: "1", Page: text}},
		{"PGD to a watch", 12, pgd(bob, "2", pageBody), msntest.SentPage{To: bob, Device: "2", Page: text}},
		{"113 characters", 7, pag(bob, "<TEXT>"+strings.Repeat("&amp;", 113)+"</TEXT>"), msntest.SentPage{To: bob, Page: notify.Page{Text: strings.Repeat("&", 113)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv, heard := pager(t)
			c := online(t, srv, test.d, alice)
			c.send(test.send)
			c.barrier()
			test.want.From, test.want.TrID = alice, "7"
			if got, err := srv.AwaitPage(testContext(t), 1); err != nil || got != test.want {
				t.Errorf("page %+v, %v", got, err)
			}
			if got := next(t, heard); got != test.want {
				t.Errorf("bob was paged %+v", got)
			}
			if got := srv.Pages(); len(got) != 1 {
				t.Errorf("pages %+v", got)
			}
		})
	}
}

func TestPagesToANumber(t *testing.T) {
	t.Parallel()
	srv, _ := pager(t)
	c := online(t, srv, 9, alice)
	c.send(pgd("tel:+15551112222", "1", pageBody))
	c.barrier()
	if got, err := srv.AwaitPage(testContext(t), 1); err != nil || got.To != "tel:+15551112222" {
		t.Errorf("page %+v, %v", got, err)
	}
	srv.RefusePages("tel:+15551112222", "800")
	c.send(pgd("tel:+15551112222", "1", pageBody))
	c.want("800 7")
}

func TestPagesAreRefused(t *testing.T) {
	t.Parallel()
	long := "<TEXT>" + strings.Repeat("&amp;", 114) + "</TEXT>"
	for _, test := range []struct {
		name       string
		d          wire.Dialect
		send, want string
	}{
		{"PAG is gone", 9, pag(bob, pageBody), "715 7"},
		{"114 characters", 7, pag(bob, long), "220 7"},
		{"no markup", 7, pag(bob, "hi"), "220 7"},
		{"unescaped", 7, pag(bob, "<TEXT>a & b</TEXT>"), "220 7"},
		{"callback with punctuation", 7, pag(bob, "<PHONE><LOC>HOME</LOC><NUM>+1</NUM></PHONE><TEXT>x</TEXT>"), "220 7"},
		{"empty", 7, pag(bob, ""), "220 7"},
		{"no mobile device", 7, pag(carol, pageBody), "220 7"},
		{"unknown account", 7, pag("nobody@example.com", pageBody), "220 7"},
		{"number by PAG", 7, pag("tel:+15551112222", pageBody), "220 7"},
		{"parameter too many", 7, strings.Replace(pag(bob, pageBody), "PAG 7", "PAG 7 x", 1), "220 7"},
		{"device unknown", 9, pgd(bob, "3", pageBody), "220 7"},
		{"device missing", 9, strings.Replace(pgd(bob, "1", pageBody), bob+" 1", bob, 1), "220 7"},
		{"no number", 9, pgd("tel:+1-555", "1", pageBody), "220 7"},
		{"blocked", 7, pag("dave@example.com", pageBody), "220 7"},
		{"as the test says", 7, pag("erin@example.com", pageBody), "800 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv, _ := pager(t)
			srv.AddAccount("dave@example.com", "x", msntest.Mobile()).Block(alice, true)
			srv.AddAccount("erin@example.com", "x", msntest.Mobile())
			srv.RefusePages("Erin@example.com", "800")
			c := online(t, srv, test.d, alice)
			c.send(test.send)
			c.want(test.want)
			c.barrier()
			if got := srv.Pages(); len(got) != 0 {
				t.Errorf("taken: %+v", got)
			}
			srv.RefusePages("erin@example.com", "")
			if test.want == "800 7" {
				c.send(test.send)
				c.barrier()
			}
		})
	}
	ask(t, []asked{
		{"PAG before its time", 4, pag(bob, pageBody), "", true},
		{"PGD before its time", 8, pgd(bob, "1", pageBody), "", true},
	})
}

// Section 6.3: a server that does not know that PAG has a payload.
func TestServersWithoutPagingLoseTheNextCommand(t *testing.T) {
	t.Parallel()
	for _, compat := range []msntest.Option{msntest.WithoutPaging(), msntest.WithCompat(msntest.Escargot)} {
		srv, _ := pager(t, compat)
		c := online(t, srv, 7, alice)
		c.send(pag(bob, pageBody), "PNG", "CHG 8 BSY")
		c.want("CHG 8 BSY")
		// A payload within the lost command is taken for commands in its turn.
		c.send(pag(bob, pageBody), "SDC 9 a@b.example 0x409 MSMSGS MSMSGS X X me 15\r\nCHG 10 AWY\r\nxyz", "CHG 11 NLN", "CHG 12 BSY")
		c.want("CHG 10 AWY", "CHG 12 BSY")
		c.send(pag(bob, "PNG\r\nCHG 13 AWY\r\n"))
		c.want("QNG", "CHG 13 AWY")
		c.barrier()
		if got := srv.Pages(); len(got) != 0 {
			t.Errorf("taken: %+v", got)
		}
	}
}
