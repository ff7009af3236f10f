package bridge

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/msn/msntest"
)

// A text is on the wire when the bridge is stopped. The stop waits a moment for what becomes of it, and no longer. What has not gone out goes
// out after the next start.
func TestStopWaitsAMomentForWhatIsOnTheWire(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	for name, test := range map[string]struct {
		acknowledged time.Duration // after the stop has begun, 0 for never
		least, most  time.Duration // that the stop takes
		want         told
	}{
		"it is acknowledged":        {300 * time.Millisecond, 300 * time.Millisecond, 400 * time.Millisecond, told{delivered: 1}},
		"it is acknowledged late":   {1100 * time.Millisecond, time.Second, 2500 * time.Millisecond, told{uncertain: 1}},
		"it is never acknowledged":  {0, time.Second, 2500 * time.Millisecond, told{uncertain: 1}},
		"nothing waits on the wire": {-time.Millisecond, 0, 10 * time.Millisecond, told{delivered: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const before = 5 * time.Second // that the text is on the wire
				w := newWorld(t, func(place, int) verdict { return works })
				var tries atomic.Int32
				w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
					switch {
					case r.Command.Verb == "XFR" && tries.Add(1) == 2:
						return msntest.Swallow() // the conversation with carol is not open before the stop
					case r.Command.Verb == "MSG" && test.acknowledged == 0:
						return msntest.Swallow()
					case r.Command.Verb == "MSG" && test.acknowledged > 0:
						return msntest.Delay(before + test.acknowledged)
					}
					return msntest.Action{}
				}))
				w.start()
				for _, contact := range contacts {
					w.online(contact, true)
				}
				time.Sleep(time.Minute)
				sent := w.text(bob, "on the wire")
				w.push()
				w.rest()
				waits := w.text(carol, "waits")
				w.push()
				time.Sleep(before)
				w.rest()
				if n := tries.Load(); n != 2 {
					t.Fatalf("the service was asked for %d conversations", n)
				}
				began := time.Now()
				w.b.stop()
				if took := time.Since(began); took < test.least || took > test.most {
					t.Errorf("the stop took %v", took)
				}
				test.acknowledged = -1 // from here on all is as it should be
				w.start()
				w.pass(5 * time.Minute)
				of := isTold(w.matrix.all(func(record) bool { return true }))
				if is := of[sent.evt]; is == nil || *is != test.want {
					t.Errorf("of what was on the wire is told %+v, want %+v", is, test.want)
				}
				if is := of[waits.evt]; is == nil || *is != (told{delivered: 1}) {
					t.Errorf("of what waited is told %+v", is)
				}
				if got := w.ledger.arrived[carol]; !slices.Equal(got, []string{"waits"}) {
					t.Errorf("carol got %q", got)
				}
				w.b.stop()
			})
		})
	}
}

// All accounts are waited for at the same time.
func TestStopWaitsForAllAccountsAtOnce(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(place, int) verdict { return works })
		var sent atomic.Int32
		w.srv.Hook(func(r *msntest.Request) msntest.Action {
			if r.Command.Verb != "MSG" || r.Command.Arg(1) != "A" {
				return msntest.Action{}
			}
			sent.Add(1)
			return msntest.Swallow()
		})
		w.start()
		w.online(bob, true)
		w.srv.Befriend(carol, bob)
		logins := []*bridgev2.UserLogin{w.b.br.GetCachedUserLoginByID(loginID(alice))}
		other, err := w.b.tryLogin(carol, pass)
		if err != nil {
			t.Fatal(err)
		}
		logins = append(logins, other)
		time.Sleep(time.Minute)
		for _, login := range logins {
			w.b.write(w.b.dm(login, bob), "hello")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := sent.Load(); int(n) != len(logins) {
			t.Fatalf("%d texts are on the wire", n)
		}
		began := time.Now()
		w.b.stop()
		if took := time.Since(began); took < time.Second || took > 2500*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
	})
}
