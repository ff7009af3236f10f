package database

import (
	"sync/atomic"
	"time"
)

// positions gives positions for rows: the time, or more. They grow also while the clock stands
// still, or after it was set back: a row must not get that of one that has just been taken out,
// which somebody may still know.
type positions struct{ last atomic.Int64 }

func (p *positions) next() int64 {
	for {
		last := p.last.Load()
		if next := max(time.Now().UnixNano(), last+1); p.last.CompareAndSwap(last, next) {
			return next
		}
	}
}
