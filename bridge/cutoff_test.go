package bridge

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// mute has the service answer no call for a conversation while silent is set, and counts them.
func (w *world) mute(silent *atomic.Bool) (calls *atomic.Int32) {
	calls = new(atomic.Int32)
	w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if silent.Load() && r.Command.Verb == "XFR" {
			calls.Add(1)
			return msntest.Swallow()
		}
		return msntest.Action{}
	}))
	return calls
}

// owned returns how many messages are claimed.
func (w *world) owned() (n int) {
	w.Helper()
	if err := w.b.br.DB.RawDB.QueryRowContext(w.Context(), "SELECT COUNT(*) FROM matrix_queue WHERE owner<>''").Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// Texts that were handed to their conversation, which was not open yet when the connection was lost, wait for the next one: they
// go out in order with those that were written in the outage, and can be changed before.
func TestTextThatWaitsForItsConversationOutlivesTheConnection(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, down *atomic.Bool, _ func() []string) {
		var silent atomic.Bool
		silent.Store(true)
		calls := w.mute(&silent)
		w.online(bob, true)
		texts := []*written{w.text(bob, "one"), w.text(bob, "two"), w.text(bob, "three")}
		w.push()
		w.rest()
		if calls.Load() != 1 || w.owned() != 3 {
			t.Fatalf("the service was called %d times, %d messages are claimed", calls.Load(), w.owned())
		}
		down.Store(true)
		w.drop()
		time.Sleep(10 * time.Second)
		if n := w.owned(); n != 0 {
			t.Errorf("%d messages are claimed while there is no connection", n)
		}
		silent.Store(false)
		w.edit(texts[1], "two, edited")
		texts = append(texts, w.text(bob, "four"))
		w.push()
		w.rest()
		down.Store(false)
		w.pass(3 * time.Minute)
		if got, want := w.ledger.arrived[bob], []string{"one", "two, edited", "three", "four"}; !slices.Equal(got, want) {
			t.Errorf("arrived are %q, want %q", got, want)
		}
		of := isTold(w.matrix.all(func(record) bool { return true }))
		for _, text := range texts {
			if is := of[text.evt]; is == nil || *is != (told{delivered: 1}) {
				t.Errorf("of %q is told %+v", text.text, is)
			}
		}
	})
}

// They do not wait for ever: who has written them is told when the time is over that messages wait for the connection.
func TestTextThatLostItsConnectionWaitsAsLongAsOthers(t *testing.T) {
	away(t, func(w *world, _ id.RoomID, down *atomic.Bool, _ func() []string) {
		var silent atomic.Bool
		silent.Store(true)
		w.mute(&silent)
		w.online(bob, true)
		text := w.text(bob, "too late")
		w.push()
		w.rest()
		down.Store(true)
		w.drop()
		silent.Store(false)
		is := func() []record {
			synctest.Wait()
			return w.matrix.all(func(r record) bool { return r.kind == "status" && r.answer == text.evt })
		}
		time.Sleep(w.b.conn.Config.Outage() - time.Second)
		if got := is(); len(got) > 0 {
			t.Errorf("before the time is over is told %+v", got)
		}
		time.Sleep(2 * time.Second)
		if got := is(); len(got) != 1 || got[0].status != event.MessageStatusRetriable || !strings.Contains(got[0].body, "The connection to Home was lost") {
			t.Errorf("when the time is over is told %+v", got)
		}
		down.Store(false)
		w.pass(10 * time.Minute)
		if got := w.ledger.arrived[bob]; len(got) > 0 {
			t.Errorf("arrived are %q", got)
		}
	})
}

// The connection is lost again and again, while conversations take their time to open: every text arrives, in order, or its room is told that it
// may have, if it was on the wire then. Also with a database that fails now and then, so that it takes some time to note that a text waits.
func TestLedgerIsRightWhenTheConnectionIsLostWhileTextsWaitForTheirConversation(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	for seed := uint64(1); seed <= *cutOffs; seed++ {
		for _, faulty := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed=%d faulty=%t", seed, faulty), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { loseConnections(t, seed, faulty) })
			})
		}
	}
}

// cutOffs is how many seeds are played, each with and without faults of the database.
var cutOffs = flag.Uint64("cutoffs", 12, "play so many seeds in which the connection is lost while texts wait for their conversation")

func loseConnections(t *testing.T, seed uint64, faulty bool) {
	random := rand.New(rand.NewPCG(seed, 3))
	w := newWorld(t, func(at place, n int) verdict {
		if at != inDatabase {
			return works
		}
		return []verdict{fails, unheard, works, works, works, works}[rand.New(rand.NewPCG(seed, uint64(n))).IntN(6)]
	})
	var calls atomic.Uint64
	w.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "CAL" {
			return msntest.Action{}
		}
		slow := rand.New(rand.NewPCG(seed, calls.Add(1)))
		return msntest.Delay(time.Duration(slow.IntN(4000)) * time.Millisecond)
	}))
	w.start()
	for _, contact := range contacts {
		w.online(contact, true)
	}
	time.Sleep(time.Minute)
	w.trouble.arm(faulty)
	w.ledger.restless = faulty // what the database does not say that it has stored can be left for the stop to find
	lost := 0
	for n := range 60 {
		contact := contacts[random.IntN(len(contacts))]
		switch choice := random.IntN(12); {
		case choice < 7:
			w.text(contact, fmt.Sprintf("to %s %d", contact, n))
		case choice < 9:
			w.rest()
			if w.b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).session.Current() != nil {
				w.drop()
				lost++
			}
		case choice < 11: // the conversation is left, so that the next text has to wait for another one
			w.online(contact, false)
			w.online(contact, true)
		default:
			w.pass(time.Duration(random.IntN(30)) * time.Second)
		}
		w.push()
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
	}
	w.end()
	t.Logf("the connection was lost %d times", lost)
	if faulty {
		return // what is not stored can be refused
	}
	of := isTold(w.matrix.all(func(record) bool { return true }))
	for _, text := range w.ledger.written {
		if is := of[text.evt]; is == nil || is.refused > 0 || is.delivered+is.uncertain != 1 {
			t.Errorf("of %q is told %+v", text.text, is)
		}
	}
}
