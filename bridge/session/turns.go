package session

import (
	"container/list"
	"context"
)

// turns are the sign-ins to one service in one lane: those under way, and those that wait, the first first. Who waits costs
// no goroutine: after a restart of the bridge that is nearly everybody.
type turns struct {
	underWay int
	waiting  list.List // of *turn
}

// turn is one sign-in that waits.
type turn struct {
	do    func(mine bool)
	place *list.Element // nil when it does not wait any more
	stop  func() bool   // ends that ctx is watched
}

// whenFree has do called, by a goroutine of its own, when few enough are signing in to a service: with true, and done must be
// called then. When ctx ends before that it is called with false.
func (s *SignIns) whenFree(ctx context.Context, lane Lane, service string, do func(mine bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.turnsOf(service, lane)
	if all.underWay < maxSignIns && ctx.Err() == nil {
		all.underWay++
		go do(true)
		return
	}
	t := &turn{do: do}
	t.place = all.waiting.PushBack(t)
	s.moved(1)
	t.stop = context.AfterFunc(ctx, func() {
		s.mu.Lock()
		waits := t.place != nil
		if waits {
			all.waiting.Remove(t.place)
			t.place = nil
			s.moved(-1)
		}
		s.mu.Unlock()
		if waits {
			do(false)
		}
	})
}

// done ends a turn. Whoever waits first has the next.
func (s *SignIns) done(lane Lane, service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.turnsOf(service, lane)
	first := all.waiting.Front()
	if first == nil {
		all.underWay--
		return
	}
	t := all.waiting.Remove(first).(*turn)
	t.place = nil
	s.moved(-1)
	t.stop()
	go t.do(true)
}

// await waits for a turn. done must be called unless there is an error, which is that of ctx.
func (s *SignIns) await(ctx context.Context, lane Lane, service string) error {
	came := make(chan bool, 1)
	s.whenFree(ctx, lane, service, func(mine bool) { came <- mine })
	if !<-came {
		return ctx.Err()
	}
	return nil
}

// turnsOf returns those of a service in a lane. mu is held.
func (s *SignIns) turnsOf(service string, lane Lane) *turns {
	if s.turns == nil {
		s.turns = make(map[string]*[lanes]turns)
	}
	if s.turns[service] == nil {
		s.turns[service] = new([lanes]turns)
	}
	return &s.turns[service][lane]
}
