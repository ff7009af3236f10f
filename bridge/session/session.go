// Package session keeps an account signed in, and hands what the service tells to those
// who want to know of it.
package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

// RequestTimeout bounds one question to the service that a command asks: package msn has
// limits of its own, which are shorter.
const RequestTimeout = time.Minute

// Session keeps one login signed in. While it is started, one goroutine at a time runs for it, and none while it waits for the service.
type Session struct {
	account *account.Account
	signIns *SignIns

	// Set before the first Start.
	parts     []Part
	initial   func() msn.Status            // as what to sign in, nil for online
	picture   func(context.Context) []byte // with which display picture; may be nil
	listeners []listener                   // in the order in which they are called

	// life is held while the Session is started or stopped.
	life    sync.Mutex
	running *running // nil while stopped
	retired bool     // replaced by another Session: not to be started again

	leaving atomic.Bool // the user logs out: what waits is settled, not kept

	mu      sync.Mutex
	client  *msn.Client    // nil while not connected
	problem *reason.Reason // why there is no client, nil before the first attempt
	since   time.Time      // since when client is what it is
	changed chan struct{}  // closed when client or problem change; nil while nobody waits for that
	// yielding: the account is being signed in anew, the end of this session is no
	// news. parked: it has ended meanwhile.
	yielding, parked bool
}

// Part is what works while a login is started.
type Part interface {
	// Start begins work, which ends when ctx does. It does not wait.
	Start(ctx context.Context)
	// Stop waits for the end of what Start began, after its ctx has ended.
	Stop()
}

// Finisher is a Part that brings to its end what it has begun before the account is signed out.
type Finisher interface {
	// Finish begins nothing any more, and waits until that is at its end, or ctx is. Stop follows.
	Finish(ctx context.Context, client *msn.Client)
}

// finishTimeout is how long a stop waits for that: who writes a text while the bridge is restarted sees that it has arrived, where the
// service acknowledges it as it does nearly always.
const finishTimeout = time.Second

// Leaver is a Part that settles what is left of its work when the user logs out: the
// login, and its rows in the tables, will be gone.
type Leaver interface {
	Farewell(ctx context.Context)
}

// running is what ends a run, and tells that it has ended.
type running struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// New returns a Session that is not started. Name those who work with it by Use and Listen
// before.
func New(a *account.Account, signIns *SignIns) *Session {
	return &Session{account: a, signIns: signIns}
}

// Use has parts work while the login is started.
func (s *Session) Use(parts ...Part) { s.parts = append(s.parts, parts...) }

// SignInAs has the account sign in with the status that choose returns.
func (s *Session) SignInAs(choose func() msn.Status) { s.initial = choose }

// UsePicture has f say with which display picture the account is signed in, nil for none.
func (s *Session) UsePicture(f func(context.Context) []byte) { s.picture = f }

// Start signs in, in the background, and stays signed in until Stop. It does not sign in
// while the account is in use at another endpoint. client is a session that exists
// already, or nil.
func (s *Session) Start(client *msn.Client) {
	s.life.Lock()
	defer s.life.Unlock()
	s.start(client, Background)
}

func (s *Session) start(client *msn.Client, lane Lane) {
	if s.retired || s.leaving.Load() || s.running != nil || s.account.Bridge.IsStopping() {
		if client != nil {
			Discard(client)
		}
		return
	}
	s.listeners, s.parts = fitted(s.listeners), fitted(s.parts)
	ctx, cancel := context.WithCancel(s.account.Login.Log.WithContext(s.account.Bridge.BackgroundCtx))
	s.mu.Lock()
	s.parked = false
	s.mu.Unlock()
	r := &running{cancel: cancel, ended: make(chan struct{})}
	s.running = r
	go s.run(ctx, client, lane, func() { close(r.ended) })
}

// fitted returns a list without room to grow.
func fitted[E any](list []E) []E {
	if cap(list) > len(list) {
		return append(make([]E, 0, len(list)), list...)
	}
	return list
}

// Stop signs out and returns when everything that Start began has ended. It may be
// called again, and without Start.
func (s *Session) Stop() {
	s.life.Lock()
	defer s.life.Unlock()
	s.stop()
}

func (s *Session) stop() {
	if s.running == nil {
		return
	}
	s.running.cancel()
	<-s.running.ended
	s.running = nil
}

// Retire is Stop for ever: another Session takes the place of this one.
func (s *Session) Retire() {
	s.life.Lock()
	defer s.life.Unlock()
	s.retired = true
	s.stop()
}

// Unretire takes Retire back: the other Session did not come about.
func (s *Session) Unretire() {
	s.life.Lock()
	defer s.life.Unlock()
	s.retired = false
}

// Yield makes the end of the session no news, because the account is being signed in
// anew, and ends a run that has none.
func (s *Session) Yield() {
	s.life.Lock()
	defer s.life.Unlock()
	s.mu.Lock()
	s.yielding = true
	s.parked = s.client == nil
	idle := s.parked
	s.mu.Unlock()
	if idle {
		s.stop()
	}
}

// park reports whether the session ended while yielding, and notes it.
func (s *Session) park() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parked = s.parked || s.yielding
	return s.yielding
}

// keepGoing ends yielding. It reports false when the session has ended meanwhile,
// which nobody was told.
func (s *Session) keepGoing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.yielding = false
	return !s.parked
}

// GoOn takes Yield back: nobody has signed in. It leaves an account that is in use at
// another endpoint alone.
func (s *Session) GoOn() {
	s.life.Lock()
	defer s.life.Unlock()
	if !s.keepGoing() {
		s.stop()
		s.start(nil, Background)
	}
}

// Reconnect signs in again now, and forgets why it did not before, also when the account is in use at another endpoint,
// which ends the session there.
func (s *Session) Reconnect(ctx context.Context) {
	defer s.signIns.Lock(s.account.Login.ID)()
	s.ReconnectLocked(ctx)
}

// ReconnectLocked is Reconnect for who has the lock of the login.
func (s *Session) ReconnectLocked(ctx context.Context) {
	s.life.Lock()
	defer s.life.Unlock()
	s.stop()
	if !s.retired {
		s.set(nil, nil) // what WaitForOutcome waits for is yet to come
		s.keepGoing()
		s.rememberElsewhere(ctx, false)
		s.start(nil, Interactive)
	}
}

// Logout signs out for ever. MSN has no sessions that would outlive a connection. What
// waits is settled by the parts.
func (s *Session) Logout(ctx context.Context) {
	ctx = s.account.Login.Log.WithContext(ctx)
	s.leaving.Store(true)
	s.Retire()
	for _, part := range s.parts {
		if leaver, ok := part.(Leaver); ok {
			leaver.Farewell(ctx)
		}
	}
}

// Leaving reports whether the user logs out.
func (s *Session) Leaving() bool { return s.leaving.Load() }

// LoggedIn reports whether messages make sense: the account is signed in, or the bridge
// is trying, or can say better than the framework why not.
func (s *Session) LoggedIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem == nil || !s.problem.BadCredentials()
}

// Current returns the client, or nil while the account is not signed in.
func (s *Session) Current() *msn.Client {
	client, _ := s.State()
	return client
}

// State is Current, and says why there is no client: nil before the first attempt to sign
// in has ended.
func (s *Session) State() (*msn.Client, *reason.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client, s.problem
}

// Wait returns the client, waiting for the bridge to come back while it is trying. The
// error is a reason.NotConnected.
func (s *Session) Wait(ctx context.Context) (*msn.Client, error) {
	for {
		s.mu.Lock()
		client, problem, changed := s.client, s.problem, s.change()
		s.mu.Unlock()
		if client != nil {
			return client, nil
		}
		if problem != nil && !problem.Retried() {
			return nil, reason.NotConnected{Why: problem}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, reason.NotConnected{Why: problem}
		}
	}
}

// Since returns since when the account is signed in, or signed out.
func (s *Session) Since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since
}

// WaitForOutcome waits until the first attempt to sign in has ended, well or badly.
func (s *Session) WaitForOutcome(ctx context.Context) {
	for {
		s.mu.Lock()
		known, changed := s.client != nil || s.problem != nil, s.change()
		s.mu.Unlock()
		if known {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Session) set(client *msn.Client, problem *reason.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() || (s.client == nil) != (client == nil) {
		s.since = time.Now()
	}
	s.client, s.problem = client, problem
	if client == nil {
		s.account.SetRoster(nil) // a nil *msn.Client in the interface would be a roster
	} else {
		s.account.SetRoster(client)
	}
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// change returns what is closed when client or problem change. mu is held.
func (s *Session) change() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}
