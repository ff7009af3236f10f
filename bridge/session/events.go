package session

import (
	"context"
	"reflect"

	"matrix-msn/msn"
)

// handler is who wants events of one kind. There are a few dozen of them for each login: a list takes a fifth of the
// memory of a table by kinds, and to look through it costs nothing beside what handlers do.
type handler struct {
	kind   reflect.Type
	handle func(context.Context, msn.Event)
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
		kind:   reflect.TypeFor[E](),
		handle: func(ctx context.Context, evt msn.Event) { handle(ctx, evt.(E)) },
		always: always,
	})
}

// Dispatch calls those who want an event.
func (s *Session) Dispatch(ctx context.Context, evt msn.Event) {
	kind := reflect.TypeOf(evt)
	for i := range s.handlers {
		if h := &s.handlers[i]; h.kind == kind && (h.always || ctx.Err() == nil) {
			h.handle(ctx, evt)
		}
	}
}
