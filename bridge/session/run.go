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

// run keeps the account signed in until ctx ends or only the user can help.
func (s *Session) run(ctx context.Context, client *msn.Client, lane Lane) {
	log := zerolog.Ctx(ctx)
	defer func() {
		if client != nil { // the run was stopped before it was served
			Discard(client)
		}
	}()
	// The parts stop working before the client is closed: what fails because of that would
	// look to them like a failure of the service.
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	for _, part := range s.parts {
		part.Start(working)
	}
	defer func() {
		<-ctx.Done()
		stopWorking()
		for _, part := range slices.Backward(s.parts) {
			part.Stop()
		}
	}()

	if client == nil && s.account.Stored().Elsewhere {
		s.report(s.problemOf(&msn.OutError{Reason: "OTH"}))
		return
	}
	if client == nil {
		// Once, not before each attempt: it would hide from the framework how long
		// the trouble lasts already.
		s.account.Login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnecting})
	}
	waits := newPauses()
	for ctx.Err() == nil {
		var err error
		if client == nil {
			client, err = s.signIn(ctx, lane)
			lane = Background
		}
		var held time.Duration
		if err == nil {
			began := time.Now()
			err = s.serve(ctx, client, stopWorking)
			client, held = nil, max(time.Since(began), 1)
			if errors.Is(err, msn.ErrBadCredentials) || errors.Is(err, msn.ErrAccountLocked) {
				// The account was let in: the next sign-in tells.
				err = fmt.Errorf("%w: %v", msn.ErrNotConnected, err)
			}
		}
		if ctx.Err() != nil {
			return
		}
		if s.park() {
			return // who signs in anew stops this run, or starts it again
		}
		problem := s.problemOf(err)
		log.Warn().Err(err).Str("code", problem.Code).Bool("retried", problem.Retried()).Msg("Not signed in")
		s.rememberElsewhere(ctx, problem.Code == reason.CodeElsewhere)
		s.report(problem)
		if !problem.Retried() || !retry.Sleep(ctx, waits.after(held, err)) {
			return
		}
	}
}

// signIn opens a session with the stored password.
func (s *Session) signIn(ctx context.Context, lane Lane) (*msn.Client, error) {
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
	return s.signIns.Open(ctx, lane, a.Service, credentials, a.Login.Log)
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

// serve hands on what a session tells until it ends, and returns why it did. When ctx ends
// it calls stopWorking, and then closes the session.
func (s *Session) serve(ctx context.Context, client *msn.Client, stopWorking func()) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		stopWorking()
		client.Close()
	})
	defer func() {
		if !stop() {
			<-closed
		}
	}()
	defer client.Close()
	s.rememberElsewhere(ctx, false)
	for _, do := range s.opened {
		do(ctx, client)
	}
	s.set(client, nil)
	s.account.Login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnected})
	for _, do := range s.ready {
		do(ctx, client)
	}
	zerolog.Ctx(ctx).Info().Stringer("dialect", client.Dialect()).Int("contacts", len(client.Contacts())).Msg("Signed in")
	var end error = msn.ErrClosed
	for evt := range client.Events() {
		if d, ok := evt.(msn.Disconnected); ok {
			end = d.Err
			s.set(nil, nil)
			continue
		}
		s.Dispatch(ctx, evt)
	}
	s.set(nil, nil)
	for _, do := range s.lost {
		do()
	}
	return end
}

func (s *Session) problemOf(err error) reason.Reason {
	return reason.Of(err, reason.Connection, s.account.About(s.account.Identity.Account))
}

// report tells the user, and everybody who waits for the session, what is wrong.
func (s *Session) report(problem reason.Reason) {
	s.set(nil, &problem)
	s.account.Login.BridgeState.Send(problem.BridgeState())
	for _, do := range s.trouble {
		do(problem)
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
