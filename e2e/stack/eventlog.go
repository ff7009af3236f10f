package stack

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// quotedEvents is how many of the last events an error quotes.
const quotedEvents = 12

// Seen is an event that a user has got by sync: of a timeline, of a room's state, of an invitation, or ephemeral.
type Seen struct {
	*event.Event
	// At is when the sync with the event was read.
	At time.Time
}

// Mark is a place in what a user has seen. The zero Mark is before everything.
type Mark int

// Mark returns the place after everything that the user has seen so far. Of what comes later, see WaitEventAfter.
func (u *User) Mark() Mark {
	u.log.mu.Lock()
	defer u.log.mu.Unlock()
	return Mark(len(u.log.seen))
}

// WaitEvent returns the first event that matches, of all that the user has seen since the login or will see. What
// names the event in the error, which quotes the last events seen instead. Without a deadline in ctx it gives up
// after [DefaultWait].
func (u *User) WaitEvent(ctx context.Context, what string, match Match) (Seen, error) {
	return u.WaitEventAfter(ctx, 0, what, match)
}

// WaitEventAfter is WaitEvent for what came after mark.
func (u *User) WaitEventAfter(ctx context.Context, mark Mark, what string, match Match) (Seen, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultWait)
		defer cancel()
	}
	begun := time.Now()
	next := int(mark)
	for {
		seen, more := u.log.from(next)
		for _, s := range seen {
			if match(s) {
				return s, nil
			}
		}
		next += len(seen)
		select {
		case <-more:
		case <-u.log.failed:
			return Seen{}, fmt.Errorf("waiting for %s: %w", what, u.log.failure())
		case <-ctx.Done():
			return Seen{}, fmt.Errorf("%s has not seen %s in %s (%w); the last events seen:\n%s",
				u.ID(), what, time.Since(begun).Round(time.Millisecond), context.Cause(ctx), u.log.quote())
		}
	}
}

// Count returns how many of the events seen since mark match. Call Settle before it to count what has been sent so
// far and not only what has arrived.
func (u *User) Count(mark Mark, match Match) int {
	seen, _ := u.log.from(int(mark))
	n := 0
	for _, s := range seen {
		if match(s) {
			n++
		}
	}
	return n
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

// eventLog keeps what has been seen and wakes those who wait for more.
type eventLog struct {
	mu   sync.Mutex
	seen []Seen
	ids  map[id.EventID]struct{}
	more chan struct{} // closed and replaced when something is added

	failed chan struct{} // closed when nothing will be added any more
	err    error         // why; to be read after failed is closed
}

func (l *eventLog) init() {
	l.ids = make(map[id.EventID]struct{})
	l.more = make(chan struct{})
	l.failed = make(chan struct{})
}

// add keeps an event, once: a sync may bring the same state event in the state and in the timeline.
func (l *eventLog) add(evt *event.Event, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if evt.ID != "" {
		if _, ok := l.ids[evt.ID]; ok {
			return
		}
		l.ids[evt.ID] = struct{}{}
	}
	l.seen = append(l.seen, Seen{Event: evt, At: at})
	close(l.more)
	l.more = make(chan struct{})
}

// from returns the events from the n-th on, and a channel that is closed when there are more than these.
func (l *eventLog) from(n int) ([]Seen, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[n:len(l.seen):len(l.seen)], l.more
}

// fail says that nothing will be added any more. It is called once.
func (l *eventLog) fail(err error) {
	l.err = err
	close(l.failed)
}

// failure returns why nothing will be added any more.
func (l *eventLog) failure() error {
	<-l.failed
	return l.err
}

// quote describes the last events, a line each.
func (l *eventLog) quote() string {
	seen, _ := l.from(0)
	if len(seen) == 0 {
		return "  (none)"
	}
	var lines []string
	for _, s := range seen[max(0, len(seen)-quotedEvents):] {
		lines = append(lines, "  "+s.describe())
	}
	return strings.Join(lines, "\n")
}

// describe returns the event in a line.
func (s Seen) describe() string {
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
