package passport

import (
	"net/url"
	"sync"
	"time"
)

// nexusAge is for how long it counts what a nexus server has said: many accounts that sign in one after the other ask it once.
const nexusAge = 2 * time.Minute

// Nexus remembers where a nexus server sends those who sign in. Accounts can share one that would all trust the same answer. The zero
// value remembers nothing.
type Nexus struct {
	mu    sync.Mutex
	asked string // address of the nexus server
	said  *url.URL
	until time.Time
}

// login returns what a nexus server has said not long ago, or nil.
func (n *Nexus) login(asked string) *url.URL {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked != asked || time.Now().After(n.until) {
		return nil
	}
	return n.said
}

// remember notes what a nexus server has said.
func (n *Nexus) remember(asked string, said *url.URL) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked, n.said, n.until = asked, said, time.Now().Add(nexusAge)
}

// forget has the nexus server asked again.
func (n *Nexus) forget() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = nil
}
