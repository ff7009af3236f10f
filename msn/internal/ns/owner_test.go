package ns_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/wire"
)

// It does not run beside other tests, whose goroutines would count.
func TestIdleConnectionIsOneGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nstest.New(t, 12, func(*ns.Conn) {})
		c.Post(func() { c.Emit(note("X")) })
		<-c.Events()
		synctest.Wait()
		if found := ofTheConnection(); len(found) != 1 || !strings.Contains(found[0], "Transport") {
			t.Errorf("there are %d goroutines, want the reader:\n%s", len(found), strings.Join(found, "\n\n"))
		}
	})
}

// Who waits by Notify is called once for each call, when there is something to read, and has all that comes in order: while
// events come at random times, until the connection is closed among them.
func TestNotifiedReaderMissesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			c := nstest.New(t, 12, func(*ns.Conn) {})
			var read []event.Event
			var readers atomic.Int64
			ended := make(chan struct{})
			var hear func()
			hear = func() {
				if readers.Add(1) > 1 {
					t.Errorf("seed %d: called twice", seed)
				}
				e, more := <-c.Events() // there is something
				for more {
					read = append(read, e)
					select {
					case e, more = <-c.Events():
					default:
						readers.Add(-1)
						c.Notify(hear)
						return
					}
				}
				readers.Add(-1)
				close(ended)
			}
			c.Notify(hear)
			events := 1 + random.IntN(40)
			for i := range events {
				c.Post(func() { c.Emit(note(string(rune('a' + i)))) })
				time.Sleep(time.Duration(random.IntN(3)) * time.Millisecond)
				if random.IntN(4) == 0 {
					synctest.Wait()
					if n := readers.Load(); n != 0 {
						t.Errorf("seed %d: %d read while there is nothing", seed, n)
					}
				}
			}
			c.Close()
			<-ended
			if len(read) != events+1 {
				t.Fatalf("seed %d: %d events were read, want %d and the end", seed, len(read), events)
			}
			for i, e := range read[:events] {
				if e != event.Event(note(string(rune('a'+i)))) {
					t.Fatalf("seed %d: event %d is %v", seed, i, e)
				}
			}
			late := make(chan struct{})
			c.Notify(func() { close(late) })
			<-late // the channel is closed, which is something to read
		})
	}
}

// ofTheConnection returns the goroutines of connections and their transports, but for those of
// tests.
func ofTheConnection() (found []string) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "matrix-msn/msn/internal/") &&
			!strings.Contains(stack, "_test.go") && !strings.Contains(stack, "nstest") {
			found = append(found, stack)
		}
	}
	return found
}

// Many bring work at random times, and the server says something, while events wait now and then, until the connection is
// closed among them. What was taken is done once, by one owner at a time, what the server says in its order; what was not taken is
// not done.
func TestEveryCallFindsTheOwnerOrIsTold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			const callers, calls = 8, 20
			random := rand.New(rand.NewPCG(seed, 1))
			var working atomic.Bool
			alone := func(do func()) {
				if !working.CompareAndSwap(false, true) {
					t.Error("there are two owners")
				}
				do()
				working.Store(false)
			}
			heard := 0
			c := nstest.New(t, 12, func(c *ns.Conn) {
				c.Handle(ns.Verb{Name: "HEY", Do: func(cmd wire.Command) {
					alone(func() {
						if heard++; cmd.Args[0] != strconv.Itoa(heard) {
							t.Errorf("seed %d: HEY %s is the %dth", seed, cmd.Args[0], heard)
						}
						if heard%3 == 0 {
							c.Emit(note("Y"))
						}
					})
				}})
			})
			var done, taken, refused int64
			var tally sync.Mutex
			var everybody sync.WaitGroup
			pauses := make([]time.Duration, 2*calls)
			for i := range pauses {
				pauses[i] = time.Duration(random.IntN(2)) * time.Millisecond
			}
			everybody.Go(func() {
				for i, wait := range pauses {
					time.Sleep(wait)
					if _, err := fmt.Fprintf(c.Server, "HEY %d\r\n", i+1); err != nil {
						return // it is closed
					}
				}
			})
			for range callers {
				waits := make([]time.Duration, calls)
				for i := range waits {
					waits[i] = time.Duration(random.IntN(3)) * time.Millisecond
				}
				everybody.Go(func() {
					for i, wait := range waits {
						time.Sleep(wait)
						call := c.Post
						if i%2 == 0 {
							call = c.Do
						}
						ok := call(func() {
							alone(func() {
								done++ // the owner's, as all its state
								if i%5 == 0 && c.Err() == nil {
									c.Emit(note("X"))
								}
							})
						})
						tally.Lock()
						if ok {
							taken++
						} else {
							refused++
						}
						tally.Unlock()
					}
				})
			}
			var last event.Event
			everybody.Go(func() {
				for last = range c.Events() {
					time.Sleep(time.Millisecond / 2)
				}
			})
			time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
			c.Close()
			everybody.Wait()
			if done != taken || taken+refused != callers*calls {
				t.Errorf("seed %d: %d of %d calls were done; %d were refused", seed, done, taken, refused)
			}
			if end, ok := last.(ns.Disconnected); !ok || end.Err != errs.ErrClosed {
				t.Errorf("seed %d: the last event is %v", seed, last)
			}
		})
	}
}
