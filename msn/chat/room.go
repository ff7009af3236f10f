package chat

import "time"

// A limit on sessions takes the place of one in which nothing is under way. Leaving one costs
// nothing but another call: the next text either way opens a session again, and what the
// server relays before it has seen the good-bye is still read.

// incoming counts the sessions that others have opened.
func (c *Chats) incoming() (n int) {
	for s := range c.sessions {
		if !s.outgoing {
			n++
		}
	}
	return n
}

// unused reports whether the session can be left for another one: it is open and
// nothing is on its way in it.
func (s *session) unused() bool {
	return s.state == sessionOpen && len(s.unacknowledged) == 0 && !s.unfinished(time.Now()) && !s.carries()
}

// idleGroup reports whether the session is a group that the user was called into
// and in which nothing was said for long.
func (s *session) idleGroup() bool {
	return s.unused() && !s.outgoing && s.group() && time.Since(s.lastHeard) >= s.chats.cfg.IdleClose
}

// wanted reports whether something that the user sends depends on the session.
func (s *session) wanted() bool { return len(s.unacknowledged) > 0 || len(s.conversation.outbox) > 0 }

// ofStrangers reports whether nobody is in the session, or called it, who is on the user's
// contact list.
func (s *session) ofStrangers() bool {
	if s.outgoing || s.chats.listed(s.conversation.id.Contact) {
		return false
	}
	for _, account := range s.people {
		if s.chats.listed(account) {
			return false
		}
	}
	return true
}

// rank is how little is lost with the session: strangers first, then contacts, then groups,
// which go on without the user, while a session with one contact is opened again by the next
// message. One that is not open yet comes last: nobody knows what it brings.
func (s *session) rank() int {
	switch {
	case s.state != sessionOpen:
		return 3
	case s.group():
		return 2
	case !s.ofStrangers():
		return 1
	}
	return 0
}

// quietest returns the session with which least is lost of those that fit, or nil: of equal
// ones that which has been silent longest.
func (c *Chats) quietest(fits func(*session) bool) (found *session) {
	for s := range c.sessions {
		if fits(s) && (found == nil || s.before(found)) {
			found = s
		}
	}
	return found
}

// before reports whether the session is left sooner than another one.
func (s *session) before(other *session) bool {
	if mine, others := s.rank(), other.rank(); mine != others {
		return mine < others
	}
	if !s.lastHeard.Equal(other.lastHeard) {
		return s.lastHeard.Before(other.lastHeard)
	}
	return s.number < other.number
}

// makeRoom leaves a session for another one, if there is one to leave.
func (c *Chats) makeRoom(s *session) bool {
	if s == nil {
		return false
	}
	c.conn.Note("session left: too many are open", "peer", s.conversation.id.Contact, "people", len(s.people))
	s.drop()
	return true
}

// roomFor makes room for a session that a caller opens in a conversation. It returns why
// there is none, or "".
func (c *Chats) roomFor(cv *Conversation, caller string) (why string) {
	known := c.listed(caller)
	switch n := len(cv.sessions); {
	case n < MaxSessionsPerContact:
	case c.makeRoom(c.quietest(func(s *session) bool { return s.conversation == cv && s.unused() })):
	case n >= maxBusyPerContact:
		return "too many sessions with this contact"
	}
	if c.incoming() >= MaxIncoming && !c.makeRoom(c.quietest(func(s *session) bool {
		return !s.outgoing && (s.unused() && !s.group() || s.idleGroup() || known && s.ofStrangers() && !s.wanted())
	})) || len(c.sessions) >= MaxSessions && !c.makeRoom(c.quietest((*session).unused)) {
		return "too many sessions"
	}
	return ""
}
