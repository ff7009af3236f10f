package presence

import (
	"sync"
	"time"
)

// Pace is how fast the homeserver is asked by all Keepers that share it. The zero value is ready to
// use.
type Pace struct {
	mu   sync.Mutex
	next time.Time // before it nothing is sent
}

// due returns when something may be sent again.
func (p *Pace) due() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// take takes the place of some requests, or returns when there is one.
func (p *Pace) take(now time.Time, requests int) (due time.Time, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return p.next, false
	}
	p.next = now.Add(time.Duration(requests) * pace)
	return p.next, true
}
