package intake

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// Drain hands on what is pending.
func (i *Intake) Drain(ctx context.Context) {
	for next, ok := i.next(); ok; next, ok = i.next() {
		i.handOn(ctx, ctx, next)
	}
}

// Behind reports whether LeaveBehind would leave an event.
func (i *Intake) Behind(evt id.EventID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.behind(evt)
}

// InvitationTimeout is how long texts wait for an invitation that nobody says is handled.
const InvitationTimeout = invitationTimeout
