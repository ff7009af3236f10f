package chat

import (
	"time"

	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/slp"
)

// heard is what a session remembers of what others have sent in it.
type heard struct {
	counts map[string]int // messages by sender
	long   longtext.Joiner
	offers map[string]bool // that were told
	// emoticons are those of the next text of each sender.
	emoticons map[string][]slp.Emoticon
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
	return h.long.Waiting(now) > 0
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

// announce notes the emoticons of the next text of a sender: those that stand still, or those that
// move, or both, in two messages.
func (h *heard) announce(from string, emoticons []slp.Emoticon) {
	if h.emoticons == nil {
		h.emoticons = make(map[string][]slp.Emoticon)
	}
	if _, known := h.emoticons[from]; !known && len(h.emoticons) >= MaxParticipants {
		return
	}
	all := append(h.emoticons[from], emoticons...)
	h.emoticons[from] = all[max(0, len(all)-2*slp.MaxEmoticons):]
}

// announced returns them, once.
func (h *heard) announced(from string) []slp.Emoticon {
	emoticons := h.emoticons[from]
	delete(h.emoticons, from)
	return emoticons
}
