package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Memory is given back when it is free, or may be, and little is done.
func TestSpareMemoryIsThatOfWhoDoesLittle(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, test := range []struct {
		name string
		now  use // nothing was allocated before
		want bool
	}{
		{"after a flood", use{allocated: 10 * mib, live: 600 * mib, objects: 1100 * mib, free: 100 * mib}, true},
		{"after a flood and a collection", use{allocated: 10 * mib, live: 600 * mib, objects: 610 * mib, free: 500 * mib}, true},
		{"in a flood", use{allocated: 900 * mib, live: 600 * mib, objects: 1100 * mib, free: 100 * mib}, false},
		{"when it was given back", use{allocated: 10 * mib, live: 600 * mib, objects: 610 * mib, free: 5 * mib}, false},
		{"a part of it is garbage", use{allocated: 10 * mib, live: 600 * mib, objects: 700 * mib, free: 40 * mib}, false},
		{"a small process", use{allocated: mib, live: 20 * mib, objects: 40 * mib, free: 10 * mib}, false},
		{"new objects since the last collection", use{allocated: mib, live: 600 * mib, objects: 500 * mib, free: 10 * mib}, false},
		{"nothing is known", use{}, false},
	} {
		if got := spare(use{}, test.now); got != test.want {
			t.Errorf("%s: got %t, want %t", test.name, got, test.want)
		}
	}
}

// It is looked again and again, and what counts is what was allocated since the last time.
func TestSpareMemoryIsGivenBackOnceItIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mib = 1 << 20
		var mu sync.Mutex
		now := use{allocated: 100 * mib, live: 600 * mib, objects: 1200 * mib}
		given := 0
		read := func() use {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
		times := func() int {
			mu.Lock()
			defer mu.Unlock()
			return given
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			lookForSpare(ctx, read, func() {
				mu.Lock()
				defer mu.Unlock()
				given++
				now.objects = now.live
			})
		}()
		synctest.Wait()
		for range 5 { // a flood
			mu.Lock()
			now.allocated += 1000 * mib
			mu.Unlock()
			time.Sleep(spareLook)
			synctest.Wait()
		}
		if given := times(); given != 0 {
			t.Errorf("in a flood it was given back %d times", given)
		}
		time.Sleep(10 * spareLook)
		synctest.Wait()
		if given := times(); given != 1 {
			t.Errorf("after it, it was given back %d times", given)
		}
		cancel()
		<-ended
	})
}

// The names of what is read are those that the runtime has: others would count as nothing.
func TestUseIsThatOfTheProcess(t *testing.T) {
	runtime.GC()
	now := readUse()
	if now.allocated == 0 || now.live == 0 || now.objects == 0 || now.allocated < now.live {
		t.Errorf("%+v was read", now)
	}
	waste := make([]byte, 64<<20)
	runtime.KeepAlive(waste)
	debug.FreeOSMemory()
	later := readUse()
	if later.allocated < now.allocated+64<<20 || later.free >= 64<<20 {
		t.Errorf("after 64 MiB that are given back %+v was read, %+v before", later, now)
	}
}
