package lazy

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestValueIsMadeOnce(t *testing.T) {
	t.Parallel()
	var value Value[*int]
	var made atomic.Int64
	var all sync.WaitGroup
	got := make([]*int, 8)
	for i := range got {
		all.Go(func() {
			got[i] = value.Get(func() *int {
				made.Add(1)
				return new(int)
			})
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
	for _, one := range got {
		if one == nil || one != got[0] {
			t.Errorf("got %p, want %p", one, got[0])
		}
	}
}

func TestSlotsAreThoseThatWereTaken(t *testing.T) {
	t.Parallel()
	var slots Slots
	slots.Of(2) <- struct{}{}
	slots.Of(2) <- struct{}{}
	select {
	case slots.Of(2) <- struct{}{}:
		t.Error("there are three places")
	default:
	}
	<-slots.Of(2)
	slots.Of(2) <- struct{}{}
}
