package msn_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// Two people write to each other at the same moment, so that both call: every text arrives once, in
// the order in which it was written, in the one conversation that they have.
func TestBothSidesCallAtTheSameMoment(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{10, 14, 20, 24} {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { sameMoments(t, seed) })
		})
	}
}

func sameMoments(t *testing.T, seed uint64) {
	const rounds = 50
	k := newTalk(t, seed, alice, bob, carol)
	k.srv.AddAccount("dave@example.com", password)
	k.srv.Befriend("dave@example.com", alice, bob)
	dave := k.srv.Play("dave@example.com", msntest.Script{Text: func(_ *msntest.Chat, from, text string) {
		t.Errorf("dave hears %q from %s", text, from)
	}})
	a, b, c := k.signIn(alice), k.signIn(bob), k.signIn(carol)
	crossed := 0
	for round := range rounds {
		k.mu.Lock()
		k.round = round
		k.mu.Unlock()
		throw := func(n int, about string) int { return k.dice.throw(n, round, about) }
		// How the last round ends.
		switch throw(4, "before") {
		case 0:
			a.Conversation(bob).Close()
			b.Conversation(alice).Close()
		case 1:
			a.Conversation(bob).Close()
		case 2:
			time.Sleep(10 * time.Minute) // both are left, idle
		default: // what is open stays so: one or two
		}
		var wg sync.WaitGroup
		hidden := false
		mode := []string{"plain", "two each", "a third calls", "a third calls both into one", "913", "redirected", "one of them redirected to nobody's"}[round%7]
		about := fmt.Sprintf("round %d, %s", round, mode)
		var remove []func()
		threads := 1
		switch mode {
		case "two each":
			threads = 2
		case "a third calls":
			c.says(&wg, alice, 0, textsOf(round, "carol to alice", 0, 3)...)
			c.says(&wg, bob, 0, textsOf(round, "carol to bob", 0, 3)...)
			a.says(&wg, carol, 0, textsOf(round, "alice to carol", 0, 3)...)
		case "a third calls both into one":
			wg.Go(func() {
				chat, err := dave.Call(k.Context(), alice, bob)
				if err != nil {
					t.Errorf("%s: %v", about, err)
					return
				}
				time.Sleep(time.Duration(throw(300, "dave leaves")) * time.Millisecond)
				chat.Leave()
			})
		case "913":
			hidden = true
			remove = append(remove, k.srv.Hook(msntest.For(alice, msntest.On("XFR", msntest.Refuse("913")))))
		case "redirected":
			remove = append(remove, k.srv.Hook(msntest.On("XFR", msntest.Redirect(otherBoard))))
		case "one of them redirected to nobody's":
			remove = append(remove, k.srv.Hook(msntest.Once(msntest.For(alice, msntest.On("XFR", msntest.Redirect(net.JoinHostPort("127.0.0.3", "1")))))))
		}
		for thread := range threads {
			wg.Go(func() {
				time.Sleep(time.Duration(throw(3, fmt.Sprint("alice ", thread))*throw(40, "apart")) * time.Millisecond)
				a.says(&wg, bob, thread, textsOf(round, alice, thread, 1+throw(4, "alice's"))...)
			})
			wg.Go(func() {
				time.Sleep(time.Duration(throw(3, fmt.Sprint("bob ", thread))*throw(40, "apart")) * time.Millisecond)
				b.says(&wg, alice, thread, textsOf(round, bob, thread, 1+throw(4, "bob's"))...)
			})
		}
		wg.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		if k.srv.Switchboards(alice) > 1 {
			crossed++
		}
		k.judge(about, func(_ string, s *said) bool {
			return s.from == alice && (hidden && errors.Is(s.err, msn.ErrHidden) ||
				mode == "one of them redirected to nobody's" && errors.Is(s.err, msn.ErrSwitchboard))
		}, func(err error) bool { return errors.Is(err, msn.ErrUncertain) })
		for _, f := range remove {
			f()
		}
		if t.Failed() {
			return
		}
		time.Sleep(20 * time.Second) // who calls too often waits
	}
	if crossed < rounds/8 {
		t.Errorf("both have called at the same moment in %d of %d rounds", crossed, rounds)
	}
}
