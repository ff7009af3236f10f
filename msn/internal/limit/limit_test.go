package limit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// A Limiter allows what a bucket of tokens for each sender does.
func TestEachSenderHasABucketOfItsOwn(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		burst, each := 1+random.IntN(5), time.Duration(1+random.IntN(4))*time.Second
		l := New(burst, each)
		buckets := make(map[string]*rate.Limiter)
		now := time.Unix(1_000_000, 0)
		for step := range 500 {
			now = now.Add(time.Duration(random.Int64N(int64(each))))
			sender := fmt.Sprint(random.IntN(4))
			if buckets[sender] == nil {
				buckets[sender] = rate.NewLimiter(rate.Every(each), burst)
			}
			if got, want := l.Allow(sender, now), buckets[sender].AllowN(now, 1); got != want {
				t.Fatalf("seed %d, step %d: %v for %s, who has %v", seed, step, got, sender, buckets[sender].TokensAt(now))
			}
		}
	}
}

func TestClockThatIsSetBackSilencesNobodyForLong(t *testing.T) {
	t.Parallel()
	l := New(2, time.Second)
	now := time.Unix(1_000_000, 0)
	for range 3 {
		l.Allow("a", now)
	}
	now = now.Add(-time.Hour)
	if l.Allow("a", now) {
		t.Error("the clock was set back, and there is a new burst")
	}
	if !l.Allow("a", now.Add(time.Second)) {
		t.Error("still silenced after as long as it takes otherwise")
	}
}

func TestManySendersTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	l := New(1, time.Second)
	now := time.Unix(1_000_000, 0)
	for i := range 10 * maxSenders {
		if !l.Allow(fmt.Sprint(i), now) || l.rests.Len() > maxSenders {
			t.Fatalf("sender %d: %d are remembered", i, l.rests.Len())
		}
	}
	// Those who have rested make room before all others are forgotten.
	l = New(1, time.Second)
	for i := range maxSenders - 1 {
		l.Allow(fmt.Sprint(i), now)
	}
	now = now.Add(2 * time.Second)
	l.Allow("loud", now)
	l.Allow("another", now)
	if l.Allow("loud", now) {
		t.Error("who has not rested was forgotten")
	}
}
