package p2p

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"matrix-msn/msn/slp"
)

// Some clients have one line in which they speak to somebody, and answer there whatever they were asked
// over another one. That happens when both sides call each other at the same moment.

// lines are alice's two lines to bob, who hears both and speaks over the second one.
type lines struct {
	first, second, bob *side
}

func twoLines(later bool) *lines {
	first, bob := pair(later)
	second, _ := pair(later)
	second.owner, second.objects = first.owner, first.objects
	l := &lines{first, second, bob}
	for i, s := range []*side{first, second} {
		other := []*side{second, first}[i]
		s.cfg.After = bob.cfg.After
		s.cfg.Siblings = func() []*Stack {
			if other.Stack.over != nil { // whoever carries it knows nothing more of it then
				return nil
			}
			return []*Stack{other.Stack}
		}
	}
	return l
}

// carry carries one packet each way, and reports whether anything moved.
func (l *lines) carry() bool {
	moved := false
	for _, from := range []*side{l.first, l.second} {
		if packet, ok := from.Next(nil); ok {
			moved = true
			l.bob.Receive(string(packet))
		}
	}
	if packet, ok := l.bob.Next(nil); ok {
		moved = true
		if l.second.over == nil {
			l.second.Receive(string(packet))
		}
	}
	return moved
}

// until carries until something is true, or nothing moves any more.
func (l *lines) until(done func() bool) {
	for !done() && l.carry() {
	}
}

func never() bool { return false }

func overTwoLines(t *testing.T, test func(t *testing.T, l *lines)) {
	t.Helper()
	for _, later := range []bool{false, true} {
		t.Run(fmt.Sprintf("version 2 %t", later), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, twoLines(later)) })
		})
	}
}

// A line over which the other side answers what was asked over another one is in use.
func TestLineOfTheAnswersIsBusy(t *testing.T) {
	t.Parallel()
	overTwoLines(t, func(t *testing.T, l *lines) {
		picture := content(30_000)
		o := slp.NewObject(l.bob.name, slp.ObjectPicture, picture)
		l.bob.objects[o.Hash] = picture
		if l.second.Busy() {
			t.Error("it is busy before anything was asked")
		}
		got := new(file)
		l.first.Fetch(o, got, nil)
		l.until(func() bool { return got.out.Len() > 0 })
		// Between two packets nothing waits there but the answers to come.
		l.second.control, l.second.acks = nil, nil
		if !l.second.Busy() {
			t.Error("the line of the answers may be dropped")
		}
		l.until(never)
		if !bytes.Equal(got.out.Bytes(), picture) || l.second.Busy() {
			t.Errorf("%d bytes were fetched, busy is %t", got.out.Len(), l.second.Busy())
		}
	})
}

// All that there is to do at once, asked over one line and answered over the other.
func TestAnswersComeOverAnotherLine(t *testing.T) {
	t.Parallel()
	overTwoLines(t, func(t *testing.T, l *lines) {
		picture := content(30_000)
		o := slp.NewObject(l.bob.name, slp.ObjectPicture, picture)
		l.bob.objects[o.Hash] = picture
		own := slp.NewObject(l.first.name, slp.ObjectPicture, picture)
		l.first.objects[own.Hash] = picture
		fetched, theirs, taken, to := new(file), new(file), new(file), new(file)
		data := content(50_000)
		from := reading(data)
		l.first.Fetch(o, fetched, nil)
		l.first.Send(slp.FileInfo{Name: "a", Size: uint64(len(data))}, from, nil)
		declined := reading(data)
		l.first.Send(slp.FileInfo{Name: "b", Size: uint64(len(data))}, declined, nil)
		l.bob.Fetch(own, theirs, nil)
		sends := reading(data)
		l.bob.Send(slp.FileInfo{Name: "c", Size: uint64(len(data))}, sends, nil)
		l.until(func() bool { return len(l.bob.offers) == 2 && len(l.second.offers) == 1 })
		for _, offer := range l.bob.offers {
			if offer.Name == "a" {
				offer.Accept(taken, nil)
			} else {
				offer.Decline()
			}
		}
		l.second.offers[0].Accept(to, nil)
		l.until(never)
		over(t, "the picture", fetched, nil)
		over(t, "theirs", theirs, nil)
		over(t, "the file, at the sender,", from, nil)
		over(t, "the file", taken, nil)
		over(t, "their file, at the sender,", sends, nil)
		over(t, "their file", to, nil)
		over(t, "what they do not want", declined, ErrDeclined)
		for what, f := range map[string]*file{"picture": fetched, "own": theirs} {
			if !bytes.Equal(f.out.Bytes(), picture) {
				t.Errorf("%s: %d bytes", what, f.out.Len())
			}
		}
		for what, f := range map[string]*file{"sent": taken, "received": to} {
			if !bytes.Equal(f.out.Bytes(), data) {
				t.Errorf("%s: %d bytes", what, f.out.Len())
			}
		}
		idle(t, l.first, l.second, l.bob)
	})
}

// Whoever answers over another line takes back and stops there too.
func TestEndComesOverAnotherLine(t *testing.T) {
	t.Parallel()
	overTwoLines(t, func(t *testing.T, l *lines) {
		from, to := reading(content(500_000)), new(file)
		l.first.Send(slp.FileInfo{Name: "a", Size: 500_000}, from, nil)
		l.until(func() bool { return len(l.bob.offers) == 1 })
		transfer, _ := l.bob.offers[0].Accept(to, nil)
		l.until(func() bool { return to.out.Len() > 100_000 })
		transfer.Stop()
		l.until(never)
		over(t, "the file, at the sender,", from, ErrCancelled)
		idle(t, l.first, l.second, l.bob)
	})
}

// The line over which they answer ends in the middle.
func TestLineOfTheAnswersEnds(t *testing.T) {
	t.Parallel()
	overTwoLines(t, func(t *testing.T, l *lines) {
		picture := content(30_000)
		o := slp.NewObject(l.bob.name, slp.ObjectPicture, picture)
		l.bob.objects[o.Hash] = picture
		fetched := new(file)
		l.first.Fetch(o, fetched, nil)
		l.until(func() bool { return fetched.out.Len() > 10_000 })
		l.second.End(ErrSilent)
		l.until(never)
		over(t, "the picture", fetched, ErrSilent)
		idle(t, l.first, l.second)
	})
}

// The line over which they were asked ends, as when they leave what they do not use: the rest comes over
// the other one.
func TestLineOfTheQuestionEnds(t *testing.T) {
	t.Parallel()
	overTwoLines(t, func(t *testing.T, l *lines) {
		picture := content(30_000)
		o := slp.NewObject(l.bob.name, slp.ObjectPicture, picture)
		l.bob.objects[o.Hash] = picture
		fetched := new(file)
		l.first.Fetch(o, fetched, nil)
		l.until(func() bool { return fetched.out.Len() > 10_000 })
		l.first.Left(ErrCancelled)
		l.until(never)
		over(t, "the picture", fetched, nil)
		if !bytes.Equal(fetched.out.Bytes(), picture) {
			t.Errorf("%d bytes", fetched.out.Len())
		}
		idle(t, l.first, l.second, l.bob)
	})
}

// A file that is half-way out in version 2 is counted by its line, and is told to have failed; in version 1 it goes
// on over the other one.
func TestLineOfAFileEnds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		stop := random.IntN(100_000)
		overTwoLines(t, func(t *testing.T, l *lines) {
			data := content(100_000)
			from, to := reading(data), new(file)
			l.first.Send(slp.FileInfo{Name: "a", Size: uint64(len(data))}, from, nil)
			l.until(func() bool { return len(l.bob.offers) == 1 })
			l.bob.offers[0].Accept(to, nil)
			l.until(func() bool { return to.out.Len() > stop })
			l.first.Left(ErrCancelled)
			l.until(never)
			if l.first.cfg.Later {
				if len(from.ended) != 1 {
					t.Errorf("the sender was told %v", from.ended)
				}
				return
			}
			over(t, "the file, at the sender,", from, nil)
			if !bytes.Equal(to.out.Bytes(), data) {
				t.Errorf("%d bytes", to.out.Len())
			}
			idle(t, l.first, l.second, l.bob)
		})
	}
}

// Who leaves the line on which they answer, after all of a file is out over the other one, may have it as well as who
// leaves the only line.
func TestWhoLeavesTheLineOfTheAnswersWithTheWholeFileHasIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		carried int // packets of the data
		replies bool
		want    error
	}{{3, true, ErrSilent}, {3, false, ErrSilent}, {100, false, nil}, {100, true, ErrUnconfirmed}} {
		overTwoLines(t, func(t *testing.T, l *lines) {
			from := reading(content(20_000))
			l.first.Send(slp.FileInfo{Name: "a", Size: 20_000}, from, nil)
			l.until(func() bool { return len(l.bob.offers) == 1 })
			l.bob.offers[0].Accept(new(file), nil)
			for range 4 { // until the data begin
				if packet, ok := l.bob.Next(nil); ok {
					l.second.Receive(string(packet))
				}
			}
			for range test.carried {
				l.first.Next(nil)
			}
			l.first.replies, l.second.replies = test.replies, false
			l.second.Left(ErrSilent)
			over(t, fmt.Sprintf("the file after %d packets", test.carried), from, test.want)
			idle(t, l.second)
		})
	}
}

// Whoever is on the other side chooses what is under way on which line, and when one of them ends. A line takes no
// more from another one than from them, and no session whose number it has already: the data of one would go out for
// the other.
func TestLineTakesNoMoreFromAnotherThanItHasRoomFor(t *testing.T) {
	t.Parallel()
	for name, crowd := range map[string]func(l *lines, session uint32){
		"a session of the same number": func(l *lines, session uint32) { l.second.calls[0].session = session },
		"many sessions": func(l *lines, _ uint32) {
			for len(l.second.calls) < maxCalls {
				l.second.add(&call{session: l.second.newSession(), kind: isObject})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := twoLines(false)
				from, to := reading(content(100_000)), new(file)
				l.first.Send(slp.FileInfo{Name: "a", Size: 100_000}, from, nil)
				l.bob.Send(slp.FileInfo{Name: "b", Size: 100_000}, reading(content(100_000)), nil)
				l.until(func() bool { return len(l.bob.offers) == 1 && len(l.second.offers) == 1 })
				l.bob.offers[0].Accept(to, nil)
				l.until(func() bool { return to.out.Len() > 10_000 })
				crowd(l, l.first.calls[0].session)
				before := len(l.second.calls)
				l.first.End(ErrSilent)
				over(t, "the file, at the sender,", from, ErrSilent)
				if len(l.second.calls) != before || len(l.second.data) > 0 {
					t.Errorf("the other line has %d calls after %d, %d data", len(l.second.calls), before, len(l.second.data))
				}
			})
		})
	}
}

// Offers that wait for the user have a limit of their own, which those of another line do not exceed.
func TestLineTakesNoMoreOffersFromAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := twoLines(false)
		defer l.first.owner.Unlock() // timers of what has moved all the same need it
		for range maxOffers {
			for _, s := range []*side{l.first, l.second} {
				c := s.add(&call{session: s.newSession(), kind: isFile})
				if s == l.first {
					c.via = l.second.Stack
				}
			}
		}
		l.first.End(ErrSilent)
		if n := l.second.offersWaiting(); n != maxOffers {
			t.Errorf("%d offers wait, %d may", n, maxOffers)
		}
	})
}
