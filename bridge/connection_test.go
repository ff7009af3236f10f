package bridge

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// signingIn runs a bridge that cannot sign in until come is called. answers returns what the bot has
// said in the chat with it.
func signingIn(t *testing.T, test func(w *world, chat id.RoomID, come func(), answers func() []string)) {
	t.Parallel()
	takeSnapshot(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(place, int) verdict { return works })
		var away atomic.Bool
		away.Store(true)
		w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
			if away.Load() && r.Command.Verb == "USR" {
				return msntest.Drop()
			}
			return msntest.Action{}
		}))
		w.start()
		defer func() {
			w.b.stop()
			time.Sleep(time.Minute) // what the framework does not wait for
			synctest.Wait()
		}()
		chat := w.rooms[""]
		test(w, chat, func() {
			away.Store(false)
			w.b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).session.Reconnect(w.b.ctx)
		}, func() (said []string) {
			synctest.Wait()
			for _, r := range w.matrix.all(func(r record) bool { return r.kind == "message" && r.room == chat && r.sender == fakeBot }) {
				said = append(said, r.body)
			}
			return said
		})
	})
}

// Commands that are typed while the bridge signs in wait for that, in order. Who types them is
// told when it takes long.
func TestCommandsWaitWhileTheBridgeSignsIn(t *testing.T) {
	signingIn(t, func(w *world, chat id.RoomID, come func(), answers func() []string) {
		var f framework
		w.b.push(&f, "1", said("$1", chat, "nick First"), said("$2", chat, "nick Second"), said("$3", chat, "nick"))
		time.Sleep(9 * time.Second)
		if got := answers(); len(got) > 0 {
			t.Errorf("said at once: %q", got)
		}
		time.Sleep(2 * time.Second)
		if got := answers(); len(got) != 1 || !strings.Contains(got[0], "The bridge is still signing in to Home as "+alice+". What you ask for waits, for a minute at most.") {
			t.Errorf("said after ten seconds: %q", got)
		}
		time.Sleep(24 * time.Second)
		come()
		time.Sleep(24 * time.Second)
		got := answers()[1:]
		if len(got) != 3 || !strings.Contains(got[0], "First") || !strings.Contains(got[1], "Second") || !strings.Contains(got[2], "Second") {
			t.Errorf("said then: %q", got)
		}
	})
}

// Where the service stays away, who has typed a command is told why nothing came of it.
func TestCommandsDoNotWaitForEverForTheConnection(t *testing.T) {
	signingIn(t, func(w *world, chat id.RoomID, come func(), answers func() []string) {
		var f framework
		w.b.push(&f, "1", said("$1", chat, "nick First"))
		time.Sleep(61 * time.Second)
		got := answers()
		if len(got) != 2 || !strings.Contains(got[1], "You are not signed in to MSN as "+alice) || !strings.Contains(got[1], "Home") {
			t.Errorf("said: %q", got)
		}
		if !w.b.finished("$1") {
			t.Error("it is not done with")
		}
		come()
		time.Sleep(5 * time.Minute)
		if got := answers(); slices.ContainsFunc(got, func(text string) bool { return strings.Contains(text, "First”") }) {
			t.Errorf("done later: %q", got)
		}
	})
}

// Commands that were typed together wait together, however many they are: for a minute, and not each
// for one of its own. What is typed later waits for its own minute.
func TestCommandsThatWereTypedTogetherWaitTogether(t *testing.T) {
	signingIn(t, func(w *world, chat id.RoomID, _ func(), answers func() []string) {
		var f framework
		var all []pushed
		for i := range 8 {
			all = append(all, said(fmt.Sprintf("$%d", i), chat, fmt.Sprintf("nick N%d", i)))
		}
		w.b.push(&f, "1", all...)
		time.Sleep(62 * time.Second)
		refused := 0
		for _, text := range answers() {
			if strings.Contains(text, "You are not signed in to MSN") || strings.Contains(text, "Send the command again") {
				refused++
			}
		}
		if refused != 8 {
			t.Errorf("after a minute %d of 8 are answered: %q", refused, answers())
		}
	})
}

// However long the service is away, and whatever gives up meanwhile, what was typed last is done
// last.
func TestCommandsThatWaitKeepTheirOrder(t *testing.T) {
	for _, away := range []time.Duration{30 * time.Second, 60 * time.Second, 145 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			signingIn(t, func(w *world, chat id.RoomID, come func(), answers func() []string) {
				var f framework
				for i := range 10 {
					w.b.push(&f, fmt.Sprint(i), said(fmt.Sprintf("$%d", i), chat, fmt.Sprintf("nick N%d", i)))
					time.Sleep(10 * time.Second)
					if time.Duration(i+1)*10*time.Second == away {
						come()
					}
				}
				if away > 100*time.Second {
					time.Sleep(away - 100*time.Second)
					come()
				}
				time.Sleep(5 * time.Minute)
				last := -1
				for _, text := range answers() {
					var n int
					if _, err := fmt.Sscanf(text, "Your contacts see you as “N%d”", &n); err != nil {
						continue
					}
					if n < last {
						t.Errorf("N%d is done behind N%d: %q", n, last, answers())
					}
					last = n
				}
				if last != 9 {
					t.Errorf("the last one is N%d: %q", last, answers())
				}
			})
		})
	}
}
