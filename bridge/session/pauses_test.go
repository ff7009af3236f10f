package session

import (
	"errors"
	"testing"
	"time"

	"matrix-msn/bridge/retry"
	"matrix-msn/msn"
)

// A line that does not last is no reason to wait for minutes: the sign-in works.
func TestLineThatFlapsIsTriedAgainSoon(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection reset")
	p := newPauses()
	for range 50 {
		if wait := p.after(time.Second, lost); wait > longestFlap {
			t.Fatalf("wait of %v after a session of a second", wait)
		}
	}
	for range 50 {
		// The first wait is spread by half of itself.
		if wait := p.after(stableAfter+time.Second, lost); wait > retry.First*3/2 {
			t.Fatalf("wait of %v after a session that lasted", wait)
		}
	}
}

// A server that lets nobody in is left alone for longer and longer, up to a limit, also after
// a line that flapped, and no longer once a session has lasted.
func TestServerThatIsAwayIsTriedLessAndLess(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	p := newPauses()
	var longest time.Duration
	for range 20 {
		longest = max(longest, p.after(0, refused))
	}
	if longest < retry.Longest/2 || longest > retry.Longest*3/2 {
		t.Errorf("the longest wait is %v", longest)
	}
	p.after(time.Second, refused)
	if wait := p.after(0, refused); wait < retry.Longest/2 {
		t.Errorf("after a moment of being signed in the wait is %v", wait)
	}
	p.after(time.Hour, refused)
	if wait := p.after(0, refused); wait > 4*retry.First {
		t.Errorf("after an hour of being signed in the wait is %v", wait)
	}
}

// What a server asks for counts, within reason.
func TestServerAsksToBeLeftAlone(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{
		5 * time.Minute: 5 * time.Minute,
		24 * time.Hour:  longestServerWait,
	} {
		for _, held := range []time.Duration{0, time.Second, time.Hour} {
			if got := newPauses().after(held, &msn.OutError{Reason: "RCT", After: asked}); got != want {
				t.Errorf("asked for %v after a session of %v: wait of %v", asked, held, got)
			}
		}
	}
}
