package session

import "time"

const (
	// rushFrom is how many sign-ins have to wait at a time for it to be a rush: after a start of the bridge, or when a service is
	// there again.
	rushFrom = 64
	// rushSettles is how long a rush goes on after the last sign-in: what each brings with it is done meanwhile.
	rushSettles = 10 * time.Second
)

// rush notes when many logins sign in at once. It is guarded by its SignIns.
type rush struct {
	waiting, underWay int // in all lanes of all services
	on                bool
	over              *time.Timer
}

// moved notes that sign-ins wait, are under way, or are not any more. mu is held.
func (s *SignIns) moved(waiting, underWay int) {
	r := &s.rush
	r.waiting, r.underWay = r.waiting+waiting, r.underWay+underWay
	if r.over != nil {
		r.over.Stop()
		r.over = nil
	}
	switch {
	case s.Rush == nil:
	case !r.on && r.waiting >= rushFrom:
		r.on = true
		s.Rush(true)
	case r.on && r.waiting+r.underWay == 0:
		var timer *time.Timer
		timer = time.AfterFunc(rushSettles, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if r.over == timer {
				r.on, r.over = false, nil
				s.Rush(false)
			}
		})
		r.over = timer
	}
}
