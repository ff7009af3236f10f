package msntest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// busy starts a server with something of everything going on.
func busy(t *testing.T) *msntest.Server {
	t.Helper()
	srv, err := msntest.Start(t.Context(), msntest.WithDispatch(), msntest.WithPlainLogin(0),
		msntest.WithChallenges(time.Hour), msntest.WithSwitchboardIdle(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{alice, bob, carol} {
		srv.AddAccount(who, "secret")
	}
	srv.Befriend(alice, bob, carol)
	srv.Play(carol, msntest.Script{Text: func(chat *msntest.Chat, _, _ string) { _ = chat.Say("x") }})
	a := login(t, srv, 12, alice, "secret")
	a.send("SYN 5 0 0", "CHG 6 NLN 0")
	for cmd := a.read(); cmd.Verb != "CHL"; cmd = a.read() {
	}
	a.want("MSG Hotmail Hotmail *")
	sa := a.switchboard(alice)
	sa.send("CAL 2 carol@example.com")
	sa.want("CAL 2 RINGING *", "JOI ...")
	dial(t, srv, srv.Addr())
	go func() { _ = srv.WaitOnline(context.WithoutCancel(t.Context()), bob) }()
	return srv
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	// Not parallel: it counts goroutines.
	before := runtime.NumGoroutine()
	srv := busy(t)
	srv.Hook(msntest.OnHTTPS(msntest.NexusPath, msntest.Hang()))
	hung := make(chan struct{})
	go func() {
		defer close(hung)
		client := srv.HTTPClient()
		if res, err := client.Get(srv.NexusURL()); err == nil {
			_ = res.Body.Close()
		}
	}()
	ctx := testContext(t)
	if _, err := srv.AwaitAfter(ctx, srv.Mark()-1, func(r msntest.Record) bool { return r.HTTP != nil }); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(srv.Close) // also at the same time
	}
	wg.Wait()
	srv.Close()
	<-hung
	// What net/http and the tests' own waiting leave ends a moment later.
	for runtime.NumGoroutine() > before {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, now\n%s", before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := msntest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, srv, srv.Addr())
	cancel()
	c.wantClosed()
	srv.Close()
	if _, err := net.Dial("tcp", srv.Addr()); err == nil {
		t.Error("still listening")
	}
	if err := srv.WaitOnline(t.Context(), alice); err == nil {
		t.Error("waiting on a closed server succeeded")
	}
	srv.Play(alice, msntest.Script{}).SignOut() // harmless
}

func TestPortInUseIsAnError(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	_, port, err := net.SplitHostPort(srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	if _, err := msntest.Start(t.Context(), msntest.WithListen("127.0.0.1", n, 0, 0)); err == nil || !strings.HasPrefix(err.Error(), "msntest: ") {
		t.Errorf("got %v", err)
	}
}

func TestClientThatDoesNotReadIsCutOffAndBlocksNobody(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	deaf := online(t, srv, 12, alice)
	b := online(t, srv, 12, bob)
	payload := strings.Repeat("x", 200<<10)
	for srv.Online(alice) {
		if err := srv.Push(alice, wire.New("NOT").WithPayload(payload)); err != nil {
			break
		}
	}
	must(t, srv.WaitOffline(testContext(t), alice))
	b.want("FLN alice@example.com")
	if _, err := io.Copy(io.Discard, deaf.nc); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the connection is still open")
	}
}

func TestSignInsAreTold(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	changes := srv.SignIns(testContext(t))
	c := online(t, srv, 7, alice)
	if got := next(t, changes); got.Account != alice || !got.Online || got.Dialect != 7 {
		t.Errorf("got %+v", got)
	}
	c.send("OUT")
	if got := next(t, changes); got.Account != alice || got.Online {
		t.Errorf("got %+v", got)
	}
}
