package self

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
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

// FollowName has contacts see the user's name of Matrix, and notes that they are to. It returns
// the error of msn.Client.SetDisplayName, reason.ErrNoName, or reason.ErrNameUnknown, after which
// nothing is noted, or reason.ErrNotStored.
func (s *Self) FollowName(ctx context.Context, client *msn.Client) error {
	if s.named == nil {
		return reason.ErrNameUnknown
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	name, err := s.named(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", reason.ErrNameUnknown, err)
	}
	if name = names.OneLine(name); name == "" {
		return reason.ErrNoName
	}
	if err := s.setName(ctx, client, name); err != nil {
		return err
	}
	s.refused = ""
	follows := true
	if err := s.account.Remember(ctx, func(kept *account.Record) { kept.FollowsName = &follows }); err != nil {
		return fmt.Errorf("%w: %w", reason.ErrNotStored, err)
	}
	s.Named() // they may have taken another one before anybody followed
	return nil
}

// SetName gives the user a name of MSN, which ends that contacts see the one of Matrix. It returns
// the error of msn.Client.SetDisplayName, of which only msn.ErrUncertain has ended that too, or
// reason.ErrNotStored when the name is the new one.
func (s *Self) SetName(ctx context.Context, client *msn.Client, name string) error {
	before, follows := s.account.Stored().FollowsName, false
	end := func() error {
		return s.account.Remember(ctx, func(kept *account.Record) { kept.FollowsName = &follows })
	}
	// First: a name of Matrix that is being asked for is not to come after this one.
	stored := end()
	s.mu.Lock()
	if s.forget != nil {
		s.forget()
	}
	s.mu.Unlock()
	s.telling.Lock()
	defer s.telling.Unlock()
	if s.account.Stored().FollowsName != &follows { // FollowName was under way
		stored = end()
	}
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
func (s *Self) tellName(ctx context.Context, client *msn.Client) {
	s.mu.Lock()
	asks := s.asks && s.named != nil && s.FollowsName()
	if asks && time.Now().Before(s.asksAt) {
		s.schedule(s.asksAt)
		asks = false
	}
	if !asks {
		s.mu.Unlock()
		return
	}
	s.asks = false // who says so meanwhile has it asked again
	asking, forget := context.WithCancel(ctx)
	defer forget()
	s.forget = forget
	s.mu.Unlock()
	name, err := s.named(asking)
	if !s.FollowsName() {
		return // they have chosen another name meanwhile
	}
	name = names.OneLine(name)
	if err == nil && name != s.refused {
		err = s.setName(ctx, client, name)
	}
	if errors.Is(err, msn.ErrNameRefused) || errors.Is(err, msn.ErrArgument) { // it would be refused again
		zerolog.Ctx(ctx).Info().Err(err).Msg("The service does not take the user's name of Matrix")
		s.refused = name
		s.tellRefused(ctx, client, name, err)
		err = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.pause, s.asksAt = 0, time.Time{}
		return
	}
	s.asks, s.pause = true, min(max(2*s.pause, again), longestPause)
	s.asksAt = time.Now().Add(s.pause)
	s.schedule(s.asksAt)
	zerolog.Ctx(ctx).Info().Err(err).Dur("try_again_after", s.pause).Msg("Contacts do not see the user's name of Matrix yet")
}

// tellRefused tells the user once that the service does not take their name of Matrix.
func (s *Self) tellRefused(ctx context.Context, client *msn.Client, name string, err error) {
	s.notices.Notice(ctx, database.Alert{
		AlertID: msnid.MakeNoticeMessageID("name", name), ReceivedAt: time.Now(), Kind: database.AlertKindPeople,
		Text: words.Text("self.your_contacts_do_not_see_your",
			names.Quoted(names.Cut(name, msn.MaxEncodedName)), reason.Of(err, reason.Name, s.account.About("")).Sentence, names.Own(names.Clean(client.DisplayName()))),
	})
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
