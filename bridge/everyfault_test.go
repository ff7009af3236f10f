package bridge

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// every has each fault made at each place of the scenario, in place of some of them.
var every = flag.Bool("every", false, "make each fault at every write, call and command of the scenario")

// stride is the distance of the places where a fault is made without -every.
const stride = 9

// kinds are the faults that are made.
var kinds = []struct {
	name string
	at   place
	what verdict
}{
	{"a write fails", inDatabase, fails},
	{"the answer to a write is lost", inDatabase, unheard},
	{"the database fails for good", inDatabase, breaks},
	{"the process is killed at a write", inDatabase, kills},
	{"the bridge is stopped at a write", inDatabase, stops},
	{"a call to the homeserver fails", atHomeserver, fails},
	{"the homeserver's answer is lost", atHomeserver, unheard},
	{"the process is killed at a call to the homeserver", atHomeserver, kills},
	{"the line is cut before a command", atService, fails},
	{"the line is cut after a command", atService, unheard},
}

// scenario is ten messages each way in a room, with one edit of what has arrived and one of
// what waits, one command, and messages to somebody who is offline. Those who die in it are
// started again.
func (w *world) scenario() {
	w.start()
	w.trouble.arm(true)
	w.online(bob, true)
	var texts []*written
	for n := range 10 {
		if w.b.process.hasEnded() {
			w.restart()
		}
		w.unsaid[bob] = append(w.unsaid[bob], fmt.Sprint("from bob ", n))
		if n%2 == 0 {
			w.say() // before what the user writes, or after it
		}
		texts = append(texts, w.text(bob, fmt.Sprint("to bob ", n)))
		switch n {
		case 3:
			w.edit(texts[1], "to bob 1, edited")
		case 4:
			w.invite("eve@example.org")
		case 6: // he goes, and texts wait for him
			w.push()
			w.rest()
			w.online(bob, false)
		case 7:
			w.push()
			w.rest()
			w.edit(texts[7], "to bob 7, edited")
		case 8:
			w.push()
			w.rest()
			w.online(bob, true)
		}
		w.push()
		w.say()
		w.rest()
		time.Sleep(300 * time.Millisecond)
	}
	w.pass(time.Minute)
}

// The scenario with one fault at the n-th place.
func playWithFault(t *testing.T, at place, what verdict, nth int) (count [places]int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(where place, n int) verdict {
			if where == at && n == nth {
				return what
			}
			return works
		})
		w.scenario()
		w.trouble.arm(false)
		count = w.trouble.counts()
		w.end()
	})
	return count
}

// Whatever fails at whatever moment: after a restart every text has arrived once, or not at
// all, and the user was told so.
func TestLedgerIsRightAfterAFaultAtAnyPlace(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	count := playWithFault(t, inDatabase, works, 0)
	t.Logf("the scenario has %d writes, %d calls to the homeserver and %d commands to MSN", count[inDatabase], count[atHomeserver], count[atService])
	step := stride
	if *every {
		step = 1
	}
	for i, kind := range kinds {
		for nth := 1 + i%step; nth <= count[kind.at]; nth += step {
			t.Run(fmt.Sprintf("%s/%d", kind.name, nth), func(t *testing.T) {
				t.Parallel()
				playWithFault(t, kind.at, kind.what, nth)
			})
		}
	}
}

// An edit changes a text that waits, the answer of the database is lost, and the text is sent
// before the edit is tried again.
func TestEditOfWhichOnlyTheAnswerIsLostArrivesOnce(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	for nth := 1; nth <= 6; nth++ { // from the writes that store the edit to those that carry it out
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(at place, n int) verdict {
					if at == inDatabase && n == nth {
						return unheard
					}
					return works
				})
				w.start()
				text := w.text(bob, "helo")
				w.pass(10 * time.Second)
				w.edit(text, "hello")
				w.trouble.arm(true)
				w.push()
				w.rest()
				w.online(bob, true)
				w.pass(10 * time.Second)
				w.end()
			})
		})
	}
}
