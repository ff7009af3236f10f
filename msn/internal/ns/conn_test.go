package ns_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/wire"
)

// note is an event of these tests.
type note string

func (note) Size() int { return event.Base }

// noting registers a verb that becomes an event.
func noting(verbs ...ns.Verb) func(*ns.Conn) {
	return func(c *ns.Conn) {
		for _, v := range verbs {
			v.Do = func(cmd wire.Command) { c.Emit(note(cmd.Verb)) }
			c.Handle(v)
		}
	}
}

func TestVerbsBelongToTheirDialects(t *testing.T) {
	t.Parallel()
	for d, want := range map[wire.Dialect]int{2: 1, 4: 1, 5: 2, 8: 2, 9: 1, 18: 1} {
		conn := nstest.New(t, d, noting(ns.Verb{Name: "OLD", From: 5, To: 8}, ns.Verb{Name: "ANY"}))
		if got := conn.Tell(wire.New("OLD"), wire.New("ANY"), wire.New("UFO")); len(got) != want {
			t.Errorf("%v: events %v, want %d", d, got, want)
		}
	}
}

func TestAVerbHasOneOwner(t *testing.T) {
	t.Parallel()
	nstest.New(t, 9, func(c *ns.Conn) {
		defer func() {
			if recover() == nil {
				t.Error("two parts own a verb")
			}
		}()
		c.Handle(ns.Verb{Name: "NLN"}, ns.Verb{Name: "NLN"})
	})
}

// Await returns with the connection, also when nobody ever calls its result.
func TestAwaitEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := nstest.New(t, 9, func(*ns.Conn) {})
		result := make(chan error, 1)
		go func() { result <- conn.Await(context.Background(), func(func(error)) {}) }()
		synctest.Wait()
		reason := errors.New("a reason")
		conn.Do(func() { conn.End(reason) })
		if err := <-result; !errors.Is(err, errs.ErrNotConnected) || !errors.Is(err, reason) {
			t.Errorf("error %v", err)
		}
		for range conn.Events() {
		}
		if err := conn.Await(context.Background(), func(func(error)) {}); !errors.Is(err, reason) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// What ended with the connection is told as what it was, not as the end.
func TestAwaitPrefersItsResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := errors.New("own")
		for range 50 {
			conn := nstest.New(t, 9, func(*ns.Conn) {})
			err := conn.Await(context.Background(), func(result func(error)) {
				conn.OnEnd(func(error) { result(own) })
				conn.End(errs.ErrClosed)
			})
			if err != own {
				t.Fatalf("error %v", err)
			}
		}
	})
}

func TestSilenceIsSuccessOrDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := nstest.New(t, 9, func(*ns.Conn) {})
		send := func(r ns.Request) (err error) {
			return conn.Await(context.Background(), func(result func(error)) {
				r.Command, r.Wait, r.Done = wire.New("UFO"), time.Second, func(_ wire.Command, err error) { result(err) }
				conn.Send(r)
			})
		}
		if err := send(ns.Request{Silent: true, Effect: true}); err != nil {
			t.Errorf("silent: %v", err)
		}
		if err := send(ns.Request{}); err != errs.ErrTimeout {
			t.Errorf("without effect: %v", err)
		}
		if err := send(ns.Request{Effect: true}); !errors.Is(err, errs.ErrUncertain) || !errors.Is(err, errs.ErrTimeout) {
			t.Errorf("with effect: %v", err)
		}
	})
}

// An error that answers no request is offered to those who may know it.
func TestLateErrors(t *testing.T) {
	t.Parallel()
	var asked []uint32
	conn := nstest.New(t, 9, func(c *ns.Conn) {
		c.OnLateError(func(trid uint32, number int) bool {
			asked = append(asked, trid)
			return trid == 7 && number == 800
		})
	})
	conn.Tell(wire.New("800", "7"), wire.New("800", "8"), wire.New("911"))
	conn.Do(func() {
		if len(asked) != 2 || asked[0] != 7 || asked[1] != 8 {
			t.Errorf("asked of %v", asked)
		}
	})
}

// Another connection that is still read holds up the last event.
func TestLingering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := nstest.New(t, 9, func(*ns.Conn) {})
		var release func()
		conn.Do(func() {
			release = conn.Linger()
			conn.End(errs.ErrClosed)
			conn.Emit(note("last words"))
		})
		conn.Do(func() { release(); release() })
		var got []event.Event
		for e := range conn.Events() {
			got = append(got, e)
		}
		if len(got) != 2 || got[0] != note("last words") || got[1] != (ns.Disconnected{Err: errs.ErrClosed}) {
			t.Errorf("events %v", got)
		}
	})
}
