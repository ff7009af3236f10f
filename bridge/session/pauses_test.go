package session

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
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
			if got := newPauses().after(held, &msn.OutError{Reason: "RCT", After: asked}); got < want || got > want+retry.First*3/2 {
				t.Errorf("asked for %v after a session of %v: wait of %v", asked, held, got)
			}
		}
	}
}

// Those whose sessions a server has ended all at once do not come back all at once, however long it is away: also when it has asked
// all of them for the same.
func TestThoseWhoAreLostTogetherComeBackApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lost  error
		asked time.Duration
	}{
		"a server that is gone":          {errors.New("connection reset"), 0},
		"one that asks to be left alone": {&msn.OutError{Reason: "RCT", After: 5 * time.Minute}, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const logins, away = 1000, 10 * time.Minute
				began := time.Now()
				var mu sync.Mutex
				knocks := make(map[time.Duration]int) // by tenth of a second
				var trying sync.WaitGroup
				for range logins {
					trying.Go(func() {
						p := newPauses()
						for wait := p.after(time.Hour, test.lost); time.Since(began) < away; wait = p.after(0, errors.New("connection refused")) {
							time.Sleep(wait)
							mu.Lock()
							knocks[time.Since(began).Truncate(100*time.Millisecond)]++
							mu.Unlock()
						}
					})
				}
				trying.Wait()
				for at, n := range knocks {
					// The first wait is from one second to three.
					if most := logins / 10; n > most || at > test.asked+10*time.Second && n > most/2 {
						t.Errorf("after %v %d of %d knock", at, n, logins)
					}
				}
			})
		})
	}
}
