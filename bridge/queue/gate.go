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
	missed int           // how often a Wait was given up
}

// Pass has put put a row, and returns closed in its place while the Gate is closed. It returns that also when the row was put so late that a
// Wait for it was given up: what is left may have been settled without it.
func (g *Gate) Pass(closed error, put func() error) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return closed
	}
	g.going++
	missed := g.missed
	g.mu.Unlock()
	defer g.leave()
	err := put()
	if err == nil && g.hasMissed(missed) {
		return closed
	}
	return err
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.going--; g.going == 0 && g.over != nil {
		close(g.over)
		g.over = nil
	}
}

// hasMissed reports whether a Wait was given up since missed was read.
func (g *Gate) hasMissed(missed int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.missed != missed
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
		g.mu.Lock()
		defer g.mu.Unlock()
		g.missed++
		return false
	}
}
