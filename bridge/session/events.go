package session

import (
	"context"
	"reflect"
	"sync"

	"matrix-msn/msn"
)

// handler is who wants events of one kind. There are a few dozen of them for each login, so they are small and in a list: to look
// through it costs nothing beside what handlers do.
type handler struct {
	handle func(context.Context, msn.Event)
	kind   uint16 // as numberOf has it
	// always is set for what the server believes delivered: it counts also while the
	// session is ending.
	always bool
}

// On has handle called with every event of type E, in the order in which they come, while
// the login is started. It must not wait for Matrix: the session waits meanwhile. Call it
// before Start.
func On[E msn.Event](s *Session, handle func(context.Context, E)) { on(s, handle, false) }

// OnDelivered is On for what the server sends once and believes delivered then: handle is
// called also while the login is being stopped, when ctx has ended.
func OnDelivered[E msn.Event](s *Session, handle func(context.Context, E)) { on(s, handle, true) }

func on[E msn.Event](s *Session, handle func(context.Context, E), always bool) {
	s.handlers = append(s.handlers, handler{
		kind:   numberOf(reflect.TypeFor[E]()),
		handle: func(ctx context.Context, evt msn.Event) { handle(ctx, evt.(E)) },
		always: always,
	})
}

// Dispatch calls those who want an event.
func (s *Session) Dispatch(ctx context.Context, evt msn.Event) {
	kind := numberOf(reflect.TypeOf(evt))
	for i := range s.handlers {
		if h := &s.handlers[i]; h.kind == kind && (h.always || ctx.Err() == nil) {
			h.handle(ctx, evt)
		}
	}
}

var (
	numbers sync.Map // of kinds of events, by reflect.Type
	naming  sync.Mutex
	named   uint16
)

// numberOf returns the number of a kind of events, of which there are a few dozen in all.
func numberOf(kind reflect.Type) uint16 {
	if number, known := numbers.Load(kind); known {
		return number.(uint16)
	}
	naming.Lock()
	defer naming.Unlock()
	if number, known := numbers.Load(kind); known {
		return number.(uint16)
	}
	named++
	numbers.Store(kind, named)
	return named
}
