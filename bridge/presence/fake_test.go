package presence

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
)

// request is one that the homeserver got.
type request struct {
	at    time.Time
	ghost networkid.UserID
	state State
	look  bool
	bye   bool // while the bridge stops
}

// fakeServer is a homeserver in a bubble: it shows what it was told for as long as it is its way.
type fakeServer struct {
	t       testing.TB
	latency time.Duration
	end     time.Duration // who does not sync is offline after it, unless 0
	idle    time.Duration // who is online is idle after it, unless 0

	mu       sync.Mutex
	fail     error            // what it answers
	picky    networkid.UserID // of whom it takes nothing
	blind    bool             // takes presence, and shows none
	stopping bool
	state    map[networkid.UserID]State
	set      map[networkid.UserID]time.Time
	requests []request
}

func newFakeServer(t testing.TB) *fakeServer {
	return &fakeServer{t: t, state: make(map[networkid.UserID]State), set: make(map[networkid.UserID]time.Time)}
}

var errDown = errors.New("connection refused")

func (s *fakeServer) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

func (s *fakeServer) SetPresence(ctx context.Context, ghost networkid.UserID, state State) error {
	if err := s.took(ctx, request{ghost: ghost, state: state}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.blind {
		s.state[ghost], s.set[ghost] = state, time.Now()
	}
	return nil
}

func (s *fakeServer) Presence(ctx context.Context, ghost networkid.UserID) (State, error) {
	if err := s.took(ctx, request{ghost: ghost, look: true}); err != nil {
		return State{}, err
	}
	return s.shows(ghost), nil
}

func (s *fakeServer) took(ctx context.Context, r request) error {
	s.mu.Lock()
	r.at, r.bye = time.Now(), s.stopping
	s.requests = append(s.requests, r)
	fail := s.fail
	if r.ghost == s.picky {
		fail = mautrix.HTTPError{Response: &http.Response{StatusCode: http.StatusBadRequest}}
	}
	s.mu.Unlock()
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fail
}

// shows returns how a ghost is shown now.
func (s *fakeServer) shows(ghost networkid.UserID) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, known := s.state[ghost]
	switch age := time.Since(s.set[ghost]); {
	case !known, s.end > 0 && age > s.end:
		return offline
	case s.idle > 0 && age > s.idle && state.Presence == event.PresenceOnline:
		state.Presence = event.PresenceUnavailable
	}
	return state
}

// take returns the requests since it was called last.
func (s *fakeServer) take() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.requests
	s.requests = nil
	return taken
}

// refusal is what homeservers answer that do not want presence.
var refusal error = mautrix.MForbidden

// fakeStore is the list on disk.
type fakeStore struct {
	mu     sync.Mutex
	fail   error
	listed map[networkid.UserID]bool
}

func newFakeStore() *fakeStore { return &fakeStore{listed: make(map[networkid.UserID]bool)} }

func (s *fakeStore) All(context.Context) ([]networkid.UserID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.listed)), s.fail
}

func (s *fakeStore) Put(_ context.Context, ghost networkid.UserID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		s.listed[ghost] = true
	}
	return s.fail
}

func (s *fakeStore) Delete(_ context.Context, ghost networkid.UserID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		delete(s.listed, ghost)
	}
	return s.fail
}

// has reports whether a ghost is on the list.
func (s *fakeStore) has(ghost networkid.UserID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed[ghost]
}

func (s *fakeStore) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// start starts a keeper. The bubble it is in ends only when it is stopped.
func start(t testing.TB, server Homeserver, store Store) *Keeper {
	t.Helper()
	k := New(Config{Kind: Presence, Homeserver: server, Store: store, Log: zerolog.Nop(), Repeats: true})
	if err := k.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return k
}

// crash ends a keeper as a power cut does.
func (k *Keeper) crash() {
	k.stop()
	k.loop.Wait()
	k.stop = nil
}

const (
	home  = networkid.UserLoginID("home/alice@example.com")
	other = networkid.UserLoginID("home/carol@example.com")
	bob   = networkid.UserID("home/bob@example.com")
	dave  = networkid.UserID("home/dave@example.com")
)

func online(text string) State { return State{Presence: event.PresenceOnline, Text: text} }
