package chat

import (
	"math/rand/v2"
	"time"

	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/internal/slp"
)

// heard is what a session remembers of what others have sent in it.
type heard struct {
	counts   map[string]int // messages by sender
	long     longtext.Joiner
	packets  slp.Joiner
	packetID uint32          // of the last message in packets, 0 before the first
	offers   map[string]bool // that were told
}

// count counts one more message of a sender.
func (h *heard) count(from string) {
	if h.counts == nil {
		h.counts = make(map[string]int)
	}
	if _, known := h.counts[from]; known || len(h.counts) < MaxParticipants {
		h.counts[from]++
	}
}

// unfinished reports whether the rest of a message is waited for.
func (h *heard) unfinished(now time.Time) bool {
	return h.long.Waiting(now) > 0 || h.packets.Waiting(now) > 0
}

// firstOffer reports whether an offer comes for the first time.
func (h *heard) firstOffer(key string) bool {
	if h.offers[key] {
		return false
	}
	if h.offers == nil || len(h.offers) >= maxOffers {
		h.offers = make(map[string]bool)
	}
	h.offers[key] = true
	return true
}

// nextPacket returns the number of the next message in packets.
func (h *heard) nextPacket() uint32 {
	if h.packetID == 0 {
		h.packetID = rand.Uint32N(1 << 30)
	}
	h.packetID++
	return h.packetID
}
