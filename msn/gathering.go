package msn

import (
	"slices"
	"time"
)

// From MSNP16 on a call rings at all places of an account, and the session is there
// when the first has answered. Servers relay a message to those who are there: what
// is said too early is missing at the other places.

// placesGrace is how long the other places of those who are there are waited for.
const placesGrace = 500 * time.Millisecond

// gathered opens a session that the user has called together once all are there: the
// members of a group chat, and every place of theirs and of the user's. Who takes
// longer than the grace comes into a session that is open.
func (s *session) gathered() {
	group := s.conversation.group != ""
	switch {
	case s.state != sessionCalling || len(s.people) == 0 || !group && !slices.Contains(s.people, s.conversation.peer):
	case len(s.callees) == 0 && !s.missesPlaces():
		s.opened()
	case s.gathering:
	default:
		s.gathering = true
		grace := placesGrace
		if group {
			grace = groupGrace
		}
		s.within(grace, func() {
			if len(s.people) == 0 {
				s.fail(ErrNoAnswer)
				return
			}
			s.opened()
		})
	}
}

// missesPlaces reports whether a place of the user's, or of somebody who is there, has
// not joined yet.
func (s *session) missesPlaces() bool {
	book := s.client.book
	if s.calledOwn != 0 && len(s.places[s.client.self]) < len(book.places)-1 {
		return true
	}
	for _, account := range s.people {
		if len(s.places[account]) < book.endpoints[account] {
			return true
		}
	}
	return false
}

// noteEndpoints keeps at how many places a contact is, by the personal message that
// lists them.
func (b *book) noteEndpoints(account, payload string) {
	delete(b.endpoints, account)
	places, err := parsePlaces(payload)
	if n := len(places); err == nil && n > 1 {
		b.endpoints[account] = n
	}
}
