package bridge

import (
	"context"
	"maps"
	"sync"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/presence"
)

// shownGhosts is what a homeserver shows of ghosts, for ever, as Dendrite does. The zero value
// shows nobody.
type shownGhosts struct {
	mu     sync.Mutex
	states map[networkid.UserID]presence.State
	fail   error // what setting one answers
}

// SetPresence implements presence.Homeserver.
func (s *shownGhosts) SetPresence(_ context.Context, ghost networkid.UserID, state presence.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.states == nil {
		s.states = make(map[networkid.UserID]presence.State)
	}
	s.states[ghost] = state
	return nil
}

// Presence implements presence.Homeserver.
func (s *shownGhosts) Presence(_ context.Context, ghost networkid.UserID) (presence.State, error) {
	return s.of(ghost), nil
}

// of returns how a ghost is shown, as nothing when nobody has ever said.
func (s *shownGhosts) of(ghost networkid.UserID) presence.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[ghost]
}

// take has another homeserver show the same.
func (s *shownGhosts) take(other *shownGhosts) {
	other.mu.Lock()
	defer other.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = maps.Clone(other.states)
}

// refuse has nothing set any more.
func (s *shownGhosts) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}
