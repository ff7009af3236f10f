package chat

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// People change their names at random. Each is shown only so often, whenever one begins to count,
// and by their last name in the end.
func TestRenamesAreLimitedAndTheLastOneCounts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			var r renames
			called, shown := make(map[string]int), make(map[string]int)
			times := make(map[string][]time.Time)
			var mu sync.Mutex
			show := func(who string) {
				mu.Lock()
				defer mu.Unlock()
				shown[who] = called[who]
				times[who] = append(times[who], time.Now())
			}
			for change := 1; change <= 500; change++ {
				who := fmt.Sprint(random.IntN(4))
				mu.Lock()
				called[who] = change
				mu.Unlock()
				if r.allow(who, fmt.Sprint(change), maxStrangerRenames, func() { show(who) }) {
					show(who)
				}
				synctest.Wait()
				if random.IntN(3) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(3 * time.Minute))))
					synctest.Wait()
				}
			}
			time.Sleep(renameWindow)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for who, last := range called {
				if shown[who] != last {
					t.Errorf("seed %d: %s is called %d in the end, and shown as %d", seed, who, last, shown[who])
				}
				// What waited for the end of a window comes at the beginning of the next.
				const most = 2*maxStrangerRenames - 1
				for i := most; i < len(times[who]); i++ {
					if took := times[who][i].Sub(times[who][i-most]); took < renameWindow {
						t.Errorf("seed %d: %s is shown %d times within %s", seed, who, most+1, took)
					}
				}
			}
		})
	}
}

// Many who change their names are counted in so much memory, and none whose name waits is
// forgotten.
func TestRenamersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r renames
		var shown atomic.Int32
		for i := range maxStrangerRenames + 1 {
			r.allow("eve", fmt.Sprint(i), maxStrangerRenames, func() { shown.Add(1) })
		}
		for i := range 2 * maxRenamers {
			if !r.allow(fmt.Sprint(i), "x", maxStrangerRenames, nil) {
				t.Fatalf("%d is not shown", i)
			}
		}
		r.mu.Lock()
		if len(r.of) > maxRenamers {
			t.Errorf("%d are counted", len(r.of))
		}
		r.mu.Unlock()
		time.Sleep(renameWindow)
		synctest.Wait()
		if n := shown.Load(); n != 1 {
			t.Errorf("the last name is shown %d times", n)
		}
	})
}
