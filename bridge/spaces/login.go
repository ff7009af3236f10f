package spaces

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/words"
)

// The space of the login itself, which the framework makes: its name, and the rooms that belong into it.

// Named returns name and topic of the space of the login.
func (s *Spaces) Named() (name, topic string) {
	return "MSN: " + s.account.AtService(), words.Text("spaces.your_chats_in", s.account.AtService())
}

// mark is what tells whether the space has name and picture that it is to have.
func (s *Spaces) mark() string {
	name, _ := s.Named()
	return strings.TrimSpace(name + " " + string(s.account.Bridge.Network.GetName().NetworkIcon))
}

// Made notes that the space of the login is just being made, with the name that Named returns. The framework
// stores the login when it is there.
func (s *Spaces) Made() {
	s.account.DB.LoginSpace.Making(s.account.Login.ID)
	s.account.Metadata().Update(func(kept *account.Record) { kept.Space = s.mark() })
}

// named brings name, topic and picture of the space of the login up to date, which an earlier version of the
// bridge has made, or one with another name of the service. It reports whether nothing is left to be done.
func (s *Spaces) named(ctx context.Context) (done bool) {
	if s.account.Stored().Space == s.mark() {
		return true
	}
	// Asked of the database: the framework's own copy changes under its hands.
	stored, err := s.account.Bridge.DB.UserLogin.GetByID(ctx, s.account.Login.ID)
	if err != nil || stored == nil || stored.SpaceRoom == "" {
		return err == nil
	}
	if s.account.Stored().Space == s.mark() {
		return true // it was made, with its name, while the database was asked
	}
	is, space, icon := s.mark(), stored.SpaceRoom, s.account.Bridge.Network.GetName().NetworkIcon
	name, topic := s.Named()
	err = errors.Join(
		s.state(ctx, space, event.StateRoomName, "", &event.RoomNameEventContent{Name: name}),
		s.state(ctx, space, event.StateTopic, "", &event.TopicEventContent{Topic: topic}))
	if icon != "" && err == nil {
		err = s.state(ctx, space, event.StateRoomAvatar, "", &event.RoomAvatarEventContent{URL: icon})
	}
	if err != nil {
		if ctx.Err() == nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to name the space of an account; trying again")
		}
		return false
	}
	_ = s.account.Remember(ctx, func(kept *account.Record) { kept.Space = is }) // it logs that
	return true
}

// bringBack puts rooms into the space of the login that are not in it: those of an account that was logged out,
// and in again. The framework does so with each room when something is said there. It reports whether nothing
// is left to be done.
func (s *Spaces) bringBack(ctx context.Context) (done bool) {
	err := s.bringBackRooms(ctx)
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to put rooms into the space of an account; trying again")
	}
	return err == nil
}

func (s *Spaces) bringBackRooms(ctx context.Context) error {
	br, login := s.account.Bridge, s.account.Login
	rooms, err := s.account.DB.GroupSpace.Rooms(ctx, login.ID)
	if err != nil {
		return fmt.Errorf("read rooms: %w", err)
	}
	known, err := br.DB.UserPortal.GetAllForLogin(ctx, login.UserLogin)
	if err != nil {
		return fmt.Errorf("read rooms of the space: %w", err)
	}
	for _, up := range known {
		if up.InSpace != nil && *up.InSpace {
			delete(rooms, up.Portal.ID)
		}
	}
	for id, in := range rooms {
		member, err := br.Matrix.GetMemberInfo(ctx, in, login.UserMXID)
		if err != nil || member == nil || !member.Membership.IsInviteOrJoin() {
			continue // nothing of theirs any more, or nobody can say
		}
		key := s.account.KeyOf(id)
		portal, err := br.GetExistingPortalByKey(ctx, key)
		if err != nil || portal == nil {
			continue
		}
		up, err := br.DB.UserPortal.GetOrCreate(ctx, login.UserLogin, key)
		if err == nil {
			err = login.AddPortalToSpace(ctx, portal, up.CopyWithoutValues())
		}
		if err := taken(ctx, in, err); err != nil {
			return err
		}
	}
	return nil
}
