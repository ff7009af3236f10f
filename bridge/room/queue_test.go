package room

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
)

// stuckRooms are rooms that take events only when free is closed.
func stuckRooms() (rooms *Rooms, free chan struct{}) {
	free = make(chan struct{})
	return &Rooms{queue: func(bridgev2.RemoteEvent) bridgev2.EventHandlingResult {
		<-free
		return bridgev2.EventHandlingResultQueued
	}}, free
}

func TestEventIsQueuedWhenItsRoomTakesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rooms, free := stuckRooms()
		ctx, end := context.WithCancel(t.Context())
		rooms.Start(ctx)
		time.AfterFunc(time.Minute, func() { close(free) })
		began := time.Now()
		if got, err := rooms.Queue(ctx, &simplevent.EventMeta{}); err != nil || !got.Queued || time.Since(began) != time.Minute {
			t.Errorf("got %+v, %v after %v", got, err, time.Since(began))
		}
		end()
		rooms.Stop()
		if waited := time.Since(began) - time.Minute; waited != 0 {
			t.Errorf("the stop waited %v for nothing", waited)
		}
	})
}

// Who gives up leaves the event to the framework; the stop waits for it all the same, but not
// for ever.
func TestStopWaitsForEventsThatAreBeingQueued(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		takes, waits time.Duration // from the stop
		left         int
	}{
		"the room goes on": {QueueTimeout / 2, QueueTimeout / 2, 0},
		"it is stuck":      {time.Hour, QueueTimeout, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rooms, free := stuckRooms()
				ctx, end := context.WithCancel(t.Context())
				rooms.Start(ctx)
				for range 2 {
					giveUp, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					if _, err := rooms.Queue(giveUp, &simplevent.EventMeta{}); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
				}
				time.AfterFunc(test.takes, func() { close(free) })
				began := time.Now()
				end()
				rooms.Stop()
				if waited := time.Since(began); waited != test.waits {
					t.Errorf("the stop waited %v, want %v", waited, test.waits)
				}
				if left := rooms.queuing.wait(ctx); left != test.left {
					t.Errorf("%d events are left, want %d", left, test.left)
				}
				time.Sleep(test.takes)
				synctest.Wait()
				if left := rooms.queuing.wait(ctx); left != 0 {
					t.Errorf("%d events are left when the room goes on", left)
				}
				// The next run begins anew.
				ctx, end = context.WithCancel(t.Context())
				rooms.Start(ctx)
				if got, err := rooms.Queue(ctx, &simplevent.EventMeta{}); err != nil || !got.Queued {
					t.Errorf("in the next run got %+v, %v", got, err)
				}
				end()
				rooms.Stop()
			})
		})
	}
}

// However many people are described at once in a room, a text there stands behind one of them at most.
func TestOneIsDescribedAtATime(t *testing.T) {
	t.Parallel()
	const many = 5
	var waiting atomic.Int32
	queued := make(chan bridgev2.RemoteEvent, many)
	rooms := &Rooms{queue: func(evt bridgev2.RemoteEvent) bridgev2.EventHandlingResult {
		if n := waiting.Add(1); n > 1 {
			t.Errorf("%d stand among the events", n)
		}
		queued <- evt
		return bridgev2.EventHandlingResultQueued
	}}
	rooms.Start(t.Context())
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var describing sync.WaitGroup
	for range many {
		describing.Go(func() {
			if err := rooms.Among(ctx, networkid.PortalKey{ID: "group:1"}, func(context.Context, *bridgev2.Portal) {}); err != nil {
				t.Error(err)
			}
		})
	}
	for range many {
		evt := <-queued
		waiting.Add(-1)
		evt.(*simplevent.EventMeta).PreHandleFunc(ctx, nil)
	}
	describing.Wait()
	end()
	rooms.Stop()
	if err := rooms.Among(ctx, networkid.PortalKey{ID: "group:1"}, func(context.Context, *bridgev2.Portal) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// What is queued to a portal that is held waits until all have released it, or until a stop; nothing else waits.
func TestEventsOfAHeldRoomWait(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]bool{"released": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rooms := &Rooms{queue: func(bridgev2.RemoteEvent) bridgev2.EventHandlingResult { return bridgev2.EventHandlingResultQueued }}
				rooms.Start(t.Context())
				key := networkid.PortalKey{ID: "bob"}
				first, second := rooms.held.add(key.ID), rooms.held.add(key.ID)
				if _, err := rooms.Queue(t.Context(), &simplevent.EventMeta{PortalKey: networkid.PortalKey{ID: "carol"}}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				time.AfterFunc(time.Second, func() { rooms.held.remove(key.ID, first) })
				time.AfterFunc(time.Minute, func() {
					if stops {
						rooms.Stop()
					}
					rooms.held.remove(key.ID, second)
				})
				for range 2 {
					if _, err := rooms.Queue(t.Context(), &simplevent.EventMeta{PortalKey: key}); err != nil || time.Since(began) != time.Minute {
						t.Errorf("got %v after %v", err, time.Since(began))
					}
				}
				if rooms.held.portals != nil {
					t.Errorf("%d are held still", len(rooms.held.portals))
				}
			})
		})
	}
}
