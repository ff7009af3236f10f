package e2e

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"maunium.net/go/mautrix/id"
)

// How the tests of faults run: each fault so often, and where their table is written to.
var (
	faultRounds = flag.Int("faults", 1, "how often each fault is made")
	faultTable  = flag.String("faults.table", "", "file to write the table of the faults to")
)

// line is a TCP connection that a test can cut: it stands between two programs.
type line struct {
	listener net.Listener
	to       string

	mu     sync.Mutex
	down   bool
	active map[net.Conn]struct{}
}

// newLine listens on a port and connects who comes to another address.
func newLine(port int, to string) (*line, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	l := &line{listener: listener, to: to, active: make(map[net.Conn]struct{})}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn)
		}
	}()
	return l, nil
}

func (l *line) url() string { return "http://" + l.listener.Addr().String() }

func (l *line) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer far.Close()
	l.mu.Lock()
	if l.down {
		l.mu.Unlock()
		return
	}
	l.active[near], l.active[far] = struct{}{}, struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.active, near)
		delete(l.active, far)
	}()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
		})
	}
	both.Wait()
}

// cut ends all connections, in the middle of whatever they carry. While down, no new ones are made.
func (l *line) cut(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	for conn := range l.active {
		_ = conn.Close()
	}
}

// The lines of the faultyBridge: from the homeserver to it, and from it to the homeserver.
var toBridge, toHomeserver *line

// mostUnread is how many texts may be under way, and unread, in a connection when the bridge is killed: what Bob can say
// in half a second.
const mostUnread = 50

// fault is something that goes wrong while both sides write.
type fault struct {
	name string
	// make does it, and returns when it is over.
	make func(c *cast)
	// kills is set when what the service has acknowledged and the bridge has not read yet is gone with the process:
	// the protocol has nothing against that.
	kills bool
}

var faults = []fault{
	{name: "SIGKILL", kills: true, make: func(c *cast) { c.restart(c.bridge.Kill) }},
	{name: "SIGTERM", make: func(c *cast) { c.restart(c.bridge.Stop) }},
	{name: "the homeserver's connection is cut", make: func(c *cast) {
		for range 8 {
			toBridge.cut(false)
			time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		}
	}},
	{name: "the homeserver is away", make: func(c *cast) {
		toHomeserver.cut(true)
		time.Sleep(time.Second)
		toHomeserver.cut(false)
	}},
	{name: "the connection to the service is cut", make: func(c *cast) {
		if err := c.service.Drop(c.account); err != nil {
			c.t.Error(err)
		}
	}},
	{name: "the conversations are cut", make: func(c *cast) { c.service.DropSwitchboards(c.account) }},
	{name: "nothing is delivered for a second", make: func(c *cast) {
		unhook := c.service.Hook(msntest.For(c.account, msntest.On("MSG", msntest.NAK())))
		time.Sleep(time.Second)
		unhook()
	}},
	{name: "the database is locked", make: func(c *cast) {
		db, err := sql.Open("sqlite3", "file:"+c.bridge.Database()+"?_busy_timeout=5000")
		if err != nil {
			c.t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
			c.t.Error(err)
		}
		time.Sleep(time.Second)
		if _, err := db.Exec("ROLLBACK"); err != nil {
			c.t.Error(err)
		}
	}},
}

// restart ends the bridge and starts it again.
func (c *cast) restart(end func() error) {
	c.t.Helper()
	if err := end(); err != nil {
		c.t.Error(err)
	}
	mark := c.bob.Mark()
	if err := c.bridge.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
}

// Both sides write numbered texts while something goes wrong. What was written on Matrix arrives once, or its writer is
// told that it did not, or may not have; what the service has taken of Bob's is seen once; and all of it is in order.
func TestFaultsLoseNothingAndDoubleNothing(t *testing.T) {
	t.Parallel()
	c := newFriends(t, faultyBridge)
	room := c.says("Before, from MSN").RoomID
	c.sends(room, "Before, from Matrix")
	var table strings.Builder
	fmt.Fprintf(&table, "%-40s %8s %8s %6s %6s %8s %8s %8s\n", "fault", "written", "arrived", "told", "said", "seen", "unread", "back in")
	for round := range *faultRounds {
		for n, f := range faults {
			c.goesWrong(room, f, round*len(faults)+n, &table)
		}
	}
	t.Logf("\n%s", table.String())
	if *faultTable != "" {
		if err := os.WriteFile(*faultTable, []byte(table.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// goesWrong makes a fault while both sides write, and holds what became of the texts against what was told.
func (c *cast) goesWrong(room id.RoomID, f fault, number int, table *strings.Builder) {
	c.t.Helper()
	writing, stopWriting := context.WithCancel(c.t.Context())
	defer stopWriting()
	var written []writtenText
	var said []saidText
	var spoken atomic.Int64
	var both sync.WaitGroup
	both.Go(func() {
		for n := 0; sleepOr(writing); n++ {
			text := fmt.Sprintf("From Matrix, %d.%d", number, n)
			event, err := c.alice.SendText(c.t.Context(), room, text)
			if err != nil {
				c.t.Error(err)
				return
			}
			written = append(written, writtenText{text, event})
			spoken.Add(1)
		}
	})
	both.Go(func() {
		for n := 0; sleepOr(writing); n++ {
			text := fmt.Sprintf("From MSN, %d.%d", number, n)
			saying, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
			err := c.bob.Say(saying, c.account, text)
			cancel()
			said = append(said, saidText{text, err})
		}
	})
	c.hears(0, "what Alice writes", stack.HeardText(c.account, fmt.Sprintf("From Matrix, %d.%d", number, underWay)))
	time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
	f.make(c)
	begun := time.Now()
	time.Sleep(200 * time.Millisecond)
	stopWriting()
	both.Wait()

	last := fmt.Sprintf("The last of %d", number)
	c.sendsSlowly(room, last+", from Matrix")
	c.saysAtLast(last + ", from MSN")
	back := time.Since(begun)
	c.settles(written)

	told := 0
	for _, w := range written {
		told += c.arrivedOrTold(w)
	}
	seen, unread := 0, 0
	for _, s := range said {
		n := c.alice.Count(0, stack.Text(room, c.ghost, s.text))
		seen += min(n, 1)
		switch {
		case n > 1, n == 0 && s.err == nil && !f.kills:
			c.t.Errorf("%s: Alice has seen %q %d times, and Bob was told %v", f.name, s.text, n, s.err)
		case n == 0 && s.err == nil:
			unread++
		}
	}
	if f.kills && unread > mostUnread {
		c.t.Errorf("%s: %d texts are gone that the service had taken", f.name, unread)
	}
	arrived := c.inOrder(f.name, c.heardTexts(0), fmt.Sprintf("From Matrix, %d.", number))
	c.inOrder(f.name, c.seenTexts(0, room), fmt.Sprintf("From MSN, %d.", number))
	fmt.Fprintf(table, "%-40s %8d %8d %6d %6d %8d %8d %8s\n", f.name, len(written), arrived, told, len(said), seen, unread, back.Round(10*time.Millisecond))
}

// saysAtLast has Bob say something until Alice sees it: he can be told that it does not go out.
func (c *cast) saysAtLast(text string) {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for n := 0; ; n++ {
		saying, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		err := c.bob.Say(saying, c.account, fmt.Sprintf("%s, %d", text, n))
		cancel()
		if err == nil {
			c.sees(0, "Bob's last", stack.Text("", c.ghost, fmt.Sprintf("%s, %d", text, n)))
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("Bob cannot be heard: %v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// settles waits until of each text is known what became of it, a minute at most.
func (c *cast) settles(written []writtenText) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err := c.alice.Settle(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
		open := slices.ContainsFunc(written, func(w writtenText) bool {
			return c.bob.Count(0, stack.HeardText(c.account, w.text)) == 0 && c.alice.Count(0, noticeAbout(w.event)) == 0
		})
		if !open {
			return
		}
	}
}

// inOrder fails the test unless the texts with a beginning and a number come in the order of that. It returns how many
// there are.
func (c *cast) inOrder(name string, texts []string, beginning string) (n int) {
	c.t.Helper()
	before := -1
	for _, text := range texts {
		rest, ok := strings.CutPrefix(text, beginning)
		if !ok {
			continue
		}
		var number int
		if _, err := fmt.Sscan(rest, &number); err != nil {
			c.t.Fatal(err)
		}
		if number <= before {
			c.t.Errorf("%s: %q came after number %d", name, text, before)
		}
		before = number
		n++
	}
	return n
}
