package presence

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
)

// crowd is how many contacts come online at once.
const crowd = 500

// comeOnline has a crowd come online at once, and returns how many requests the homeserver got
// and how long it took until all were shown.
func comeOnline(tb testing.TB, latency time.Duration) (requests int, took time.Duration) {
	tb.Helper()
	server := newFakeServer(tb)
	server.latency = latency
	k := start(tb, server, newFakeStore())
	defer k.Stop()
	k.Begin(home, nil)
	begun := time.Now()
	for i := range crowd {
		ghost := networkid.UserID(fmt.Sprint("home/", i))
		k.Room(home, ghost)
		k.Report(home, ghost, online("song"))
	}
	for {
		shown := 0
		server.change(func() {
			for _, state := range server.state {
				if state.Presence == event.PresenceOnline {
					shown++
				}
			}
		})
		if shown == crowd {
			return len(server.take()), time.Since(begun)
		}
		if time.Since(begun) > 10*time.Minute {
			tb.Fatalf("%d of %d are shown", shown, crowd)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// With the limit in force, 500 contacts who come online at once cost one request each, and are
// shown within a minute.
func TestACrowdComesOnline(t *testing.T) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond, 90 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			requests, took := comeOnline(t, latency)
			// One of them is looked at after a second.
			if requests > crowd+1 || took > time.Minute {
				t.Errorf("with answers after %v it took %d requests and %v", latency, requests, took)
			}
			t.Logf("with answers after %v it took %d requests and %v", latency, requests, took)
		})
	}
}

// A login of 1,000 contacts, of whom 300 are online, costs the homeserver while nothing happens:
// nothing where it keeps presence, and no more than the limit where it forgets it.
func TestIdleLoginCostsNoMoreThanTheLimit(t *testing.T) {
	const contacts, there = 1000, 300
	for name, test := range map[string]struct {
		end, idle time.Duration
		most      int // requests in an hour
	}{
		"keeps it":         {0, 0, 0},
		"forgets it":       {30 * time.Second, 5 * time.Minute, int(time.Hour / repeatPace)},
		"shows it as idle": {0, 5 * time.Minute, int(there * time.Hour / beforeIdle)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFakeServer(t)
				server.end, server.idle = test.end, test.idle
				k := start(t, server, newFakeStore())
				defer k.Stop()
				k.Begin(home, nil)
				for i := range contacts {
					ghost := networkid.UserID(fmt.Sprint("home/", i))
					k.Room(home, ghost)
					if i < there {
						k.Report(home, ghost, online("song"))
					}
				}
				time.Sleep(20 * time.Minute) // all are shown, and it is known how long that lasts
				server.take()
				time.Sleep(time.Hour)
				made := len(server.take())
				if made > test.most {
					t.Errorf("%d requests in an hour, at most %d are to be", made, test.most)
				}
				t.Logf("%d requests in an hour", made)
			})
		})
	}
}

// BenchmarkACrowdComesOnline is the same by the clock on the wall: nearly all of it is the
// limit.
func BenchmarkACrowdComesOnline(b *testing.B) {
	for b.Loop() {
		requests, took := comeOnline(b, time.Millisecond)
		b.ReportMetric(float64(requests), "requests")
		b.ReportMetric(took.Seconds(), "s-until-right")
	}
}

// BenchmarkReport is what one line of presence costs the session that reads it.
func BenchmarkReport(b *testing.B) {
	server := newFakeServer(b)
	k := start(b, server, newFakeStore())
	defer k.crash()
	k.Begin(home, nil)
	for i := 0; b.Loop(); i++ {
		k.Report(home, networkid.UserID(fmt.Sprint("home/", i%1000)), online(fmt.Sprint(i)))
	}
}

// BenchmarkLoginAmongMany has one more account sign in where there are many, each with contacts of its own: it must cost
// as much with ten thousand as with a hundred.
func BenchmarkLoginAmongMany(b *testing.B) {
	for _, many := range []int{100, 10000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			k := New(Config{Kind: Presence, Homeserver: newFakeServer(b), Store: newFakeStore()})
			begin := func(i int) {
				login, rooms := networkid.UserLoginID(fmt.Sprint("login", i)), make([]networkid.UserID, 5)
				for c := range rooms {
					rooms[c] = networkid.UserID(fmt.Sprint("home/", i, "-", c))
				}
				k.Begin(login, rooms)
				for _, who := range rooms {
					k.Report(login, who, online(""))
				}
			}
			for i := range many {
				begin(i)
			}
			b.ReportAllocs()
			for b.Loop() {
				begin(many)
				k.expire(time.Now())
				k.End(networkid.UserLoginID(fmt.Sprint("login", many)))
			}
		})
	}
}

// BenchmarkFriendOfMany has somebody change their status whom many know. Each of these is told of it: it must cost each as much with
// ten thousand as with a hundred.
func BenchmarkFriendOfMany(b *testing.B) {
	for _, many := range []int{100, 10000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			k := New(Config{Kind: Presence, Homeserver: newFakeServer(b), Store: newFakeStore()})
			logins := make([]networkid.UserLoginID, many)
			for i := range logins {
				logins[i] = networkid.UserLoginID(fmt.Sprint("login", i))
				k.Begin(logins[i], []networkid.UserID{bob})
				k.Report(logins[i], bob, online(""))
			}
			for i := 0; b.Loop(); i++ {
				state := []State{online("busy"), offline, online("")}[i/many%3]
				k.Report(logins[i%many], bob, state)
				k.choose(time.Now())
			}
		})
	}
}

// BenchmarkChooseAmongMany has the next be chosen while many have just come to have rooms, as after a flood of messages: it is done for each
// request.
func BenchmarkChooseAmongMany(b *testing.B) {
	const many = 10000
	k := New(Config{Kind: Presence, Homeserver: newFakeServer(b), Store: newFakeStore()})
	for i := range many {
		login, who := networkid.UserLoginID(fmt.Sprint("login", i)), networkid.UserID(fmt.Sprint("home/", i))
		k.Begin(login, []networkid.UserID{who})
		k.Report(login, who, online(""))
	}
	now := time.Now().Add(restless)
	for b.Loop() {
		if w, _ := k.choose(now); w.ghost == nil {
			b.Fatal("nothing is chosen")
		}
		now = now.Add(pace)
	}
}
