// Package limit bounds how often each of many senders may do something.
package limit

import (
	"time"

	"matrix-msn/internal/lazy"
)

// maxSenders is how many senders are remembered before all are forgotten.
const maxSenders = 1024

// Limiter lets each sender do something so often, and no sender more often because others
// do it less. It belongs to one goroutine.
//
// There is one for each account and kind, and a sender in it for each contact: of a sender it keeps one number, where
// golang.org/x/time/rate would take a hundred bytes.
type Limiter struct {
	burst int64
	each  int64                     // nanoseconds
	rests lazy.Table[string, int64] // until when senders would have to rest to have the whole burst again, in Unix nanoseconds
}

// New returns a Limiter that allows burst at once and one more each time.
func New(burst int, each time.Duration) *Limiter {
	return &Limiter{burst: int64(burst), each: int64(each)}
}

// Allow reports whether a sender may do it now, and counts it then.
func (l *Limiter) Allow(sender string, now time.Time) bool {
	at := now.UnixNano()
	rest, known := l.rests.Get(sender)
	if !known {
		l.makeRoom(at)
	}
	// No more than the whole burst: the clock may have been set back.
	rest = min(max(rest, at), at+l.burst*l.each)
	allowed := rest <= at+(l.burst-1)*l.each
	if allowed {
		rest += l.each
	}
	l.rests.Put(sender, rest)
	return allowed
}

// makeRoom makes room for one more sender.
func (l *Limiter) makeRoom(at int64) {
	if l.rests.Len() >= maxSenders {
		l.rests.DeleteFunc(func(_ string, rest int64) bool { return rest <= at })
	}
	if l.rests.Len() >= maxSenders {
		l.rests = lazy.Table[string, int64]{}
	}
}
