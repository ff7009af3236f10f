package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/queue"
)

func TestGateLetsNothingPassWhileItIsClosed(t *testing.T) {
	t.Parallel()
	var gate queue.Gate
	leave := gate.Enter()
	if leave == nil {
		t.Fatal("a new gate is closed")
	}
	gate.Close()
	if gate.Enter() != nil {
		t.Error("something passes a gate that is closed")
	}
	leave()
	if gate.Enter() != nil {
		t.Error("something passes a gate that is closed, when what had passed before is through")
	}
	gate.Open()
	if gate.Enter() == nil {
		t.Error("a gate that was opened again lets nothing pass")
	}
}

func TestGateWaitsForAllThatIsBeingPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gate queue.Gate
		if !gate.Wait(0) {
			t.Error("waits for nothing")
		}
		one, other := gate.Enter(), gate.Enter()
		gate.Close()
		began := time.Now()
		time.AfterFunc(time.Second, one)
		time.AfterFunc(2*time.Second, other)
		if !gate.Wait(time.Minute) || time.Since(began) != 2*time.Second {
			t.Errorf("has waited for %s", time.Since(began))
		}
		gate.Open()
		leave := gate.Enter()
		began = time.Now()
		if gate.Wait(time.Second) || time.Since(began) != time.Second {
			t.Errorf("has waited for %s for what does not end", time.Since(began))
		}
		leave()
		if !gate.Wait(0) {
			t.Error("waits for what has ended after the wait for it")
		}
	})
}
