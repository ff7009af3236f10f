package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// rushPercent is the GOGC of what the heap will be. What is used once and what stays are mixed in memory during a rush: collected
	// at the usual pace, what stays would be spread over twice the memory for good.
	rushPercent = 8
	// rushStep is how many bytes the heap may grow by from one collection to the next at least: a small heap would be collected all
	// the time while logins are loaded.
	rushStep = 16 << 20
	// smallestHeap is how large the heap is at least before it is collected, with a GOGC of 100 (GC guide of Go).
	smallestHeap = 4 << 20
	// rushPercentMost is the GOGC then at most.
	rushPercentMost = 100 * rushStep / smallestHeap
	// sessionBytes is how many bytes what is used once may take for each login that waits: those who sign in later fill the holes. Of each
	// some 15 KiB stay, but not in objects of the same sizes: with more room some sizes have more holes than are ever filled.
	sessionBytes = 8 << 10
	// rushLook is how often it is looked during a rush how many wait.
	rushLook = 250 * time.Millisecond
	// afterRush is how long after a rush memory is given back once more: what the last have brought with them is over then.
	afterRush = 20 * time.Second
)

// liveHeap is how many bytes of objects the last collection has found.
const liveHeap = "/gc/heap/live:bytes"

// saveMemory returns what keeps memory small while many logins sign in at once, at little cost, and gives back to the system what is free
// when that is over. waiting returns how many still wait for their turn. Whoever sets GOGC has chosen for themselves.
func saveMemory(waiting func() int) (rush func(begins bool)) {
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		return func(begins bool) {
			if !begins {
				go debug.FreeOSMemory()
			}
		}
	}
	var over chan struct{}
	p := new(pace)
	return func(begins bool) {
		if begins {
			over = make(chan struct{})
			go p.rush(waiting, over)
			return
		}
		close(over)
	}
}

// pace is the GOGC of the process while one rush is on: the next one may begin before the last has noticed its end.
type pace struct{ mu sync.Mutex }

// rush has as much used between two collections as those need who still wait, until over is closed.
func (p *pace) rush(waiting func() int, over <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	usual := debug.SetGCPercent(percentFor(readLive(), waiting()))
	defer func() {
		debug.SetGCPercent(usual)
		debug.FreeOSMemory()
		time.AfterFunc(afterRush, debug.FreeOSMemory)
	}()
	look := time.NewTicker(rushLook)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			debug.SetGCPercent(percentFor(readLive(), waiting()))
		case <-over:
			return
		}
	}
}

// percentFor returns the GOGC when so many bytes of objects are in use and so many logins wait: from one collection to the next the heap
// may grow by what those may take who wait, and a part of all that.
func percentFor(live uint64, waiting int) int {
	live = max(live, smallestHeap)
	end := live + uint64(waiting)*sessionBytes
	free := max(end+end*rushPercent/100-live, rushStep)
	return int(min(100*free/live, rushPercentMost))
}

// readLive returns how many bytes of objects the last collection has found in use.
func readLive() uint64 {
	sample := []metrics.Sample{{Name: liveHeap}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
