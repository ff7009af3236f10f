package msn_test

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// killedSeeds are played without -seed.
var killedSeeds = []uint64{1, 2, 3, 4}

var seed = flag.Uint64("seed", 0, "play the killed switchboards of this seed alone")

// Switchboards are killed in mid-conversation: while the call is made, before a message is relayed,
// after it is and before the acknowledgement, in half a line, in half an acknowledgement. Each text
// arrives once, or its sender is told that it has not, or that it may have.
//
// It is always the connection of who writes that breaks. What a switchboard has acknowledged and
// loses then on the way to who reads, it has lost without a word: there is nothing to tell it by.
func TestKilledSwitchboardLosesNothingSilently(t *testing.T) {
	t.Parallel()
	seeds := killedSeeds
	if *seed != 0 {
		seeds = []uint64{*seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { killedSwitchboards(t, seed) })
		})
	}
}

func killedSwitchboards(t *testing.T, seed uint64) {
	const kills, rounds = 25, 200
	k := newTalk(t, seed, alice, bob)
	cuts := map[string]*cut{alice: {}, bob: {}}
	k.faults = func(account string, _ int, conn net.Conn) net.Conn { return &cutConn{conn, cuts[account]} }
	k.long = func(text string) int { return max(1, k.dice.throw(8, text)-4) }
	k.signIn(alice)
	k.signIn(bob)
	killed := 0
	for round := 0; killed < kills; round++ {
		if round == rounds {
			t.Fatalf("switchboards were killed in %d of %d rounds", killed, rounds)
		}
		k.mu.Lock()
		k.round = round
		k.mu.Unlock()
		throw := func(n int, about string) int { return k.dice.throw(n, round, about) }
		from, to := k.users[alice], k.users[bob]
		if throw(2, "who") == 0 {
			from, to = to, from
		}
		var wg sync.WaitGroup
		// What is open at the beginning: nothing, what the last round has left, a session that
		// either has opened, or half of one.
		begin := throw(4, "before")
		switch begin {
		case 0:
			from.Conversation(to.Account()).Close()
			to.Conversation(from.Account()).Close()
			time.Sleep(5 * time.Second)
		case 1:
			to.says(&wg, from.Account(), 0, textsOf(round, "first "+to.Account(), 0, 1)...)
			wg.Wait()
			time.Sleep(time.Second)
		case 2:
			to.Conversation(from.Account()).Close()
		default:
		}
		how := []string{
			"the message is not relayed", "the acknowledgement does not come", "half a line is written", "half an answer is read",
			"all switchboards of who writes end", "the call is cut", "the call is cut after it", "the answer to the call is cut", "ended by OUT",
		}[throw(9, "how")]
		about := fmt.Sprintf("round %d, begun with %d, %s", round, begin, how)
		struck := k.strike(how, from.Client, to.Client, cuts, throw)
		from.says(&wg, to.Account(), 0, textsOf(round, from.Account(), 0, 1+throw(12, "texts"))...)
		wg.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if struck() {
			killed++
		}
		k.judge(about, func(string, *said) bool { return true }, func(err error) bool { return errors.Is(err, msn.ErrUncertain) })
		if t.Failed() {
			t.Fatalf("play it again with -seed %d", seed)
		}
		time.Sleep(20 * time.Second) // who calls too often waits
	}
}

// strike has a switchboard of one who writes killed. struck ends that and reports whether it was.
func (k *talk) strike(how string, from, to *msn.Client, cuts map[string]*cut, throw func(int, string) int) (struck func() bool) {
	var mu sync.Mutex
	done := false
	// on does something with one command of somebody's that comes over a switchboard.
	on := func(who *msn.Client, verbs []string, skip int, do msntest.Action) func() bool {
		remove := k.srv.Hook(msntest.For(who.Account(), func(r *msntest.Request) msntest.Action {
			mu.Lock()
			defer mu.Unlock()
			for _, verb := range verbs {
				if r.Kind == msntest.SB && r.Command.Verb == verb && !done {
					if skip--; skip < 0 {
						done = true
						return do
					}
				}
			}
			return msntest.Action{}
		}))
		return func() bool {
			remove()
			return done
		}
	}
	c := cuts[from.Account()]
	cutAfter := func(n int, write bool) func() bool {
		c.arm(n, write)
		return c.disarm
	}
	switch how {
	case "the message is not relayed":
		return on(from, []string{"MSG"}, throw(6, "skip"), msntest.Drop())
	case "the acknowledgement does not come":
		return on(from, []string{"MSG"}, throw(6, "skip"), msntest.DropAfter())
	case "half a line is written":
		return cutAfter(1+throw(6000, "bytes"), true)
	case "half an answer is read":
		return cutAfter(1+throw(120, "bytes"), false)
	case "the call is cut":
		return on(from, []string{"USR", "CAL"}, throw(2, "skip"), msntest.Drop())
	case "the call is cut after it":
		return on(from, []string{"USR", "CAL"}, throw(2, "skip"), msntest.DropAfter())
	case "the answer to the call is cut":
		return on(to, []string{"ANS"}, 0, msntest.Drop())
	case "ended by OUT":
		time.AfterFunc(time.Duration(throw(400, "when"))*time.Millisecond, func() {
			mu.Lock()
			defer mu.Unlock()
			done = k.srv.PushChat(from.Account(), wire.New("OUT")) > 0
			k.srv.DropSwitchboards(from.Account())
		})
	default:
		time.AfterFunc(time.Duration(throw(400, "when"))*time.Millisecond, func() {
			mu.Lock()
			defer mu.Unlock()
			done = k.srv.DropSwitchboards(from.Account()) > 0
		})
	}
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return done
	}
}

// cut ends a connection of somebody's to a switchboard after so many bytes.
type cut struct {
	mu    sync.Mutex
	armed bool
	write bool
	left  int
}

func (c *cut) arm(n int, write bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.write, c.left = true, write, n
}

// disarm reports whether a connection has ended.
func (c *cut) disarm() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.armed
	c.armed = false
	return !was
}

// take returns how many of so many bytes still go over the connection, and whether it ends then.
func (c *cut) take(n int, write bool) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed || c.write != write {
		return n, false
	}
	if n < c.left {
		c.left -= n
		return n, false
	}
	c.armed = false
	return c.left, true
}

type cutConn struct {
	net.Conn
	cut *cut
}

func (c *cutConn) Write(data []byte) (int, error) {
	n, ends := c.cut.take(len(data), true)
	if !ends {
		return c.Conn.Write(data)
	}
	n, err := c.Conn.Write(data[:n])
	_ = c.Close()
	if err == nil {
		err = syscall.ECONNRESET
	}
	return n, err
}

func (c *cutConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n == 0 {
		return n, err
	}
	n, ends := c.cut.take(n, false)
	if ends {
		_ = c.Close()
		err = syscall.ECONNRESET
	}
	return n, err
}
