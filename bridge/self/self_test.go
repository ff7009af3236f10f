package self

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
)

func newSelf(choice config.Choice) *Self {
	login := &bridgev2.UserLogin{UserLogin: &bridgedb.UserLogin{ID: "home/alice@example.com", Metadata: account.NewMetadata(account.Record{Status: choice})}}
	return &Self{account: &account.Account{Login: login, Config: &config.Config{Status: config.Follow}}}
}

// now is as what the user is to be seen.
func (s *Self) now() msn.Status {
	status, _ := s.status(time.Now())
	return status
}

// Who writes and reads is online, then idle, then away, and each change is due when it comes;
// who was never seen is away.
func TestStatusByActivity(t *testing.T) {
	for _, choice := range []config.Choice{config.Activity, config.Follow, ""} {
		synctest.Test(t, func(t *testing.T) {
			s := newSelf(choice)
			if s.now() != msn.Away {
				t.Errorf("%q: at first %s", choice, s.now())
			}
			for range 3 {
				s.Active()
				var seen []msn.Status
				for at := time.Now(); !at.IsZero(); {
					time.Sleep(time.Until(at))
					var status msn.Status
					status, at = s.status(time.Now())
					seen = append(seen, status)
				}
				if want := []msn.Status{msn.Online, msn.Idle, msn.Away}; !slices.Equal(seen, want) {
					t.Errorf("%q: %q, want %q", choice, seen, want)
				}
			}
			s.Active()
			time.Sleep(IdleAfter - time.Second)
			s.Active()
			time.Sleep(IdleAfter - time.Second)
			if s.now() != msn.Online {
				t.Errorf("%q: who writes again is %s", choice, s.now())
			}
		})
	}
}

// A status that was chosen stays whatever the user does; who follows is seen as Matrix shows
// them, whatever they write.
func TestStatusByChoice(t *testing.T) {
	t.Parallel()
	for word, want := range map[config.Choice]msn.Status{"online": msn.Online, "hidden": msn.Hidden, "lunch": msn.OutToLunch} {
		s := newSelf(word)
		s.Matrix(&event.PresenceEventContent{Presence: event.PresenceUnavailable, StatusMessage: "x"})
		s.Active()
		if status, next := s.status(time.Now().Add(24 * time.Hour)); status != want || !next.IsZero() || s.Personal() != "" || s.Follows() {
			t.Errorf("%s: %s, next %v, text %q", word, status, next, s.Personal())
		}
	}
	s := newSelf(config.Follow)
	for presence, want := range map[event.Presence]msn.Status{
		event.PresenceOnline: msn.Online, event.PresenceUnavailable: msn.Idle, event.PresenceOffline: msn.Away,
		"busy": msn.Busy, "org.matrix.msc3026.busy": msn.Busy, "nonsense": msn.Away, "": msn.Away,
	} {
		s.Matrix(&event.PresenceEventContent{Presence: presence, StatusMessage: " on\nthe \u202eroad "})
		s.Active()
		if s.now() != want || s.Personal() != "on the road" || !s.Follows() {
			t.Errorf("%q: %s, text %q", presence, s.now(), s.Personal())
		}
	}
}

// Everything at once, with the end in the middle: it is for the race detector, and nothing is
// left.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSelf(config.Follow)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { s.Active() })
			all.Go(func() {
				s.Matrix(&event.PresenceEventContent{Presence: []event.Presence{event.PresenceOnline, event.PresenceOffline}[i%2]})
			})
			all.Go(func() { _, _ = s.now(), s.Personal() })
			all.Go(func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.changed()
			})
		}
		all.Wait()
		s.Stop()
		s.Stop()
	})
}

// Many changes of the name ask the homeserver once in a while, and a stop in the middle ends that.
func TestNameIsAskedForOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSelf(config.Follow)
		s.account.Config.FollowName = true
		s.Start(t.Context())
		for range 1000 {
			s.Named()
		}
		s.mu.Lock()
		if due := time.Until(s.due); s.timer == nil || due < 0 || due > gap {
			t.Errorf("it is due in %v", due)
		}
		s.mu.Unlock()
		s.Stop()
		if s.Named(); s.timer != nil {
			t.Error("after the end it is asked for")
		}
		s.account.Config.FollowName = false
		s.Start(t.Context())
		if s.Named(); s.timer != nil {
			t.Error("it is asked for though nobody wants it")
		}
		s.Stop()
	})
}

// A homeserver that never says the user's name is asked less and less often, whatever happens in
// the user's rooms meanwhile.
func TestNameThatIsNeverSaidIsAskedForLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSelf(config.Follow)
		s.account.Config.FollowName, s.session = true, &session.Session{}
		asked := 0
		s.named = func(context.Context) (string, error) { asked++; return "", errors.New("502") }
		s.Start(t.Context())
		defer s.Stop()
		for begun := time.Now(); time.Since(begun) < 24*time.Hour; time.Sleep(10 * time.Second) {
			s.Named()
			s.tellName(t.Context(), nil)
		}
		if asked < 24 || asked > 24+6 {
			t.Errorf("in a day it is asked for %d times", asked)
		}
	})
}
