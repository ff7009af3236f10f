package msntest_test

import (
	"errors"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// NOT, IPG and the messages of the server itself.

func TestAlertsAreCounted(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	c := online(t, srv, 5, alice)
	n := notify.Notification{Version: "1", SiteID: "111100200", SiteURL: "http://calendar.msn.com", Messages: []notify.Message{
		{ActionURL: "/calendar/isapi.dll?a=1&b=2", LCID: 2052, Text: "lunch & more"}, {ID: "x", Text: "late"},
	}}
	for _, want := range []string{"1", "2", "77", "3"} {
		if n.ID = ""; want == "77" {
			n.ID = want
		}
		must(t, srv.Alert(alice, n))
		cmd := c.read()
		got, err := notify.Parse(cmd.Payload)
		must(t, err)
		if cmd.Verb != "NOT" || len(cmd.Args) != 0 || got.ID != want || got.To.Name != alice || got.Version != "1" || len(got.Messages) != 2 ||
			got.Messages[0].ID != want || got.Messages[0].Text != "lunch & more" || got.Messages[1].ID != "x" ||
			got.Messages[0].ActionURL != "http://calendar.msn.com/calendar/isapi.dll?a=1&b=2" {
			t.Errorf("%s: alert %+v in %q", want, got, line(cmd))
		}
	}
	if n.Messages[0].ID != "" {
		t.Error("the caller's messages were changed")
	}
	must(t, srv.Alert(alice, notify.Notification{Raw: "<anything"}))
	if got := c.read(); got.Payload != "<anything" {
		t.Errorf("raw %q", got.Payload)
	}
	again := online(t, srv, 12, alice) // counts anew
	n.ID = ""
	must(t, srv.Alert(alice, n))
	if got, err := notify.Parse(again.read().Payload); err != nil || got.ID != "1" {
		t.Errorf("after another sign-in %+v, %v", got, err)
	}
}

func TestPagesComeIn(t *testing.T) {
	t.Parallel()
	srv, _ := pager(t)
	c := online(t, srv, 6, alice)
	must(t, srv.PageFrom(alice, "tel:+15551112222", "on my way \u263a"))
	cmd := c.read()
	n, err := notify.Parse(cmd.Payload)
	must(t, err)
	if page, ok := n.Page(); !ok || page != (notify.IncomingPage{From: "tel:+15551112222", Text: "on my way \u263a", LCID: 1033}) || cmd.Verb != "IPG" {
		t.Errorf("%s: %+v, %v", line(cmd), page, ok)
	}
	c.send(pag(bob, pageBody))
	sent, err := srv.AwaitPage(testContext(t), 1)
	must(t, err)
	must(t, srv.Bounce(sent, notify.BounceTooLong))
	n, err = notify.Parse(c.read().Payload)
	must(t, err)
	if b, ok := n.Bounce(); !ok || b != (notify.Bounce{TrID: 7, Code: "407", To: bob}) {
		t.Errorf("bounce %+v, %v", b, ok)
	}
}

func TestWhatTheDialectDoesNotHaveIsNotSent(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	c := online(t, srv, 4, alice)
	for name, err := range map[string]error{
		"alert": srv.Alert(alice, notify.Notification{}), "page": srv.PageFrom(alice, bob, "x"), "bounce": srv.Bounce(msntest.SentPage{From: alice, TrID: "1"}, "407"),
	} {
		if !errors.Is(err, msntest.ErrNotInDialect) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.barrier()
	for name, err := range map[string]error{
		"alert": srv.Alert(bob, notify.Notification{}), "mail": srv.Mail(bob, "", "", ""), "shutdown": srv.AnnounceShutdown(bob, 1), "move": srv.MoveMail(bob, "", "", 1),
	} {
		if !errors.Is(err, msntest.ErrNotOnline) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// hotmail reads a message of the server itself: its type and the fields of its
// body.
func (c *rawClient) hotmail() (string, wire.Header) {
	c.t.Helper()
	cmd := c.read()
	if cmd.Verb != "MSG" || cmd.Arg(0) != "Hotmail" {
		c.t.Fatalf("got %q, want MSG Hotmail", line(cmd))
	}
	m := wire.ParseMessage(cmd.Payload)
	return m.MediaType(), wire.Header(m.Body)
}

func TestUnreadMailIsToldAtSignIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d     wire.Dialect
		kind  string
		field string
		want  string
	}{
		{2, "application/x-msmsgsemailnotification", "Inbox-Unread", "3"},
		{3, "text/x-msmsgsinitialemailnotification", "Inbox-Unread", "3"},
		{10, "text/x-msmsgsinitialemailnotification", "Folders-Unread", "4"},
		{11, "text/x-msmsgsinitialmdatanotification", "Mail-Data", "<MD><E><I>3</I><IU>3</IU><O>4</O><OU>4</OU></E><Q><QTM>409600</QTM><QNM>204800</QNM></Q></MD>"},
	} {
		t.Run(test.d.String(), func(t *testing.T) {
			t.Parallel()
			srv := msntest.NewServer(t, msntest.WithChallenges(-1))
			srv.AddAccount(alice, "secret", msntest.Unread(3, 4))
			c := login(t, srv, test.d, alice, "secret")
			c.send(map[bool]string{false: "CHG 6 NLN", true: "CHG 6 NLN 0"}[test.d >= 8])
			c.want("CHG 6 ...")
			kind, body := c.hotmail()
			if kind != test.kind || body.Get(test.field) != test.want || body.Get("Inbox-URL") != "/cgi-bin/HoTMaiL" || !strings.HasPrefix(body.Get("Post-URL"), "https://") {
				t.Errorf("%s %q", kind, body)
			}
			c.send("CHG 7 BSY 0")
			c.want("CHG 7 ...")
			c.barrier() // once
		})
	}
}

func TestMailNotices(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	for _, test := range []struct {
		d    wire.Dialect
		kind string
	}{{2, "application/x-msmsgsemailnotification"}, {7, "text/x-msmsgsemailnotification"}, {12, "text/x-msmsgsemailnotification"}} {
		c := online(t, srv, test.d, alice)
		must(t, srv.Mail(alice, "D\u00e9d\u00e9\r\nid: 3", "dede@example.net", "plain"))
		kind, body := c.hotmail()
		if kind != test.kind || body.Get("From-Addr") != "dede@example.net" || body.Get("Subject") != "plain" || body.Get("Dest-Folder") != "ACTIVE" ||
			body.Get("id") != "2" || !strings.HasPrefix(body.Get("From"), "=?utf-8?q?D=C3=A9d") || !strings.HasPrefix(body.Get("Message-URL"), "/cgi-bin/getmsg?") {
			t.Errorf("%s %q", kind, body)
		}
	}
	// Three are unread; one is read, one thrown away.
	c := online(t, srv, 9, bob)
	for range 3 {
		must(t, srv.Mail(bob, "x", "x@example.net", "x"))
		c.hotmail()
	}
	must(t, srv.MoveMail(bob, "ACTIVE", "ACTIVE", 1))
	kind, body := c.hotmail()
	if kind != "text/x-msmsgsactivemailnotification" || body.Get("Src-Folder") != "ACTIVE" || body.Get("Dest-Folder") != "ACTIVE" || body.Get("Message-Delta") != "1" {
		t.Errorf("%s %q", kind, body)
	}
	must(t, srv.MoveMail(bob, "ACTIVE", "trAsH", 1))
	c.hotmail()
	c = login(t, srv, 9, bob, "secret")
	c.send("CHG 6 NLN 0")
	c.want("CHG 6 ...", "ILN ...")
	if _, body := c.hotmail(); body.Get("Inbox-Unread") != "1" || body.Get("Folders-Unread") != "1" {
		t.Errorf("unread %q", body)
	}
}

func TestShutdownIsAnnounced(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	c := online(t, srv, 2, alice)
	must(t, srv.AnnounceShutdown(alice, 5))
	kind, body := c.hotmail()
	if kind != "application/x-msmsgssystemmessage" || body.Get("Type") != "1" || body.Get("Arg1") != "5" {
		t.Errorf("%s %q", kind, body)
	}
}
