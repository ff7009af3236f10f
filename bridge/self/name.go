package self

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/internal/grapheme"
	"matrix-msn/msn"
)

// FollowsName reports whether contacts are to see the user's name of Matrix.
func (s *Self) FollowsName() bool {
	if chosen := s.account.Stored().FollowsName; chosen != nil {
		return *chosen
	}
	return s.account.Config.FollowName
}

// FollowName notes whether contacts are to see the user's name of Matrix, and gives it to them if
// so and there is a session. It returns the error of msn.Client.SetDisplayName, or why the
// homeserver did not say the name.
func (s *Self) FollowName(ctx context.Context, follow bool) error {
	stored := s.account.Remember(ctx, func(kept *account.Record) { kept.FollowsName = &follow })
	s.mu.Lock()
	s.asks = follow
	s.mu.Unlock()
	if !follow {
		return stored
	}
	if err := s.tell(ctx, false); err != nil {
		return err
	}
	return stored
}

// SetName gives the user a name of MSN, which ends that contacts see the one of Matrix. It returns
// the error of msn.Client.SetDisplayName, of which only msn.ErrUncertain has ended that too, or
// reason.ErrNotStored when the name is the new one.
func (s *Self) SetName(ctx context.Context, client *msn.Client, name string) error {
	before, follows := s.account.Stored().FollowsName, false
	// First: a name of Matrix that is being asked for is not to come after this one.
	stored := s.account.Remember(ctx, func(kept *account.Record) { kept.FollowsName = &follows })
	s.mu.Lock()
	if s.forget != nil {
		s.forget()
	}
	s.mu.Unlock()
	s.telling.Lock()
	defer s.telling.Unlock()
	switch err := client.SetDisplayName(ctx, name); {
	case err == nil && stored != nil:
		return fmt.Errorf("%w: %w", reason.ErrNotStored, stored)
	case err == nil || errors.Is(err, msn.ErrUncertain):
		return err
	default:
		_ = s.account.Remember(ctx, func(kept *account.Record) {
			if kept.FollowsName == &follows { // nobody has chosen anew
				kept.FollowsName = before
			}
		})
		s.Named() // what was being asked for may have been thrown away
		return err
	}
}

// Named says that the user may have another name in Matrix by now. The one of the profile counts:
// that of a single room says little.
func (s *Self) Named() {
	if !s.FollowsName() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = true
	s.schedule(latest(time.Now().Add(quiet), s.told.Add(gap)))
}

// tellName gives contacts the user's name of Matrix, if they are to see that.
func (s *Self) tellName(ctx context.Context, client *msn.Client) error {
	s.mu.Lock()
	asks := s.asks && s.named != nil
	s.asks = false // who says so meanwhile has it asked again
	asking, forget := context.WithCancel(ctx)
	defer forget()
	s.forget = forget
	s.mu.Unlock()
	if !asks || !s.FollowsName() {
		return nil
	}
	name, err := s.named(asking)
	if !s.FollowsName() {
		return nil // they have chosen another name meanwhile
	}
	if err == nil {
		err = s.setName(ctx, client, names.OneLine(name))
	}
	switch {
	case errors.Is(err, msn.ErrNameRefused): // it would be refused again
	case err != nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asks = true
	}
	return err
}

// setName gives contacts a name, or as much of it as a name may have.
func (s *Self) setName(ctx context.Context, client *msn.Client, name string) error {
	// No byte gets shorter on the wire, so that what is left then is cut in a few steps.
	name = grapheme.Limit(name, msn.MaxEncodedName)
	for name != "" && name != client.DisplayName() {
		err := client.SetDisplayName(ctx, name)
		if !errors.Is(err, msn.ErrTooLong) {
			return err
		}
		shorter := grapheme.Limit(name, len(name)-1)
		if shorter == name {
			return err
		}
		name = shorter
	}
	zerolog.Ctx(ctx).Trace().Msg("Contacts see the user's name of Matrix")
	return nil
}
