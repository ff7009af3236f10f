package queuetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/queue"
)

// Run plays the random events of a seed on an empty table, with a window of 1 or more. It
// is to be called in a bubble of testing/synctest.
func Run[K comparable, R any](t testing.TB, seed uint64, window int, table Table[K, R]) {
	random := rand.New(rand.NewPCG(seed, uint64(window)))
	w := &world[K, R]{
		t: t, seed: seed, window: window, table: table, items: make(map[string]*item), keys: make(map[string]K),
		chains: make(map[string][]*attempt), offline: make(map[string]bool), broken: make(map[string]int), working: make(map[string]int),
		random: rand.New(rand.NewPCG(seed, 7)),
	}
	_, w.again = table.(Again)
	w.change, _ = table.(Changes[R])
	d := &driver[K, R]{world: w, random: random, ctx: context.Background()}
	d.p = w.newProcess()
	d.p.start(d.ctx)
	for range 20 + random.IntN(60) {
		d.step()
		if random.Float64() < 0.7 {
			synctest.Wait()
		}
	}
	d.end()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wrong := range w.wrong {
		t.Errorf("seed %d, window %d: %s", seed, window, wrong)
	}
	if len(w.wrong) > 0 {
		t.Log(strings.Join(w.trace, "\n"))
	}
}

// driver makes the events.
type driver[K comparable, R any] struct {
	*world[K, R]
	random *rand.Rand
	ctx    context.Context
	p      *process[K, R]
}

func (d *driver[K, R]) key() string { return fmt.Sprint("key", d.random.IntN(5)) }

// step makes one event.
func (d *driver[K, R]) step() {
	switch d.random.IntN(18) {
	case 0, 1, 2, 3, 4:
		key := d.key()
		for range 1 + d.random.IntN(12) {
			d.put(key, fmt.Sprint("row", len(d.items)))
		}
	case 5: // the same event twice
		d.mu.Lock()
		it := d.items[fmt.Sprint("row", d.random.IntN(len(d.items)+1))]
		repeat := it != nil && (len(it.told) == 0 || d.change != nil) && !it.withdrawn
		d.mu.Unlock()
		if repeat {
			d.put(it.key, it.id)
		}
	case 6, 7:
		key := d.key()
		d.setOffline(key, !d.offline[key])
	case 8: // presence that changes nothing
		if key := d.key(); !d.offline[key] {
			d.release(key)
		}
	case 9:
		d.mu.Lock()
		d.faults = max(0, d.random.Float64()*0.8-0.3)
		d.mu.Unlock()
	case 10:
		if d.random.IntN(2) == 0 {
			d.finish()
		}
		d.p.stop()
	case 11:
		d.p.crash()
		d.p = d.newProcess()
		d.p.start(d.ctx)
	case 12:
		d.pass(time.Duration(d.random.Int64N(int64(3 * time.Hour))))
	case 13, 14: // the user thinks better of it
		if d.change != nil {
			d.changeRow()
			return
		}
		d.pass(time.Duration(d.random.Int64N(int64(5 * time.Second))))
	case 15, 16:
		d.mu.Lock()
		d.lose()
		d.mu.Unlock()
	default:
		d.pass(time.Duration(d.random.Int64N(int64(5 * time.Second))))
	}
	if !d.p.runs && d.random.IntN(3) == 0 {
		d.p.start(d.ctx)
	}
}

// pass lets time pass.
func (d *driver[K, R]) pass(how time.Duration) { <-time.After(how) }

// finish lets what is under way come to its end, for a while, and puts more meanwhile.
func (d *driver[K, R]) finish() {
	over := d.p.loop.Finish()
	synctest.Wait() // what was just being taken up is begun
	d.mu.Lock()
	d.p.finishing = true
	d.mu.Unlock()
	d.put(d.key(), fmt.Sprint("row", len(d.items)))
	select {
	case <-over:
		synctest.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		for key, n := range d.working {
			if n > 0 {
				d.violation("%d rows of %s are under way when all is said to have come to its end", n, key)
			}
		}
	case <-time.After(time.Duration(d.random.Int64N(int64(20 * time.Second)))):
	}
}

func (d *driver[K, R]) put(key, id string) {
	k := d.table.Key(key)
	ahead := d.random.IntN(2) == 0
	owner := ""
	if ahead {
		owner = d.p.loop.ClaimOwner(k)
	}
	d.mu.Lock()
	e, added, err := d.table.Put(d.ctx, key, id, owner)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.keys[key] = k; d.items[id] == nil {
		d.items[id] = &item{id: id, key: key, number: len(d.items) + 1}
	}
	d.mu.Unlock()
	if owner != "" && !d.again && d.random.IntN(5) == 0 {
		// Who puts another row of the key meanwhile has this one found.
		d.p.loop.Wake(k, e.Position)
		d.pass(time.Duration(d.random.IntN(3)) * time.Second)
	}
	if owner != "" && d.random.IntN(10) == 0 {
		d.p.stop() // in the middle of it
	}
	switch {
	case !added:
	case !ahead:
		d.p.loop.Wake(k, e.Position)
	case !d.p.loop.WakeWith(k, e) && !d.again:
		if _, err := d.table.SetOwner(d.ctx, e, ""); err != nil {
			d.t.Fatal(err)
		}
		d.p.loop.Wake(k, e.Position)
	}
}

// changeRow corrects or withdraws a row, at whatever moment of its life.
func (d *driver[K, R]) changeRow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	it := d.items[fmt.Sprint("row", d.random.IntN(len(d.items)+1))]
	if it == nil {
		return
	}
	var changed bool
	var err error
	if text := fmt.Sprint("corrected ", d.events); d.random.IntN(2) == 0 {
		if changed, err = d.change.Correct(d.ctx, it.id, text); changed {
			d.note("%s is corrected", it.id)
			it.text = text
		}
	} else if changed, err = d.change.Withdraw(d.ctx, it.id); changed {
		d.note("%s is withdrawn", it.id)
		it.withdrawn = true
	}
	if err != nil {
		d.t.Fatal(err)
	}
	for _, a := range d.chains[it.key] {
		if changed && a.it == it {
			d.violation("%s is changed while it is on its way", it.id)
		}
	}
	if changed && len(it.told) > 0 && it.crashes == d.crashes {
		d.violation("%s is changed after it was told %v", it.id, it.told)
	}
}

func (d *driver[K, R]) setOffline(key string, offline bool) {
	d.mu.Lock()
	d.offline[key] = offline
	d.mu.Unlock()
	if !offline {
		d.release(key)
	}
}

func (d *driver[K, R]) release(key string) {
	if k, known := d.keys[key]; known {
		d.mu.Lock()
		d.note("%s is released", key)
		d.mu.Unlock()
		d.p.loop.Release(k)
	}
}

// end puts everything right, and looks what has become of the rows: of all of them
// something is told, or they are left when the user logs out.
func (d *driver[K, R]) end() {
	d.mu.Lock()
	d.faults = 0
	d.mu.Unlock()
	if d.random.IntN(3) == 0 {
		d.logOut()
	} else {
		if !d.p.runs {
			d.p.start(d.ctx)
		}
		for key := range d.keys {
			d.setOffline(key, false)
		}
		d.pass(2 * time.Hour)
	}
	synctest.Wait()
	for _, stack := range goroutines() {
		if strings.Contains(stack, "queue.(*run") {
			d.violation("a goroutine is left while nothing is to be done: %s", stack)
		}
	}
	keys, err := d.table.Keys(d.ctx)
	if err != nil || len(keys) > 0 {
		d.violation("in the table are left %v, %v", keys, err)
	}
	d.mu.Lock()
	for _, it := range d.items {
		if len(it.told) == 0 && it.untold < patience && !it.withdrawn {
			d.violation("of %s nothing was told: %+v", it.id, *it)
		}
	}
	d.mu.Unlock()
	for _, k := range d.keys {
		if d.p.runs && !d.p.loop.Idle(k) {
			d.violation("%v is not idle", k)
		}
	}
	d.p.stop()
}

// goroutines returns the stacks of the goroutines in the bubble of the caller.
func goroutines() (own []string) {
	stacks := make([]byte, 1<<22)
	stacks = stacks[:runtime.Stack(stacks, true)]
	bubble := regexp.MustCompile(`synctest bubble \d+`).Find(stacks) // the caller's stack comes first
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if head, _, _ := strings.Cut(stack, "\n"); strings.Contains(head, string(bubble)+"]") {
			own = append(own, stack)
		}
	}
	return own
}

// logOut settles what is left.
func (d *driver[K, R]) logOut() {
	d.p.stop()
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
	defer cancel()
	err := d.p.loop.Farewell(ctx, func(_ context.Context, job *queue.Job[R]) queue.Outcome {
		d.mu.Lock()
		defer d.mu.Unlock()
		switch it := d.items[d.table.ID(job.Row)]; {
		case it.saved:
			return queue.Tell(nil)
		case job.Earlier:
			return queue.Tell(errUncertain)
		}
		return queue.Tell(errClosed)
	})
	if err != nil {
		d.violation("farewell: %v", err)
	}
}
