package chat

import "time"

// A text waits for the packets before it, so no more of them are on their way than fill the line: what
// is beyond that only waits somewhere, and shows in the time until the server acknowledges it
// (as TCP Vegas has it).

const (
	// minPackets and maxPackets bound how many packets of a session may wait for the server's
	// acknowledgement: two keep the line busy while one is acknowledged, 64 fill one of 3 Mbit/s that is 200 ms long.
	minPackets = 2
	maxPackets = 64
	// fewQueued and manyQueued are how many of them may wait somewhere on the way.
	fewQueued  = 1
	manyQueued = 3
	// shortestWay is what nobody notices.
	shortestWay = 200 * time.Microsecond
	// wayTime is how long the shortest way counts that was seen: it can become longer.
	wayTime = time.Minute
)

// window is how many packets may wait for the server's acknowledgement.
type window struct {
	size   int
	way    time.Duration // the shortest until an acknowledgement
	seen   time.Time     // when that was
	steady bool          // the line was filled once
	acks   int           // since the size was looked at
}

func newWindow() window { return window{size: minPackets} }

// acknowledged notes how long the server took to acknowledge a packet.
func (w *window) acknowledged(took time.Duration) {
	took = max(took, shortestWay)
	now := time.Now()
	if w.way == 0 || took < w.way || now.Sub(w.seen) > wayTime {
		w.way, w.seen = took, now
	}
	queued := float64(w.size) * float64(took-w.way) / float64(took)
	w.acks++
	switch {
	case !w.steady && queued <= manyQueued:
		w.size = min(w.size+1, maxPackets)
	case w.acks < w.size: // once for each way
		return
	case queued > manyQueued:
		w.size = max(w.size-1, minPackets)
	case queued < fewQueued:
		w.size = min(w.size+1, maxPackets)
	}
	w.steady = w.steady || queued > manyQueued
	w.acks = 0
}
