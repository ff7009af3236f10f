package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestInvitationIsMailed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dialect       wire.Dialect
		command, text string
		verb, want    string
	}{
		{2, "!invite Eve@Example.org", "", "SND", "has been asked to mail an invitation to them. Whether it does"},
		{4, "!invite <eve@example.org>.", "", "SND", "has been asked to mail an invitation"},
		{12, "!invite eve@example.org", "", "SND", "has been asked to mail an invitation"},
		{12, "!INVITE eve@example.org Come  & see\n<me>", "Come  & see\r\n<me>", "SDC", "has been asked to mail an invitation to them, with your text"},
	} {
		t.Run(fmt.Sprint(test.dialect, " ", test.verb), func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t, msntest.WithDialects(test.dialect)))
			login := b.login()
			if got := b.ask(b.management(), test.command); !strings.Contains(got.body, test.want) || !strings.HasPrefix(got.body, "eve@example.org is no contact of yours") {
				t.Errorf("the answer is %q", got.body)
			}
			mail, err := b.srv.AwaitInvitation(b.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			if mail.To != "eve@example.org" || mail.From != alice || mail.Text != test.text || mail.Verb != test.verb {
				t.Errorf("the mail is %+v", mail)
			}
			rows, err := b.conn.db.Invitation.Since(b.ctx, fakeUser, time.Now().Add(-time.Hour))
			if err != nil || len(rows) != 1 || rows[0].Address != "eve@example.org" || rows[0].Outcome != database.InvitationOrdered || rows[0].LoginID != login.ID {
				t.Errorf("the table holds %+v, %v", rows, err)
			}
		})
	}
}

func TestNothingIsMailed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, command, want string
		dialect             wire.Dialect
	}{
		{"no address", "!invite", "Whom?", 12},
		{"bad address", "!invite eve", "An MSN account is an e-mail address such as bob@example.com. Nothing was sent.", 12},
		{"several strangers", "!invite eve@example.org, dan@example.org", "Several at once works with contacts only", 12},
		{"oneself", "!invite ALICE@example.com", "alice@example.com is your own account", 12},
		{"a contact", "!invite bob@example.com hello", "Bob Builder (bob@example.com) is a contact of yours already", 12},
		{"too long", "!invite eve@example.org " + strings.Repeat("ä", msn.MaxInvitationText/2+1), "longer than 1024 bytes", 12},
		{"no text in this dialect", "!invite eve@example.org hello", "carries no text with an invitation", 4},
		{"another login", "!invite --login home/eve@example.org eve@example.org", "You have no login home/eve@example.org", 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t, msntest.WithDialects(test.dialect)))
			b.login()
			if got := b.ask(b.management(), test.command); !strings.Contains(got.body, test.want) {
				t.Errorf("the answer is %q", got.body)
			}
			if n := len(b.srv.Invitations()); n > 0 {
				t.Errorf("%d invitations were mailed", n)
			}
		})
	}
}

func TestInvitationsAreLimited(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	room := b.management()
	const mailed = 5   // within 50 minutes
	for range mailed { // which count as none
		if got := b.ask(room, "invite eve@example.org "+strings.Repeat("x", msn.MaxInvitationText+1)); !strings.Contains(got.body, "nothing was sent") {
			t.Fatalf("a text that is too long is answered by %q", got.body)
		}
	}
	for i := range mailed {
		if got := b.ask(room, fmt.Sprintf("invite eve%d@example.org", i)); !strings.Contains(got.body, "has been asked") {
			t.Fatalf("number %d is answered by %q", i, got.body)
		}
	}
	b.restart() // which the limit outlasts
	b.waitState("CONNECTED")
	if got := b.ask(room, "invite late@example.org"); !strings.Contains(got.body, "The next one can go in 50 minutes") {
		t.Errorf("the answer is %q", got.body)
	}
	if n := len(b.srv.Invitations()); n != mailed {
		t.Errorf("%d invitations were mailed", n)
	}
	// Later there is room for another one.
	b.exec("UPDATE invitation SET ordered_at=ordered_at-51*60*1000")
	if got := b.ask(room, "invite late@example.org"); !strings.Contains(got.body, "has been asked") {
		t.Errorf("later: %q", got.body)
	}
}

func TestServerThatRefusesAnInvitation(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.srv.Hook(msntest.On("SND", msntest.Refuse("800")))
	if got := b.ask(b.management(), "invite eve@example.org"); !strings.Contains(got.body, "you do this too often") {
		t.Errorf("the answer is %q", got.body)
	}
	rows, err := b.conn.db.Invitation.Since(b.ctx, fakeUser, time.Now().Add(-time.Hour))
	if err != nil || len(rows) != 1 || rows[0].Outcome != "msn-too-fast" {
		t.Errorf("the table holds %+v, %v", rows, err)
	}
}

func TestInvitationThatNothingConfirmsIsUncertain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.srv.Hook(msntest.On("SND", msntest.Drop()))
	if got := b.ask(b.management(), "invite eve@example.org"); !strings.Contains(got.body, "it may or may not have been mailed") {
		t.Errorf("the answer is %q", got.body)
	}
	rows, err := b.conn.db.Invitation.Since(b.ctx, fakeUser, time.Now().Add(-time.Hour))
	if err != nil || len(rows) != 1 || rows[0].Outcome != "msn-uncertain" {
		t.Errorf("the table holds %+v, %v", rows, err)
	}
}
