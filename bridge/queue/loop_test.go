package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/queue/queuetest"
)

// work is done by functions of the test.
type work struct {
	begin func(context.Context, *queue.Job[string]) queue.Outcome
	tell  func(row string, fate error) error
}

func (w *work) Begin(ctx context.Context, job *queue.Job[string]) queue.Outcome {
	return w.begin(ctx, job)
}

func (w *work) Tell(_ context.Context, row string, fate error) error {
	if w.tell == nil {
		return nil
	}
	return w.tell(row, fate)
}

// counting counts how many rows are read.
type counting struct {
	*queuetest.Memory[string, string]
	rows, reads atomic.Int64
}

func (c *counting) Read(ctx context.Context, key string, after int64, limit int, run string) ([]queue.Entry[string], error) {
	rows, err := c.Memory.Read(ctx, key, after, limit, run)
	c.reads.Add(1)
	c.rows.Add(int64(len(rows)))
	return rows, err
}

func newLoop(store queue.Store[string, string], w *work, window int) *queue.Loop[string, string] {
	return queue.New(queue.Config[string, string]{Store: store, Work: w, Window: window, Batch: 8, Parallel: 2, Patience: time.Minute})
}

func TestRowsThatWaitAreReadOnceHoweverSlowTheyAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Memory: queuetest.NewMemory[string, string]()}
		done := 0
		var mu sync.Mutex
		loop := newLoop(store, &work{begin: func(context.Context, *queue.Job[string]) queue.Outcome {
			return queue.Pending(func() queue.Outcome {
				<-time.After(time.Second)
				mu.Lock()
				defer mu.Unlock()
				done++
				return queue.Done()
			})
		}}, 4)
		loop.Start(t.Context())
		synctest.Wait()
		for range 300 {
			loop.Wake("a", store.Put("a", "x"))
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if rows, reads := store.rows.Load(), store.reads.Load(); done != 300 || rows > 300+8 || reads > 300/8+4 {
			t.Errorf("%d rows done, %d read in %d reads", done, rows, reads)
		}
		loop.Stop()
	})
}

func TestStuckKeysHoldUpNoOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		stuck := make(chan struct{})
		var lively []string
		loop := newLoop(store, &work{begin: func(_ context.Context, job *queue.Job[string]) queue.Outcome {
			if job.Row == "stuck" {
				<-stuck
			} else {
				lively = append(lively, job.Row)
			}
			return queue.Done()
		}}, 1)
		loop.Start(t.Context())
		for _, key := range []string{"a", "b", "c", "d"} { // more than are worked on at once
			loop.Wake(key, store.Put(key, "stuck"))
		}
		loop.Wake("e", store.Put("e", "first"))
		loop.Wake("e", store.Put("e", "second"))
		<-time.After(5 * time.Minute)
		synctest.Wait()
		if !slices.Equal(lively, []string{"first", "second"}) {
			t.Errorf("done while others are stuck: %q", lively)
		}
		close(stuck)
		loop.Stop()
	})
}

func TestKeyThatFailsIsTriedLessAndLessOftenAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		var attempts []int
		var at []time.Time
		other := time.Time{}
		began := time.Now()
		loop := newLoop(store, &work{begin: func(_ context.Context, job *queue.Job[string]) queue.Outcome {
			switch {
			case job.Row == "other":
				other = time.Now()
			case len(attempts) < 6:
				attempts, at = append(attempts, job.Attempt), append(at, time.Now())
				return queue.Retry(errors.New("not yet"))
			}
			return queue.Done()
		}}, 1)
		loop.Start(t.Context())
		loop.Wake("a", store.Put("a", "fails"))
		synctest.Wait()
		loop.Wake("b", store.Put("b", "other"))
		<-time.After(time.Hour)
		synctest.Wait()
		if !slices.Equal(attempts, []int{1, 2, 3, 4, 5, 6}) || at[5].Sub(began) < 20*time.Second {
			t.Errorf("attempts %v at %v", attempts, at)
		}
		if other.Sub(began) > time.Second {
			t.Errorf("another key had to wait for %v", other.Sub(began))
		}
		loop.Stop()
	})
}

func TestStopWaitsForWhatIsUnderWayAndStartGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		var done []string
		slow := make(chan struct{})
		loop := newLoop(store, &work{begin: func(_ context.Context, job *queue.Job[string]) queue.Outcome {
			if job.Row == "slow" {
				<-slow
			}
			done = append(done, job.Row)
			return queue.Done()
		}}, 1)
		loop.Start(t.Context())
		loop.Wake("a", store.Put("a", "slow"))
		loop.Wake("a", store.Put("a", "next"))
		synctest.Wait()
		stopped := make(chan struct{})
		go func() { loop.Stop(); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Error("stopped while a row is under way")
		default:
		}
		loop.Start(t.Context()) // its rows are those of the run before until that ends
		synctest.Wait()
		if len(done) != 0 {
			t.Errorf("done beside the run before: %q", done)
		}
		close(slow)
		synctest.Wait()
		if !slices.Equal(done, []string{"slow", "next"}) {
			t.Errorf("done: %q", done)
		}
		loop.Stop()
		loop.Stop()
		loop.Wake("a", store.Put("a", "while stopped"))
		synctest.Wait()
		if len(done) != 2 {
			t.Errorf("done while stopped: %q", done)
		}
		loop.Start(t.Context())
		synctest.Wait()
		if !slices.Equal(done, []string{"slow", "next", "while stopped"}) {
			t.Errorf("done: %q", done)
		}
		loop.Stop()
	})
}

func TestReleaseOfAKeyOfWhichNothingIsHeldLooksAtNoTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Memory: queuetest.NewMemory[string, string]()}
		online := false
		var sent []string
		loop := newLoop(store, &work{begin: func(_ context.Context, job *queue.Job[string]) queue.Outcome {
			if !online {
				return queue.Hold(time.Now().Add(time.Hour))
			}
			sent = append(sent, job.Row)
			return queue.Done()
		}}, 1)
		loop.Start(t.Context())
		loop.Wake("a", store.Put("a", "one"))
		loop.Wake("a", store.Put("a", "two"))
		synctest.Wait()
		if held := loop.Held(); !slices.Equal(held, []string{"a"}) {
			t.Errorf("held are %q", held)
		}
		before := store.reads.Load()
		loop.Release("b")
		synctest.Wait()
		if store.reads.Load() != before {
			t.Error("the table was read")
		}
		online = true
		loop.Release("a")
		synctest.Wait()
		if !slices.Equal(sent, []string{"one", "two"}) || len(loop.Held()) != 0 || !loop.Idle("a") {
			t.Errorf("sent are %q, held %q", sent, loop.Held())
		}
		loop.Stop()
	})
}

// What is put once more before it is looked at is looked at once.
func TestNewsOfOneKindIsPutOnceUntilItIsClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		looks := 0
		var loop *queue.Loop[string, string]
		loop = newLoop(store, &work{begin: func(ctx context.Context, job *queue.Job[string]) queue.Outcome {
			if err := job.Claim(ctx); err != nil {
				t.Error(err)
			}
			if looks++; looks == 1 {
				loop.Wake("a", store.PutOnce("a", "changed while it is looked at"))
			}
			return queue.Done()
		}}, 1)
		for range 5 {
			loop.Wake("a", store.PutOnce("a", "changed"))
		}
		loop.Start(t.Context())
		synctest.Wait()
		if looks != 2 {
			t.Errorf("looked %d times", looks)
		}
		loop.Stop()
	})
}

// Of a row that was taken out after it was read nothing is left to be done; of one that belongs to somebody else there is.
func TestRowThatIsGoneWhenItIsBegunLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]func(*queuetest.Memory[string, string], queue.Entry[string]) (bool, error){
		"taken out": func(store *queuetest.Memory[string, string], e queue.Entry[string]) (bool, error) {
			return store.Remove(t.Context(), e)
		},
		"somebody else's": func(store *queuetest.Memory[string, string], e queue.Entry[string]) (bool, error) {
			return store.SetOwner(t.Context(), e, "another")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := queuetest.NewMemory[string, string]()
				loop := newLoop(store, &work{begin: func(ctx context.Context, job *queue.Job[string]) queue.Outcome {
					if changed, err := taken(store, job.Entry); !changed || err != nil {
						t.Errorf("it is not changed: %v", err)
					}
					if err := job.Claim(ctx); !errors.Is(err, queue.ErrLost) {
						t.Errorf("it is claimed: %v", err)
					}
					return queue.Leave()
				}}, 4)
				loop.Start(t.Context())
				loop.Wake("a", store.Put("a", "one"))
				synctest.Wait()
				if got := loop.Idle("a"); got != (name == "taken out") {
					t.Errorf("idle: %t", got)
				}
				loop.Stop()
			})
		})
	}
}

// What is left by a loop that is stopped is not looked at once more: a database that hangs would hold up the stop.
func TestStoppedLoopReadsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Memory: queuetest.NewMemory[string, string]()}
		loop := newLoop(store, &work{begin: func(ctx context.Context, _ *queue.Job[string]) queue.Outcome {
			return queue.Pending(func() queue.Outcome {
				<-ctx.Done()
				return queue.Leave()
			})
		}}, 4)
		for range 4 {
			store.Put("a", "one")
		}
		loop.Start(t.Context())
		synctest.Wait()
		before := store.reads.Load()
		loop.Stop()
		if read := store.reads.Load() - before; read != 0 {
			t.Errorf("it has read %d times", read)
		}
	})
}

// A row that had to wait, however often, has all its attempts left.
func TestHoldingARowIsNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		var attempts []int
		loop := newLoop(store, &work{begin: func(_ context.Context, job *queue.Job[string]) queue.Outcome {
			switch attempts = append(attempts, job.Attempt); len(attempts) {
			case 1, 6:
				return queue.Retry(errors.New("not yet"))
			case 8:
				return queue.Done()
			}
			return queue.Hold(time.Now().Add(time.Hour))
		}}, 1)
		loop.Start(t.Context())
		synctest.Wait()
		loop.Wake("a", store.Put("a", "x"))
		<-time.After(24 * time.Hour)
		synctest.Wait()
		if want := []int{1, 2, 2, 2, 2, 2, 3, 3}; !slices.Equal(attempts, want) {
			t.Errorf("the attempts were %v, want %v", attempts, want)
		}
		loop.Stop()
	})
}

// What follows is begun again when all before it are settled, and is alone then.
func TestRowThatFollowsWaitsForThoseBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		var began []string
		settle := make(chan struct{})
		loop := newLoop(store, &work{begin: func(ctx context.Context, job *queue.Job[string]) queue.Outcome {
			began = append(began, job.Row)
			switch {
			case job.Row == "first":
				return queue.Pending(func() queue.Outcome {
					<-settle
					return queue.Done()
				})
			case job.Alone:
				if job.Attempt != 1 {
					t.Errorf("%s is begun for the %d. time", job.Row, job.Attempt)
				}
				return queue.Done()
			}
			if err := job.Claim(ctx); err != nil {
				t.Error(err)
			}
			return queue.Follow()
		}}, 8)
		loop.Start(t.Context())
		for _, row := range []string{"first", "second", "third"} {
			loop.Wake("a", store.Put("a", row))
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if !slices.Equal(began, []string{"first", "second"}) {
			t.Errorf("began %q", began)
		}
		close(settle)
		synctest.Wait()
		if !slices.Equal(began, []string{"first", "second", "second", "third"}) || !loop.Idle("a") {
			t.Errorf("began %q", began)
		}
		loop.Stop()
	})
}

// What is put back while the run goes on keeps its place, in whatever order the queue learns of it: those behind
// wait, also one that was not begun.
func TestRowThatIsPutBackKeepsItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		var began []string
		news := map[string]chan struct{}{"first": make(chan struct{}), "second": make(chan struct{})}
		lost := true
		loop := newLoop(store, &work{begin: func(ctx context.Context, job *queue.Job[string]) queue.Outcome {
			began = append(began, job.Row)
			if !lost {
				return queue.Done()
			}
			if err := job.Claim(ctx); err != nil {
				t.Error(err)
			}
			return queue.Pending(func() queue.Outcome {
				<-news[job.Row]
				return queue.PutBack()
			})
		}}, 2)
		loop.Start(t.Context())
		for _, row := range []string{"first", "second", "third"} {
			loop.Wake("a", store.Put("a", row))
		}
		for i, row := range []string{"second", "first"} {
			<-time.After(time.Hour)
			synctest.Wait()
			if !slices.Equal(began, []string{"first", "second"}) {
				t.Errorf("before the queue knows of %d: began %q", i+1, began)
			}
			lost = false // from here on rows go out
			close(news[row])
		}
		<-time.After(4 * time.Second) // the longest that the first wait can be is 3 seconds
		synctest.Wait()
		if !slices.Equal(began, []string{"first", "second", "first", "second", "third"}) || !loop.Idle("a") {
			t.Errorf("began %q", began)
		}
		loop.Stop()
	})
}

// Who does not know whether a row was stored in the name of the run may give it after the run has found it, claimed it and begun: at the end of
// the run it is not taken for one that was not begun, which the next run would begin again.
func TestRowThatIsUnderWayIsNotGivenBackWhenItIsGivenOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		loop := newLoop(store, &work{begin: func(ctx context.Context, job *queue.Job[string]) queue.Outcome {
			if job.Earlier {
				return queue.Done()
			}
			if err := job.Claim(ctx); err != nil {
				t.Error(err)
			}
			return queue.Pending(func() queue.Outcome {
				<-ctx.Done()
				return queue.Leave()
			})
		}}, 2)
		loop.Start(t.Context())
		position := store.Put("a", "row")
		loop.Wake("a", position)
		synctest.Wait()
		rows, err := store.Read(t.Context(), "a", 0, 1, "")
		if err != nil || len(rows) != 1 || rows[0].Owner != loop.Run() {
			t.Fatalf("the table has %+v, %v", rows, err)
		}
		if !loop.WakeWith("a", rows[0]) {
			t.Error("it counts as that of another run")
		}
		loop.Stop()
		if rows, err := store.Read(t.Context(), "a", 0, 1, ""); err != nil || len(rows) != 1 || rows[0].Owner == "" {
			t.Errorf("after the stop the table has %+v, %v", rows, err)
		}
		loop.Start(t.Context())
		synctest.Wait()
		loop.Stop()
	})
}
