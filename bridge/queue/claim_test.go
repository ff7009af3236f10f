package queue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/queue/queuetest"
)

// putClaimed puts a row in the name of the run, and returns it for WakeWith.
func putClaimed(t *testing.T, loop *queue.Loop[string, string], store *queuetest.Memory[string, string], key, row string) queue.Entry[string] {
	t.Helper()
	owner := loop.ClaimOwner(key)
	if owner == "" {
		t.Fatalf("%s is not claimed", row)
	}
	e := queue.Entry[string]{Row: row, Position: store.Put(key, row)}
	if ok, err := store.SetOwner(t.Context(), e, owner); err != nil || !ok {
		t.Fatal(ok, err)
	}
	e.Owner = owner
	return e
}

// Between the table and who gives the row something else may have the key's rows read.
func TestClaimedRowThatWasReadBeforeItIsGivenIsBegunOnce(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]bool{"run goes on": false, "run is stopped": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := queuetest.NewMemory[string, string]()
				var begun atomic.Int64
				loop := newLoop(store, &work{begin: func(context.Context, *queue.Job[string]) queue.Outcome {
					begun.Add(1)
					return queue.Done()
				}}, 4)
				loop.Start(t.Context())
				synctest.Wait()
				e := putClaimed(t, loop, store, "a", "x")
				loop.Wake("a", e.Position)
				synctest.Wait()
				if stop {
					loop.Stop()
				}
				if !loop.WakeWith("a", e) {
					t.Error("the row is said to be for nobody, and is done")
				}
				<-time.After(time.Hour)
				if n := begun.Load(); n != 1 {
					t.Errorf("begun %d times", n)
				}
				loop.Stop()
			})
		})
	}
}

// A row that is under way stays claimed at a stop, however it came to be begun: it may have been sent.
func TestClaimedRowThatIsUnderWayIsNotGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		loop := newLoop(store, &work{begin: func(ctx context.Context, _ *queue.Job[string]) queue.Outcome {
			return queue.Pending(func() queue.Outcome {
				<-ctx.Done()
				return queue.Leave()
			})
		}}, 4)
		loop.Start(t.Context())
		synctest.Wait()
		e := putClaimed(t, loop, store, "a", "x")
		loop.Wake("a", e.Position)
		synctest.Wait()
		loop.WakeWith("a", e)
		synctest.Wait()
		loop.Stop()
		if rows, _ := store.Read(t.Context(), "a", 0, 1, ""); len(rows) != 1 || rows[0].Owner != e.Owner {
			t.Errorf("in the table: %+v", rows)
		}
	})
}

// hanging is a table that answers nothing from some time on.
type hanging struct {
	*queuetest.Memory[string, string]
	hangs atomic.Bool
}

func (h *hanging) SetOwner(ctx context.Context, e queue.Entry[string], owner string) (bool, error) {
	if h.hangs.Load() {
		<-ctx.Done()
		return false, ctx.Err()
	}
	return h.Memory.SetOwner(ctx, e, owner)
}

func TestStopWaitsOnceForATableThatHangsHoweverManyRowsAreGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{Memory: queuetest.NewMemory[string, string]()}
		loop := newLoop(store, &work{begin: func(ctx context.Context, _ *queue.Job[string]) queue.Outcome {
			<-ctx.Done()
			return queue.PutBack()
		}}, 4)
		loop.Start(t.Context())
		synctest.Wait()
		var rows []queue.Entry[string]
		for range 20 {
			rows = append(rows, putClaimed(t, loop, store.Memory, "a", "x"))
		}
		for _, e := range rows {
			loop.WakeWith("a", e)
		}
		synctest.Wait()
		store.hangs.Store(true)
		stopped := time.Now()
		loop.Stop()
		if took := time.Since(stopped); took > 10*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

// A row that has to wait is not claimed as it is put: it can be changed while it waits.
func TestRowBehindOneThatTakesItsTimeIsNotClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := queuetest.NewMemory[string, string]()
		slow := make(chan struct{})
		loop := newLoop(store, &work{begin: func(context.Context, *queue.Job[string]) queue.Outcome {
			<-slow
			return queue.Done()
		}}, 4)
		loop.Start(t.Context())
		synctest.Wait()
		loop.WakeWith("a", putClaimed(t, loop, store, "a", "slow"))
		synctest.Wait()
		if loop.ClaimOwner("a") == "" {
			t.Error("a row right behind another one is not claimed")
		}
		<-time.After(5 * time.Second)
		if loop.ClaimOwner("a") != "" {
			t.Error("a row is claimed that has to wait for another one")
		}
		if loop.ClaimOwner("b") == "" {
			t.Error("a row of another key is not claimed")
		}
		close(slow)
		loop.Stop()
	})
}
