package room

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// However many rooms are wanted at once, so many are made at the same time, and the others after them.
func TestFewRoomsAreMadeAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wanted = 10 * makingAtOnce
		var places Places
		var making, most, made atomic.Int64
		began := time.Now()
		for range wanted {
			go func() {
				leave, err := places.take(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				now := making.Add(1)
				defer making.Add(-1)
				for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
				}
				time.Sleep(time.Second) // as long as it takes to make one
				made.Add(1)
			}()
		}
		for made.Load() < wanted && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(began); most.Load() != makingAtOnce || made.Load() != wanted || took > wanted/makingAtOnce*time.Second {
			t.Errorf("%d of %d rooms were made within %v, %d at the same time", made.Load(), wanted, took, most.Load())
		}
	})
}

// Rooms that are stuck hold up others for a moment, and those who wait no longer are told.
func TestStuckRoomsHoldUpNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var places Places
		var stuck []func()
		for range makingAtOnce {
			leave, err := places.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			stuck = append(stuck, leave)
		}
		ctx, cancel := context.WithTimeout(t.Context(), makingPatience/2)
		defer cancel()
		if _, err := places.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("there was a place for one more, or the error is %v", err)
		}
		began := time.Now()
		leave, err := places.take(t.Context())
		if waited := time.Since(began); err != nil || waited > makingPatience {
			t.Errorf("another one waited for %v, and got %v", waited, err)
		}
		leave()
		for _, leave := range stuck { // they come to their end at last
			leave()
		}
		for range makingAtOnce { // nobody has left twice, and nobody stays
			if _, err := places.take(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(places.slots.Of(makingAtOnce)) != makingAtOnce {
			t.Error("a place was left twice")
		}
	})
}
