package intake

import (
	"context"
	"testing"
	"testing/synctest"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"
)

// A homeserver that has given up a transaction and repeats it must not be told that the
// message is safe because the first request has ended.
func TestRepeatedTransactionWaitsForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transactions := New(&bridgev2.Bridge{BackgroundCtx: t.Context()})
		events := []id.EventID{"$held"}
		first, second := transactions.expect(events), transactions.expect(events)
		answered := make(chan bool, 1)
		go func() { answered <- transactions.waitForAll(context.WithoutCancel(t.Context()), second) }()
		transactions.forget(first)
		synctest.Wait()
		select {
		case <-answered:
			t.Fatal("answered when the other request ended")
		default:
		}
		transactions.settled("$held")
		if !<-answered {
			t.Error("not answered when the message was dealt with")
		}
		transactions.forget(second)
		if len(transactions.waiting) != 0 {
			t.Errorf("still known: %v", transactions.waiting)
		}
	})
}

// What a request that ended late forgets is its own wait, not that of a later request.
func TestLateEndOfARequestLeavesLaterOnesAlone(t *testing.T) {
	t.Parallel()
	transactions := New(nil)
	events := []id.EventID{"$held"}
	first := transactions.expect(events)
	transactions.settled("$held")
	transactions.expect(events)
	transactions.forget(first)
	if !transactions.awaited("$held") {
		t.Error("nobody waits any more")
	}
}
