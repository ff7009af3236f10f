package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/msn"
)

// life is what a run does from the start of a login to its end: one goroutine after another. While it waits for the service,
// which is what nearly all do nearly all of the time, there is none: the client starts the next.
type life struct {
	*Session
	ctx         context.Context
	stopWorking context.CancelFunc // ends the work of the parts
	client      *msn.Client        // nil while there is none
	lane        Lane
	waits       *pauses
	ended       func()

	// What follows is of the session that is served.
	began time.Time
	err   error         // why it has ended
	stop  func() bool   // takes back that it is closed with ctx
	quit  chan struct{} // closed when it is closed
}

// run keeps the account signed in until ctx ends or only the user can help. It calls ended then.
func (s *Session) run(ctx context.Context, client *msn.Client, lane Lane, ended func()) {
	// The parts stop working before the client is closed: what fails because of that would
	// look to them like a failure of the service.
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	l := &life{Session: s, ctx: ctx, stopWorking: stopWorking, client: client, lane: lane, waits: newPauses(), ended: ended}
	for _, part := range s.parts {
		part.Start(working)
	}
	if client == nil && s.account.Stored().Elsewhere {
		s.report(s.problemOf(&msn.OutError{Reason: "OTH"}))
		l.end()
		return
	}
	if client == nil {
		// Once, not before each attempt: it would hide from the framework how long
		// the trouble lasts already.
		s.account.Login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnecting})
	}
	l.connect()
}

// end ends the run when ctx has ended.
func (l *life) end() {
	if l.ctx.Err() == nil {
		context.AfterFunc(l.ctx, l.end)
		return
	}
	l.stopWorking()
	for _, part := range slices.Backward(l.parts) {
		part.Stop()
	}
	if l.client != nil { // the run was stopped before it was served
		Discard(l.client)
	}
	l.ended()
}

// connect signs in when it is this login's turn, and tries until that works.
func (l *life) connect() {
	switch {
	case l.ctx.Err() != nil:
		l.end()
	case l.client != nil:
		l.serve()
	default:
		lane := l.lane
		l.lane = Background
		l.signIns.whenFree(l.ctx, lane, l.account.Identity.Service, func(mine bool) {
			if !mine {
				l.end()
				return
			}
			var err error
			l.client, err = l.signIn(l.ctx)
			l.signIns.done(lane, l.account.Identity.Service)
			if err != nil {
				l.failed(0, err)
				return
			}
			l.serve()
		})
	}
}

// failed tells that an attempt has failed, or that a session has ended that had lasted for held, and goes on
// when it is time to try again.
func (l *life) failed(held time.Duration, err error) {
	if l.ctx.Err() != nil || l.park() { // who signs in anew stops this run, or starts it again
		l.end()
		return
	}
	problem := l.problemOf(err)
	zerolog.Ctx(l.ctx).Warn().Err(err).Str("code", problem.Code).Bool("retried", problem.Retried()).Msg("Not signed in")
	l.rememberElsewhere(l.ctx, problem.Code == reason.CodeElsewhere)
	l.report(problem)
	if !problem.Retried() {
		l.end()
		return
	}
	go l.rest(l.waits.after(held, err))
}

// rest waits, as wait does.
func (l *life) rest(wait time.Duration) {
	retry.Sleep(l.ctx, wait)
	go l.connect()
}

// signIn opens a session with the stored password.
func (s *Session) signIn(ctx context.Context) (*msn.Client, error) {
	a := s.account
	if !a.Service.Configured() {
		return nil, config.ErrNoService
	}
	if len(a.Bridge.Matrix.FormatGhostMXID(a.UserID())) > id.UserIDMaxLength {
		return nil, msnid.ErrLongID // stored by a bridge that took longer ones
	}
	password, err := a.Config.OpenPassword(a.Login.ID, a.Stored().Password)
	if err != nil {
		return nil, err
	}
	credentials := Credentials{Account: a.Identity.Account, Password: password, MachineGUID: s.machineGUID(ctx), Groups: s.Groups(ctx)}
	if s.initial != nil {
		credentials.Status = s.initial()
	}
	if s.picture != nil {
		credentials.Picture = s.picture(ctx)
	}
	return s.signIns.open(ctx, a.Service, credentials, a.Login.Log)
}

// Groups returns the members of the group chats that there are rooms for, by their IDs. They are
// named with the sign-in and not after it: a service calls the account into conversations as soon
// as it is online, and the same people are to find the same room.
func (s *Session) Groups(ctx context.Context) map[string][]string {
	groups, err := s.account.DB.Group.GetAll(ctx, s.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chats")
	}
	return groups
}

// machineGUID returns the login's name for this endpoint. Logins of older versions have
// none yet.
func (s *Session) machineGUID(ctx context.Context) string {
	if s.account.Stored().MachineGUID == "" {
		_ = s.account.Remember(ctx, func(kept *account.Record) { kept.MachineGUID = msn.NewMachineGUID() })
	}
	return s.account.Stored().MachineGUID
}

// serve begins to hand on what a session tells. When ctx ends the work of the parts ends, and then the session.
func (l *life) serve() {
	client := l.client
	l.began, l.err, l.quit = time.Now(), msn.ErrClosed, make(chan struct{})
	quit := l.quit
	l.stop = context.AfterFunc(l.ctx, func() {
		defer close(quit)
		l.finish(client)
		l.stopWorking()
		client.Close()
	})
	l.rememberElsewhere(l.ctx, false)
	contacts := client.Contacts()
	for _, listener := range l.listeners {
		listener.open(l.ctx, client, contacts)
	}
	l.set(client, nil)
	l.account.Login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnected})
	for _, listener := range l.listeners {
		listener.begin(l.ctx, client, contacts)
	}
	zerolog.Ctx(l.ctx).Info().Stringer("dialect", client.Dialect()).Int("contacts", len(contacts)).Msg("Signed in")
	client.Notify(l.hear)
}

// finish has parts bring to its end what they have begun.
func (l *life) finish(client *msn.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), finishTimeout)
	defer cancel()
	for _, part := range l.parts {
		if part, ok := part.(Finisher); ok {
			part.Finish(ctx, client)
		}
	}
}

// hear hands on the event that there is, and those that come right behind it.
func (l *life) hear() {
	evt, more := <-l.client.Events()
	for more {
		if d, ok := evt.(msn.Disconnected); ok {
			l.err = d.Err
			l.set(nil, nil)
		} else {
			l.Dispatch(l.ctx, evt)
		}
		select {
		case evt, more = <-l.client.Events():
		default:
			l.client.Notify(l.hear)
			return
		}
	}
	l.lose()
}

// lose ends what serve began, and signs in again.
func (l *life) lose() {
	l.set(nil, nil)
	for _, listener := range l.listeners {
		listener.lose()
	}
	l.client.Close()
	if !l.stop() {
		<-l.quit
	}
	l.client, l.stop, l.quit = nil, nil, nil
	err := l.err
	if errors.Is(err, msn.ErrBadCredentials) || errors.Is(err, msn.ErrAccountLocked) {
		// The account was let in: the next sign-in tells.
		err = fmt.Errorf("%w: %v", msn.ErrNotConnected, err)
	}
	l.failed(max(time.Since(l.began), 1), err)
}

func (s *Session) problemOf(err error) reason.Reason {
	return reason.Of(err, reason.Connection, s.account.About(s.account.Identity.Account))
}

// report tells the user, and everybody who waits for the session, what is wrong.
func (s *Session) report(problem reason.Reason) {
	s.set(nil, &problem)
	s.account.Login.BridgeState.Send(problem.BridgeState())
	for _, listener := range s.listeners {
		listener.fail(problem)
	}
}

// rememberElsewhere keeps across restarts whether the account is in use at another
// endpoint.
func (s *Session) rememberElsewhere(ctx context.Context, elsewhere bool) {
	if s.account.Stored().Elsewhere == elsewhere {
		return
	}
	if err := s.account.Remember(ctx, func(kept *account.Record) { kept.Elsewhere = elsewhere }); err != nil {
		s.account.Metadata().Update(func(kept *account.Record) { kept.Elsewhere = !elsewhere })
	}
}
