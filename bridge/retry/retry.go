// Package retry says how long the bridge waits between attempts at what has failed.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Waits between two attempts. They double from First to Longest, each spread by half of
// itself either way, so that what failed together is not tried again together.
const (
	First   = 2 * time.Second
	Longest = 5 * time.Minute
	// LongestStoring is the longest wait for the database: what it does not take yet is in memory
	// alone.
	LongestStoring = 20 * time.Second
	spread         = 0.5
)

// Waits returns the waits between attempts, beginning with the first.
func Waits() *backoff.ExponentialBackOff {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = First, Longest
	waits.Multiplier, waits.RandomizationFactor = 2, spread
	waits.Reset()
	return waits
}

// Storing returns the waits between attempts to store something.
func Storing() *backoff.ExponentialBackOff {
	waits := Waits()
	waits.MaxInterval = LongestStoring
	return waits
}

// Sleep waits. It reports false when ctx ends before.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
