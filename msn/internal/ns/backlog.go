package ns

import "matrix-msn/msn/internal/event"

const (
	// MaxBacklog is how many events may wait to be read before the connection is not
	// read any more. Signing in makes up to two for each contact, and real lists have up
	// to 1,000.
	MaxBacklog = 4096
	// MaxBacklogBytes is the same limit in bytes, because one event can hold a payload of
	// wire.MaxPayload.
	MaxBacklogBytes = 4 << 20
)

// backlog holds the events that nobody has read yet, in order.
type backlog struct {
	events []event.Event
	bytes  int
}

func (b *backlog) add(e event.Event) {
	b.events = append(b.events, e)
	b.bytes += e.Size()
}

// full reports whether nothing more may be read from the server.
func (b *backlog) full() bool {
	return len(b.events) >= MaxBacklog || b.bytes >= MaxBacklogBytes
}

func (b *backlog) empty() bool { return len(b.events) == 0 }

func (b *backlog) first() event.Event { return b.events[0] }

func (b *backlog) drop() {
	b.bytes -= b.events[0].Size()
	b.events[0] = nil
	b.events = b.events[1:]
	if len(b.events) == 0 {
		b.events = nil
	}
}
