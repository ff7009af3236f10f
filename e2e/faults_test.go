package e2e

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// How the test of faults runs: each fault so often, which ones, and where their table is written to.
var (
	faultRounds = flag.Int("faults", 1, "how often each fault is made; more than once also makes those that take long")
	faultOnly   = flag.String("faults.only", "", "pattern of the names of the faults to make")
	faultTable  = flag.String("faults.table", "", "file to write the table of the faults to")
)

// fault is something that goes wrong while both sides write.
type fault struct {
	name string
	// make does it, and returns when it is over.
	make func(c *crowd)
	// ends is waited for when nobody writes any more, if it is not nil: of what takes so long that the homeserver would have to
	// push for minutes what was written meanwhile.
	ends func(c *crowd)
	// unread is set when what the service has acknowledged and the bridge has not read yet is gone with the
	// connection: the protocol has nothing against that.
	unread bool
	// overtaken is set when the homeserver pushes again what it was in the middle of pushing, but only half a minute
	// later and behind what has come since: the order in which texts come to the bridge is not that of the room.
	overtaken bool
	// needs is what the homeserver has to do for the fault to lose nothing; "" is nothing.
	needs stack.Capability
	// long is set when the normal tests have no time for it: it takes long, or is much like another one.
	long bool
}

var faults = []fault{
	{name: "SIGKILL", unread: true, make: func(c *crowd) { c.restart(c.bridge.Kill) }},
	{name: "SIGTERM", long: true, make: func(c *crowd) { c.restart(c.bridge.Stop) }},
	{name: "the homeserver's connection is cut", make: func(c *crowd) {
		for range 8 {
			c.toBridge.cut(false)
			lasts(time.Duration(rand.IntN(40)) * time.Millisecond)
		}
	}},
	{name: "the homeserver is away", long: true, make: func(c *crowd) {
		c.toHomeserver.cut(true)
		lasts(time.Second)
		c.toHomeserver.cut(false)
	}},
	{name: "the homeserver is killed", overtaken: true, needs: stack.PushesAfterKill, make: func(c *crowd) {
		if err := c.parts.Homeserver.Kill(); err != nil {
			c.t.Error(err)
		}
		if err := c.parts.Homeserver.Restart(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}},
	{name: "the connection to the service is cut", make: func(c *crowd) {
		if err := c.at().Drop(c.account); err != nil {
			c.t.Error(err)
		}
	}},
	{name: "the conversations are cut", unread: true, make: func(c *crowd) { c.at().DropSwitchboards(c.account) }},
	{name: "all lines to the service are cut", unread: true, long: true, make: func(c *crowd) { c.toService.cut(false) }},
	{name: "the service is restarted", unread: true, make: (*crowd).restartService},
	{name: "the service is half-open", unread: true, long: true, make: func(c *crowd) {
		c.toService.set(lineSwallows)
		lasts(2 * time.Second)
		c.toService.set(lineFlows)
	}},
	{name: "the service passes a byte a second", long: true, make: func(c *crowd) {
		c.toService.set(lineDrips)
		lasts(3 * time.Second)
		c.toService.set(lineFlows)
	}},
	{name: "nothing is delivered for a second", make: func(c *crowd) {
		unhook := c.at().Hook(msntest.For(c.account, msntest.On("MSG", msntest.NAK())))
		lasts(time.Second)
		unhook()
	}},
	{name: "the database is locked", make: func(c *crowd) {
		c.inDatabase("BEGIN IMMEDIATE")
	}},
	{name: "the disk is full", unread: true, make: (*crowd).fillDisk},
	{name: "the clock is set back", unread: true, make: func(c *crowd) { c.moveClock(-time.Hour) }},
	{name: "the clock is set forward", unread: true, long: true, make: func(c *crowd) { c.moveClock(time.Hour) }},
	{name: "a second process", make: (*crowd).startSecond},
}

// lasts returns after a time. How long a fault lasts, and when it comes, is what is tested: there is nothing else to
// wait for.
func lasts(d time.Duration) { time.Sleep(d) }

// restart ends the bridge and starts it again.
func (c *crowd) restart(end func() error) {
	c.t.Helper()
	if err := end(); err != nil {
		c.t.Error(err)
	}
	c.start()
}

// start starts the bridge that has ended.
func (c *crowd) start() {
	c.t.Helper()
	marks := c.marks()
	if err := c.bridge.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.online(marks)
}

// restartService ends the service and starts another one with the same people at the same address.
func (c *crowd) restartService() {
	c.t.Helper()
	c.at().Close()
	again, err := stack.StartMSN(c.t.Context(), c.options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.service = again
	c.mu.Unlock()
	c.addAccounts()
	c.friendsCome()
	c.online(make([]stack.Mark, len(c.friends)))
}

// inDatabase begins a transaction beside the bridge, and takes it back a second later.
func (c *crowd) inDatabase(begin string) {
	db, err := sql.Open("sqlite3", "file:"+c.bridge.Database()+"?_busy_timeout=5000")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(begin); err != nil {
		c.t.Error(err)
	}
	lasts(time.Second)
	if _, err := db.Exec("ROLLBACK"); err != nil {
		c.t.Error(err)
	}
}

// fillDisk has the bridge write nothing for a second. A bridge that encrypts ends then, when it cannot note how far it
// has synced, and is started again as by systemd.
func (c *crowd) fillDisk() {
	c.t.Helper()
	if err := c.bridge.LimitFiles(0); err != nil {
		c.t.Fatal(err)
	}
	lasts(time.Second)
	if err := c.bridge.LimitFiles(-1); err != nil && !c.bridge.Ended() {
		c.t.Fatal(err)
	}
	// It says so nowhere before it has ended.
	lasts(200 * time.Millisecond)
	if c.bridge.Ended() {
		_ = c.bridge.Kill()
		c.start()
	}
}

// startSecond starts another process on the bridge's database. What it could disturb it disturbs at its start; that it
// refuses to go on takes it until the first has given a sign of life, for which only the long form waits.
func (c *crowd) startSecond() {
	c.t.Helper()
	waits := 3 * time.Second
	if *faultRounds > 1 {
		waits = time.Minute
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), waits)
	defer cancel()
	output, err := c.bridge.RunSecond(ctx)
	const refusal = "Another process of this bridge uses the database"
	if refused := strings.Contains(output, refusal); err == nil || !refused && (*faultRounds > 1 || ctx.Err() == nil) {
		c.t.Errorf("the second process ended with %v and said\n%s", err, output)
	}
}

// moveClock has the bridge find another time after it was killed. No program may set the clock of another one without
// setting that of the whole machine. But a clock that goes back by an hour while the bridge is down looks to it like
// rows whose times lie an hour ahead, and so those are moved.
func (c *crowd) moveClock(by time.Duration) {
	c.t.Helper()
	if err := c.bridge.Kill(); err != nil {
		c.t.Error(err)
	}
	db, err := sql.Open("sqlite3", "file:"+c.bridge.Database())
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE matrix_queue SET written_at=written_at-?1, queued_at=queued_at-?1, position=position-?1*1000000",
		"UPDATE matrix_queue SET held_at=held_at-?1 WHERE held_at<>0",
		"UPDATE msn_queue SET received_at=received_at-?1, position=position-?1*1000000",
		"UPDATE intake SET received_at=received_at-?1",
		"UPDATE message SET timestamp=timestamp-?1*1000000",
	} {
		if _, err := db.ExecContext(c.t.Context(), statement, by.Milliseconds()); err != nil {
			c.t.Fatal(err)
		}
	}
	c.start()
}

// Both sides write numbered texts in four rooms, one of them encrypted and, in the long form, one with several people. Alice
// changes some at once, while something goes wrong. What was written on Matrix arrives once, or its writer is told that it did
// not, or may not have; what the service has taken is seen once; and all of it is in order in its room.
func TestFaultsLoseNothingAndDoubleNothing(t *testing.T) {
	t.Parallel()
	only, err := regexp.Compile(*faultOnly)
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(t, crowdOptions{id: "faulty"})
	c.gather()
	table := newTable(t, *faultTable)
	defer table.end()
	run := 0
	for range *faultRounds {
		for _, f := range faults {
			if f.needs != "" && !homeserver.Does(f.needs) {
				t.Logf("without %q: %s is no homeserver that %s", f.name, homeserver.Name(), f.needs)
				continue
			}
			if only.MatchString(f.name) && (!f.long || *faultRounds > 1 || *faultOnly != "") {
				c.goesWrong(f, run, table)
				run++
			}
		}
	}
	// Nothing has come a second time long after its run.
	for _, f := range c.friends {
		for text, n := range counts(f.heard()) {
			if n > 1 {
				t.Errorf("%s has heard %q %d times", f.name, text, n)
			}
		}
	}
	for room, texts := range c.look(0).texts {
		for text, n := range counts(texts) {
			if n > 1 {
				t.Errorf("Alice has seen %q in %s %d times", text, room, n)
			}
		}
	}
}

// goesWrong makes a fault while both sides write, and holds what became of the texts against what was told.
func (c *crowd) goesWrong(f fault, run int, table *table) {
	c.t.Helper()
	mark := c.alice.Mark()
	var all []*pages
	for _, l := range c.lanes {
		all = append(all, &pages{lane: l, run: run, overtaken: f.overtaken})
	}
	ctx, stopWriting := context.WithCancel(c.t.Context())
	var writing sync.WaitGroup
	writing.Go(func() { c.writeBoth(ctx, all) })
	c.flows(all)
	// It goes wrong at whatever moment, and both sides go on writing for a while.
	lasts(time.Duration(rand.IntN(200)) * time.Millisecond)
	f.make(c)
	begun := time.Now()
	lasts(200 * time.Millisecond)
	stopWriting()
	writing.Wait()
	if f.ends != nil {
		f.ends(c)
	}

	var back sync.WaitGroup
	for _, p := range all {
		back.Go(func() {
			if err := c.backAgain(p); err != nil {
				c.t.Errorf("%s: %v", f.name, err)
			}
		})
	}
	back.Wait()
	took := time.Since(begun)
	news := c.settle(mark, all, f.unread)
	var toMSN, toMatrix score
	failed := c.t.Failed()
	for _, p := range all {
		to, from := p.score(c.t, news, f.unread, true)
		toMSN.add(to)
		toMatrix.add(from)
		if len(p.unsure) > 0 {
			c.t.Logf("%s: of %d texts in %s it is not known that the homeserver has them", f.name, len(p.unsure), p.name)
		}
	}
	if c.t.Failed() && !failed {
		c.t.Errorf("that was run %d: %s", run, f.name)
	}
	table.row(f.name, toMSN, toMatrix, took)
}

// flows waits until in each room some texts have gone each way.
func (c *crowd) flows(all []*pages) {
	c.t.Helper()
	for _, p := range all {
		for _, f := range p.hearers {
			text := p.fromMatrix(laneUnderWay)
			if _, err := f.now().WaitEventAfter(c.t.Context(), 0, text, func(h stack.Heard) bool {
				return stack.HeardText("", text)(h) || stack.HeardText("", text+" changed")(h)
			}); err != nil {
				c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
			}
		}
		c.sees(0, p.fromMSN(laneUnderWay), stack.Text(p.room, p.ghost, p.fromMSN(laneUnderWay)))
	}
}

// table is what became of the texts, run by run and in all.
type table struct {
	t      *testing.T
	path   string
	rows   strings.Builder
	names  []string
	totals map[string]*total
}

// total is of all runs of a fault.
type total struct {
	runs            int
	toMSN, toMatrix score
	longest         time.Duration
}

func newTable(t *testing.T, path string) *table {
	tb := &table{t: t, path: path, totals: make(map[string]*total)}
	const head = "sent arriv  lost   dbl   ord  told  t+a"
	fmt.Fprintf(&tb.rows, "%-40s | to MSN %37s | to Matrix\n", "", "")
	fmt.Fprintf(&tb.rows, "%-40s | %s | %s unread | back in\n", "fault", " "+head, " "+head)
	return tb
}

func (tb *table) row(name string, toMSN, toMatrix score, took time.Duration) {
	fmt.Fprintf(&tb.rows, "%-40s | %s | %s %6d | %7s\n", name, toMSN, toMatrix, toMatrix.unread, took.Round(10*time.Millisecond))
	sum := tb.totals[name]
	if sum == nil {
		sum = &total{}
		tb.totals[name] = sum
		tb.names = append(tb.names, name)
	}
	sum.runs++
	sum.toMSN.add(toMSN)
	sum.toMatrix.add(toMatrix)
	sum.longest = max(sum.longest, took)
	tb.write(tb.rows.String())
}

func (s score) String() string {
	return fmt.Sprintf("%5d %5d %5d %5d %5d %5d %4d", s.sent, s.arrived, s.lost, s.doubled, s.disorder, s.told, s.toldArrived)
}

// end adds the sums.
func (tb *table) end() {
	if slices.ContainsFunc(tb.names, func(name string) bool { return tb.totals[name].runs > 1 }) {
		tb.rows.WriteString("\nin all\n")
		for _, name := range tb.names {
			sum := tb.totals[name]
			fmt.Fprintf(&tb.rows, "%-36s x%2d | %s | %s %6d | %7s\n", name, sum.runs, sum.toMSN, sum.toMatrix, sum.toMatrix.unread, sum.longest.Round(10*time.Millisecond))
		}
	}
	tb.t.Logf("\n%s", tb.rows.String())
	tb.write(tb.rows.String())
}

func (tb *table) write(text string) {
	if tb.path == "" {
		return
	}
	if err := os.WriteFile(tb.path, []byte(text), 0o644); err != nil {
		tb.t.Error(err)
	}
}
