// Package self is what contacts see of the user: the status that they have chosen, or that
// follows from what they do in Matrix, and the personal message.
package self

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// What is made of what the user does in Matrix.
const (
	// IdleAfter is how long after the last sign of the user they are shown as idle.
	IdleAfter = 5 * time.Minute
	// AwayAfter is how long after it they are shown as away.
	AwayAfter = 30 * time.Minute
)

// Bounds of what the service is told by itself; what the user chooses goes out at once.
const (
	// quiet is how long a change waits for the next one.
	quiet = 2 * time.Second
	// gap is the shortest time between two changes.
	gap = 5 * time.Second
	// again is when a change is tried once more that the service did not take.
	again = time.Minute
	// longestPause is how long a name of Matrix waits at most that could not be had or told.
	longestPause = time.Hour
)

// Self is one login as its contacts see it.
type Self struct {
	account *account.Account
	session *session.Session
	notices Notices
	named   func(context.Context) (string, error) // asks the homeserver for the user's name; nil when there is no asking

	// telling is held while the service is told, so that the last to be told is what is
	// wanted last.
	telling sync.Mutex
	refused string // the last name of Matrix that the service did not take; telling guards it

	mu     sync.Mutex
	ctx    context.Context // of the run; nil while there is none
	active time.Time       // the last sign of the user in Matrix; zero for none
	matrix *matrix         // how Matrix shows the user; nil while the homeserver has not said
	shown  msn.Status      // what the service was told last; "" when it is to be told
	said   *string         // the personal message that it was told in this session
	asks   bool            // the homeserver is to be asked for the user's name
	asksAt time.Time       // and not before
	pause  time.Duration   // the last wait for that, while it fails
	forget func()          // has the name forgotten that was asked for last
	told   time.Time
	due    time.Time // when timer calls
	timer  *time.Timer
	calls  sync.WaitGroup
}

// matrix is how Matrix shows the user.
type matrix struct {
	status msn.Status
	text   string
}

// Notices are what the user is told in the chat with the bot, or where else they want it.
type Notices interface {
	// Notice tells the user, once for all calls with the same ID.
	Notice(ctx context.Context, a database.Alert)
}

// New returns the login as its contacts see it. named asks the homeserver for the name that the
// user has there; it may be nil.
func New(a *account.Account, s *session.Session, notices Notices, named func(context.Context) (string, error)) *Self {
	return &Self{account: a, session: s, notices: notices, named: named}
}

// Listen has each session begin with what was chosen, and followed while the login is started.
func (s *Self) Listen(in *session.Session) {
	in.Use(s)
	in.SignInAs(func() msn.Status { status, _ := s.status(time.Now()); return status })
	session.Listen(in, s, hearing)
}

var hearing = session.Hears(session.OnReady((*Self).begin))

// Start implements session.Part.
func (s *Self) Start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = ctx
}

// Stop implements session.Part.
func (s *Self) Stop() {
	s.mu.Lock()
	s.ctx = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = nil
	s.mu.Unlock()
	s.calls.Wait()
}

// begin has a new session told what it does not know.
func (s *Self) begin(_ context.Context, client *msn.Client) {
	shown := client.Status()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown, s.said, s.asks, s.asksAt = shown, nil, true, time.Time{}
	if s.active.IsZero() && shown == msn.Online {
		s.active = time.Now() // who has just logged in is there
	}
	s.schedule(time.Now())
}

// Choice returns as what the user wants to be seen.
func (s *Self) Choice() config.Choice {
	if chosen := s.account.Stored().Status; chosen != "" {
		return chosen
	}
	return s.account.Config.Status
}

// Follows reports whether the user is shown as Matrix shows them: they want it, and the
// homeserver has told.
func (s *Self) Follows() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.matrix != nil && s.Choice() == config.Follow
}

// Personal returns the personal message that is wanted.
func (s *Self) Personal() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, _ := s.personal()
	return text
}

// personal returns the personal message that is wanted, and whether the service is to be told:
// it is not that there is none while there never was one. mu is held.
func (s *Self) personal() (text string, tell bool) {
	stored := s.account.Stored().Personal
	switch {
	case s.matrix != nil && s.matrix.text != "" && s.Choice() == config.Follow:
		text = s.matrix.text
	case stored != nil:
		text = *stored
	case s.said == nil:
		return "", false // what the service keeps of itself stays
	}
	return text, s.said == nil || *s.said != text
}

// status returns as what the user is to be seen now, and when that changes by itself: zero for
// never.
func (s *Self) status(now time.Time) (msn.Status, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statusLocked(now)
}

func (s *Self) statusLocked(now time.Time) (msn.Status, time.Time) {
	choice := s.Choice()
	if status, fixed := choice.Status(); fixed {
		return status, time.Time{}
	}
	if choice == config.Follow && s.matrix != nil {
		return s.matrix.status, time.Time{}
	}
	idle, away := s.active.Add(IdleAfter), s.active.Add(AwayAfter)
	switch {
	case s.active.IsZero() || !now.Before(away):
		return msn.Away, time.Time{}
	case !now.Before(idle):
		return msn.Idle, away
	}
	return msn.Online, idle
}

// Active is a sign of the user in Matrix: they write or read.
func (s *Self) Active() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
	s.changed()
}

// Matrix is how the homeserver says that it shows the user.
func (s *Self) Matrix(content *event.PresenceEventContent) {
	now := matrix{status: statusOf(content.Presence), text: personalOf(content.StatusMessage)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.matrix != nil && *s.matrix == now {
		return
	}
	s.matrix = &now
	s.changed()
}

// changed has the service told in a moment, if there is something to tell. mu is held.
func (s *Self) changed() {
	now := time.Now()
	status, next := s.statusLocked(now)
	if _, tell := s.personal(); tell || status != s.shown {
		s.schedule(latest(now.Add(quiet), s.told.Add(gap)))
	} else if !next.IsZero() {
		s.schedule(next)
	}
}

// schedule has the service told at a time, or before. mu is held.
func (s *Self) schedule(at time.Time) {
	if s.ctx == nil || s.timer != nil && !s.due.After(at) {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.due = at
	s.timer = time.AfterFunc(time.Until(at), s.fire)
}

// fire tells the service what is wanted, and sees to the next time.
func (s *Self) fire() {
	s.mu.Lock()
	ctx := s.ctx
	if s.timer == nil || ctx == nil { // it was stopped
		s.mu.Unlock()
		return
	}
	s.timer = nil
	s.calls.Add(1)
	s.mu.Unlock()
	defer s.calls.Done()
	_ = s.tell(ctx, false)
}

// Choose notes as what the user wants to be seen, and tells the service, if there is a session.
func (s *Self) Choose(ctx context.Context, choice config.Choice) error {
	stored := s.account.Remember(ctx, func(kept *account.Record) { kept.Status = choice })
	if err := s.tell(ctx, true); err != nil {
		return err
	}
	return stored
}

// SetPersonal notes the personal message and tells the service, if there is a session. The
// error is msn.ErrTooLong or msn.ErrDialect when it is not noted either.
func (s *Self) SetPersonal(ctx context.Context, text string) error {
	text = names.OneLine(text)
	if utf8.RuneCountInString(text) > msn.MaxPersonal {
		return msn.ErrTooLong
	}
	if client := s.session.Current(); client != nil && client.Dialect() < wire.FirstPersonal {
		return msn.ErrDialect
	}
	stored := s.account.Remember(ctx, func(kept *account.Record) { kept.Personal = &text })
	if err := s.tell(ctx, false); err != nil {
		return err
	}
	return stored
}

// tell tells the service what is wanted and not so. chosen is set when the user has just
// chosen a status. What fails is tried again.
func (s *Self) tell(ctx context.Context, chosen bool) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	client := s.session.Current()
	if client == nil {
		return nil // the next session begins with it
	}
	asking, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	err := s.tellStatus(asking, client, chosen)
	if personalErr := s.tellPersonal(asking, client); err == nil {
		err = personalErr
	}
	s.tellName(asking, client)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.told = now
	if err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("The service was not told how the user is")
		s.schedule(now.Add(again))
		return err
	}
	if _, next := s.statusLocked(now); !next.IsZero() {
		s.schedule(next)
	}
	return nil
}

func (s *Self) tellStatus(ctx context.Context, client *msn.Client, chosen bool) error {
	status, _ := s.status(time.Now())
	_, fixed := s.Choice().Status()
	switch {
	case client.Status() == status:
	case !chosen && !fixed && len(client.Endpoints()) > 1:
		// A status holds for all endpoints: the Messenger at which the user sits knows better.
	default:
		if err := client.SetStatus(ctx, status); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = status
	return nil
}

func (s *Self) tellPersonal(ctx context.Context, client *msn.Client) error {
	s.mu.Lock()
	want, tell := s.personal()
	s.mu.Unlock()
	if !tell {
		return nil
	}
	if client.Dialect() >= wire.FirstPersonal { // the others have none
		if err := client.SetPersonal(ctx, want); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = &want
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
