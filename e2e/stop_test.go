package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// The tests of this file use one bridge. Those that want it to run are not parallel, so that they end before the one
// that stops it begins.

func TestFilesOfTheBridgeAreItsOwnersOnly(t *testing.T) {
	for _, name := range []string{"config.yaml", "registration.yaml", "bridge.db", "bridge.db-wal", "bridge.db-shm", ownLog} {
		info, err := os.Stat(filepath.Join(stoppedDir, name))
		if err != nil {
			t.Error(err)
		} else if others := info.Mode().Perm() & 0o077; others != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestBridgeLogsThatTheHomeserverPassesNoTypingOn(t *testing.T) {
	lacks(t, stack.TellsTyping)
	const want = "This homeserver passes no typing notes and no presence on to bridges"
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); ; <-look.C {
		log, err := os.ReadFile(filepath.Join(stoppedDir, ownLog))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, want) {
				if !strings.Contains(line, `"level":"warn"`) {
					t.Errorf("it is no warning: %s", line)
				}
				return
			}
		}
		if time.Since(begun) > stack.DefaultWait {
			t.Fatalf("no line of the log says %q", want)
		}
	}
}

// Of a homeserver that passes typing on the log says so when it does, and never that it does not.
func TestBridgeLogsWhatTheHomeserverPassesOn(t *testing.T) {
	needs(t, stack.TellsTyping)
	c := newFriends(t, stoppedBridge)
	room := c.says("Well?").RoomID
	if err := c.alice.SendTyping(t.Context(), room, true); err != nil {
		t.Fatal(err)
	}
	var log []byte
	c.eventually("a line about typing in the log", func() (found bool) {
		var err error
		if log, err = os.ReadFile(filepath.Join(stoppedDir, ownLog)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			found = found || strings.Contains(line, "passes these events on") && strings.Contains(line, "m.typing")
		}
		return found
	})
	if strings.Contains(string(log), "passes no typing notes") {
		t.Error("the log says that the homeserver passes no typing on")
	}
}

// The bridge is stopped, as systemd does it, while both sides write. Where the one who wrote was not told otherwise,
// the text arrives, and nothing arrives twice.
func TestStopLosesNothingThatIsUnderWay(t *testing.T) {
	t.Parallel()
	c := newFriends(t, stoppedBridge)
	room := c.says("Before, from MSN").RoomID
	c.sends(room, "Before, from Matrix")
	for round := range 3 {
		c.stopUnderWay(room, round)
	}
}

const (
	// underWay is how many texts have to have gone each way before the bridge is stopped.
	underWay = 5
	// maxAhead is by how many texts Bob may be ahead of what Alice sees.
	maxAhead = 50
	// betweenTexts keeps the number of texts in bounds; there are still several under way at any time.
	betweenTexts = 10 * time.Millisecond
)

func (c *cast) stopUnderWay(room id.RoomID, round int) {
	c.t.Helper()
	writing, stopWriting := context.WithCancel(c.t.Context())
	defer stopWriting()
	var written []writtenText
	var said []saidText
	var wait sync.WaitGroup
	fromMatrix := func(n int) string { return fmt.Sprintf("From Matrix, %d.%d", round, n) }
	fromMSN := func(n int) string { return fmt.Sprintf("From MSN, %d.%d", round, n) }
	wait.Go(func() {
		for n := 0; sleepOr(writing); n++ {
			event, err := c.alice.SendText(c.t.Context(), room, fromMatrix(n))
			if err != nil {
				c.t.Error(err)
				return
			}
			written = append(written, writtenText{fromMatrix(n), event})
		}
	})
	wait.Go(func() {
		// The first that fails is where the bridge has gone.
		for n := 0; sleepOr(writing); n++ {
			// A homeserver can be slower than he writes.
			if n >= maxAhead {
				if _, err := c.alice.WaitEvent(writing, fromMSN(n-maxAhead), stack.Text(room, c.ghost, fromMSN(n-maxAhead))); err != nil {
					return
				}
			}
			err := c.bob.Say(c.t.Context(), c.account, fromMSN(n))
			said = append(said, saidText{fromMSN(n), err})
			if err != nil {
				return
			}
		}
	})
	c.hears(0, "what Alice writes", stack.HeardText(c.account, fromMatrix(underWay)))
	c.sees(0, "what Bob says", stack.Text(room, c.ghost, fromMSN(underWay)))
	begun := time.Now()
	if err := c.bridge.Stop(); err != nil {
		c.t.Error(err)
	}
	took := time.Since(begun)
	stopWriting()
	wait.Wait()

	mark := c.bob.Mark()
	if err := c.bridge.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	// What comes last shows that the rest has come before it, or will not.
	last := fmt.Sprintf("The last of round %d", round)
	c.sendsSlowly(room, last+", from Matrix")
	c.says(last + ", from MSN")
	if err := c.alice.Settle(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	told := 0
	for _, w := range written {
		told += c.arrivedOrTold(w)
	}
	c.t.Logf("round %d: %d texts from Matrix, of which %d have a notice, and %d from MSN; the stop took %s",
		round, len(written), told, len(said), took.Round(time.Millisecond))
	for _, s := range said {
		n := c.alice.Count(0, stack.Text(room, c.ghost, s.text))
		if n > 1 || n == 0 && s.err == nil {
			c.t.Errorf("Alice has seen %q %d times, and Bob was told %v", s.text, n, s.err)
		}
	}
}

// sendsSlowly is sends after the bridge was away: a homeserver that could not reach it tries again after 2, 4, 8 and
// up to 64 seconds, and sends nothing before that.
func (c *cast) sendsSlowly(room id.RoomID, text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	mark := c.bob.Mark()
	c.writes(room, text)
	if _, err := c.bob.WaitEventAfter(ctx, mark, "Alice's message", stack.HeardText(c.account, text)); err != nil {
		c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
	}
}

// writtenText is what Alice wrote on Matrix.
type writtenText struct {
	text  string
	event id.EventID
}

// saidText is what Bob said on MSN, and what his server told him of it.
type saidText struct {
	text string
	err  error
}

// arrivedOrTold fails the test unless a text came to Bob once, or Alice was told that it may not have. It returns how
// often she was told.
func (c *cast) arrivedOrTold(w writtenText) (told int) {
	c.t.Helper()
	heard := c.bob.Count(0, stack.HeardText(c.account, w.text))
	uncertain := 0
	about := noticeAbout(w.event)
	c.alice.Count(0, func(s stack.Seen) bool {
		if about(s) {
			told++
			if strings.Contains(s.Content.AsMessage().Body, "may not have been bridged") {
				uncertain++
			}
		}
		return false
	})
	switch {
	case heard > 1, told > 1, heard == 0 && told == 0, heard == 1 && told > uncertain:
		c.t.Errorf("Bob has heard %q %d times, and Alice was told %d times that it was not delivered, %d of them for sure",
			w.text, heard, told, told-uncertain)
	}
	return told
}

// sleepOr waits a moment, or returns false when ctx ends.
func sleepOr(ctx context.Context) bool {
	select {
	case <-time.After(betweenTexts):
		return true
	case <-ctx.Done():
		return false
	}
}
