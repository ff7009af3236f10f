package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// A flood of messages leaves a heap of twice what is in use, which the collector keeps for the next one: what a bridge of many accounts
// has used for a minute it would have for days.

const (
	// spareLook is how often it is looked whether memory is to spare.
	spareLook = 30 * time.Second
	// spareQuiet is which part of what is in use may be allocated between two looks while there is little to do.
	spareQuiet = 20
	// sparePart is which part of what is in use has to be free, or may be: the collector works several times as often for it as for itself,
	// while there is little to do.
	sparePart = 4
	// leastSpare is how many bytes are worth a collection of their own.
	leastSpare = 32 << 20
)

// use is what the process has used so far, in bytes.
type use struct {
	allocated uint64 // since it was started
	live      uint64 // by objects that the last collection has found
	objects   uint64 // by objects, used or not
	free      uint64 // by nothing, and not given back to the system
}

// spare reports whether memory is to be given back: a quarter of what is in use is free or may be, and hardly anything was
// allocated since it was looked before.
func spare(before, now use) bool {
	free := now.free + now.objects - min(now.objects, now.live)
	return now.allocated-before.allocated < now.live/spareQuiet && free > max(now.live/sparePart, leastSpare)
}

// readUse returns what the process has used so far.
func readUse() use {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: liveHeap}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	var bytes [4]uint64
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			bytes[i] = s.Value.Uint64()
		}
	}
	return use{bytes[0], bytes[1], bytes[2], bytes[3]}
}

// giveBackSpare gives memory that is to spare back to the system whenever little is done, until stop is called. Whoever sets GOGC has
// chosen for themselves.
func giveBackSpare() (stop func()) {
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() { lookForSpare(ctx, readUse, debug.FreeOSMemory) })
	return func() {
		cancel()
		looking.Wait()
	}
}

// lookForSpare is giveBackSpare for what read tells, until ctx ends.
func lookForSpare(ctx context.Context, read func() use, giveBack func()) {
	look := time.NewTicker(spareLook)
	defer look.Stop()
	for before := read(); ; {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		now := read()
		if spare(before, now) {
			giveBack()
		}
		before = now
	}
}
