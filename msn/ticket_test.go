package msn

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"matrix-msn/msn/wire"
)

// countingLogins is a fakePassport that gives another ticket each time.
func countingLogins(cfg *Config) *atomic.Int64 {
	var logins atomic.Int64
	cfg.https = roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/login" {
			logins.Add(1)
		}
		return fakePassport(r)
	})
	return &logins
}

// A server that refuses a ticket which the login server has just given says nothing of the
// password. Another ticket is tried once, on a connection of its own.
func TestTicketThatIsRefusedOnce(t *testing.T) {
	for _, number := range []string{"911", "917", "928"} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			cfg := fakeConfig(n, 8)
			logins := countingLogins(&cfg)
			result := goLogin(t, cfg)
			first := n.accept(fakeServer)
			upTo("USR S")(first)
			first.send(number + " 4")
			first.close()
			second := n.accept(fakeServer)
			second.greet(8)
			second.send(bobsList(8)...)
			second.finish(8)
			client, err := waitLogin(t, result)
			if err != nil {
				t.Fatal(err)
			}
			if got := logins.Load(); got != 2 {
				t.Errorf("%d tickets were asked for", got)
			}
			quit(client, second)
		})
	}
}

func TestTicketThatIsRefusedTwice(t *testing.T) {
	t.Parallel()
	n := newFakeNet(t)
	cfg := fakeConfig(n, 8)
	logins := countingLogins(&cfg)
	result := goLogin(t, cfg)
	for range 2 {
		ns := n.accept(fakeServer)
		upTo("USR S")(ns)
		ns.send("911 4")
		ns.close()
	}
	_, err := waitLogin(t, result)
	var refused *ServerError
	if !errors.Is(err, ErrTicket) || errors.Is(err, ErrBadCredentials) || errors.Is(err, ErrAccountLocked) ||
		!errors.As(err, &refused) || refused.Number != 911 {
		t.Errorf("error %v", err)
	}
	if logins.Load() != 2 || len(n.addresses()) != 2 {
		t.Errorf("%d tickets, connections to %v", logins.Load(), n.addresses())
	}
}

// The second attempt ends as it ends.
func TestTicketThatIsRefusedBeforeSomethingElse(t *testing.T) {
	t.Parallel()
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 8))
	first := n.accept(fakeServer)
	upTo("USR S")(first)
	first.send("911 4")
	second := n.accept(fakeServer)
	upTo("USR S")(second)
	second.send("600 4")
	if _, err := waitLogin(t, result); !errors.Is(err, ErrBusy) || errors.Is(err, ErrTicket) {
		t.Errorf("error %v", err)
	}
}

// Up to MSNP7 the notification server checks the password itself: what it says counts, and
// it is not asked again.
func TestHashThatIsRefused(t *testing.T) {
	for d := MinDialect; d < wire.FirstTweener; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			result := goLogin(t, fakeConfig(n, d))
			ns := n.accept(fakeServer)
			ns.read()
			ns.send("VER 1 " + d.String())
			ns.expect("INF 2")
			ns.send("INF 2 MD5")
			ns.read()
			ns.send("USR 3 MD5 S 1.2")
			ns.read()
			ns.send("911 4")
			if _, err := waitLogin(t, result); !errors.Is(err, ErrBadCredentials) {
				t.Errorf("error %v", err)
			}
			if got := n.addresses(); len(got) != 1 {
				t.Errorf("connections to %v", got)
			}
		})
	}
}
