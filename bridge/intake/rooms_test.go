package intake_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"
)

var seed = flag.Uint64("seed", 0, "run TestRoomsThatWaitAgainstTheirModel with this seed alone")

// What is left in a room that works again must not wait for one that does not.
func TestRoomThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		i.push("$1 !r")
		for range 8 {
			i.Leave("$1")
			again()
		}
		i.Leave("$1")
		time.Sleep(time.Second)
		i.push("$2 !s")
		i.take()
		i.Leave("$2")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := i.take(); !slices.Equal(got, []id.EventID{"$2"}) {
			t.Errorf("after two seconds %v was handed on", got)
		}
	})
}

// What waits behind an event that nobody can store has not failed itself.
func TestWhatWaitsBehindAnEventThatIsGivenUpIsTried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		i.push("$1 !r", "$2 !r")
		for i.Leave("$1") {
			if !i.LeaveBehind("$2") {
				t.Fatal("not behind")
			}
			again()
		}
		if i.LeaveBehind("$2") {
			t.Error("behind what was given up")
		}
		if !i.Leave("$2") {
			t.Error("given up at its first failure")
		}
	})
}

// Events of some rooms fail as often as is drawn for each. They are dealt with in their order, and each room
// when it would be if there was no other.
func TestRoomsThatWaitAgainstTheirModel(t *testing.T) {
	t.Parallel()
	seeds := []uint64{*seed}
	if *seed == 0 {
		seeds = nil
		for s := range uint64(30) {
			seeds = append(seeds, s+1)
		}
	}
	for _, s := range seeds {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { roomsThatWait(t, rand.New(rand.NewPCG(s, 0))) })
		})
	}
}

func roomsThatWait(t *testing.T, random *rand.Rand) {
	i := newTakes(t, newStore(t))
	room, fails := make(map[id.EventID]string), make(map[id.EventID]int)
	want, got := make(map[string][]id.EventID), make(map[string][]id.EventID)
	ends, ended := make(map[string]time.Duration), make(map[string]time.Duration)
	var pushed []string
	for n := range 20 {
		evt, in := id.EventID(fmt.Sprint("$", n)), fmt.Sprint("!", random.IntN(4))
		room[evt], fails[evt] = in, max(0, random.IntN(10)-4)
		want[in] = append(want[in], evt)
		for pass := range fails[evt] {
			ends[in] += min(2*time.Second<<pass, time.Minute)
		}
		pushed = append(pushed, fmt.Sprint(evt, " ", in))
	}
	began := time.Now()
	for time.Since(began) < time.Hour {
		// The homeserver brings some of it while other things wait.
		if n := min(random.IntN(4), len(pushed)); time.Since(began) == 0 && n > 0 {
			i.push(pushed[:n]...)
			pushed = pushed[n:]
			continue
		}
		handedOn := i.take()
		for _, evt := range handedOn {
			switch {
			case i.LeaveBehind(evt):
			case fails[evt] > 0:
				fails[evt]--
				if !i.Leave(evt) {
					t.Fatalf("%s was given up", evt)
				}
			default:
				i.Taken(evt)
				got[room[evt]] = append(got[room[evt]], evt)
				ended[room[evt]] = time.Since(began)
			}
		}
		if len(handedOn) == 0 && len(pushed) == 0 {
			time.Sleep(time.Second)
		} else if len(handedOn) == 0 {
			i.push(pushed...)
			pushed = nil
		}
		synctest.Wait()
	}
	for in := range want {
		if !slices.Equal(got[in], want[in]) || ended[in] != ends[in] {
			t.Errorf("in %s %v was dealt with by %v, want %v by %v", in, got[in], ended[in], want[in], ends[in])
		}
	}
}
