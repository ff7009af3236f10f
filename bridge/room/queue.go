package room

import (
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
)

// Queue puts an event among those of its room, once that is not held. The framework takes no context for that: it
// waits while the events of the room are stuck, until the whole bridge stops. So it is left
// to itself when ctx ends, and Stop waits for it.
func (r *Rooms) Queue(ctx context.Context, evt bridgev2.RemoteEvent) (bridgev2.EventHandlingResult, error) {
	result := make(chan bridgev2.EventHandlingResult, 1)
	r.queuing.begin(func() {
		r.held.wait(evt.GetPortalKey().ID)
		result <- r.queue(evt)
	})
	select {
	case queued := <-result:
		return queued, nil
	case <-ctx.Done():
		return bridgev2.EventHandlingResult{}, ctx.Err()
	}
}

// QueueTimeout is how long a stop waits for events that are being queued, when all else has
// stopped: whoever needs them in their rooms has waited for SettleTimeout then.
const QueueTimeout = SettleTimeout / 8

// Start implements session.Part.
func (r *Rooms) Start(ctx context.Context) { r.ctx = context.WithoutCancel(ctx) }

// Stop implements session.Part: it waits for the events that are being queued, but not for
// those of a room that is stuck for longer. They end when the room goes on, or with the bridge.
func (r *Rooms) Stop() {
	r.held.removeAll()
	limit, cancel := context.WithTimeout(r.ctx, QueueTimeout)
	defer cancel()
	if left := r.queuing.wait(limit); left > 0 {
		zerolog.Ctx(r.ctx).Warn().Int("events", left).Msg("Left events to the framework: their rooms are stuck")
	}
}

// calls are calls that take no context, each in a goroutine. The zero value has none.
type calls struct {
	mu   sync.Mutex
	open map[chan struct{}]struct{} // each is closed at the end of a call
}

// begin does a call in the background.
func (c *calls) begin(do func()) {
	ended := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[chan struct{}]struct{})
	}
	c.open[ended] = struct{}{}
	go func() {
		defer func() {
			c.mu.Lock()
			delete(c.open, ended)
			c.mu.Unlock()
			close(ended)
		}()
		do()
	}()
}

// wait waits for the end of the calls that were begun, until limit ends, and returns how many
// go on then.
func (c *calls) wait(limit context.Context) (left int) {
	c.mu.Lock()
	waiting := make([]chan struct{}, 0, len(c.open))
	for ended := range c.open {
		waiting = append(waiting, ended)
	}
	c.mu.Unlock()
	for _, ended := range waiting {
		select {
		case <-ended:
		case <-limit.Done():
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.open)
		}
	}
	return 0
}
