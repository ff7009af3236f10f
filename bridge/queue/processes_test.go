package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/queue/queuetest"
)

// sender is the work of one of two processes: it claims a row, sends it and tells that. What
// another process may have sent it tells as uncertain, and does not send.
type sender struct {
	*wire
	random *rand.Rand
}

// wire is what the processes have sent and told.
type wire struct {
	mu         sync.Mutex
	sent, told map[string][]string // how often, and what, by row
	order      map[string][]string // rows as they were sent, by key
}

var errMaybe = errors.New("it may have been sent")

// wait takes any time, longer than the other process takes for many rows.
func (s *sender) wait() {
	s.mu.Lock()
	d := time.Duration(s.random.Int64N(int64(3 * time.Second)))
	s.mu.Unlock()
	<-time.After(d)
}

func (s *sender) Begin(ctx context.Context, job *queue.Job[string]) queue.Outcome {
	if job.Earlier {
		return queue.Tell(errMaybe)
	}
	s.wait()
	switch err := job.Claim(ctx); {
	case errors.Is(err, queue.ErrLost):
		return queue.Leave()
	case err != nil:
		return queue.Retry(err)
	}
	s.mu.Lock()
	s.sent[job.Row] = append(s.sent[job.Row], "sent")
	s.order[job.Row[:1]] = append(s.order[job.Row[:1]], job.Row)
	s.mu.Unlock()
	return queue.Pending(func() queue.Outcome {
		s.wait()
		return queue.Tell(nil)
	})
}

func (s *sender) Tell(_ context.Context, row string, fate error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[row] = append(s.told[row], fmt.Sprint(fate))
	return nil
}

// Two processes work on one table: one that was thought to be gone comes to itself while
// another has taken over, until it sees that at its next sign of life. No row is sent twice or
// out of order, and the fate of each is told.
func TestTwoProcessesSendNothingTwice(t *testing.T) {
	t.Parallel()
	for seed := range seeds(t) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 2))
				store := queuetest.NewMemory[string, string]()
				w := &wire{sent: make(map[string][]string), told: make(map[string][]string), order: make(map[string][]string)}
				process := func() *queue.Loop[string, string] {
					loop := queue.New(queue.Config[string, string]{
						Store: store, Work: &sender{w, rand.New(rand.NewPCG(seed, random.Uint64()))},
						Window: 1 + random.IntN(4), Batch: 1 + random.IntN(8), Parallel: 2, Patience: time.Minute,
					})
					loop.Start(t.Context())
					return loop
				}
				first := process()
				var rows []string
				put := func(loops ...*queue.Loop[string, string]) {
					for range random.IntN(10) {
						key := string(rune('a' + random.IntN(3)))
						row := fmt.Sprintf("%s%04d", key, len(rows))
						position := store.Put(key, row)
						rows = append(rows, row)
						loops[random.IntN(len(loops))].Wake(key, position)
						<-time.After(time.Duration(random.Int64N(int64(time.Second))))
					}
				}
				put(first)
				second := process()
				put(first, second)
				first.Stop()
				put(second)
				// What the first process heard of alone the second finds when it looks.
				second.Stop()
				second = process()
				<-time.After(time.Hour)
				second.Stop()
				for _, row := range rows {
					if len(w.sent[row]) > 1 || len(w.told[row]) == 0 {
						t.Errorf("%s was sent %d times, told %q", row, len(w.sent[row]), w.told[row])
					}
					if len(w.sent[row]) == 0 && slices.Contains(w.told[row], fmt.Sprint(error(nil))) {
						t.Errorf("%s is told as sent, and was not", row)
					}
				}
				for key, order := range w.order {
					if !slices.IsSorted(order) {
						t.Errorf("of %s was sent %q", key, order)
					}
				}
				if left, _ := store.Keys(t.Context()); len(left) > 0 {
					t.Errorf("rows are left for %q", left)
				}
			})
		})
	}
}
