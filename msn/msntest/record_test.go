package msntest_test

import (
	"context"
	"errors"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestRecordHoldsWhatAClientSent(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t), testContext(t)
	got := make(chan msntest.Record, 1)
	go func() {
		r, err := srv.AwaitCommand(ctx, alice, "CHG")
		if err != nil {
			t.Error(err)
		}
		got <- r
	}()
	online(t, srv, 7, alice)
	if r := next(t, got); r.Command.Arg(1) != "NLN" || r.Kind != msntest.NS {
		t.Fatalf("got %v", r)
	}
	var verbs []string
	for _, r := range srv.Sent(alice) {
		verbs = append(verbs, r.Command.Verb)
	}
	want := []string{"VER", "INF", "USR", "USR", "SYN", "CHG", "PNG"}
	for i := range want {
		if i >= len(verbs) || verbs[i] != want[i] {
			t.Fatalf("sent %v, want %v", verbs, want)
		}
	}
	// Past records are found, too, and those before a mark are not.
	if _, err := srv.AwaitCommand(ctx, alice, "SYN"); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := srv.AwaitAfter(short, srv.Mark(), func(msntest.Record) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestRecordForgetsTheOldest(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithRecordLimit(5))
	online(t, srv, 7, alice)
	records := srv.Records()
	if len(records) != 5 {
		t.Fatalf("%d records", len(records))
	}
	for i := 1; i < len(records); i++ {
		if records[i].Seq != records[i-1].Seq+1 {
			t.Fatalf("order: %v", records)
		}
	}
	if last := records[4].Command.Verb; last != "QNG" {
		t.Fatalf("last is %s", last)
	}
}

func TestPushKickDropAndRedirect(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t), testContext(t)
	if err := srv.Push(alice, wire.New("FOO")); !errors.Is(err, msntest.ErrNotOnline) {
		t.Fatalf("got %v", err)
	}
	a := online(t, srv, 12, alice)
	if err := srv.WaitOnline(ctx, alice); err != nil {
		t.Fatal(err)
	}
	must(t, srv.Push(alice, wire.New("NOT").WithPayload("<x/>")))
	must(t, srv.PushRaw(alice, []byte("QNG 5\r\n")))
	a.want("NOT 4", "QNG 5")
	must(t, srv.Kick(alice, "SSD"))
	a.want("OUT SSD")
	a.wantClosed()
	must(t, srv.WaitOffline(ctx, alice))

	a = online(t, srv, 12, alice)
	must(t, srv.Redirect(alice, "127.0.0.2:1863"))
	a.want("XFR 0 NS 127.0.0.2:1863 0 *")
	a.wantClosed()

	a = online(t, srv, 12, alice)
	must(t, srv.Drop(alice))
	a.wantClosed()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
