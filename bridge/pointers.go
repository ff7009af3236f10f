package bridge

import (
	"sync"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// maxPointers is of how many reactions and deletions it is remembered what they are about: the framework says
// of each at once what became of it.
const maxPointers = 256

// pointers are events that are about a message and that clients do not show as messages of their own: a notice
// that answers one stands below "this event could not be displayed". The zero value is ready.
type pointers struct {
	mu sync.Mutex
	to map[id.EventID]id.EventID
}

// note notes what an event is about, if it is such a one.
func (p *pointers) note(evt *event.Event) {
	var target id.EventID
	switch content := evt.Content.Parsed.(type) {
	case *event.ReactionEventContent:
		target = content.RelatesTo.EventID
	case *event.RedactionEventContent:
		if target = evt.Redacts; target == "" {
			target = content.Redacts
		}
	}
	if target == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.to == nil || len(p.to) >= maxPointers {
		p.to = make(map[id.EventID]id.EventID)
	}
	p.to[evt.ID] = target
}

// Answering returns about what a status is with the event that its notice is to answer: of a reaction, or a
// deletion, the message that it is about.
func (c *Connector) Answering(about *bridgev2.MessageStatusEventInfo) *bridgev2.MessageStatusEventInfo {
	if about == nil {
		return nil
	}
	c.pointers.mu.Lock()
	defer c.pointers.mu.Unlock()
	target, ok := c.pointers.to[about.SourceEventID]
	if !ok {
		return about
	}
	own := *about
	own.SourceEventID = target
	return &own
}
