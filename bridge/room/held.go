package room

import (
	"sync"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/internal/lazy"
)

// held are portals to which nothing is queued for a while. The zero value has none.
type held struct {
	mu      sync.Mutex
	portals map[networkid.PortalID]chan struct{} // each is closed when its portal is held no more
}

// Hold has what is queued to a portal wait until Release: the framework is about to give it the room into which the user has
// invited a ghost. It does that beside the events of the room, and both would write the portal at once. Held once more, it is held once.
func (r *Rooms) Hold(key networkid.PortalKey) {
	r.held.mu.Lock()
	defer r.held.mu.Unlock()
	if r.held.portals[key.ID] == nil {
		lazy.Put(&r.held.portals, key.ID, make(chan struct{}))
	}
}

// Release ends Hold. It does nothing to a portal that is not held.
func (r *Rooms) Release(key networkid.PortalKey) {
	r.held.mu.Lock()
	defer r.held.mu.Unlock()
	if end := r.held.portals[key.ID]; end != nil {
		close(end)
		if delete(r.held.portals, key.ID); len(r.held.portals) == 0 {
			r.held.portals = nil
		}
	}
}

// releaseAll ends every Hold.
func (r *Rooms) releaseAll() {
	r.held.mu.Lock()
	defer r.held.mu.Unlock()
	for _, end := range r.held.portals {
		close(end)
	}
	r.held.portals = nil
}

// queueReleased puts an event among those of its room, once that is not held.
func (r *Rooms) queueReleased(evt bridgev2.RemoteEvent) bridgev2.EventHandlingResult {
	r.held.mu.Lock()
	end := r.held.portals[evt.GetPortalKey().ID]
	r.held.mu.Unlock()
	if end != nil {
		<-end
	}
	return r.queue(evt)
}
