package msn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// shortSilence is how long a test waits where nothing is to come. Where something
// is, the default waits count, so that a slow machine changes nothing.
const shortSilence = 200 * time.Millisecond

const erin = "erin@example.com"

// impatient is a Config that takes silence soon for what it is.
func impatient(cfg msn.Config) msn.Config {
	cfg.Timeouts.Page, cfg.Timeouts.Silence = shortSilence, shortSilence
	return cfg
}

// pagingService is a service where bob has a mobile device, and the impatient
// Client of alice on it. erin knows bob too.
func pagingService(t *testing.T, d wire.Dialect, opts ...msntest.Option) (*msntest.Server, *user) {
	t.Helper()
	srv := newService(t, opts...)
	srv.AddAccount(alice, password, msntest.Property("PHH", "1 (555) 111-4444"))
	srv.AddAccount(bob, password, msntest.Mobile(), msntest.Property("PHM", "+1 (555) 111-2222"))
	srv.AddAccount("carol@example.com", password)
	srv.AddAccount(erin, password)
	srv.Befriend(alice, "carol@example.com")
	srv.Befriend(erin, bob)
	return srv, signIn(t, impatient(configFor(srv, alice, d)))
}

// checkUsable makes a request to show that the connection goes on.
func (u *user) checkUsable() {
	u.t.Helper()
	if err := u.SetStatus(u.t.Context(), msn.Away); err != nil {
		u.t.Errorf("the connection is of no use any more: %v", err)
	}
}

func TestServiceVersion(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t, msntest.WithVersion("14.0.8117", "8.1.0178"))
		a := signIn(t, configFor(srv, alice, d))
		v, err := a.AnnounceVersion(t.Context())
		own := a.Identity().Version
		if err != nil || v.Recommended != "14.0.8117" || !v.Newer(own) || !v.Outdated(own) || v.Unrecognised() || v.DownloadURL == "" {
			t.Errorf("version %+v, %v", v, err)
		}
		if kept, ok := a.Version(); !ok || kept != v {
			t.Errorf("kept %+v, %v", kept, ok)
		}
		cfg := configFor(srv, bob, d)
		cfg.Identity = msn.HonestIdentity()
		b := signIn(t, cfg)
		if v, err := b.AnnounceVersion(t.Context()); err != nil || !v.Unrecognised() || v.Newer(b.Identity().Version) {
			t.Errorf("the honest one hears %+v, %v", v, err)
		}
		b.checkUsable()
	})
}

func TestServiceURLs(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		cfg := configFor(srv, alice, d)
		cfg.Trust.Hosts = []string{"loginnet.passport.com"}
		a := signIn(t, cfg)
		for _, test := range []struct {
			name     msn.URLName
			argument string
			want     string
			site     string
		}{
			{msn.URLInbox, "", "/cgi-bin/HoTMaiL", "2"},
			{msn.URLFolders, "", "/cgi-bin/folders", "2"},
			{msn.URLCompose, "", "/cgi-bin/compose", "2"},
			{msn.URLCompose, "bob@hotmail.com", "/cgi-bin/compose?mailto=1&to=bob%40hotmail%2ecom", "2"},
			{msn.URLProfile, "0x1409", "http://members.msn.com/Edit.asp?lc=5129", "4263"},
			{msn.URLProfile, "", "http://members.msn.com/Edit.asp?lc=1033", "4263"},
			{msn.URLMobileSet, "", "http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1", "961"},
			{msn.URLPerson, "0x0409", "https://register.passport.com/memberservices.srf?lc=1033", "956"},
			{msn.URLChat, "0x0409", "http://chat.msn.com/Messenger.msnw?lc=1033", "2260"},
		} {
			if d < 3 {
				test.site = ""
			}
			u, err := a.ServiceURL(t.Context(), test.name, test.argument)
			if err != nil || u.Redirect != test.want || u.SiteID != test.site || u.Absolute() != strings.HasPrefix(test.want, "http") || u.Dummy() {
				t.Errorf("%s: %+v, %v", test.name, u, err)
			}
			form, err := a.LoginForm(u)
			if d < 3 {
				if !errors.Is(err, msn.ErrNoForm) {
					t.Errorf("MSNP2 has no MSPAuth: %v", err)
				}
			} else if err != nil || form.Action != u.Post || len(form.Fields) != 12 {
				t.Errorf("%s: %v, %v", test.name, form, err)
			}
		}
		if _, err := a.ServiceURL(t.Context(), "inbox", ""); !errors.Is(err, msn.ErrNoSuchURL) {
			t.Errorf("lower case: %v", err)
		}
		for _, rec := range srv.Sent(alice) {
			if rec.Command.Verb == "URL" && rec.Command.Arg(1) == "inbox" {
				t.Error("lower case was sent")
			}
		}
		a.checkUsable()
	})
}

func TestServiceURLsThatStandForNothing(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		a := signIn(t, configFor(newService(t, msntest.WithCompat(msntest.Escargot)), alice, d))
		u, err := a.ServiceURL(t.Context(), msn.URLInbox, "")
		if err != nil || !u.Dummy() {
			t.Errorf("%+v, %v", u, err)
		}
		if _, err := a.LoginForm(u); !errors.Is(err, msn.ErrUntrusted) {
			t.Errorf("a form for it: %v", err)
		}
	})
}

func TestServiceInvitations(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		a := signIn(t, configFor(srv, alice, d))
		if err := a.Invite(t.Context(), "new@example.net", ""); err != nil {
			t.Fatal(err)
		}
		locale := "0x409"
		if d < 3 {
			locale = ""
		}
		want := []msntest.Invitation{{From: alice, To: "new@example.net", Locale: locale, Verb: "SND"}}
		err := a.Invite(t.Context(), "other@example.net", "Komm!\n100% ♥")
		if d < 5 {
			if !errors.Is(err, msn.ErrDialect) {
				t.Errorf("with a text: %v", err)
			}
		} else {
			if err != nil {
				t.Errorf("with a text: %v", err)
			}
			want = append(want, msntest.Invitation{From: alice, FromName: "Alice ♥ 100%", To: "other@example.net", Locale: "0x0409", Text: "Komm!\r\n100% ♥", Verb: "SDC"})
		}
		if err := a.Invite(t.Context(), "no address", "x"); !errors.Is(err, msn.ErrArgument) {
			t.Errorf("to no address: %v", err)
		}
		got := srv.Invitations()
		if len(got) != len(want) {
			t.Fatalf("invitations %+v", got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("invitation %+v, want %+v", got[i], want[i])
			}
		}
		a.checkUsable()
	})
}

func TestServiceSearch(t *testing.T) {
	q := msn.Query{FirstName: "Anna Lena", LastName: "Müller", Country: "DE"}
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		a := signIn(t, configFor(newService(t), alice, d))
		if people, err := a.Search(t.Context(), q); !errors.Is(err, msn.ErrSearchDisabled) || people != nil {
			t.Errorf("%v, %v", people, err)
		}
		a.checkUsable()
		_, b := pagingService(t, d, msntest.WithCompat(msntest.Escargot))
		if people, err := b.Search(t.Context(), q); !errors.Is(err, msn.ErrSearchDisabled) || people != nil {
			t.Errorf("where nothing answers: %v, %v", people, err)
		}
		b.checkUsable()
		srv := newService(t, msntest.WithDirectory(
			msntest.Person{FirstName: "Anna Lena", LastName: "Müller", City: "Köln", Country: "DE"},
			msntest.Person{FirstName: "Anna Lena", LastName: "Müller", City: "Bad Ems", Country: "DE"},
			msntest.Person{FirstName: "Other", LastName: "Müller", Country: "DE"}))
		c := signIn(t, configFor(srv, alice, d))
		people, err := c.Search(t.Context(), q)
		if err != nil || len(people) != 2 || people[0].City != "Köln" || people[1] != (msn.Person{FirstName: "Anna Lena", LastName: "Müller", City: "Bad Ems", Country: "DE"}) {
			t.Errorf("before 2003: %+v, %v", people, err)
		}
		if people, err := c.Search(t.Context(), msn.Query{FirstName: "No", LastName: "Body"}); err != nil || people != nil {
			t.Errorf("nobody: %+v, %v", people, err)
		}
	})
}

func TestServicePages(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv, a := pagingService(t, d)
		page := notify.Page{Text: "Fish & chips á \U0001F41F", Callback: notify.Callback{Location: notify.Home, Number: a.OwnNumber(notify.Home)}}
		var sent msn.SentPage
		send := func(to string, p notify.Page) error {
			return a.Page(t.Context(), to, p, func(s msn.SentPage) { sent = s })
		}
		if d < 5 {
			if err := send(bob, notify.Page{Text: "x"}); !errors.Is(err, msn.ErrNoPaging) {
				t.Errorf("error %v", err)
			}
			return
		}
		// Silence is success.
		if err := send(bob, page); err != nil {
			t.Fatal(err)
		}
		took, err := srv.AwaitPage(t.Context(), 1)
		device := "1"
		if d < 9 {
			device = ""
		}
		if want := (msntest.SentPage{From: alice, To: bob, Device: device, TrID: took.TrID, Page: page}); err != nil || took != want {
			t.Errorf("the server took %+v, %v", took, err)
		}
		if page.Callback.Number != "15551114444" {
			t.Errorf("own number %q", page.Callback.Number)
		}
		// A report that comes later.
		if d >= 6 {
			if err := srv.Bounce(took, notify.BounceTooLong); err != nil {
				t.Fatal(err)
			}
			if e := wait(a, "the bounce", anyOf[msn.PageBounced]); e.Page != sent || e.Code != notify.BounceTooLong {
				t.Errorf("event %+v, want that of %+v", e, sent)
			}
		}
		e := signIn(t, configFor(srv, erin, d))
		for number, want := range map[string]error{
			"220": msn.ErrPageRefused, "800": msn.ErrPageFailed, "715": msn.ErrPagingUnavailable, "606": msn.ErrPagingUnavailable,
		} {
			srv.RefusePages(bob, number)
			if err := e.Page(t.Context(), bob, notify.Page{Text: "x"}, nil); !errors.Is(err, want) {
				t.Errorf("%s: %v", number, err)
			}
		}
		srv.RefusePages(bob, "")
		if err := send("carol@example.com", notify.Page{Text: "x"}); !errors.Is(err, msn.ErrNoMobile) {
			t.Errorf("to somebody without a mobile device: %v", err)
		}
		var tooLong *notify.TooLongError
		if err := send(bob, notify.Page{Text: strings.Repeat("\U0001F41F", 114)}); !errors.As(err, &tooLong) || tooLong.Count != 114 {
			t.Errorf("114 characters: %v", err)
		}
		if err := send(bob, notify.Page{Text: strings.Repeat("\U0001F41F", 113)}); err != nil {
			t.Errorf("113 characters: %v", err)
		}
		err = send("tel:+1 (555) 111-2222", notify.Page{Text: "x"})
		switch {
		case d < 9 && !errors.Is(err, msn.ErrDialect):
			t.Errorf("to a number: %v", err)
		case d >= 9:
			if last, waitErr := srv.AwaitPage(t.Context(), 3); err != nil || waitErr != nil || last.To != "tel:+15551112222" {
				t.Errorf("to a number: %v; the server took %+v, %v", err, last, waitErr)
			}
		}
		a.checkUsable()
	})
}

func TestServiceWithoutPaging(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		for _, paging := range []msn.Paging{msn.PageMobile, msn.PageNobody} {
			srv := newService(t, msntest.WithoutPaging())
			cfg := configFor(srv, alice, d)
			cfg.Paging = paging
			a := signIn(t, cfg)
			want := msn.ErrNoPaging
			if d >= 5 && paging == msn.PageMobile {
				want = msn.ErrNoMobile
			}
			if err := a.Page(t.Context(), bob, notify.Page{Text: "x"}, nil); !errors.Is(err, want) {
				t.Errorf("error %v", err)
			}
			a.checkUsable()
		}
	})
}

func TestServicePagesComeIn(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		if d < 6 {
			srv, _ := pagingService(t, d)
			if err := srv.PageFrom(alice, bob, "x"); !errors.Is(err, msntest.ErrNotInDialect) {
				t.Errorf("error %v", err)
			}
			return
		}
		srv, a := pagingService(t, d)
		for _, test := range []struct{ from, contact string }{
			{bob, bob}, {"dave@example.com", ""}, {"tel:+15551112222", bob}, {"tel:+15559999999", ""},
		} {
			if err := srv.PageFrom(alice, test.from, "Fish & <chips> ♥"); err != nil {
				t.Fatal(err)
			}
			e := wait(a, "a page", anyOf[msn.PageReceived])
			if e.From != test.from || e.Contact != test.contact || e.Text != "Fish & <chips> ♥" || e.LCID != 1033 {
				t.Errorf("page %+v", e)
			}
		}
		a.checkUsable()
	})
}

func TestServiceAlerts(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv, a := pagingService(t, d)
		alert := notify.Notification{SiteID: "111100200", SiteURL: "http://calendar.msn.com", Messages: []notify.Message{{
			Priority: "1", ActionURL: "/a?x=1&y=2", SubscribeURL: "/s", IconURL: "/En/img/calendar.png", CategoryID: "111100201", LCID: 2052, Text: "2002年11月14日 & <so on>",
		}}}
		if err := srv.Alert(alice, alert); err != nil {
			if d >= 5 {
				t.Fatal(err)
			}
			return
		}
		e := wait(a, "the alert", anyOf[msn.AlertReceived])
		m := e.Notification.Messages[0]
		if e.Notification.ID != "1" || m.ActionURL != "http://calendar.msn.com/a?x=1&y=2" || m.SubscribeURL != "http://calendar.msn.com/s" ||
			m.IconURL != "http://calendar.msn.com/En/img/calendar.png" || m.LCID != 2052 || m.Priority != "1" || m.Text != "2002年11月14日 & <so on>" {
			t.Errorf("alert %+v", m)
		}
		// The same again is nothing new, another one is, whatever it is.
		alert.ID = "1"
		if err := srv.Alert(alice, alert); err != nil {
			t.Fatal(err)
		}
		if err := srv.Alert(alice, notify.Notification{Raw: "no document"}); err != nil {
			t.Fatal(err)
		}
		if e := wait(a, "the alert that cannot be read", anyOf[msn.AlertReceived]); e.Notification.Raw != "no document" || len(e.Notification.Messages) != 0 {
			t.Errorf("alert %+v", e.Notification)
		}
		a.checkUsable()
	})
}

func TestServiceMail(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		srv.AddAccount(alice, password, msntest.Unread(3, 2))
		a := signIn(t, configFor(srv, alice, d))
		if e := wait(a, "the numbers", anyOf[msn.MailCounted]); e.Inbox != 3 || e.Folders != 2 || !e.Initial || e.Unknown || e.URL.Redirect != "/cgi-bin/HoTMaiL" || e.URL.Dummy() {
			t.Errorf("event %+v", e)
		}
		if err := srv.Mail(alice, "Bob ♥ Builder", bob, "Grüße & <so on>"); err != nil {
			t.Fatal(err)
		}
		e := wait(a, "the mail", anyOf[msn.MailReceived])
		if e.From != "Bob ♥ Builder" || e.FromAddress != bob || e.Subject != "Grüße & <so on>" || e.Folder != "ACTIVE" || e.URL.SiteID != "2" || !strings.HasPrefix(e.URL.Redirect, "/cgi-bin/getmsg?") {
			t.Errorf("event %+v", e)
		}
		if err := srv.MoveMail(alice, "ACTIVE", "trAsH", 2); err != nil {
			t.Fatal(err)
		}
		if e := wait(a, "the numbers", anyOf[msn.MailCounted]); e.Inbox != 2 || e.Initial || e.Unknown {
			t.Errorf("event %+v", e)
		}
		if err := srv.AnnounceShutdown(alice, 5); err != nil {
			t.Fatal(err)
		}
		if e := wait(a, "the announcement", anyOf[msn.ShutdownAnnounced]); e.In != 5*time.Minute {
			t.Errorf("event %+v", e)
		}
		a.checkUsable()
	})
}

func TestServicePageIsUncertainWhenTheServerDrops(t *testing.T) {
	srv := newService(t)
	srv.AddAccount(bob, password, msntest.Mobile())
	a := signIn(t, configFor(srv, alice, 9))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- a.Page(ctx, bob, notify.Page{Text: "x"}, nil) }()
	if _, err := srv.AwaitPage(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, msn.ErrUncertain) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
