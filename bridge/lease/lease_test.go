package lease

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// row is the lease in memory.
type row struct {
	mu     sync.Mutex
	holder string
	beats  int64
	err    error

	evicted time.Duration // what Evict was called with last
}

func (r *row) Evict(_ context.Context, idle time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evicted = idle
	return 1, errors.New("nobody may")
}

func (r *row) Get(context.Context) (string, int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.holder, r.beats, r.err
}

func (r *row) Take(_ context.Context, before string, beat int64, holder string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.holder != before || r.beats != beat {
		return false, r.err
	}
	r.holder, r.beats = holder, beat+1
	return true, nil
}

func (r *row) Beat(_ context.Context, holder string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.holder != holder {
		return false, r.err
	}
	r.beats++
	return true, nil
}

func (r *row) Release(_ context.Context, holder string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holder == holder {
		r.holder = ""
	}
	return r.err
}

func never(t *testing.T) func() { return func() { t.Error("the lease was lost") } }

func TestOneProcessHoldsTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		elsewhere := &row{holder: "elsewhere 7 ABCDEFGH", beats: 3}
		began := time.Now()
		alive, die := context.WithCancel(t.Context())
		go func() {
			for alive.Err() == nil {
				time.Sleep(beatEvery)
				_, _ = elsewhere.Beat(alive, "elsewhere 7 ABCDEFGH")
			}
		}()
		_, err := Acquire(t.Context(), elsewhere, never(t))
		if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "process 7 on elsewhere") || time.Since(began) > Gone {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		die()
		time.Sleep(2 * beatEvery)
		began = time.Now()
		l, err := Acquire(t.Context(), elsewhere, never(t))
		if err != nil || time.Since(began) < Gone || time.Since(began) > Gone+look {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if elsewhere.evicted != idle {
			t.Errorf("transactions of %v were ended", elsewhere.evicted)
		}
		time.Sleep(10 * beatEvery) // and it stays ours
		l.Release(t.Context())
		if elsewhere.holder != "" {
			t.Errorf("held by %q after the release", elsewhere.holder)
		}
	})
}

func TestLeaseOfAProcessThatHasEndedIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	// A process that has surely ended, whose number is free for now.
	gone := exec.Command(os.Args[0], "-test.run=^$")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for name, holder := range map[string]string{
		"nobody":                      "",
		"a process that died":         fmt.Sprintf("%s %d ABCDEFGH", machine(), gone.Process.Pid),
		"an earlier life of this one": fmt.Sprintf("%s %d ABCDEFGH", machine(), os.Getpid()),
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &row{holder: holder, beats: 1}
			began := time.Now()
			l, err := Acquire(t.Context(), store, never(t))
			if took := time.Since(began); err != nil || took != 0 || store.evicted != 0 {
				t.Fatalf("%s: after %v: %v, evicted %v", name, took, err, store.evicted)
			}
			l.Release(t.Context())
		})
	}
}

func TestProcessThatLosesTheLeaseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &row{}
		lost := make(chan struct{})
		l, err := Acquire(t.Context(), store, func() { close(lost) })
		if err != nil {
			t.Fatal(err)
		}
		store.mu.Lock()
		store.err = errors.New("the database is away")
		store.mu.Unlock()
		time.Sleep(10 * beatEvery)
		select {
		case <-lost:
			t.Error("lost because the database was away")
		default:
		}
		store.mu.Lock()
		store.err, store.holder = nil, "elsewhere 7 ABCDEFGH"
		store.mu.Unlock()
		<-lost
		l.Release(t.Context())
		if store.holder != "elsewhere 7 ABCDEFGH" {
			t.Error("the other's lease was given up")
		}
	})
}

// The number of a process that has ended can be that of another program after a reboot.
func TestLeaseOfANumberThatAnotherProgramHasIsTakenInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &row{holder: fmt.Sprintf("%s %d ABCDEFGH", machine(), os.Getppid()), beats: 1}
		began := time.Now()
		l, err := Acquire(t.Context(), store, never(t))
		if err != nil || time.Since(began) > Gone+look {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		l.Release(t.Context())
	})
}

// Several start at once: one of them gets the lease.
func TestOneOfSeveralThatStartTogetherGetsTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &row{}
		var starting sync.WaitGroup
		var mu sync.Mutex
		var held []*Lease
		for i := range 8 {
			starting.Go(func() {
				l := &Lease{store: store, holder: fmt.Sprintf("machine%d 1 ABCDEFGH", i)}
				if err := l.acquire(t.Context()); err == nil {
					ctx, cancel := context.WithCancel(t.Context())
					l.cancel = cancel
					l.beats.Go(func() { l.beat(ctx, never(t)) })
					mu.Lock()
					held = append(held, l)
					mu.Unlock()
				} else if !errors.Is(err, ErrHeld) {
					t.Error(err)
				}
			})
		}
		starting.Wait()
		if len(held) != 1 {
			t.Errorf("%d hold the lease", len(held))
		}
		for _, l := range held {
			l.Release(t.Context())
		}
	})
}
