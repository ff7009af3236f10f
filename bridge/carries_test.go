package bridge

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// deaf has the service answer nobody who asks for a switchboard, while the result is set.
func (w *world) deaf() *atomic.Bool {
	var deaf atomic.Bool
	w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if deaf.Load() && r.Command.Verb == "XFR" {
			return msntest.Unanswered()
		}
		return msntest.Action{}
	}))
	return &deaf
}

// saysTo has the user write to a contact, and waits.
func (w *world) saysTo(contact, text string, wait time.Duration) {
	w.text(contact, text)
	w.push()
	time.Sleep(wait)
}

// A service that keeps the account signed in and carries no text is told of when that lasts, and that it does
// again: each once, however many texts fail, and over a restart too. The admin sees it among the logins.
func TestServiceThatCarriesNothingIsToldOnce(t *testing.T) {
	for name, restarts := range map[string]bool{"in one run": false, "over restarts": true} {
		t.Run(name, func(t *testing.T) {
			away(t, func(w *world, chat id.RoomID, _ *atomic.Bool, heard func() []string) {
				deaf := w.deaf()
				deaf.Store(true)
				w.online(bob, true)
				w.saysTo(bob, "one", 2*time.Minute)
				if got := heard(); len(got) > 0 {
					t.Errorf("said after two minutes: %q", got)
				}
				client := w.b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
				if since := client.outages.Carries(); since.IsZero() || time.Since(since) > 2*time.Minute {
					t.Errorf("known to carry nothing since %s", since)
				}
				for i := range 4 {
					w.saysTo(bob, fmt.Sprint("more ", i), time.Minute)
				}
				got := heard()
				if len(got) != 1 || got[0] != "For 3 minutes nothing that "+alice+" wrote has gone out. Home says that the account is signed in, and carries no texts. "+
					"Only the service can help. The bridge goes on trying, and says here when texts go out again." {
					t.Errorf("said after six minutes: %q", got)
				}
				var f framework
				w.b.push(&f, "logins", said("$logins", chat, "logins"))
				if got := heard(); len(got) != 1 || !strings.Contains(got[0], ", and the service carries no texts since ") {
					t.Errorf("the admin is told %q", got)
				}
				if restarts {
					w.restart()
					w.saysTo(bob, "after the restart", 10*time.Minute)
				}
				time.Sleep(20 * time.Minute)
				if got := heard(); len(got) > 0 {
					t.Errorf("said again: %q", got)
				}
				deaf.Store(false)
				time.Sleep(3 * time.Minute)
				if got := heard(); len(got) != 1 || !strings.HasPrefix(got[0], "Home carries the texts of "+alice+" again. ") {
					t.Errorf("said at the end: %q", got)
				}
				client = w.b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
				if since := client.outages.Carries(); !since.IsZero() {
					t.Errorf("still known to carry nothing since %s", since)
				}
				var states []status.BridgeStateEvent
				for _, r := range w.matrix.all(func(r record) bool { return r.kind == "state" }) {
					states = append(states, r.bridge.StateEvent)
				}
				if last := states[len(states)-1]; last != status.StateConnected {
					t.Errorf("the states were %v", states)
				}
				if restarts { // nothing is left of it
					w.restart()
					time.Sleep(10 * time.Minute)
					if got := heard(); len(got) > 0 {
						t.Errorf("said after all: %q", got)
					}
				}
			})
		})
	}
}

// A text that goes out ends it, before anybody is told.
func TestServiceThatCarriesNothingForAMoment(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, _ *atomic.Bool, heard func() []string) {
		deaf := w.deaf()
		deaf.Store(true)
		w.online(bob, true)
		w.saysTo(bob, "one", 2*time.Minute)
		deaf.Store(false)
		w.saysTo(bob, "two", 20*time.Minute)
		if got := heard(); len(got) > 0 {
			t.Errorf("said %q", got)
		}
	})
}

// One contact whose Messenger takes nothing is no fault of the service.
func TestContactWhoTakesNothingIsNotTheService(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, _ *atomic.Bool, heard func() []string) {
		w.srv.Hook(msntest.For(alice, msntest.On("MSG", msntest.Unanswered())))
		w.online(bob, true)
		for i := range 10 {
			w.saysTo(bob, fmt.Sprint("text ", i), 2*time.Minute)
		}
		if got := heard(); len(got) > 0 {
			t.Errorf("said %q", got)
		}
		if failed := w.matrix.all(func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, "before Home confirmed it")
		}); len(failed) == 0 {
			t.Error("no text has failed")
		}
	})
}

// The session ends while the service carries nothing: then that is what the user hears of. What was not over
// is told when it is.
func TestOutageOfAServiceThatCarriesNothing(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, down *atomic.Bool, heard func() []string) {
		deaf := w.deaf()
		deaf.Store(true)
		w.online(bob, true)
		w.saysTo(bob, "one", 5*time.Minute)
		if got := heard(); len(got) != 1 || !strings.Contains(got[0], "carries no texts") {
			t.Errorf("said %q", got)
		}
		down.Store(true)
		w.drop()
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) != 1 || !strings.Contains(got[0], "has not been signed in to Home") {
			t.Errorf("said of the outage: %q", got)
		}
		deaf.Store(false)
		down.Store(false)
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) != 1 || !strings.Contains(got[0], "is signed in to Home again") {
			t.Errorf("said at the end: %q", got)
		}
	})
}

// A stop does not wait for an attempt that hangs.
func TestStopWhileItIsTriedWhetherTextsGoOut(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, _ *atomic.Bool, heard func() []string) {
		w.deaf().Store(true)
		w.online(bob, true)
		w.saysTo(bob, "one", 65*time.Second) // the second attempt is under way
		began := time.Now()
		w.b.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the stop took %s", took)
		}
		w.start()
	})
}
