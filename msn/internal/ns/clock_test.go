package ns

import (
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// Whatever is set and dropped, each connection is due once, at the step that was named last, and the clock wakes for the first of them.
func TestClockAgainstItsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			var clock Clock
			defer func() { clock.timer.Stop() }()
			conns := make([]*Conn, 5)
			for i := range conns {
				conns[i] = new(Conn)
			}
			model := make(map[*Conn]int64)
			// The time of the bubble stands still: nothing strikes.
			now := time.Unix(1_000_000, 0)
			for range 400 {
				c := conns[random.IntN(len(conns))]
				switch now = now.Add(time.Duration(random.Int64N(int64(900 * time.Millisecond)))); random.IntN(4) {
				case 0, 1:
					wait := time.Duration(random.Int64N(int64(6*time.Second))) - time.Second
					clock.set(c, now, wait)
					model[c] = max(now.Add(wait).Unix(), now.Unix()+1)
				case 2:
					clock.drop(c)
					delete(model, c)
				case 3:
					due := make(map[*Conn]bool)
					for _, c := range clock.take(now) {
						if due[c] {
							t.Fatal("one is due twice")
						}
						due[c] = true
					}
					want := make(map[*Conn]bool)
					maps.DeleteFunc(model, func(c *Conn, at int64) bool {
						if at <= now.Unix() {
							want[c] = true
						}
						return at <= now.Unix()
					})
					if !maps.Equal(due, want) {
						t.Fatalf("%d are due, want %d", len(due), len(want))
					}
				}
				if len(model) == 0 {
					if clock.next != 0 || len(clock.due) > 0 {
						t.Fatalf("the clock goes on for %d", clock.next)
					}
					continue
				}
				first := int64(0)
				for _, at := range model {
					if first == 0 || at < first {
						first = at
					}
				}
				if clock.next == 0 || clock.next > first {
					t.Fatalf("the clock wakes at %d, the first is due at %d", clock.next, first)
				}
			}
		})
	}
}

// Connections of one clock that are due at the same moment are looked at, also while the owner of one of them is busy, and while one is dropped.
func TestClockDoesNotWaitForABusyOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := new(Clock)
		conns := make([]*Conn, 4)
		for i := range conns {
			c := &Conn{cfg: Config{Clock: clock}, door: newDoor(), gone: make(chan struct{})}
			c.heartbeat.interval = time.Minute
			conns[i] = c
			clock.set(c, time.Now(), time.Second)
		}
		busy, ended := conns[1], conns[2]
		for _, c := range []*Conn{conns[0], ended, conns[3]} {
			c.door.leave()
		}
		clock.drop(ended)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for i, c := range conns {
			if again := c.heartbeat.due != 0; again != (c == conns[0] || c == conns[3]) {
				t.Errorf("connection %d is due again: %v", i, again)
			}
		}
		f := <-busy.door.calls
		busy.door.in()
		f()
		if busy.heartbeat.due == 0 {
			t.Error("the busy one is never due again")
		}
		for _, c := range conns {
			clock.drop(c)
		}
	})
}

// jumped returns a moment as it is called after the system's time was changed.
func jumped(t *testing.T, now time.Time, by time.Duration) time.Time {
	t.Helper()
	later := now
	*(*uint64)(unsafe.Pointer(&later)) += uint64(int64(by/time.Second) << 30) // nothing else makes one: see the type time.Time
	if later.Sub(now) != 0 || later.Unix()-now.Unix() != int64(by/time.Second) {
		t.Fatalf("%v is no %v changed by %v", later, now, by)
	}
	return later
}

// When the system's time is changed, connections are due after as long as before.
func TestClockGoesOnWhenTheSystemTimeJumps(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		clock, before, since := new(Clock), new(Conn), new(Conn)
		defer func() { clock.timer.Stop() }()
		now := time.Now()
		clock.set(before, now, 20*time.Second)
		if due := clock.take(jumped(t, now.Add(10*time.Second), by)); len(due) > 0 {
			t.Errorf("after %v, it is due too early", by)
		}
		clock.set(since, jumped(t, now.Add(10*time.Second), by), 20*time.Second)
		for _, due := range []struct {
			at   time.Duration
			conn *Conn
		}{{20 * time.Second, before}, {30 * time.Second, since}} {
			if got := clock.take(jumped(t, now.Add(due.at), by)); len(got) != 1 || got[0] != due.conn {
				t.Errorf("after %v, %d are due in %v", by, len(got), due.at)
			}
		}
	}
}
