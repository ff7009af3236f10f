package e2e

import (
	"context"
	"errors"
	"flag"
	"sync"
	"syscall"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
)

var hangs = flag.Bool("hangs", false, "whether a process that hangs is taken over from")

const (
	// standbyRestart is after how long a process that found another one on the database is started again. systemd does it
	// after ten seconds.
	standbyRestart = time.Second
	// standbyWaits is longer than a process waits for a sign of life of another one, and starts then.
	standbyWaits = 3 * time.Minute
)

// pair is a crowd with two processes of the bridge on one database in PostgreSQL. The homeserver reaches the one that is active.
type pair struct {
	*crowd
	passive *stack.Bridge
	table   *table
	runs    int
}

// newPair starts a crowd, and configures the second process.
func newPair(t *testing.T, id string) *pair {
	t.Helper()
	settings := map[string]any{"database.type": "postgres", "database.uri": newDatabase(t)}
	p := &pair{crowd: newCrowd(t, crowdOptions{id: id, settings: settings}), table: newTable(t, "")}
	p.gather()
	second, err := p.bridge.Second()
	if err != nil {
		t.Fatal(err)
	}
	// Only who holds the lease listens.
	p.toBridge.leadAlso(second.URL)
	p.passive = second
	first := p.bridge
	t.Cleanup(func() {
		if err := errors.Join(second.Stop(), first.Stop()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// standBy starts the passive process until it has taken over, as systemd does. ready is called then.
func (p *pair) standBy(ctx context.Context, ready func()) (wait func()) {
	passive := p.passive
	var standing sync.WaitGroup
	standing.Go(func() {
		for {
			err := passive.StartWithin(ctx, standbyWaits)
			if err == nil {
				ready()
				return
			}
			if !errors.Is(err, stack.ErrHeld) {
				p.t.Error(err)
				return
			}
			lasts(standbyRestart)
		}
	})
	return standing.Wait
}

// takesOver has the passive process take over from the active one, which end ends, while both sides write. With long, that takes
// so long that they stop writing meanwhile.
func (p *pair) takesOver(f fault, long bool, end func()) {
	p.t.Helper()
	var began, ready time.Time
	var wait func()
	var marks []stack.Mark
	f.make = func(*crowd) {
		marks, began = p.marks(), time.Now()
		wait = p.standBy(p.t.Context(), func() { ready = time.Now() })
		end()
	}
	over := func(*crowd) {
		wait()
		if ready.IsZero() {
			p.t.Fatal("the passive process has not taken over")
		}
		p.bridge, p.passive = p.passive, p.bridge
		p.online(marks)
		p.t.Logf("%s: it took over after %s, and the login was signed in after %s", f.name, ready.Sub(began).Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))
	}
	if begin := f.make; long {
		f.ends = over
	} else {
		f.make = func(c *crowd) { begin(c); over(c) }
	}
	p.goesWrong(f, p.runs, p.table)
	p.runs++
}

// A login moves from one process to the other and back while texts go both ways, when the active process is stopped and when it
// is killed: what was written arrives once, and in order, or its writer is told.
func TestPassiveProcessTakesOver(t *testing.T) {
	t.Parallel()
	p := newPair(t, "pair")
	for range *faultRounds {
		p.takesOver(fault{name: "the active process is stopped"}, false, func() {
			if err := p.bridge.Stop(); err != nil {
				t.Error(err)
			}
		})
		p.takesOver(fault{name: "the active process is killed", unread: true}, false, func() {
			if err := p.bridge.Kill(); err != nil {
				t.Error(err)
			}
		})
	}
	p.table.end()
}

// The active process gives no sign of life for a minute, and goes on after the passive one has taken over: it ends, and disturbs
// nothing. A process of another machine that has ended looks the same.
func TestProcessThatHungEndsWhenAnotherHasTakenOver(t *testing.T) {
	if !*hangs {
		t.Skip("takes three minutes: run it by -hangs")
	}
	t.Parallel()
	p := newPair(t, "hung")
	hung := p.bridge
	p.takesOver(fault{name: "the active process hangs", unread: true}, true, func() {
		if err := syscall.Kill(hung.Pid(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		p.toBridge.cut(false) // as a proxy does when it finds that nobody answers
	})
	p.goesOn(hung)
	p.table.end()
}

// goesOn has a process that hung go on, while both sides write.
func (p *pair) goesOn(hung *stack.Bridge) {
	p.t.Helper()
	p.goesWrong(fault{name: "it goes on", unread: true, make: func(*crowd) {
		if err := syscall.Kill(hung.Pid(), syscall.SIGCONT); err != nil {
			p.t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
		defer cancel()
		if err := hung.WaitUsurped(ctx); err != nil {
			p.t.Error(err)
		}
		p.t.Logf("it ended after %s", time.Since(began).Round(10*time.Millisecond))
	}}, p.runs, p.table)
	p.runs++
}
