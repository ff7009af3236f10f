package chat

import "time"

// packetTime is how long the server may take to acknowledge a packet: some never do.
const packetTime = 10 * time.Second

// flight are the packets of a session that the server has not acknowledged yet: no more than fit its window.
type flight struct {
	flying map[uint32]time.Time // when they were sent, by TrID
	window window
	since  time.Time // when the server has last answered one, or the first of them was sent
}

func newFlight() flight { return flight{flying: make(map[uint32]time.Time), window: newWindow()} }

func (f *flight) empty() bool { return len(f.flying) == 0 }

// room reports whether one more may be sent.
func (f *flight) room() bool { return len(f.flying) < f.window.size }

// sent notes a packet.
func (f *flight) sent(trid uint32) {
	now := time.Now()
	if f.empty() {
		f.since = now
	}
	f.flying[trid] = now
}

// answered notes that the server has answered a packet. It reports false for what is none.
func (f *flight) answered(trid uint32) bool {
	sent, known := f.flying[trid]
	if !known {
		return false
	}
	delete(f.flying, trid)
	f.since = time.Now()
	f.window.acknowledged(f.since.Sub(sent))
	return true
}

// rest is how long the server may still take for the next answer.
func (f *flight) rest() time.Duration { return packetTime - time.Since(f.since) }

// giveUp waits for no answer any more.
func (f *flight) giveUp() { clear(f.flying) }
