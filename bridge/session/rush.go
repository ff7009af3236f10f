package session

import "time"

const (
	// rushFrom is how many sign-ins have to wait at a time for it to be a rush: after a start of the bridge, or when a service is
	// there again.
	rushFrom = 64
	// rushUntil is how many wait at most when it is over. Of thousands of accounts there is nearly always one that signs in.
	rushUntil = maxSignIns
	// rushSettles is how long a rush goes on after that: what each sign-in brings with it is done meanwhile.
	rushSettles = 10 * time.Second
)

// rush notes when many logins sign in at once. It is guarded by its SignIns.
type rush struct {
	waiting int // in all lanes of all services
	on      bool
	over    *time.Timer // nil while too many wait for it to be over
}

// Waiting returns how many sign-ins wait for their turn, to all services.
func (s *SignIns) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rush.waiting
}

// Crowded reports whether many logins are signing in at once, or have just done so.
func (s *SignIns) Crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rush.on
}

// moved notes that more sign-ins wait, or fewer. mu is held.
func (s *SignIns) moved(waiting int) {
	r := &s.rush
	r.waiting += waiting
	switch {
	case !r.on && r.waiting >= rushFrom:
		r.on = true
		s.tellRush(true)
	case r.waiting > rushUntil && r.over != nil:
		r.over.Stop()
		r.over = nil
	case r.on && r.waiting <= rushUntil && r.over == nil:
		var timer *time.Timer
		timer = time.AfterFunc(rushSettles, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if r.over == timer {
				r.on, r.over = false, nil
				s.tellRush(false)
			}
		})
		r.over = timer
	}
}

// tellRush tells that a rush begins, or that it is over. mu is held.
func (s *SignIns) tellRush(begins bool) {
	if s.Rush != nil {
		s.Rush(begins)
	}
}
