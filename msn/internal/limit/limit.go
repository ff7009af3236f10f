// Package limit bounds how often each of many senders may do something.
package limit

import (
	"time"

	"golang.org/x/time/rate"
)

// maxSenders is how many senders are remembered before all are forgotten.
const maxSenders = 1024

// Limiter lets each sender do something so often, and no sender more often because others
// do it less. It belongs to one goroutine.
type Limiter struct {
	burst   int
	every   rate.Limit
	senders map[string]*rate.Limiter
}

// New returns a Limiter that allows burst at once and one more each time.
func New(burst int, each time.Duration) *Limiter {
	return &Limiter{burst: burst, every: rate.Every(each)}
}

// Allow reports whether a sender may do it now, and counts it then.
func (l *Limiter) Allow(sender string, now time.Time) bool {
	limiter := l.senders[sender]
	if limiter == nil {
		if l.senders == nil || len(l.senders) >= maxSenders {
			l.senders = make(map[string]*rate.Limiter)
		}
		limiter = rate.NewLimiter(l.every, l.burst)
		l.senders[sender] = limiter
	}
	return limiter.AllowN(now, 1)
}
