package picture

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// One at a time fetches what several want; nobody waits for it beyond their own time, and nothing is kept of it.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		at, done := 0, make(chan error, 10)
		for range cap(done) {
			go func() {
				leave, err := turns.take(t.Context(), "a picture")
				if err == nil {
					if at++; at > 1 {
						err = errors.New("two are at it")
					}
					time.Sleep(time.Second)
					at--
					leave()
				}
				done <- err
			}()
		}
		synctest.Wait()
		began := time.Now()
		other, err := turns.take(t.Context(), "another one")
		if err != nil || time.Since(began) > 0 {
			t.Errorf("another picture waits for it: %v", err)
		}
		other()
		hurried, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := turns.take(hurried, "a picture"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who has no time is told %v", err)
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if len(turns.taken) > 0 {
			t.Errorf("left are %v", turns.taken)
		}
	})
}
