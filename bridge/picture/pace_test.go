package picture

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever has another picture all the time is shown by ten, and by the last one when ten minutes have passed; others are
// not held up.
func TestPicturesThatChangeAllTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pace
		var shown atomic.Int32
		var last atomic.Value
		var look func()
		look = func() {
			if p.allow("bob", last.Load().(string), look) {
				shown.Add(1)
			}
		}
		want := func(n int32, when string) {
			t.Helper()
			if synctest.Wait(); shown.Load() != n {
				t.Errorf("shown %d times %s, want %d", shown.Load(), when, n)
			}
		}
		for i := range 300 {
			last.Store(fmt.Sprint(i))
			look()
			time.Sleep(time.Second)
		}
		want(mostShown, "while they change")
		if !p.allow("carol", "x", func() { t.Error("carol was not held up") }) {
			t.Error("carol is not shown")
		}
		time.Sleep(shownWindow)
		want(mostShown+1, "when the time is over")
		look() // it is told again
		want(mostShown+2, "when it is told again")
		last.Store("")
		look()
		want(mostShown+3, "later")
	})
}
