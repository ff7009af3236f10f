package queue

import (
	"sync"
	"time"
)

// PutsTimeout is how long a stop or a farewell waits at a Gate for rows that are just being put.
const PutsTimeout = 5 * time.Second

// Gate is what rows pass on their way into a table. It is closed before what is left in the table is settled for good: a row that
// came after that would be settled by nobody. The zero value is open.
type Gate struct {
	mu     sync.Mutex
	going  int
	closed bool
	over   chan struct{} // closed when no row is being put any more, nil unless somebody waits for that
}

// Enter notes that a row is being put, until leave. Without leave the Gate is closed, and the row must not be put.
func (g *Gate) Enter() (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.going++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.going--; g.going == 0 && g.over != nil {
			close(g.over)
			g.over = nil
		}
	}
}

// Close lets no row pass any more, until Open. It does not wait for those that are being put.
func (g *Gate) Close() { g.set(true) }

// Open lets rows pass again.
func (g *Gate) Open() { g.set(false) }

func (g *Gate) set(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
}

// Wait waits until no row is being put, and reports false when that takes too long.
func (g *Gate) Wait(limit time.Duration) bool {
	g.mu.Lock()
	if g.going > 0 && g.over == nil {
		g.over = make(chan struct{})
	}
	over := g.over
	g.mu.Unlock()
	if over == nil {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-timer.C:
		return false
	}
}
