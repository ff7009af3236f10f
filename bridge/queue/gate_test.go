package queue_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/queue"
)

var (
	errShut = errors.New("the gate is closed")
	errPut  = errors.New("the row is not put")
)

func TestGateLetsNothingPassWhileItIsClosed(t *testing.T) {
	t.Parallel()
	var gate queue.Gate
	puts := 0
	pass := func(fails error) error {
		return gate.Pass(errShut, func() error {
			puts++
			return fails
		})
	}
	if err := pass(nil); err != nil {
		t.Errorf("nothing passes a new gate: %v", err)
	}
	if err := gate.Pass(errShut, func() error {
		gate.Close()
		return nil
	}); err != nil {
		t.Errorf("what had passed before is not through: %v", err)
	}
	if err := pass(nil); !errors.Is(err, errShut) || puts != 1 {
		t.Errorf("%d rows were put through a closed gate: %v", puts-1, err)
	}
	gate.Open()
	if err := pass(errPut); !errors.Is(err, errPut) {
		t.Errorf("what a put says is said as %v", err)
	}
}

func TestGateWaitsForAllThatIsBeingPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gate queue.Gate
		if !gate.Wait(0) {
			t.Error("waits for nothing")
		}
		put := func(takes time.Duration, fails error) <-chan error {
			done := make(chan error, 1)
			go func() {
				done <- gate.Pass(errShut, func() error {
					time.Sleep(takes)
					return fails
				})
			}()
			synctest.Wait()
			return done
		}
		one, other := put(time.Second, nil), put(2*time.Second, nil)
		gate.Close()
		began := time.Now()
		if !gate.Wait(time.Minute) || time.Since(began) != 2*time.Second {
			t.Errorf("has waited for %s", time.Since(began))
		}
		if err := errors.Join(<-one, <-other); err != nil {
			t.Errorf("what was waited for is said to be %v", err)
		}
		gate.Open()
		late, failed := put(3*time.Second, nil), put(3*time.Second, errPut)
		began = time.Now()
		if gate.Wait(time.Second) || time.Since(began) != time.Second {
			t.Errorf("has waited for %s for what does not end", time.Since(began))
		}
		if err := <-late; !errors.Is(err, errShut) {
			t.Errorf("what was not waited for is said to be %v", err)
		}
		if err := <-failed; !errors.Is(err, errPut) {
			t.Errorf("what has failed is said to be %v", err)
		}
		if !gate.Wait(0) {
			t.Error("waits for what has ended after the wait for it")
		}
		if err := <-put(0, nil); err != nil {
			t.Errorf("what comes afterwards is said to be %v", err)
		}
	})
}
