package p2p

import "slices"

// Some clients have one line on which they speak to somebody, and answer there whatever they were asked over another
// one: that happens when both sides call each other at the same moment. So what comes may be meant for a sibling.

// meant returns the call with a session that something has come of.
func (s *Stack) meant(session uint32) *call {
	return s.find(func(of *Stack) *call { return of.bySession(session) })
}

// find returns the call of which something has come over the line of s, which may be one of a sibling.
func (s *Stack) find(in func(*Stack) *call) *call {
	if c := in(s); c != nil {
		c.via = nil
		return c
	}
	for _, other := range s.siblings() {
		if c := in(other); c != nil {
			c.via = s
			s.stirred = append(s.stirred, other)
			return c
		}
	}
	return nil
}

func (s *Stack) siblings() []*Stack {
	if s.cfg.Siblings == nil {
		return nil
	}
	return s.cfg.Siblings()
}

// wakeStirred has siblings send what they have to say now.
func (s *Stack) wakeStirred() {
	for _, other := range s.stirred {
		other.cfg.Wake()
	}
	s.stirred = s.stirred[:0]
}

// carriesSiblings reports whether the other side speaks of a call of a sibling over this line.
func (s *Stack) carriesSiblings() bool {
	return slices.ContainsFunc(s.siblings(), func(other *Stack) bool {
		return slices.ContainsFunc(other.calls, func(c *call) bool { return c.via == s })
	})
}

// acknowledged tells who waits for an acknowledgement.
func (s *Stack) acknowledged(a *arrival) {
	of, by := s, a.acks
	if len(s.siblings()) > 0 && !slices.ContainsFunc(s.flying, a.names) {
		for _, other := range s.siblings() {
			if slices.ContainsFunc(other.flying, a.names) {
				of, by = other, a.names
				s.stirred = append(s.stirred, other)
				break
			}
		}
	}
	of.replies = true
	var acked []*outgoing
	of.flying = slices.DeleteFunc(of.flying, func(m *outgoing) bool {
		if by(m) {
			acked = append(acked, m)
			return true
		}
		return false
	})
	for _, m := range acked {
		m.acked()
	}
}

// moves goes on over the line on which the other side speaks of the call, when its own has ended. It reports
// false where that cannot be: a message that is half-way in version 2 is counted by its line, and a line takes no
// more from another one than from the other side.
func (c *call) moves() bool {
	to := c.via
	if to == nil || to.over != nil || c.over || c.stack.cfg.Later && c.begun && c.source != nil || !to.hasRoom(c) {
		return false
	}
	from := c.stack
	of := func(m *outgoing) bool { return m.session == c.session && m.session != 0 }
	for _, list := range []struct{ from, to *[]*outgoing }{{&from.data, &to.data}, {&from.flying, &to.flying}} {
		for _, m := range *list.from {
			if of(m) {
				*list.to = append(*list.to, m)
			}
		}
	}
	from.calls = slices.DeleteFunc(from.calls, func(o *call) bool { return o == c })
	c.via = nil
	to.add(c)
	c.within(c.limit, c.failure) // the timer of the other line
	to.cfg.Wake()
	return true
}

// hasRoom reports whether a line can take a call of another one.
func (s *Stack) hasRoom(c *call) bool {
	return len(s.calls) < maxCalls && s.bySession(c.session) == nil && (!c.isOffer() || s.offersWaiting() < maxOffers)
}
