package service

import (
	"testing"
	"time"

	"matrix-msn/database"
)

func TestWhatWaitsIsDescribed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for waits, want := range map[database.Waiting]string{
		{}: "",
		{Out: 2, Oldest: now.Add(-150 * time.Second)}:           "waiting: 2 to MSN, for 3 minutes",
		{Out: 1, In: 7, Oldest: now.Add(-time.Second), Kept: 3}: "waiting: 1 to MSN, 7 to Matrix, for a minute; 3 kept for who is offline",
		{Kept: 1}: "1 kept for who is offline",
		{In: 1}:   "waiting: 1 to Matrix",
	} {
		if got := describeWaiting(waits, now); got != want {
			t.Errorf("%+v is described as %q, want %q", waits, got, want)
		}
	}
}
