// Package lease lets one process use a database. Two would sign each other's accounts out, and
// send what waits twice.
package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/database"
)

const (
	// beatEvery is how often the holder gives a sign of life.
	beatEvery = 15 * time.Second
	// Gone is after how long without one another process may take over. It is counted by
	// that process's own clock.
	Gone = database.LeaseLasts
	// look is how often it is looked for a sign of life meanwhile, or for the end of a process
	// of this machine.
	look = time.Second
	// idle is for how long nothing happens in a transaction of a process that hangs. Those of one that works are bounded to less.
	idle = Gone / 2
	// machineIDPart is how much of the ID of a machine tells it from others of its name.
	machineIDPart = 8
	// timeout bounds one statement.
	timeout = 10 * time.Second
)

// Store is the row of the lease; see database.LeaseQuery.
type Store interface {
	Get(ctx context.Context) (holder string, beat int64, err error)
	Take(ctx context.Context, before string, beat int64, holder string) (bool, error)
	Beat(ctx context.Context, holder string) (bool, error)
	Release(ctx context.Context, holder string) error
	Evict(ctx context.Context, idle time.Duration) (int, error)
}

// ErrHeld says that another process uses the database.
var ErrHeld = errors.New("another process of this bridge uses the database")

// Lease is held from Acquire to Release.
type Lease struct {
	store  Store
	holder string
	cancel context.CancelFunc
	beats  sync.WaitGroup
}

// Acquire takes the lease: at once from a process of this machine that has ended, and from
// another when it gives no sign of life for a minute. The error wraps ErrHeld when there is one.
// lost is called once if the lease is taken from this process, which has to end then.
func Acquire(ctx context.Context, store Store, lost func()) (*Lease, error) {
	l := &Lease{store: store, holder: self()}
	if err := l.acquire(ctx); err != nil {
		return nil, err
	}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.beats.Go(func() { l.beat(ctx, lost) })
	return l, nil
}

func (l *Lease) acquire(ctx context.Context) error {
	var since time.Time
	var seen string
	var seenBeat int64
	for {
		holder, beat, err := l.store.Get(ctx)
		if err != nil {
			return fmt.Errorf("read which process uses the database: %w", err)
		}
		switch {
		case holder == "" || ended(holder):
			taken, err := l.store.Take(ctx, holder, beat, l.holder)
			if err != nil {
				return fmt.Errorf("note which process uses the database: %w", err)
			}
			if taken {
				return nil
			}
			continue // somebody else was faster
		case !since.IsZero() && (holder != seen || beat != seenBeat):
			return fmt.Errorf("%w: %s. Stop that one first, or give this one a database of its own", ErrHeld, describe(holder))
		case since.IsZero():
			zerolog.Ctx(ctx).Warn().Str("holder", describe(holder)).Dur("wait", Gone).
				Msg("Another process of this bridge has used the database; waiting whether it gives a sign of life")
			since, seen, seenBeat = time.Now(), holder, beat
		case time.Since(since) >= Gone:
			zerolog.Ctx(ctx).Warn().Str("holder", describe(holder)).Msg("It gives none: taking over")
			taken, err := l.store.Take(ctx, holder, beat, l.holder)
			if err != nil {
				return err
			}
			if taken {
				l.evict(ctx)
				return nil
			}
			continue
		}
		timer := time.NewTimer(look)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// evict takes away what the process that gave no sign of life keeps from others.
func (l *Lease) evict(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	n, err := l.store.Evict(ctx, idle)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to end transactions that the other process may have left open. While they last, some messages wait: end its connections to the database")
	} else if n > 0 {
		zerolog.Ctx(ctx).Warn().Int("transactions", n).Msg("Ended transactions that were left open")
	}
}

// beat gives signs of life until ctx ends, or the lease is another's.
func (l *Lease) beat(ctx context.Context, lost func()) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		beating, cancel := context.WithTimeout(ctx, timeout)
		ours, err := l.store.Beat(beating, l.holder)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			// Who takes over needs the database too.
			zerolog.Ctx(ctx).Err(err).Msg("Failed to note that this process uses the database")
		case !ours:
			zerolog.Ctx(ctx).Error().Msg("Another process of this bridge has taken the database over: this one ends")
			lost()
			return
		}
	}
}

// Release gives the lease up. It may be called on nil.
func (l *Lease) Release(ctx context.Context) {
	if l == nil {
		return
	}
	l.cancel()
	l.beats.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := l.store.Release(ctx, l.holder); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to note that this process uses the database no more")
	}
}

// self names this process: the machine, the process there, and something that no other has.
func self() string {
	return strings.Join([]string{machine(), strconv.Itoa(os.Getpid()), rand.Text()[:8]}, " ")
}

// machine names the machine, or the container.
func machine() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "unknown"
	}
	// Machines can have the same name, and then mostly other IDs.
	if id, err := os.ReadFile("/etc/machine-id"); err == nil && len(id) >= machineIDPart {
		name += "/" + string(id[:machineIDPart])
	}
	// Containers can have the same name, and each a process of number 1.
	if space, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		name += "/" + space
	}
	return strings.ReplaceAll(name, " ", "_")
}

// parse undoes self.
func parse(holder string) (machine string, pid int, ok bool) {
	words := strings.Fields(holder)
	if len(words) != 3 {
		return "", 0, false
	}
	pid, err := strconv.Atoi(words[1])
	return words[0], pid, err == nil && pid > 0
}

// ended reports whether a holder was a process of this machine that has surely ended: this
// process has its number, or none has. If another one has it, only the missing sign of life
// tells.
func ended(holder string) bool {
	name, pid, ok := parse(holder)
	return ok && name == machine() && !strings.HasPrefix(name, "unknown") && (pid == os.Getpid() || !alive(pid))
}

func alive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }

// describe names a holder for people.
func describe(holder string) string {
	name, pid, ok := parse(holder)
	if !ok {
		return "of unknown name"
	}
	return fmt.Sprintf("process %d on %s", pid, name)
}
