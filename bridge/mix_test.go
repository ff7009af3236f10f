package bridge

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// mixes are the seeds that are played without -seed.
const mixes = 12

var seed = flag.Uint64("seed", 0, "play the random faults of this seed alone")

// Random faults of all kinds, while the user and two contacts write, come and go, and processes
// of the bridge die and are started again. A seed makes the same events; how goroutines take
// turns between them is not its own.
func TestLedgerIsRightAfterRandomFaults(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	first, last := uint64(1), uint64(mixes)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { mix(t, seed) })
		})
	}
}

func mix(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	rate := 0.0 // guarded by trouble
	w := newWorld(t, func(at place, n int) verdict {
		// By its number alone, so that a seed can be played again however goroutines take turns.
		faults := rand.New(rand.NewPCG(seed, uint64(n)*uint64(places)+uint64(at)))
		if faults.Float64() >= rate {
			return works
		}
		switch kind := faults.IntN(10); {
		case at == atService:
			return []verdict{fails, unheard}[kind%2]
		case kind == 0:
			return kills
		case kind == 1 && at == inDatabase:
			return breaks
		case kind < 6:
			return fails
		default:
			return unheard
		}
	})
	w.start()
	w.online(bob, true)
	w.trouble.arm(true)
	var texts []*written
	for n := range 40 + random.IntN(40) {
		contact := contacts[random.IntN(len(contacts))]
		switch choice := random.IntN(20); {
		case choice < 8:
			texts = append(texts, w.text(contact, fmt.Sprintf("to %s %d", contact, n)))
		case choice < 12:
			w.unsaid[contact] = append(w.unsaid[contact], fmt.Sprintf("from %s %d", contact, n))
		case choice < 14:
			w.online(contact, w.bots[contact] == nil)
		case choice == 14 && len(texts) > 0:
			if of := texts[len(texts)-1]; !of.deleted && !of.edited {
				of.edited = true
				w.edit(of, of.text+", edited")
			}
		case choice == 15 && len(texts) > 0:
			if of := texts[len(texts)-1]; !of.deleted && !of.edited {
				w.delete(of)
			}
		case choice == 16:
			w.invite(fmt.Sprintf("eve%d@example.org", n))
		case choice == 17: // the process ends in order
			w.restart()
		case choice == 18:
			w.trouble.mu.Lock()
			rate = max(0, random.Float64()*0.15-0.05)
			w.trouble.mu.Unlock()
		default:
			w.pass(time.Duration(random.IntN(90)) * time.Second)
		}
		if w.b.process.isDead() || w.b.process.hasBroken() && random.IntN(5) == 0 {
			w.restart()
		}
		if random.IntN(4) > 0 {
			w.push()
			w.say()
		}
		if random.IntN(2) == 0 {
			w.rest()
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		}
	}
	w.end()
}
