package session

import (
	"context"

	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

// Hearing is what the parts of one type want to hear of. It is the same for every login, of which there are many: it is made once,
// and a Session only remembers whose it is.
type Hearing[P any] struct {
	opened, ready []func(P, context.Context, *msn.Client, []msn.Contact)
	lost          []func(P)
	trouble       []func(P, reason.Reason)
	events        []func(P, context.Context, msn.Event) // each looks whether it is one of its kind
}

// Wish is one thing that parts want to hear of.
type Wish[P any] func(*Hearing[P])

// Hears returns what parts want to hear of, each kind of event in the order in which it is named.
func Hears[P any](wishes ...Wish[P]) *Hearing[P] {
	h := new(Hearing[P])
	for _, wish := range wishes {
		wish(h)
	}
	return h
}

// OnOpen has do called when the account has signed in, before anybody else can use the client and before the first event.
func OnOpen[P any](do func(P, context.Context, *msn.Client)) Wish[P] { return OnOpenWith(plain(do)) }

// OnOpenWith is OnOpen for who needs the contact list. It is read once for all, who leave it as it is: what comes later is told by events.
func OnOpenWith[P any](do func(P, context.Context, *msn.Client, []msn.Contact)) Wish[P] {
	return func(h *Hearing[P]) { h.opened = append(h.opened, do) }
}

// OnReady has do called when the account has signed in and the client can be used, before the first event.
func OnReady[P any](do func(P, context.Context, *msn.Client)) Wish[P] { return OnReadyWith(plain(do)) }

// OnReadyWith is OnReady for who needs the contact list, as OnOpenWith is.
func OnReadyWith[P any](do func(P, context.Context, *msn.Client, []msn.Contact)) Wish[P] {
	return func(h *Hearing[P]) { h.ready = append(h.ready, do) }
}

// plain is for who needs no contact list.
func plain[P any](do func(P, context.Context, *msn.Client)) func(P, context.Context, *msn.Client, []msn.Contact) {
	return func(part P, ctx context.Context, client *msn.Client, _ []msn.Contact) { do(part, ctx, client) }
}

// OnLost has do called when a session has ended that OnReady has told of, whatever the reason.
func OnLost[P any](do func(P)) Wish[P] {
	return func(h *Hearing[P]) { h.lost = append(h.lost, do) }
}

// OnTrouble has do called when signing in has failed, or the session has ended, and it is not known that somebody signs in anew: with
// the reason.
func OnTrouble[P any](do func(P, reason.Reason)) Wish[P] {
	return func(h *Hearing[P]) { h.trouble = append(h.trouble, do) }
}

// On has handle called with every event of type E, in the order in which they come, while the login is started. It must not wait
// for Matrix: the session waits meanwhile.
func On[P any, E msn.Event](handle func(P, context.Context, E)) Wish[P] {
	return func(h *Hearing[P]) {
		h.events = append(h.events, func(part P, ctx context.Context, evt msn.Event) {
			if evt, ok := evt.(E); ok && ctx.Err() == nil {
				handle(part, ctx, evt)
			}
		})
	}
}

// OnDelivered is On for what the server sends once and believes delivered then: handle is called also while the login is being
// stopped, when ctx has ended.
func OnDelivered[P any, E msn.Event](handle func(P, context.Context, E)) Wish[P] {
	return func(h *Hearing[P]) {
		h.events = append(h.events, func(part P, ctx context.Context, evt msn.Event) {
			if evt, ok := evt.(E); ok {
				handle(part, ctx, evt)
			}
		})
	}
}

// Listen has a part told what it wants to hear of, after those that listen already. Call it before Start.
func Listen[P any](s *Session, part P, to *Hearing[P]) {
	s.listeners = append(s.listeners, bound[P]{part, to})
}

// listener is a part of a Session and what it wants to hear of.
type listener interface {
	open(context.Context, *msn.Client, []msn.Contact)
	begin(context.Context, *msn.Client, []msn.Contact)
	lose()
	fail(reason.Reason)
	hear(context.Context, msn.Event)
}

type bound[P any] struct {
	part P
	to   *Hearing[P]
}

func (b bound[P]) open(ctx context.Context, client *msn.Client, contacts []msn.Contact) {
	for _, do := range b.to.opened {
		do(b.part, ctx, client, contacts)
	}
}

func (b bound[P]) begin(ctx context.Context, client *msn.Client, contacts []msn.Contact) {
	for _, do := range b.to.ready {
		do(b.part, ctx, client, contacts)
	}
}

func (b bound[P]) lose() {
	for _, do := range b.to.lost {
		do(b.part)
	}
}

func (b bound[P]) fail(problem reason.Reason) {
	for _, do := range b.to.trouble {
		do(b.part, problem)
	}
}

func (b bound[P]) hear(ctx context.Context, evt msn.Event) {
	for _, handle := range b.to.events {
		handle(b.part, ctx, evt)
	}
}

// Dispatch calls those who want an event.
func (s *Session) Dispatch(ctx context.Context, evt msn.Event) {
	for _, l := range s.listeners {
		l.hear(ctx, evt)
	}
}
