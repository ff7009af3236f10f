package ns_test

import (
	"math/rand/v2"
	"runtime"
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

// Many bring work at random times, while events wait now and then, until the connection is
// closed among them. What was taken is done once, by one owner at a time; what was not is
// not.
func TestEveryCallFindsTheOwnerOrIsTold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			const callers, calls = 8, 20
			random := rand.New(rand.NewPCG(seed, 1))
			c := nstest.New(t, 12, func(*ns.Conn) {})
			var working atomic.Bool
			var done, taken, refused int64
			var tally sync.Mutex
			var everybody sync.WaitGroup
			for range callers {
				waits := make([]time.Duration, calls)
				for i := range waits {
					waits[i] = time.Duration(random.IntN(3)) * time.Millisecond
				}
				everybody.Go(func() {
					for i, wait := range waits {
						time.Sleep(wait)
						ok := c.Post(func() {
							if !working.CompareAndSwap(false, true) {
								t.Error("there are two owners")
							}
							done++ // the owner's, as all its state
							if i%5 == 0 && c.Err() == nil {
								c.Emit(note("X"))
							}
							working.Store(false)
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
