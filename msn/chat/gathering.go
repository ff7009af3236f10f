package chat

import (
	"time"

	"matrix-msn/msn/internal/errs"
)

// From MSNP16 on a call rings at all endpoints of an account, and the session is there
// when the first has answered. Servers relay a message to those who are there: what
// is said too early is missing at the other endpoints.

// endpointsGrace is how long the other endpoints of those who are there are waited for.
const endpointsGrace = 500 * time.Millisecond

// gathered opens a session that the user has called together once all are there: the
// members of a group chat, and every endpoint of theirs and of the user's. Who takes
// longer than the grace comes into a session that is open.
func (s *session) gathered() {
	group := s.conversation.id.Group != ""
	switch {
	case s.state != sessionCalling || len(s.people) == 0 || !group && !s.present(s.conversation.id.Contact):
	case len(s.callees) == 0 && !s.missesEndpoints():
		s.opened()
	case s.gathering:
	default:
		s.gathering = true
		grace := endpointsGrace
		if group {
			grace = groupGrace
		}
		s.within(grace, func() {
			if len(s.people) == 0 {
				s.fail(errs.ErrNoAnswer)
				return
			}
			s.opened()
		})
	}
}

// missesEndpoints reports whether an endpoint of the user's, or of somebody who is there, has
// not joined yet.
func (s *session) missesEndpoints() bool {
	people := s.chats.people
	if s.calledOwn != 0 && len(s.endpoints[s.chats.conn.Self()]) < people.EndpointCount(s.chats.conn.Self())-1 {
		return true
	}
	for _, account := range s.people {
		if len(s.endpoints[account]) < people.EndpointCount(account) {
			return true
		}
	}
	return false
}
