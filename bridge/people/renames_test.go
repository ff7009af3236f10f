package people

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
				if r.allow(who, fmt.Sprint(change), strangerRenames, func() { show(who) }) {
					show(who)
				}
				synctest.Wait()
				if random.IntN(3) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(3 * time.Minute))))
					synctest.Wait()
				}
			}
			time.Sleep(renameWindow + renameTick)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for who, last := range called {
				if shown[who] != last {
					t.Errorf("seed %d: %s is called %d in the end, and shown as %d", seed, who, last, shown[who])
				}
				// What waited for the end of a window comes at the beginning of the next.
				const most = 2*3 - 1
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
		for i := range strangerRenames.most + 1 {
			r.allow("eve", fmt.Sprint(i), strangerRenames, func() { shown.Add(1) })
		}
		for i := range 2 * maxRenamers {
			if !r.allow(fmt.Sprint(i), "x", strangerRenames, nil) {
				t.Fatalf("%d is not shown", i)
			}
		}
		r.mu.Lock()
		if r.of.Len() > maxRenamers {
			t.Errorf("%d are counted", r.of.Len())
		}
		r.mu.Unlock()
		time.Sleep(renameWindow + renameTick)
		synctest.Wait()
		if n := shown.Load(); n != 1 {
			t.Errorf("the last name is shown %d times", n)
		}
	})
}

// When all wait, nobody more is counted, and that costs next to nothing; a stop ends the waiting.
func TestRenamersWhoAllWaitAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r renames
		var shown atomic.Int32
		for i := range 2 * maxRenamers {
			for name := range strangerRenames.most + 1 {
				r.allow(fmt.Sprint(i), fmt.Sprint(name), strangerRenames, func() { shown.Add(1) })
			}
		}
		r.mu.Lock()
		if r.of.Len() != maxRenamers || len(r.waits) != maxRenamers {
			t.Errorf("%d are counted, of whom %d wait", r.of.Len(), len(r.waits))
		}
		r.mu.Unlock()
		time.Sleep(renameWindow + renameTick)
		synctest.Wait()
		if n := shown.Load(); n != maxRenamers {
			t.Errorf("%d are shown in the end", n)
		}
		for name := range strangerRenames.most + 1 {
			r.allow("eve", fmt.Sprint(name), strangerRenames, func() { t.Error("shown after the stop") })
		}
		r.Stop()
		time.Sleep(2 * renameWindow)
	})
}

// The last name of a contact is shown a minute later, however often they have changed it.
func TestLastNameOfAContactIsShownSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r renames
		var shown time.Time
		for i := range 300 {
			r.allow("bob", fmt.Sprint(i), contactRenames, func() { shown = time.Now() })
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		last := time.Now()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if shown.IsZero() || shown.Sub(last) > contactRenames.pause+renameTick {
			t.Errorf("it is shown after %v", shown.Sub(last))
		}
		r.Stop()
	})
}
