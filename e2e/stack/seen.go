package stack

import (
	"context"
	"fmt"
	"iter"
	"time"

	"maunium.net/go/mautrix/event"
)

// Seen is an event that a user has got by sync: of a timeline, of a room's state, of an invitation, or ephemeral.
type Seen struct {
	*event.Event
	// At is when the sync with the event was read.
	At time.Time
}

// Mark returns the place after everything that the user has seen so far. Of what comes later, see WaitEventAfter.
func (u *User) Mark() Mark {
	return u.seen.mark()
}

// WaitEvent returns the first event that matches, of all that the user has seen since the login or will see. What
// names the event in the error, which quotes the last events seen instead. Without a deadline in ctx it gives up
// after [DefaultWait].
func (u *User) WaitEvent(ctx context.Context, what string, match Match) (Seen, error) {
	return u.seen.wait(ctx, 0, what, match)
}

// WaitEventAfter is WaitEvent for what came after mark.
func (u *User) WaitEventAfter(ctx context.Context, mark Mark, what string, match Match) (Seen, error) {
	return u.seen.wait(ctx, mark, what, match)
}

// Count returns how many of the events seen since mark match. Call Settle before it to count what has been sent so
// far and not only what has arrived.
func (u *User) Count(mark Mark, match Match) int {
	return u.seen.count(mark, match)
}

// Follow yields all that the user has seen since mark and then what she sees, until ctx or the syncing ends.
func (u *User) Follow(ctx context.Context, mark Mark) iter.Seq[Seen] {
	return u.seen.follow(ctx, mark)
}

// settleType is the type of the events that Settle looks for in a sync.
var settleType = event.Type{Type: "matrix-msn.settle", Class: event.MessageEventType}

// Settle returns when the user has seen all room events that the homeserver had for her at the time of the call.
// It sends an event of its own and waits for that, since the events of all rooms come in one order. It is sent to a
// room that nobody else is in, made on the first call, which Rooms leaves out.
func (u *User) Settle(ctx context.Context) error {
	room, err := u.settleRoom(ctx)
	if err != nil {
		return err
	}
	sent, err := u.Client.SendMessageEvent(ctx, room, settleType, map[string]any{})
	if err != nil {
		return fmt.Errorf("mark a place in the sync: %w", err)
	}
	_, err = u.WaitEvent(ctx, "the mark it has set itself", func(s Seen) bool { return s.ID == sent.EventID })
	return err
}

// describeSeen returns the event in a line.
func describeSeen(s Seen) string {
	content, err := s.Content.MarshalJSON()
	if err != nil {
		content = []byte(err.Error())
	}
	const limit = 300
	if len(content) > limit {
		content = append(content[:limit:limit], "…"...)
	}
	return fmt.Sprintf("%s %s %s %s %s", s.At.Format("15:04:05.000"), s.RoomID, s.Sender, s.Type.Type, content)
}
