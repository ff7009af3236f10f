package presence

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

// However many know somebody, who come and go: what is kept of them is what looking through all of them would say.
func TestFriendOfManyIsSeenAsOneOfFew(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 2))
		k := New(Config{Kind: Presence, Homeserver: newFakeServer(t), Store: newFakeStore()})
		logins := make([]networkid.UserLoginID, 3*maxListed)
		for i := range logins {
			logins[i] = networkid.UserLoginID(fmt.Sprint("login", i))
		}
		most, tables := 1, 0
		for step := range 4000 {
			if step%500 == 0 { // crowds gather and disperse
				most = 1 + random.IntN(len(logins))
				for _, login := range logins[most:] {
					k.End(login)
				}
			}
			login := logins[random.IntN(most)]
			switch random.IntN(10) {
			case 0:
				k.End(login)
			case 1, 2:
				k.Begin(login, []networkid.UserID{bob}[:random.IntN(2)])
			case 3:
				k.Room(login, bob)
			case 4:
				k.Lost(login)
				k.mu.Lock()
				k.expire(time.Now().Add(outage))
				k.mu.Unlock()
			default:
				k.Report(login, bob, []State{offline, online(""), online("song"), online("other song")}[random.IntN(4)])
			}
			g := k.ghosts[bob]
			if g == nil {
				continue
			}
			rooms, latest := g.sum()
			if wantRooms, want := sum(g.ties); rooms != wantRooms || latest.state != want.state || latest.order != want.order {
				t.Fatalf("seed %d, step %d: %d rooms and %v, want %d and %v", seed, step, rooms, latest, wantRooms, want)
			}
			for i := range g.ties {
				if got := g.tie(g.ties[i].login); got != &g.ties[i] {
					t.Fatalf("seed %d, step %d: the tie of one login is %v, want %v", seed, step, got, g.ties[i])
				}
			}
			if g.many == nil {
				continue
			}
			if tables++; len(g.many.at) != len(g.ties) {
				t.Fatalf("seed %d, step %d: %d are in the table, %d in the list", seed, step, len(g.many.at), len(g.ties))
			}
		}
		for _, login := range logins {
			k.End(login)
		}
		if len(k.ghosts)+len(k.logins) > 0 {
			t.Errorf("seed %d: %v and %v are kept", seed, k.ghosts, k.logins)
		}
		if tables == 0 {
			t.Errorf("seed %d: nobody was known to many", seed)
		}
	}
}
