package msn

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/chat"
	internal "matrix-msn/msn/internal/ns"
)

// The fifth session of a contact takes the place of the one that has been silent longest, and
// what is said in it arrives.
func TestOneSessionMoreTakesThePlaceOfTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing)
		var open []*fakeConn
		for range chat.MaxSessionsPerContact {
			open = append(open, n.callIn(ns, "bob@example.com"))
			time.Sleep(time.Second)
		}
		// The first one is not the oldest any more.
		open[0].sendMessage("bob@example.com", "Bob", textPayload("first"))
		time.Sleep(time.Second)
		fifth := n.callIn(ns, "bob@example.com")
		if left := open[1].expectEnd(); !slices.Equal(left, []string{"OUT"}) {
			t.Errorf("leaving, the client sent %q", left)
		}
		fifth.sendMessage("bob@example.com", "Bob", textPayload("fifth"))
		synctest.Wait()
		open[0].sendMessage("bob@example.com", "Bob", textPayload("again"))
		for _, want := range []string{"first", "fifth", "again"} {
			if text := waitFor[TextReceived](t, client); text.Text != want {
				t.Errorf("text %q, want %q", text.Text, want)
			}
		}
	})
}

// A text that comes in parts is waited for: its session is not left.
func TestSessionWithHalfATextStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12, longPing)
		half := n.callIn(ns, "bob@example.com")
		part := func(number, text string) string {
			return "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nMessage-ID: {1}\r\n" + number + "\r\n\r\n" + text
		}
		half.sendMessage("bob@example.com", "Bob", part("Chunks: 2", "one "))
		time.Sleep(time.Second)
		var others []*fakeConn
		for range chat.MaxSessionsPerContact {
			others = append(others, n.callIn(ns, "bob@example.com"))
			time.Sleep(time.Second)
		}
		others[0].expectEnd()
		half.sendMessage("bob@example.com", "Bob", part("Chunk: 1", "two"))
		if text := waitFor[TextReceived](t, client); text.Text != "one two" {
			t.Errorf("text %q", text.Text)
		}
	})
}

// What the server relays before it has seen the good-bye arrives, also in a session that the
// client has answered and does not know to be open.
func TestLastWordsOfASessionThatGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing)
		oldest := n.callIn(ns, "bob@example.com")
		time.Sleep(time.Second)
		for range chat.MaxSessionsPerContact {
			n.callIn(ns, "bob@example.com")
		}
		oldest.expect("OUT")
		oldest.sendMessage("bob@example.com", "Bob", textPayload("last words"))
		if text := waitFor[TextReceived](t, client); text.Text != "last words" {
			t.Errorf("text %q", text.Text)
		}
	})
}

// Who calls too often is called back by the last of the calls.
func TestCallBeyondTheRateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing)
		for range chat.RingBurst {
			n.callIn(ns, "bob@example.com").close()
			synctest.Wait()
		}
		for i := range 100 {
			ns.send(fmt.Sprintf("RNG %d %s CKI 2 bob@example.com Bob", 1000+i, fakeSB))
		}
		synctest.Wait()
		if len(n.queue(fakeSB)) > 0 {
			t.Error("a call beyond the rate is answered")
		}
		time.Sleep(chat.RingEvery)
		sb := n.accept(fakeSB)
		sb.expect("ANS 1 alice@example.com 2 1099")
		sb.send("IRO 1 1 1 bob@example.com Bob", "ANS 1 OK")
		sb.sendMessage("bob@example.com", "Bob", textPayload("hi"))
		if text := waitFor[TextReceived](t, client); text.Text != "hi" {
			t.Errorf("text %q", text.Text)
		}
		time.Sleep(10 * chat.RingEvery)
		if len(n.queue(fakeSB)) > 0 {
			t.Error("a call that was given up is answered")
		}
	})
}

// A call that waits ends with the account.
func TestCallThatWaitsEndsWithTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing)
		for range chat.RingBurst {
			n.callIn(ns, "bob@example.com").close()
			synctest.Wait()
		}
		ns.send("RNG 7 " + fakeSB + " CKI 2 bob@example.com Bob")
		synctest.Wait()
		quit(client, ns)
		time.Sleep(2 * chat.RingEvery)
		if len(n.queue(fakeSB)) > 0 {
			t.Error("a call is answered after the end")
		}
	})
}

// Calls that are not answered, and those that are in vain, make few lines in the log, whoever
// calls.
func TestFloodOfCallersDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testLog
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing, func(c *Config) { c.Logger = log.logger() })
		worthKnowing := func() int { return strings.Count(log.text(), "level=WARN") + strings.Count(log.text(), "level=INFO") }
		before := worthKnowing()
		const flood = 10_000
		for i := range flood {
			address := []string{"down.msn.example.com:1864", "sb.evil.example.net:1864", fakeSB}[i%3]
			ns.send(fmt.Sprintf("RNG 1 %s CKI 2 caller%d@example.com Name", address, i))
		}
		synctest.Wait()
		lines := worthKnowing() - before
		// Of each kind as many as are logged in a minute, and as long as the flood took.
		if lines < 2 || lines > 3*(internal.LogBurst+1) {
			t.Errorf("%d lines", lines)
		}
		time.Sleep(2 * time.Minute)
		if !strings.Contains(log.text(), "left_out") {
			t.Error("nothing says how many lines were left out")
		}
		n.mu.Lock()
		waiting := len(n.queues[fakeSB])
		n.mu.Unlock()
		if waiting > chat.MaxIncoming {
			t.Errorf("%d calls are answered at once", waiting)
		}
		go io.Copy(io.Discard, ns.conn)
		_ = client
	})
}

// relay is the switchboard's side of a session in the random test below.
type relay struct {
	*fakeConn
	who  string
	left atomic.Bool
}

// Whatever contacts and strangers do, nothing that was said in a session which the server
// counts the user among is lost or doubled, and the limits hold.
func TestRandomCallsLoseNothing(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomCalls(t, rand.New(rand.NewPCG(seed, 21))) })
		})
	}
}

func randomCalls(t *testing.T, random *rand.Rand) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9, longPing)
	var got []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e := range client.Events() {
			if text, ok := e.(TextReceived); ok {
				got = append(got, text.From+" "+text.Text)
			}
		}
	}()
	people := []string{"bob@example.com"} // a contact
	for i := range 20 {
		people = append(people, fmt.Sprintf("stranger%d@example.com", i))
	}
	var open []*relay
	var said []string
	// The server relays until it reads OUT.
	watch := func(r *relay) {
		_ = r.conn.SetReadDeadline(time.Time{})
		for {
			cmd, err := r.reader.Read()
			if err != nil || cmd.Verb == "OUT" {
				r.left.Store(true)
				return
			}
		}
	}
	calls := make(map[string]int)
	most := 0
	for step := range 600 {
		switch random.IntN(4) {
		case 0:
			who := people[random.IntN(len(people))]
			if random.IntN(3) == 0 {
				who = people[0]
			}
			if calls[who]++; calls[who] > chat.RingBurst {
				time.Sleep(chat.RingEvery) // its own rate is another test's
			}
			ns.send("RNG 1 " + fakeSB + " CKI 2 " + who + " Name")
			synctest.Wait()
			if len(n.queue(fakeSB)) == 0 {
				t.Fatalf("step %d: the call of %s is not answered", step, who)
			}
			sb := n.accept(fakeSB)
			sb.expect("ANS 1 alice@example.com 2 1")
			r := &relay{fakeConn: sb, who: who}
			sb.send("IRO 1 1 1 "+who+" Name", "ANS 1 OK")
			go watch(r)
			open = append(open, r)
		case 1, 2:
			if len(open) == 0 {
				continue
			}
			r := open[random.IntN(len(open))]
			if r.left.Load() {
				continue // its client is told BYE, and calls again
			}
			text := fmt.Sprint("text ", step)
			r.sendMessage(r.who, "Name", textPayload(text))
			said = append(said, r.who+" "+text)
		case 3:
			time.Sleep(time.Duration(random.IntN(4)) * time.Second)
		}
		synctest.Wait()
		total, each := 0, make(map[string]int)
		open = slices.DeleteFunc(open, func(r *relay) bool { return r.left.Load() })
		for _, r := range open {
			total++
			each[r.who]++
			if each[r.who] > chat.MaxSessionsPerContact {
				t.Fatalf("step %d: %d sessions with %s", step, each[r.who], r.who)
			}
		}
		most = max(most, total)
		if total > chat.MaxIncoming {
			t.Fatalf("step %d: %d sessions", step, total)
		}
	}
	go io.Copy(io.Discard, ns.conn)
	_ = client.Close()
	<-ended
	if most < chat.MaxIncoming {
		t.Errorf("there were %d sessions at most: the limit was not tried", most)
	}
	slices.Sort(got)
	slices.Sort(said)
	if !slices.Equal(got, said) {
		t.Errorf("%d texts were said and %d arrived", len(said), len(got))
	}
}
