package msn

import "time"

// limiter lets each sender do something so often, and no sender more often
// because others do it less. It belongs to one goroutine.
type limiter struct {
	burst   int
	every   time.Duration
	buckets map[string]bucket
}

type bucket struct {
	tokens int
	filled time.Time // when tokens was right
}

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: burst, every: every}
}

// allow takes one token of key's bucket, if there is one.
func (l *limiter) allow(key string, now time.Time) bool {
	b, known := l.buckets[key]
	if !known {
		if l.buckets == nil || len(l.buckets) >= maxBuckets {
			l.buckets = make(map[string]bucket)
		}
		b = bucket{tokens: l.burst, filled: now}
	}
	if n := int(now.Sub(b.filled) / l.every); n > 0 {
		b.tokens = min(l.burst, b.tokens+n)
		b.filled = b.filled.Add(time.Duration(n) * l.every)
	}
	ok := b.tokens > 0
	if ok {
		b.tokens--
	}
	l.buckets[key] = b
	return ok
}
