package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// An account with so many contacts is signed in, and shows them: within one message, which says where it ends. How long that
// takes is in the log of the test.
func TestAccountWithManyContacts(t *testing.T) {
	t.Parallel()
	const many = 5000
	srv := newTestServer(t, msntest.WithRecordLimit(0))
	for n := range many {
		friend := fmt.Sprintf("friend%04d@example.com", n)
		srv.AddAccount(friend, pass, msntest.Name(fmt.Sprint("Friend ", n)))
		srv.Befriend(alice, friend)
	}
	b := newTestBridge(t, srv, withHome(func(s *config.ServiceConfig) { s.Dialects = []string{wire.Dialect(12).String()} }))
	began := time.Now()
	login := b.login()
	signedIn := time.Since(began)
	if n := len(login.Client.(*Client).session.Current().Contacts()); n < many {
		t.Errorf("%d contacts", n)
	}
	room := b.management()
	began = time.Now()
	answer := b.ask(room, "contacts")
	t.Logf("signed in after %v, contacts answered after %v with %d bytes", signedIn, time.Since(began), len(answer.body)+len(answer.html))
	if !strings.Contains(answer.body, "friend") || len(answer.body)+len(answer.html) > 60_000 {
		t.Errorf("answered %d bytes: %.200q", len(answer.body)+len(answer.html), answer.body)
	}
	b.stop()
	began = time.Now()
	b.start()
	b.eventually("it to be signed in again", func() bool { return b.signedIn(login.ID) })
	t.Logf("signed in again %v after a start", time.Since(began))
}
