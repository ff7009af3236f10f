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

// The commands of the founding specification (protocol/07) against a server that
// holds every parameter against it, in every dialect.

// founding is alice signed in at a server where bob has a mobile device.
func founding(t *testing.T, d wire.Dialect, opts ...msntest.Option) (*msntest.Server, *user, context.Context) {
	t.Helper()
	srv := newService(t, opts...)
	srv.AddAccount(alice, password, msntest.Unread(3, 1), msntest.MSPAuth("2AAAA$$"))
	srv.AddAccount(bob, password, msntest.Mobile())
	cfg := configFor(srv, alice, d)
	cfg.Timeouts.Page = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return srv, signIn(t, cfg), ctx
}

func TestServiceAnswersVersionLinksInvitationsAndSearch(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv, a, ctx := founding(t, d, msntest.WithVersion("99.0.0001", "1.0.0001"),
			msntest.WithDirectory(msntest.Person{FirstName: "Bob", LastName: "Builder", City: "New York", State: "NY", Country: "US"}))
		if v, err := a.AnnounceVersion(ctx); err != nil || v.Recommended != "99.0.0001" || v.Minimum != "1.0.0001" || v.Unrecognised() || v.DownloadURL == "" {
			t.Errorf("version %+v, %v", v, err)
		}
		for _, name := range []msn.URLName{msn.URLInbox, msn.URLFolders, msn.URLCompose, msn.URLProfile, msn.URLMobileSet, msn.URLPerson, msn.URLChat} {
			u, err := a.ServiceURL(ctx, name, "")
			if err != nil || u.Dummy() || (u.SiteID == "") != (d == 2) {
				t.Errorf("%s: %+v, %v", name, u, err)
			}
		}
		if u, err := a.ServiceURL(ctx, msn.URLCompose, "x@example.net"); err != nil || !strings.HasSuffix(u.Redirect, "to=x%40example%2enet") {
			t.Errorf("COMPOSE x@example.net: %+v, %v", u, err)
		}
		if err := a.Invite(ctx, "x@example.net", ""); err != nil {
			t.Errorf("invitation: %v", err)
		}
		err := a.Invite(ctx, "y@example.net", "Come & see\u2026")
		if d < 5 {
			if !errors.Is(err, msn.ErrDialect) {
				t.Errorf("invitation with a text: %v", err)
			}
		} else if inv, awaitErr := srv.AwaitInvitation(ctx, 2); err != nil || awaitErr != nil || inv.Text != "Come & see\u2026" || inv.To != "y@example.net" || inv.Verb != "SDC" {
			t.Errorf("invitation with a text: %+v, %v, %v", inv, err, awaitErr)
		}
		if inv, err := srv.AwaitInvitation(ctx, 1); err != nil || inv.To != "x@example.net" || inv.From != alice {
			t.Errorf("invitation %+v, %v", inv, err)
		}
		people, err := a.Search(ctx, msn.Query{FirstName: "bob", LastName: "builder", City: "New York"})
		if err != nil || len(people) != 1 || people[0].City != "New York" || people[0].Country != "US" {
			t.Errorf("people %+v, %v", people, err)
		}
		if people, err := a.Search(ctx, msn.Query{FirstName: "Eve", LastName: "Builder"}); err != nil || len(people) != 0 {
			t.Errorf("nobody: %+v, %v", people, err)
		}
	})
}

func TestServiceTellsAlertsAndMail(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv, a, _ := founding(t, d)
		if mail := wait(a, "the mail at sign-in", anyOf[msn.MailCounted]); mail.Inbox != 3 || mail.Folders != 1 || !mail.Initial {
			t.Errorf("unread %+v", mail)
		}
		try := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		try(srv.Mail(alice, "D\u00e9d\u00e9", "dede@example.net", "R\u00e9: lunch"))
		if mail := wait(a, "a mail", anyOf[msn.MailReceived]); mail.From != "D\u00e9d\u00e9" || mail.FromAddress != "dede@example.net" || mail.Subject != "R\u00e9: lunch" || mail.Folder != "ACTIVE" {
			t.Errorf("mail %+v", mail)
		}
		try(srv.AnnounceShutdown(alice, 5))
		if down := wait(a, "the shutdown", anyOf[msn.ShutdownAnnounced]); down.In != 5*time.Minute {
			t.Errorf("shutdown in %v", down.In)
		}
		if d < 5 {
			return
		}
		try(srv.Alert(alice, notify.Notification{SiteID: "1", SiteURL: "http://a.example", Messages: []notify.Message{{ActionURL: "b?c=1&d=2", Text: "news"}}}))
		alert := wait(a, "an alert", anyOf[msn.AlertReceived]).Notification
		if len(alert.Messages) != 1 || alert.Messages[0].Text != "news" || alert.Messages[0].ActionURL != "http://a.example/b?c=1&d=2" || alert.ID != "1" {
			t.Errorf("alert %+v", alert)
		}
	})
}

func TestServicePages(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv, a, ctx := founding(t, d)
		page := notify.Page{Text: "Fish & chips \u00e1 la \U0001F600 carte\n<x>", Callback: notify.Callback{Location: notify.Work, Number: "15551114444"}}
		var named msn.SentPage
		err := a.Page(ctx, bob, page, func(p msn.SentPage) { named = p })
		if d < 5 {
			if !errors.Is(err, msn.ErrNoPaging) {
				t.Errorf("page: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		sent, err := srv.AwaitPage(ctx, 1)
		if err != nil || sent.Page != page || sent.To != bob || sent.From != alice || (sent.Device == "") != (d < 9) {
			t.Errorf("page %+v, %v", sent, err)
		}
		for number, want := range map[string]error{"220": msn.ErrPageRefused, "800": msn.ErrPageFailed, "606": msn.ErrPagingUnavailable} {
			srv.RefusePages(bob, number)
			if err := a.Page(ctx, bob, page, nil); !errors.Is(err, want) {
				t.Errorf("%s: %v", number, err)
			}
		}
		if d < 6 {
			return
		}
		if err := srv.PageFrom(alice, bob, "on my way"); err != nil {
			t.Fatal(err)
		}
		if in := wait(a, "a page", anyOf[msn.PageReceived]); in.From != bob || in.Contact != bob || in.Text != "on my way" || in.LCID != 1033 {
			t.Errorf("page %+v", in)
		}
		if err := srv.Bounce(sent, notify.BounceTooLong); err != nil {
			t.Fatal(err)
		}
		if b := wait(a, "a bounce", anyOf[msn.PageBounced]); b.Code != notify.BounceTooLong || b.Page.TrID != named.TrID || b.Page.To != bob {
			t.Errorf("bounce %+v of %+v", b, named)
		}
	})
}
