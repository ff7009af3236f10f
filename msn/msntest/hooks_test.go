package msntest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestHooksMisbehaveOnNotificationConnections(t *testing.T) {
	t.Parallel()
	on := func(a msntest.Action) func(*msntest.Request) msntest.Action {
		return msntest.Once(msntest.On("URL", a))
	}
	tests := map[string]struct {
		action msntest.Action
		want   []string
		closed bool
	}{
		"drop":         {msntest.Drop(), nil, true},
		"refuse":       {msntest.Refuse("600"), []string{"600 7"}, false},
		"refuse close": {msntest.Refuse("600").ThenClose(), []string{"600 7"}, true},
		"swallow":      {msntest.Swallow(), nil, false},
		"unanswered":   {msntest.Unanswered(), nil, false},
		"garbage":      {msntest.Garbage([]byte("nonsense\r\nQNG 1\r\n")), []string{"QNG 1"}, false},
		"reply":        {msntest.Reply(wire.New("URL", "7", "x"), wire.New("FOO")), []string{"URL 7 x", "FOO"}, false},
		"delay":        {msntest.Delay(time.Millisecond), []string{"URL 7 /cgi-bin/HoTMaiL * 2"}, false},
		"redirect":     {msntest.Redirect("10.0.0.1:1863"), []string{"XFR 7 NS 10.0.0.1:1863 0 *"}, true},
		"wrong answer": {msntest.WrongChallenge(), []string{"540 7"}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := friends(t)
			srv.Hook(on(test.action))
			c := login(t, srv, 9, alice, "secret")
			c.send("URL 7 INBOX")
			c.want(test.want...)
			if test.closed {
				c.wantClosed()
				return
			}
			c.barrier()
			c.send("URL 8 INBOX") // once only
			c.want("URL 8 ...")
		})
	}
}

func TestHookOnConnectAndForOneAccount(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	remove := srv.Hook(msntest.OnConnect(msntest.NS, msntest.Drop()))
	dial(t, srv, srv.Addr()).wantClosed()
	remove()
	srv.Hook(msntest.For(bob, msntest.On("PNG", msntest.Swallow())))
	a, b := login(t, srv, 7, alice, "secret"), login(t, srv, 7, bob, "secret")
	a.barrier()
	b.send("PNG", "URL 7 INBOX")
	b.want("URL 7 ...")
}

func TestHookNAKsAMessageAndRedirectsASwitchboard(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	srv.Play(bob, msntest.Script{})
	srv.Hook(msntest.Once(msntest.On("MSG", msntest.NAK())))
	a := online(t, srv, 10, alice)
	sa := a.switchboard(alice)
	sa.send("CAL 2 "+bob, "MSG 3 A 1\r\nx", "MSG 4 A 1\r\nx")
	sa.want("CAL 2 RINGING *", "JOI ...", "NAK 3", "ACK 4")
	srv.Hook(msntest.On("XFR", msntest.Redirect("169.254.169.254:80")))
	a.send("XFR 9 SB")
	a.want("XFR 9 SB 169.254.169.254:80 CKI *")
}

func TestHooksMisbehaveOnHTTPS(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	client := srv.HTTPClient()
	client.Timeout = deadline
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	get := func(t *testing.T) *http.Response {
		t.Helper()
		res, err := client.Get(srv.NexusURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	once := func(a msntest.Action) { srv.Hook(msntest.Once(msntest.OnHTTPS(msntest.NexusPath, a))) }

	once(msntest.Unauthorized("Your account is asleep."))
	if res := get(t); res.StatusCode != 401 || !strings.Contains(res.Header.Get("WWW-Authenticate"), "cbtxt=Your%20account%20is%20asleep.") {
		t.Fatalf("got %s %v", res.Status, res.Header)
	}
	once(msntest.Redirect("http://127.0.0.1/"))
	if res := get(t); res.StatusCode != 302 || res.Header.Get("Location") != "http://127.0.0.1/" {
		t.Fatalf("got %s %v", res.Status, res.Header)
	}
	once(msntest.Refuse("500"))
	if res := get(t); res.StatusCode != 500 {
		t.Fatalf("got %s", res.Status)
	}
	once(msntest.Respond(200, http.Header{"X-Big": {strings.Repeat("x", 20000)}}, strings.Repeat("y", 100000)))
	if body, err := io.ReadAll(get(t).Body); err != nil || len(body) != 100000 {
		t.Fatalf("got %d bytes, %v", len(body), err)
	}
	once(msntest.Garbage([]byte("nonsense")))
	if _, err := client.Get(srv.NexusURL()); err == nil {
		t.Fatal("nonsense was taken for an answer")
	}
	ctx, cancel := context.WithCancel(t.Context())
	srv.Hook(msntest.Once(func(*msntest.Request) msntest.Action {
		cancel()
		return msntest.Hang()
	}))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.NexusURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if res := get(t); res.StatusCode != 200 {
		t.Fatalf("after all hooks: %s", res.Status)
	}
}

func TestWrongPasswordIsRefusedByTweener(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	res := loginRequest(t, srv, alice, "wrong", "lc=1033")
	if res.StatusCode != 401 || !strings.Contains(res.Header.Get("WWW-Authenticate"), "da-status=failed") {
		t.Fatalf("got %s %v", res.Status, res.Header)
	}
}

func TestTicketWorksOnceAndOnlyForItsAccount(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	start := func(email string) *rawClient {
		c := dial(t, srv, srv.Addr())
		c.send("VER 1 MSNP12 CVR0", "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 msmsgs "+email, "USR 3 TWN I "+email)
		c.want("VER 1 MSNP12", "CVR 2 ...", "USR 3 TWN S *")
		return c
	}
	ticket := fetchTicket(t, srv, alice, "secret", "lc=1033")
	b := start(bob)
	b.send("USR 4 TWN S " + ticket)
	b.want("911 4")
	b.wantClosed()
	ticket = fetchTicket(t, srv, alice, "secret", "lc=1033")
	a := start(alice)
	a.send("USR 4 TWN S " + ticket)
	a.want("USR 4 OK alice@example.com 1 0")
	again := start(alice)
	again.send("USR 4 TWN S " + ticket)
	again.want("911 4")
	again.wantClosed()
}
