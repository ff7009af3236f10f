package room

import (
	"sync"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/internal/lazy"
)

// held are portals to which nothing is queued for a while. The zero value has none.
type held struct {
	mu      sync.Mutex
	portals map[networkid.PortalID]*hold
}

// hold is that of one portal.
type hold struct {
	holders int
	end     chan struct{} // closed when the portal is held no more
}

// Hold has what is queued to a portal wait until all who hold it have released it, for CreateTimeout at most: the framework is about to
// give it the room into which the user has invited a ghost. It does that beside the events of the room, and both would write the portal at
// once. What was queued before is not waited for: the framework gives a room to a portal without one, which has no events, or whose user has left it.
func (r *Rooms) Hold(key networkid.PortalKey) (release func()) {
	h := r.held.add(key.ID)
	end := sync.OnceFunc(func() { r.held.remove(key.ID, h) })
	limit := time.AfterFunc(CreateTimeout, end)
	return func() {
		limit.Stop()
		end()
	}
}

func (h *held) add(portal networkid.PortalID) *hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.portals[portal] == nil {
		lazy.Put(&h.portals, portal, &hold{end: make(chan struct{})})
	}
	h.portals[portal].holders++
	return h.portals[portal]
}

func (h *held) remove(portal networkid.PortalID, of *hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if of.holders--; of.holders > 0 || h.portals[portal] != of {
		return
	}
	close(of.end)
	if delete(h.portals, portal); len(h.portals) == 0 {
		h.portals = nil
	}
}

// removeAll ends all of them.
func (h *held) removeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range h.portals {
		close(of.end)
	}
	h.portals = nil
}

// wait waits until a portal is held no more.
func (h *held) wait(portal networkid.PortalID) {
	h.mu.Lock()
	of := h.portals[portal]
	h.mu.Unlock()
	if of != nil {
		<-of.end
	}
}
