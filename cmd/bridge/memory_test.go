package main

import (
	"os"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What is used between two collections gets less as there are fewer who wait.
func TestPercentFollowsWhoWaits(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, test := range []struct {
		name    string
		live    uint64
		waiting int
		want    int
	}{
		{"nothing collected yet", 0, 5000, rushPercentMost},
		{"as many again as there are", 400 * mib, 20480, 51},
		{"half of them are there", 600 * mib, 10240, 22},
		{"nearly all are there", 400 * mib, 100, rushPercent},
		{"nobody waits", 400 * mib, 0, rushPercent},
		{"a small heap, and nobody waits", 64 * mib, 0, 25},
		{"many, and hardly anything in use", mib, 10000, rushPercentMost},
	} {
		if got := percentFor(test.live, test.waiting); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

// During a rush the collector works as who waits demands, and as before when it is over. The process has one such setting, so
// nothing else is tested beside this.
func TestCollectorIsAsBeforeWhenARushIsOver(t *testing.T) {
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		t.Skip("GOGC is set, which the bridge leaves as it is")
	}
	const usual = 123
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	now := func() int {
		percent := debug.SetGCPercent(usual)
		debug.SetGCPercent(percent)
		return percent
	}
	synctest.Test(t, func(t *testing.T) {
		var waiting atomic.Int64
		rush := saveMemory(func() int { return int(waiting.Load()) })
		for range 2 {
			rush(true)
			synctest.Wait()
			if got := now(); got == usual {
				t.Error("when nobody waits it is as before")
			}
			waiting.Store(1 << 30)
			time.Sleep(2 * rushLook)
			synctest.Wait()
			if got := now(); got != rushPercentMost {
				t.Errorf("when many wait it is %d", got)
			}
			waiting.Store(0)
			rush(false)
			synctest.Wait()
			if got := now(); got != usual {
				t.Errorf("after the rush it is %d", got)
			}
		}
	})
}

// A rush that begins right when another one ends does not take what that has set for what was set before.
func TestCollectorIsAsBeforeWhenOneRushFollowsAnother(t *testing.T) {
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		t.Skip("GOGC is set, which the bridge leaves as it is")
	}
	const usual = 123
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			rush := saveMemory(func() int { return 0 })
			rush(true)
			synctest.Wait()
			rush(false)
			rush(true)
			synctest.Wait()
			rush(false)
			synctest.Wait()
		})
		if now := debug.SetGCPercent(usual); now != usual {
			t.Fatalf("after both it is %d", now)
		}
	}
}
