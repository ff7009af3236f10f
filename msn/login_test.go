package msn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

func TestLoginInEveryDialect(t *testing.T) {
	for d := MinDialect; d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			client, ns := signedIn(t, n, d)
			if client.Dialect() != d || client.Account() != "alice@example.com" || client.DisplayName() != "Alice A" {
				t.Errorf("dialect %v, account %q, name %q", client.Dialect(), client.Account(), client.DisplayName())
			}
			if client.Status() != Online {
				t.Errorf("status %q", client.Status())
			}
			bob, ok := client.Contact("Bob@Example.com")
			if !ok || bob.Name != "Bob" || bob.Lists != ListForward|ListAllow|ListReverse || bob.Status != Offline {
				t.Errorf("bob is %+v", bob)
			}
			if all := client.Contacts(); len(all) != 1 {
				t.Errorf("contacts %+v", all)
			}
			quit(client, ns)
			if client.Err() != ErrClosed {
				t.Errorf("Err is %v", client.Err())
			}
			if err := client.Close(); err != nil {
				t.Error("second Close:", err)
			}
		})
	}
}

func TestLoginOffersDialectsBestFirst(t *testing.T) {
	for _, test := range []struct {
		nexus string
		want  string
	}{
		{"", "VER 1 MSNP7 MSNP6 MSNP5 MSNP4 MSNP3 MSNP2 CVR0"},
		{fakeNexus, "VER 1 MSNP12 MSNP11 MSNP10 MSNP9 MSNP8 MSNP7 MSNP6 MSNP5 MSNP4 MSNP3 MSNP2 CVR0"},
	} {
		n := newFakeNet(t)
		cfg := fakeConfig(n)
		cfg.NexusURL = test.nexus
		result := goLogin(t, cfg)
		ns := n.accept(fakeServer)
		ns.expect(test.want)
		ns.send("VER 1 0")
		if _, err := waitLogin(t, result); !errors.Is(err, ErrNoDialect) {
			t.Errorf("error %v", err)
		}
	}
}

// play is a script for the server of a failing sign-in.
type play func(ns *fakeConn)

// upTo plays the steps before the named one.
func upTo(step string) play {
	return func(ns *fakeConn) {
		for _, s := range []struct{ name, answer string }{
			{"VER", "VER 1 MSNP8"},
			{"CVR", "CVR 2 1 1 1"},
			{"USR I", "USR 3 TWN S ct=1"},
			{"USR S", "USR 4 OK alice@example.com Alice 1 0"},
			{"SYN", "SYN 5 1 0 0"},
		} {
			ns.read()
			if s.name == step {
				return
			}
			ns.send(s.answer)
		}
		ns.read()
	}
}

func TestLoginErrors(t *testing.T) {
	send := func(step string, lines ...string) play {
		return func(ns *fakeConn) {
			upTo(step)(ns)
			for _, line := range lines {
				// The client may close before it has read all.
				_, _ = io.WriteString(ns.conn, line+"\r\n")
			}
		}
	}
	number := func(n int) func(error) bool {
		return func(err error) bool {
			var e *ServerError
			return errors.As(err, &e) && e.Number == n
		}
	}
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	isNot := func(target error) func(error) bool {
		return func(err error) bool { return !errors.Is(err, target) }
	}
	tests := []struct {
		name  string
		play  play
		wants []func(error) bool
	}{
		{"no dialect", send("VER", "VER 1 0"), []func(error) bool{is(ErrNoDialect)}},
		{"only the version query", func(ns *fakeConn) {
			send("VER", "VER 1 CVR0")(ns)
			ns.read()
			ns.send("CVQ 2 5.0.0544 5.0.0544 5.0.0540 http://a/ http://b/")
		}, []func(error) bool{is(ErrNoDialect)}},
		{"a dialect that was not offered", send("VER", "VER 1 MSNP15"), []func(error) bool{is(ErrNoDialect)}},
		{"refused before anything was proved", send("USR I", "911 3"), []func(error) bool{is(ErrBusy), number(911)}},
		{"refused by a number that has no TrID", send("USR I", "911"), []func(error) bool{is(ErrBusy), number(911)}},
		{"refused before USR", send("CVR", "911 2"), []func(error) bool{number(911), isNot(ErrBadCredentials)}},
		{"refused after USR", send("SYN", "911 5"), []func(error) bool{number(911), isNot(ErrBadCredentials)}},
		{"busy", send("USR S", "910 4"), []func(error) bool{is(ErrBusy), number(910)}},
		{"maintenance", send("USR I", "500 3"), []func(error) bool{is(ErrBusy), number(500)}},
		{"error without TrID", send("USR I", "600"), []func(error) bool{is(ErrBusy), number(600)}},
		{"not verified", send("USR S", "924 4"), []func(error) bool{is(ErrAccountLocked), number(924)}},
		{"unknown number", send("USR S", "999 4"), []func(error) bool{number(999)}},
		{"database down at SYN", send("SYN", "603 5"), []func(error) bool{is(ErrBusy), number(603)}},
		{"out", send("USR S", "OUT SSD"), []func(error) bool{func(err error) bool {
			var out *OutError
			return errors.As(err, &out) && out.Reason == "SSD"
		}}},
		{"untrusted redirect", send("USR I", "XFR 3 NS ns.evil.example.net:1863 0 x:1"), []func(error) bool{is(ErrUntrusted)}},
		{"endless line", send("VER", strings.Repeat("A", 100_000)), []func(error) bool{is(wire.ErrProtocol)}},
		{"closed at VER", func(ns *fakeConn) { upTo("VER")(ns); ns.close() }, []func(error) bool{is(ErrRefused), is(io.EOF)}},
		{"closed at USR S", func(ns *fakeConn) { upTo("USR S")(ns); ns.close() }, []func(error) bool{is(ErrRefused)}},
		{"closed at SYN", func(ns *fakeConn) { upTo("SYN")(ns); ns.close() }, []func(error) bool{is(ErrRefused)}},
		{"closed at CHG", func(ns *fakeConn) { upTo("CHG")(ns); ns.close() }, []func(error) bool{is(ErrRefused)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			result := goLogin(t, fakeConfig(n, 8))
			ns := n.accept(fakeServer)
			test.play(ns)
			client, err := waitLogin(t, result)
			if client != nil || err == nil {
				t.Fatal("signed in")
			}
			for i, want := range test.wants {
				if !want(err) {
					t.Errorf("want %d: error %v", i, err)
				}
			}
			if !strings.HasPrefix(err.Error(), "msn: ") {
				t.Errorf("error %q has no prefix", err)
			}
		})
	}
}

func TestLoginWrongPassword(t *testing.T) {
	n := newFakeNet(t)
	cfg := fakeConfig(n, 8)
	cfg.Password = "not it"
	result := goLogin(t, cfg)
	ns := n.accept(fakeServer)
	upTo("USR I")(ns)
	ns.send("USR 3 TWN S ct=1")
	_, err := waitLogin(t, result)
	var refused *passport.RefusedError
	if !errors.Is(err, ErrBadCredentials) || !errors.As(err, &refused) || refused.Reason != "Wrong password" {
		t.Errorf("error %v", err)
	}
}

func TestLoginServerCannotBeReached(t *testing.T) {
	n := newFakeNet(t)
	cfg := fakeConfig(n, 7)
	cfg.Server = "down.msn.example.com"
	if _, err := Login(t.Context(), cfg); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused connection: error %v", err)
	}
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	}
	_, err := Login(t.Context(), cfg)
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("unknown host: error %v", err)
	}
}

func TestLoginEndsWhenTheServerSaysNothing(t *testing.T) {
	for _, step := range []string{"VER", "CVR", "USR I", "USR S", "SYN", "CHG"} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				start := time.Now()
				result := goLogin(t, fakeConfig(n, 8))
				ns := n.accept(fakeServer)
				upTo(step)(ns)
				r := <-result
				if !errors.Is(r.err, ErrTimeout) {
					t.Errorf("error %v", r.err)
				}
				if took := time.Since(start); took > defaultLogin {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestLoginEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := Login(ctx, fakeConfig(n, 8))
			result <- err
		}()
		upTo("USR S")(n.accept(fakeServer))
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLoginFollowsRedirects(t *testing.T) {
	for d, line := range map[wire.Dialect]string{
		2:  "XFR 3 NS ns2.msn.example.com:1863",
		5:  "XFR 3 NS ns2.msn.example.com 0",
		7:  "XFR 3 NS ns2.msn.example.com:1863 0 ns.msn.example.com:1863",
		12: "XFR 3 NS ns2.msn.example.com:1863 0 ns.msn.example.com:1863",
	} {
		n := newFakeNet(t)
		result := goLogin(t, fakeConfig(n, d))
		dispatch := n.accept(fakeServer)
		dispatch.read()
		dispatch.send("VER 1 " + d.String())
		dispatch.read()
		if d < 8 {
			dispatch.send("INF 2 MD5")
		} else {
			dispatch.send("CVR 2 1 1 1")
		}
		dispatch.read()
		dispatch.send(line)
		ns := n.accept("ns2.msn.example.com:1863")
		ns.greet(d)
		ns.send(bobsList(d)...)
		ns.finish(d)
		client, err := waitLogin(t, result)
		if err != nil {
			t.Fatal(err)
		}
		quit(client, ns)
	}
}

func TestLoginSoftReset(t *testing.T) {
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 8))
	ns := n.accept(fakeServer)
	upTo("USR S")(ns)
	ns.send("XFR 0 NS 0")
	ns.expect("VER 5 MSNP8 CVR0")
	ns.send("VER 5 0")
	if _, err := waitLogin(t, result); !errors.Is(err, ErrNoDialect) {
		t.Errorf("error %v", err)
	}
	if got := n.addresses(); len(got) != 1 {
		t.Errorf("connected to %v", got)
	}
}

// A new sign-in on the same connection begins at once, whatever the one before waits for:
// lines of the contact list, or a web service that hangs.
func TestLoginSoftResetWhileTheListsLoad(t *testing.T) {
	t.Run("SYN", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newFakeNet(t)
			result := goLogin(t, fakeConfig(n, 9))
			ns := n.accept(fakeServer)
			ns.greet(9)
			ns.send("SYN 5 1 2 0", "LST bob@example.com Bob 11 0")
			begun := time.Now()
			ns.send("XFR 0 NS 0")
			ns.expect("VER 6 MSNP9 CVR0")
			if took := time.Since(begun); took != 0 {
				t.Errorf("it took %v", took)
			}
			ns.close()
			if _, err := waitLogin(t, result); !errors.Is(err, ErrRefused) {
				t.Errorf("error %v", err)
			}
		})
	})
	for _, operation := range []string{"FindMembership", "RST"} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				cfg := fakeConfig(n, 13)
				web := newFakeWeb(t)
				asked := make(chan struct{}, 8)
				cfg.https = roundTripper(func(r *http.Request) (*http.Response, error) {
					body, _ := io.ReadAll(r.Body)
					if !strings.Contains(string(body), map[string]string{"RST": "RequestSecurityToken", "FindMembership": "FindMembership"}[operation]) {
						r.Body = io.NopCloser(strings.NewReader(string(body)))
						return web.RoundTrip(r)
					}
					asked <- struct{}{}
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
				result := goLogin(t, cfg)
				ns := n.accept(fakeServer)
				ns.read()
				ns.send("VER 1 MSNP13")
				ns.read()
				ns.send("CVR 2 1 1 1")
				ns.read()
				ns.send("USR 3 TWN S ct=1,rver=1")
				next := "VER 4 MSNP13 CVR0"
				if operation != "RST" {
					ns.read()
					ns.send("USR 4 OK alice@example.com 1 0")
					next = "VER 5 MSNP13 CVR0"
				}
				<-asked
				begun := time.Now()
				ns.send("XFR 0 NS 0")
				ns.expect(next)
				if took := time.Since(begun); took != 0 {
					t.Errorf("it took %v", took)
				}
				ns.close()
				if _, err := waitLogin(t, result); !errors.Is(err, ErrRefused) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestLoginRedirectsAreLimited(t *testing.T) {
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 7))
	for range maxRedirects + 1 {
		ns := n.accept(fakeServer)
		ns.read()
		ns.send("VER 1 MSNP7")
		ns.read()
		ns.send("INF 2 MD5")
		ns.read()
		ns.send("XFR 3 NS " + fakeServer + " 0 " + fakeServer)
	}
	if _, err := waitLogin(t, result); !errors.Is(err, wire.ErrProtocol) {
		t.Errorf("error %v", err)
	}
}

func TestListsThatAreShorterThanAnnounced(t *testing.T) {
	for d, lines := range map[wire.Dialect][]string{
		5:  {"SYN 5 0"},
		7:  {"SYN 5 1", "LST 5 FL 1 1 2 bob@example.com Bob"},
		8:  {"SYN 5 0 7 3", "LST bob@example.com Bob 3 0"},
		9:  {"SYN 5 0"},
		10: {"SYN 5 0 0 2 1"},
		12: {"SYN 5 2024-09-28T17:18:18.64-07:00 2024-09-28T17:18:18.64-07:00"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newFakeNet(t)
			result := goLogin(t, fakeConfig(n, d))
			ns := n.accept(fakeServer)
			ns.greet(d)
			ns.send(lines...)
			ns.finish(d)
			r := <-result
			if r.err != nil {
				t.Fatal(r.err)
			}
			quit(r.client, ns)
		})
	}
}

func TestWhatComesWhileSigningInIsNotLost(t *testing.T) {
	n := newFakeNet(t)
	result := goLogin(t, fakeConfig(n, 11))
	ns := n.accept(fakeServer)
	ns.greet(11)
	profile := "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsprofile\r\nsid: 507\r\n\r\n"
	ns.send("SBS 0 null")
	ns.sendMessage("Hotmail", "Hotmail", profile)
	ns.send("UBX bob@example.com 55\r\n<Data><PSM>hi</PSM><CurrentMedia></CurrentMedia></Data>")
	ns.send("ADC 0 RL N=eve@example.com F=Eve")
	ns.send(bobsList(11)...)
	ns.expect("CHG 6 NLN 1073741856")
	ns.send("ILN 6 BSY bob@example.com Bob 1073741856 0")
	ns.send("CHG 6 NLN 1073741856")
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for range 5 {
		e := nextEvent(t, client)
		types = append(types, reflect.TypeOf(e).Name())
		if p, ok := e.(PresenceChanged); ok && (!p.Initial || p.Contact.Status != Busy || p.Contact.Personal != "hi") {
			t.Errorf("presence %+v", p)
		}
	}
	want := []string{"ServerMessage", "PersonalMessageChanged", "ContactChanged", "AddedYou", "PresenceChanged"}
	if fmt.Sprint(types) != fmt.Sprint(want) {
		t.Errorf("events %v, want %v", types, want)
	}
	quit(client, ns)
}
