package bridge

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// withNotices has users told of outages, as the framework's config has it. The user is an admin.
func withNotices(b *testBridge) {
	b.framework = func(config *bridgeconfig.BridgeConfig) {
		config.BridgeStatusNotices = "errors"
		config.Permissions = bridgeconfig.PermissionConfig{string(fakeUser): &bridgeconfig.PermissionLevelAdmin}
	}
}

// away runs a bridge in fake time whose service can be away. heard returns what the bot has said in the chat
// with it since it was called last.
func away(t *testing.T, test func(w *world, chat id.RoomID, down *atomic.Bool, heard func() []string)) {
	t.Parallel()
	takeSnapshot(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(place, int) verdict { return works })
		var down atomic.Bool
		w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
			if down.Load() && r.Command.Verb == "USR" {
				return msntest.Drop()
			}
			return msntest.Action{}
		}))
		withNotices(w.b)
		w.start()
		defer func() {
			w.b.stop()
			time.Sleep(time.Minute) // what the framework does not wait for
			synctest.Wait()
		}()
		time.Sleep(time.Minute) // it signs in
		chat, seen := w.rooms[""], 0
		test(w, chat, &down, func() (all []string) {
			synctest.Wait()
			for _, r := range w.matrix.all(func(r record) bool { return r.kind == "message" && r.room == chat && r.sender == fakeBot }) {
				all = append(all, r.body)
			}
			fresh := all[seen:]
			seen = len(all)
			return fresh
		})
	})
}

// drop ends the session of the account.
func (w *world) drop() {
	if err := w.srv.Drop(alice); err != nil {
		w.Error(err)
	}
}

// An outage is told when it lasts, and that it is over: each once, however often it is tried meanwhile, and
// over a restart too.
func TestOutageIsToldOnce(t *testing.T) {
	for name, restarts := range map[string]bool{"in one run": false, "over restarts": true} {
		t.Run(name, func(t *testing.T) {
			away(t, func(w *world, chat id.RoomID, down *atomic.Bool, heard func() []string) {
				down.Store(true)
				w.drop()
				time.Sleep(170 * time.Second)
				if got := heard(); len(got) > 0 {
					t.Errorf("said before three minutes: %q", got)
				}
				time.Sleep(20 * time.Second)
				got := heard()
				if len(got) != 1 || !strings.HasPrefix(got[0], alice+" has not been signed in to Home for 3 minutes. ") || !strings.HasSuffix(got[0], "`reconnect` tries at once.") {
					t.Errorf("said after three minutes: %q", got)
				}
				if restarts {
					w.b.stop()
					w.start()
				}
				time.Sleep(20 * time.Minute)
				if got := heard(); len(got) > 0 {
					t.Errorf("said again: %q", got)
				}
				down.Store(false)
				time.Sleep(10 * time.Minute)
				if got := heard(); len(got) != 1 || !strings.HasPrefix(got[0], alice+" is signed in to Home again, after ") {
					t.Errorf("said at the end: %q", got)
				}
				if restarts {
					w.b.stop()
					w.start()
					time.Sleep(5 * time.Minute)
					if got := heard(); len(got) > 0 {
						t.Errorf("said after all: %q", got)
					}
				}
			})
		})
	}
}

// What is over within three minutes nobody is told of, nor of a session that ends at once when it was made.
func TestShortOutageIsNotTold(t *testing.T) {
	away(t, func(w *world, chat id.RoomID, down *atomic.Bool, heard func() []string) {
		for range 5 {
			down.Store(true)
			w.drop()
			time.Sleep(time.Minute)
			down.Store(false)
			time.Sleep(20 * time.Minute)
		}
		if got := heard(); len(got) > 0 {
			t.Errorf("said %q", got)
		}
	})
}

// What only the user can help is told at once, in a message that rings.
func TestSignedOutElsewhereIsToldAtOnce(t *testing.T) {
	away(t, func(w *world, chat id.RoomID, down *atomic.Bool, heard func() []string) {
		if err := w.srv.Kick(alice, "OTH"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := heard(); len(got) != 1 || !strings.HasPrefix(got[0], alice+" is signed out of Home. Your account at Home was signed in at another place") {
			t.Errorf("said %q", got)
		}
		if told := w.matrix.all(func(r record) bool { return strings.Contains(r.body, "is signed out of") }); len(told) != 1 || told[0].msg != event.MsgText {
			t.Errorf("told as %+v", told)
		}
		w.b.stop()
		w.start()
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) > 0 {
			t.Errorf("said again after a restart: %q", got)
		}
		// The command says itself how it went.
		var f framework
		w.b.push(&f, "1", said("$1", chat, "reconnect"))
		time.Sleep(5 * time.Minute)
		if got := heard(); len(got) != 2 || got[1] != alice+" is signed in to Home." {
			t.Errorf("said by the command: %q", got)
		}
	})
}

// Who signs in by hand is told how that went, and later that it went well after all.
func TestReconnectSaysHowItWent(t *testing.T) {
	away(t, func(w *world, chat id.RoomID, down *atomic.Bool, heard func() []string) {
		var f framework
		down.Store(true)
		w.drop()
		time.Sleep(10 * time.Second)
		w.b.push(&f, "1", said("$1", chat, "reconnect"))
		time.Sleep(40 * time.Second)
		got := heard()
		if len(got) != 2 || !strings.HasPrefix(got[0], "Signing in to MSN again, to Home as "+alice) ||
			!strings.HasPrefix(got[1], alice+" is not signed in to Home. ") || !strings.HasSuffix(got[1], "says in your chat with me when it is back.") {
			t.Errorf("said by the command: %q", got)
		}
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) > 0 {
			t.Errorf("said once more: %q", got)
		}
		down.Store(false)
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) != 1 || !strings.HasPrefix(got[0], alice+" is signed in to Home again, after ") {
			t.Errorf("said at the end: %q", got)
		}
		w.srv.Account(alice).SetPassword("another one")
		w.b.push(&f, "2", said("$2", chat, "reconnect"))
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) != 2 || !strings.Contains(got[1], "is not signed in to Home. Home refused the e-mail address or the password.") {
			t.Errorf("said of a password: %q", got)
		}
	})
}

// A command that could not sign in is done before the session has told that it could not: nobody says meanwhile that
// the account is signed in.
func TestFailedSignInIsNotTakenForTheEndOfAnOutage(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, _ *atomic.Bool, heard func() []string) {
		client := w.b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
		told := client.outages.Ask()
		problem := reason.Of(msn.ErrBadCredentials, reason.Connection, reason.Subject{})
		told(w.b.ctx, &problem)
		time.Sleep(10 * time.Minute)
		if got := heard(); len(got) > 0 {
			t.Errorf("said %q", got)
		}
	})
}

// Nobody reads the names of states and settings.
func TestStatesAreToldInWords(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withNotices)
	login := b.login()
	chat := b.management()
	b.srv.Account(alice).SetPassword("another one")
	if err := b.srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, alice+" is signed out of Home. Home refused the e-mail address or the password.")
	if got := b.ask(chat, "list-logins"); !strings.Contains(got.body, string(login.ID)+" at Home: signed out") {
		t.Errorf("answered %q", got.body)
	}
	for _, r := range b.matrix.all(func(r record) bool { return r.kind == "message" }) {
		if slices.ContainsFunc([]string{"BAD_CREDENTIALS", "TRANSIENT", "UNKNOWN_ERROR", "msn-bad", "network."}, func(raw string) bool { return strings.Contains(r.body, raw) }) {
			t.Errorf("said %q", r.body)
		}
	}
}
