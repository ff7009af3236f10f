package ns

import (
	"context"
	"sync"
	"testing"
)

// What is bound to a dialogue ends with it, whenever it was bound, and with what it was bound to; the context of the dialogue itself does so
// only with the dialogue.
func TestDialogueEndsWhatIsBoundToIt(t *testing.T) {
	t.Parallel()
	d := new(dialogue)
	other, endOther := context.WithCancel(t.Context())
	bound, release := d.bind(t.Context())
	released, alone := d.bind(t.Context())
	both, _ := d.bind(other)
	own := d.context()
	alone()
	endOther()
	for what, ended := range map[string]bool{
		"what was released": released.Err() != nil, "what is bound to something that has ended": both.Err() != nil,
		"what is bound": bound.Err() == nil, "the dialogue": own.Err() == nil,
	} {
		if !ended {
			t.Errorf("before the end: %s", what)
		}
	}
	d.end()
	late, _ := d.bind(t.Context())
	lateOwn := new(dialogue)
	lateOwn.end()
	for what, ctx := range map[string]context.Context{"bound": bound, "own": own, "bound when it was over": late, "own when it was over": lateOwn.context()} {
		if ctx.Err() == nil {
			t.Errorf("%s goes on after the end", what)
		}
	}
	release()
	if d.bound != nil {
		t.Errorf("%d are kept", len(d.bound))
	}
}

// Ends and releases may come at the same time.
func TestDialogueEndsWhileItIsUsed(t *testing.T) {
	t.Parallel()
	d := new(dialogue)
	var users sync.WaitGroup
	for range 20 {
		users.Go(func() {
			for range 50 {
				ctx, release := d.bind(t.Context())
				_ = d.context().Err()
				release()
				if ctx.Err() == nil {
					t.Error("what was released goes on")
				}
			}
		})
	}
	users.Go(d.end)
	users.Wait()
	if d.bound != nil {
		t.Errorf("%d are kept", len(d.bound))
	}
}
