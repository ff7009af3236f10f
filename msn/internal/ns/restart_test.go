package ns_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/wire"
)

// signingIn returns a connection whose sign-in is under way.
func signingIn(t *testing.T) *ns.Conn {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	c := ns.Start(client, ns.Config{
		Account: nstest.Account, Log: slog.New(slog.DiscardHandler),
		Timeouts: ns.Timeouts{Request: time.Minute, Write: time.Minute, Ping: time.Hour, Pong: time.Hour},
	})
	t.Cleanup(func() {
		c.Abandon(errs.ErrClosed)
		_ = server.Close()
	})
	c.Do(func() { c.SetDialect(12) })
	c.Begin()
	return c
}

// A server may have the sign-in begin anew at any time. What the attempt before has begun
// must neither go on nor be told.
func TestNothingIsLeftOfASignInThatBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := signingIn(t)
		near, far := net.Pipe()
		var went, rang atomic.Bool
		c.Do(func() {
			c.Adopt(near, func(transport.Inbound) { t.Error("an old part hears") })
			c.Emit(note("of before"))
			c.Go(func(ctx context.Context) {
				<-ctx.Done()
				went.Store(true)
			})
			c.After(time.Minute, func() { rang.Store(true) })
			c.Dispatch(wire.New("XFR", "0", "NS", "0"))
			if c.Waiting() != 0 {
				t.Error("an event of the attempt before will be told")
			}
		})
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the other side of an adopted connection reads %v", err)
		}
		time.Sleep(2 * time.Minute)
		if !went.Load() || rang.Load() {
			t.Errorf("what was begun has ended: %v; its timer rang: %v", went.Load(), rang.Load())
		}
	})
}

// The one who signs in is told also when it comes between two steps.
func TestSignInBeginsAnewBetweenTwoSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := signingIn(t)
		step := func() error { return c.Await(t.Context(), func(result func(error)) { result(nil) }) }
		if err := step(); err != nil {
			t.Fatal(err)
		}
		c.Do(func() { c.Dispatch(wire.New("XFR", "0", "NS", "0")) })
		for range 2 {
			if _, moved := errors.AsType[*errs.MovedError](step()); !moved {
				t.Error("the next step of the old attempt was taken")
			}
		}
		c.Begin()
		if err := step(); err != nil {
			t.Errorf("the first step of the next attempt: %v", err)
		}
	})
}

// Close returns although nobody has released an adopted connection.
func TestCloseEndsWhatWasAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := signingIn(t)
		near, far := net.Pipe()
		defer far.Close()
		c.Do(func() { c.Adopt(near, func(transport.Inbound) {}) })
		c.Close()
	})
}
