package presence

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
)

// puts are the presences among requests, as words.
func puts(requests []request) (sent []string) {
	for _, r := range requests {
		if !r.look {
			sent = append(sent, fmt.Sprintf("%s %s %s", r.ghost, r.state.Presence, r.state.Text))
		}
	}
	return sent
}

func expect(t *testing.T, when string, server *fakeServer, want ...string) {
	t.Helper()
	synctest.Wait()
	if sent := puts(server.take()); strings.Join(sent, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s %q was sent, want %q", when, sent, want)
	}
}

// A status, a text and a song come one after the other, and people come and go: one request
// tells what is so in the end, or none.
func TestChangesAreTakenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		k := start(t, server, newFakeStore())
		defer k.Stop()
		k.Begin(home, []networkid.UserID{bob})
		for _, text := range []string{"", "text", "text · song"} {
			k.Report(home, bob, online(text))
			time.Sleep(time.Second)
		}
		time.Sleep(quiet)
		expect(t, "after three changes", server, "home/bob@example.com online text · song")
		time.Sleep(perGhost)
		k.Report(home, bob, offline)
		time.Sleep(time.Second)
		k.Report(home, bob, online("text · song"))
		time.Sleep(time.Minute)
		expect(t, "after a second's absence", server)
		for i := range 120 { // whoever never rests is shown all the same
			k.Report(home, bob, online(fmt.Sprint(i)))
			time.Sleep(time.Second)
		}
		if n := len(puts(server.take())); n < 10 || n > 12 {
			t.Errorf("of a change each second in two minutes %d were sent", n)
		}
	})
}

// Two users know one contact: there is one ghost, whom one request shows as what was said last.
// One of them does not see the contact any more, and the other does.
func TestTwoLoginsShareAGhost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		k := start(t, server, newFakeStore())
		defer k.Stop()
		k.Begin(home, []networkid.UserID{bob})
		k.Begin(other, nil)
		k.Report(home, bob, online("x"))
		k.Report(other, bob, online("x"))
		time.Sleep(time.Minute)
		expect(t, "for both", server, "home/bob@example.com online x")
		k.Report(home, bob, offline) // who has blocked that user
		time.Sleep(time.Minute)
		expect(t, "while one sees bob", server)
		k.Report(other, bob, online("y"))
		k.Report(home, bob, online("z"))
		time.Sleep(time.Minute)
		expect(t, "when both see bob", server, "home/bob@example.com online z")
		k.End(other)
		time.Sleep(time.Minute)
		expect(t, "when one has gone", server)
		k.End(home)
		k.End(home)
		time.Sleep(time.Minute)
		expect(t, "when both have gone", server, "home/bob@example.com offline ")
		if len(k.ghosts)+len(k.dirty)+len(k.present)+len(k.logins) > 0 {
			t.Errorf("%v, %v, %v and %v are kept", k.ghosts, k.dirty, k.present, k.logins)
		}
	})
}

// Whoever has no room is not shown, and is as soon as there is one.
func TestOnlyWhoHasARoomIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		k := start(t, server, newFakeStore())
		defer k.Stop()
		k.Room(home, bob) // nobody has signed in
		k.Report(home, bob, online(""))
		k.Begin(home, nil)
		k.Report(home, bob, online("here"))
		k.Report(home, dave, online("there"))
		time.Sleep(time.Minute)
		expect(t, "without a room", server)
		k.Room(home, bob)
		k.Room(home, bob)
		time.Sleep(time.Minute)
		expect(t, "with one room", server, "home/bob@example.com online here")
		k.Begin(home, []networkid.UserID{dave}) // the room with bob is gone
		k.Report(home, bob, online("here"))
		k.Report(home, dave, online("there"))
		time.Sleep(time.Minute)
		expect(t, "with the other room", server, "home/bob@example.com offline ", "home/dave@example.com online there")
	})
}

// A service that is lost and comes back at once changes nothing; one that stays away takes its
// contacts with it, and so does a sign-in after which nothing is said of them.
func TestServiceIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		k := start(t, server, newFakeStore())
		defer k.Stop()
		rooms := []networkid.UserID{bob, dave}
		k.Begin(home, rooms)
		k.Report(home, bob, online(""))
		k.Report(home, dave, online(""))
		time.Sleep(time.Minute)
		expect(t, "at first", server, "home/bob@example.com online ", "home/dave@example.com online ")
		k.Lost(home)
		time.Sleep(outage - time.Second)
		k.Begin(home, rooms)
		k.Report(home, bob, online(""))
		time.Sleep(settle + time.Minute)
		expect(t, "after the sign-in", server, "home/dave@example.com offline ")
		k.Lost(home)
		time.Sleep(outage - time.Second)
		expect(t, "half a minute after the loss", server)
		time.Sleep(time.Minute)
		expect(t, "a minute later", server, "home/bob@example.com offline ")
		k.Lost("nobody")
	})
}

// What a crash leaves on the homeserver is put right: who is still online when the logins are
// back stays so without a flicker, the others go.
func TestStartAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, store := newFakeServer(t), newFakeStore()
		k := start(t, server, store)
		k.Begin(home, []networkid.UserID{bob, dave})
		k.Report(home, bob, online(""))
		k.Report(home, dave, online(""))
		time.Sleep(time.Minute)
		k.crash()
		server.take()
		k = start(t, server, store)
		time.Sleep(20 * time.Second)
		k.Begin(home, []networkid.UserID{bob, dave})
		k.Report(home, bob, online("again"))
		time.Sleep(restart)
		expect(t, "after the start", server, "home/bob@example.com online again", "home/dave@example.com offline ")
		k.Stop()
		k.Stop()
		expect(t, "at the end", server, "home/bob@example.com offline ")
		k = start(t, server, store)
		time.Sleep(2 * restart)
		expect(t, "after the next start", server)
		k.Stop()
	})
}

// A homeserver that refuses presence, takes it without showing it, or is away is not asked for
// ever, and the log says so once. When it shows presence all are shown.
func TestHomeserverThatShowsNoPresence(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*fakeServer, bool)
		most int // requests of a day
		want string
	}{
		"refuses": {func(s *fakeServer, on bool) {
			if s.fail = nil; on {
				s.fail = refusal
			}
		}, 3 + 24, "does not show the presence"},
		"shows nothing": {func(s *fakeServer, on bool) { s.blind = on }, 20 + 2*24, "does not show the presence"},
		"is away": {func(s *fakeServer, on bool) {
			if s.fail = nil; on {
				s.fail = errDown
			}
		}, 6 + 24*12, "trying again later"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFakeServer(t)
				test.set(server, true)
				var log bytes.Buffer
				k := New(Config{Kind: Presence, Homeserver: server, Store: newFakeStore(), Log: zerolog.New(&log), Repeats: true})
				if err := k.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				k.Begin(home, nil)
				const contacts = 30
				ghosts := make([]networkid.UserID, contacts)
				for i := range ghosts {
					ghosts[i] = networkid.UserID(fmt.Sprint("home/", i))
					k.Room(home, ghosts[i])
					k.Report(home, ghosts[i], online(""))
				}
				for hour := range 24 {
					k.Report(home, ghosts[0], online(fmt.Sprint(hour)))
					time.Sleep(time.Hour)
				}
				synctest.Wait()
				if n := len(server.take()); n == 0 || n > test.most {
					t.Errorf("in a day %d requests were sent, want %d at most", n, test.most)
				}
				if n := strings.Count(log.String(), test.want); n != 1 {
					t.Errorf("the log says it %d times: %s", n, &log)
				}
				if away := name == "is away"; k.Works() != away {
					t.Errorf("presence works: %t", k.Works())
				}
				server.change(func() { test.set(server, false) })
				time.Sleep(rest + 2*time.Minute)
				for _, ghost := range ghosts {
					if server.shows(ghost).Presence != event.PresenceOnline {
						t.Errorf("%s is not shown", ghost)
					}
				}
				if !k.Works() {
					t.Error("presence does not work")
				}
				k.Stop()
			})
		})
	}
}

// One ghost that the homeserver refuses keeps none of the others back.
func TestOneGhostThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		store := newFakeStore()
		k := start(t, server, store)
		defer k.Stop()
		server.change(func() { server.fail = refusal })
		k.Begin(home, []networkid.UserID{bob, dave})
		k.Report(home, bob, online(""))
		time.Sleep(2*quiet + time.Second)
		server.change(func() { server.fail = nil })
		k.Report(home, dave, online(""))
		time.Sleep(rest / 2)
		expect(t, "first", server, "home/bob@example.com online ", "home/dave@example.com online ")
		time.Sleep(rest)
		expect(t, "after an hour", server, "home/bob@example.com online ")
	})
}

// The homeserver hangs while the bridge stops, and in the middle of a request: the stop takes
// no longer than it may, and what is left is done after the next start.
func TestStopWhileTheHomeserverHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, store := newFakeServer(t), newFakeStore()
		k := start(t, server, store)
		k.Begin(home, []networkid.UserID{bob, dave})
		k.Report(home, bob, online(""))
		time.Sleep(time.Minute)
		server.change(func() { server.latency = time.Hour })
		k.Report(home, dave, online(""))
		time.Sleep(quiet + time.Second) // it is under way
		begun := time.Now()
		k.Stop()
		if took := time.Since(begun); took > goodbye {
			t.Errorf("the stop took %v", took)
		}
		if !store.has(bob) || !store.has(dave) {
			t.Error("who may be online is not on disk")
		}
		server.change(func() { server.latency = 0 })
		k = start(t, server, store)
		time.Sleep(2 * restart)
		if shown := server.shows(bob); shown != offline {
			t.Errorf("bob is shown as %+v", shown)
		}
		k.Stop()
		if store.has(bob) || store.has(dave) {
			t.Error("who is offline is on disk")
		}
	})
}

// There are more contacts online than are repeated where the homeserver forgets them: those
// with whom somebody spoke last stay, and the limit is kept.
func TestRepeatsAreCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.end = 30 * time.Second
		k := start(t, server, newFakeStore())
		const contacts = 300
		ghosts := make([]networkid.UserID, contacts)
		k.Begin(home, nil)
		for i := range ghosts {
			ghosts[i] = networkid.UserID(fmt.Sprintf("home/%03d", i))
			k.Room(home, ghosts[i])
			k.Report(home, ghosts[i], online(""))
		}
		time.Sleep(time.Minute)
		for i := range 100 {
			k.Spoken(ghosts[3*i])
		}
		time.Sleep(10 * time.Minute)
		server.take()
		for range 600 {
			for i := range 100 {
				if shown := server.shows(ghosts[3*i]); shown.Presence != event.PresenceOnline {
					t.Fatalf("%s is shown as %+v", ghosts[3*i], shown)
				}
			}
			time.Sleep(time.Second)
		}
		if n := len(server.take()); n > 600*5+1 {
			t.Errorf("in ten minutes %d presences were repeated", n)
		}
		k.Stop()
	})
}

// A process whose place another has taken sends nothing any more, and takes nobody off the list
// that is the other's now.
func TestWhoIsReplacedSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, store := newFakeServer(t), newFakeStore()
		var replaced atomic.Bool
		k := New(Config{Kind: Presence, Homeserver: server, Store: store, Log: zerolog.Nop(), Ours: func() bool { return !replaced.Load() }})
		if err := k.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.Begin(home, []networkid.UserID{bob, dave})
		k.Report(home, bob, online(""))
		time.Sleep(time.Minute)
		expect(t, "before", server, "home/bob@example.com online ")
		k.Report(home, dave, online(""))
		replaced.Store(true)
		time.Sleep(time.Minute)
		k.End(home)
		time.Sleep(time.Minute)
		k.Stop()
		expect(t, "after", server)
		if !store.has(bob) {
			t.Error("bob is off the list")
		}
	})
}

// A status in a profile stays until it is changed: it is set when it changes, once a minute at
// most, and nothing is asked and repeated.
func TestStatusInAProfileIsSetOnChangeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		k := New(Config{Kind: Profile, Homeserver: server, Store: newFakeStore(), Log: zerolog.Nop(), Repeats: true})
		if err := k.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		ks := Keepers{k}
		ks.Begin(home, []networkid.UserID{bob})
		ks.Report(home, bob, msn.Contact{Status: msn.Online})
		time.Sleep(time.Minute)
		expect(t, "without a text", server)
		ks.Report(home, bob, msn.Contact{Status: msn.Busy})
		time.Sleep(time.Hour)
		expect(t, "when bob is busy", server, "home/bob@example.com unavailable Busy")
		for i := range 60 {
			ks.Report(home, bob, msn.Contact{Status: msn.Busy, Personal: fmt.Sprint(i)})
			time.Sleep(2 * time.Second)
		}
		if n := len(server.take()); n < 2 || n > 3 {
			t.Errorf("of changes in two minutes %d requests were made", n)
		}
		time.Sleep(time.Minute)
		server.take()
		ks.Report(home, bob, msn.Contact{Status: msn.Online})
		time.Sleep(2 * time.Minute)
		expect(t, "without a text again", server, "home/bob@example.com offline ")
		ks.Report(home, bob, msn.Contact{Status: msn.Away})
		time.Sleep(2 * time.Minute)
		server.take()
		ks.Stop()
		expect(t, "at the end", server, "home/bob@example.com offline ")
	})
}

// What a homeserver does not like of one ghost holds up no other.
func TestWhatIsRefusedOfOneHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.picky = bob
		k := start(t, server, newFakeStore())
		defer k.Stop()
		k.Begin(home, []networkid.UserID{bob, dave})
		k.Report(home, bob, online("x"))
		time.Sleep(time.Second)
		k.Report(home, dave, online("y"))
		time.Sleep(20 * time.Second)
		if shown := server.shows(dave); shown != online("y") {
			t.Errorf("the other is shown as %+v", shown)
		}
	})
}
