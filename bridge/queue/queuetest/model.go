// Package queuetest drives a queue.Loop with random events, and holds what can be seen
// of it to a model: nothing is lost, nothing is sent twice or in another order, and what
// may have been sent is told as uncertain.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"matrix-msn/bridge/queue"
)

// Table is a Store that rows can be put into. It outlasts crashes.
type Table[K comparable, R any] interface {
	queue.Store[K, R]
	// Put adds a row of an owner, and reports false for one whose ID is there already.
	Put(ctx context.Context, key, id, owner string) (e queue.Entry[R], added bool, err error)
	// Key returns the key that rows of a name are put in with.
	Key(name string) K
	// ID returns the ID that a row was put in with.
	ID(row R) string
}

// Again is a Table that claims rows while they are read, also those that an earlier run had
// claimed: they are sent again, and who gets them knows what is there already.
type Again interface{ Again() }

// Changes is a Table whose rows can be changed while nobody has claimed them, and which does not
// take a row again whose outcome it knows.
type Changes[R any] interface {
	// Correct gives a row a new text, and reports false when it is claimed or gone.
	Correct(ctx context.Context, id, text string) (bool, error)
	// Withdraw takes a row out, and reports false when it is claimed or gone.
	Withdraw(ctx context.Context, id string) (bool, error)
	// SetOutcome notes that the fate of a row is being told.
	SetOutcome(ctx context.Context, row R, fate error) error
	// Text returns the text of a row.
	Text(row R) string
}

// The fates that the model tells.
var (
	errUncertain = errors.New("it may have been sent")
	errRefused   = errors.New("it was refused before it was sent")
	errNAK       = errors.New("it did not arrive")
	errNotSeen   = errors.New("it was held for too long")
	errClosed    = errors.New("the user logs out")
	errFault     = errors.New("out of order")
	errOffline   = errors.New("try later")
)

// patience is how often the loop tries in a row to tell a fate, at least.
const patience = 12

// holdLimit is how long the model holds a row.
const holdLimit = 6 * time.Hour

// item is what the model knows of a row.
type item struct {
	id, key   string
	number    int // order of being put
	begun     int // when it was last begun, in events
	begins    int // how often it was
	failed    int // when it was last found to be offline
	heldAt    time.Time
	held      int  // when it was last noted as held, 0 while it is not
	attempts  int  // how often it was on its way
	delivered int  // when
	maybe     bool // it may have been delivered when a process ended
	saved     bool // it is known as delivered, also after a crash
	told      []error
	text      string // if it was corrected
	withdrawn bool
	untold    int  // how often the room did not take it
	crashes   int  // at the time when it was told
	unsure    bool // the table may not know that it was not begun
}

// attempt is a row on its way to the contact.
type attempt struct {
	it      *item
	turn    chan struct{} // closed when the one before it is through
	through chan struct{}
	offline bool          // the whole conversation has failed
	cut     chan struct{} // closed when the connection is lost; guarded by mu as what follows
	lost    bool
	behind  bool // another one has lost it, too, that is put back
}

// world is everything around the loop.
type world[K comparable, R any] struct {
	t      testing.TB
	seed   uint64
	window int
	table  Table[K, R]
	again  bool       // the table is an Again
	change Changes[R] // the table, or nil when it is none

	mu      sync.Mutex
	events  int
	crashes int
	items   map[string]*item
	keys    map[string]K
	chains  map[string][]*attempt // conversations, by key
	offline map[string]bool
	broken  map[string]int // by key, when a row lost its connection that the queue does not know of: those behind it follow
	working map[string]int // rows under way, by key
	faults  float64        // how often the table and the rooms fail
	random  *rand.Rand     // of faults
	wrong   []string
	trace   []string // what happened, to be shown with what is wrong
}

// note takes an event down. mu is held.
func (w *world[K, R]) note(format string, args ...any) {
	w.events++
	w.trace = append(w.trace, fmt.Sprintf("%d %s ", w.events, time.Now().Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (w *world[K, R]) violation(format string, args ...any) {
	w.note("WRONG: "+format, args...)
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// dice returns numbers that depend on the seed, a row and its attempt alone, so that a
// seed can be played again however goroutines take turns.
func (w *world[K, R]) dice(id string, attempt int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, id, attempt)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// fails reports whether something is out of order now.
func (w *world[K, R]) fails() bool { return w.faults > 0 && w.random.Float64() < w.faults }

// process is one life of the bridge.
type process[K comparable, R any] struct {
	*world[K, R]
	dead      bool // guarded by mu
	finishing bool // nothing is to be begun; guarded by mu
	loop      *queue.Loop[K, R]
	cancel    context.CancelFunc
	runs      bool
}

func (w *world[K, R]) newProcess() *process[K, R] {
	p := &process[K, R]{world: w}
	p.loop = queue.New(queue.Config[K, R]{
		Store: &faulty[K, R]{p}, Work: p, Window: w.window, Batch: 5, Parallel: 3, Patience: 20 * time.Second, Again: w.again,
	})
	return p
}

// Begin sends a row, or says why not.
func (p *process[K, R]) Begin(ctx context.Context, job *queue.Job[R]) queue.Outcome {
	p.mu.Lock()
	it := p.items[p.table.ID(job.Row)]
	p.note("%s of %s begins: earlier %t, behind %t", it.id, it.key, job.Earlier, job.Behind)
	if p.finishing {
		p.violation("%s is begun though nothing is to be", it.id)
	}
	it.begun = p.events
	it.begins++
	if p.working[it.key]++; p.working[it.key] > p.window {
		p.violation("%d rows of %s are under way", p.working[it.key], it.key)
	}
	o, finish := p.begin(ctx, job, it)
	p.mu.Unlock()
	if finish == nil {
		p.through(it)
		return o
	}
	return queue.Pending(func() queue.Outcome {
		defer p.through(it)
		return finish()
	})
}

func (p *process[K, R]) through(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working[it.key]--
}

// begin is Begin while mu is held; it is not held while the row is claimed.
func (p *process[K, R]) begin(ctx context.Context, job *queue.Job[R], it *item) (o queue.Outcome, finish func() queue.Outcome) {
	dice := p.dice(it.id, it.attempts)
	until := it.heldAt.Add(holdLimit)
	switch {
	case it.saved:
		return queue.Tell(nil), nil
	case job.Earlier && p.again:
		p.violation("%s is not claimed again", it.id)
	case job.Earlier:
		if it.begins == 1 && !it.unsure {
			p.violation("%s, which was never begun, counts as begun", it.id)
		}
		return queue.Tell(errUncertain), nil
	case !it.heldAt.IsZero() && !time.Now().Before(until):
		return queue.Tell(errNotSeen), nil
	case job.Behind && !it.heldAt.IsZero():
		return queue.StillHeld(until), nil
	case job.Behind:
		return queue.Hold(time.Now().Add(holdLimit)), nil
	case dice.Float64() < 0.05:
		return queue.Tell(errRefused), nil
	case p.window == 1 && dice.Float64() < 0.1:
		it.attempts++
		return queue.Retry(errOffline), nil
	}
	waits := dice.Float64() < 0.1
	p.mu.Unlock()
	var unclaimed error
	if waits {
		unclaimed = job.Unclaim(ctx)
	}
	err := unclaimed
	if err == nil {
		err = job.Claim(ctx)
	}
	p.mu.Lock()
	switch {
	case errors.Is(err, queue.ErrLost):
		return queue.Leave(), nil
	case err != nil && ctx.Err() != nil:
		return queue.PutBack(), nil
	case unclaimed != nil:
		return queue.Retry(unclaimed), nil
	case err != nil:
		return queue.Tell(errRefused), nil
	}
	if p.dead {
		return queue.Leave(), nil
	}
	if p.change != nil && p.change.Text(job.Row) != it.text {
		p.violation("%s is sent as %q, and was corrected to %q", it.id, p.change.Text(job.Row), it.text)
	}
	if job.Alone {
		delete(p.broken, it.key)
	}
	return o, p.send(ctx, it, dice)
}

// send puts a row into its conversation. mu is held.
func (p *process[K, R]) send(ctx context.Context, it *item, dice *rand.Rand) func() queue.Outcome {
	it.attempts++
	switch {
	case it.withdrawn:
		p.violation("%s is sent after it was withdrawn", it.id)
	case p.again && (len(it.told) == 0 || it.crashes != p.crashes): // who gets it knows it
	case it.delivered != 0:
		p.violation("%s is sent after it was delivered", it.id)
	case it.maybe:
		p.violation("%s is sent after it may have been delivered", it.id)
	case len(it.told) > 0:
		p.violation("%s is sent after it was told: %v", it.id, it.told)
	}
	for _, other := range p.items {
		if other.key == it.key && !other.withdrawn && other.number < it.number && other.held != 0 && other.held < it.begun && other.begun < other.held {
			p.violation("%s is sent while %s, which is before it, is held", it.id, other.id)
		}
	}
	if p.broken[it.key] > 0 {
		return queue.Follow
	}
	a := &attempt{it: it, turn: make(chan struct{}), through: make(chan struct{}), cut: make(chan struct{})}
	if chain := p.chains[it.key]; len(chain) > 0 {
		a.turn = chain[len(chain)-1].through
	} else {
		close(a.turn)
	}
	p.chains[it.key] = append(p.chains[it.key], a)
	return func() queue.Outcome {
		defer close(a.through)
		select {
		case <-a.turn:
		case <-a.cut:
		}
		timer := time.NewTimer(time.Duration(dice.Int64N(int64(4 * time.Second))))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-a.cut:
			// The others can know it earlier, and what is begun meanwhile has another connection.
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.chains[it.key] = slices.DeleteFunc(p.chains[it.key], func(other *attempt) bool { return other == a })
		return p.arrive(ctx, a, dice)
	}
}

// arrive decides about a row whose turn it is. mu is held.
func (p *process[K, R]) arrive(ctx context.Context, a *attempt, dice *rand.Rand) queue.Outcome {
	it := a.it
	p.note("%s has its turn, offline %t", it.id, a.offline || p.offline[it.key])
	switch {
	case p.dead, a.lost && it.maybe && ctx.Err() != nil:
		return queue.Leave()
	case a.lost && it.maybe:
		return queue.Tell(errUncertain)
	case a.lost && a.behind && dice.IntN(2) == 0:
		return queue.Follow()
	case a.lost:
		// From now on the queue has to see to it that those behind it do not overtake it.
		at := p.broken[it.key]
		time.AfterFunc(time.Millisecond, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.broken[it.key] == at {
				delete(p.broken, it.key)
			}
		})
		return queue.PutBack()
	}
	if a.offline || ctx.Err() == nil && p.offline[it.key] {
		for _, behind := range p.chains[it.key] {
			behind.offline = true // those in the same conversation
		}
		it.failed = p.events
		if !p.offline[it.key] {
			return queue.Tell(errNAK) // nobody would release it: they are online already
		}
		until := it.heldAt.Add(holdLimit)
		if it.heldAt.IsZero() {
			until = time.Now().Add(holdLimit)
		}
		return queue.Hold(until)
	}
	switch chance := dice.Float64(); {
	case ctx.Err() != nil && chance < 0.5:
		it.failed = p.events
		return queue.PutBack()
	case ctx.Err() != nil:
		it.maybe = true
		return queue.Leave()
	case chance < 0.05:
		return queue.Tell(errNAK)
	case chance < 0.1:
		it.maybe = true
		return queue.Tell(errUncertain)
	}
	p.deliver(it)
	return queue.Tell(nil)
}

// lose has all conversations end with the connection that they need. What is on the wire may have arrived; what waits for its
// turn has surely not, and is to go out by the next connection, which is there at once. mu is held.
func (w *world[K, R]) lose() {
	w.note("the connection is lost")
	for _, key := range slices.Sorted(maps.Keys(w.chains)) {
		for i, a := range w.chains[key] {
			if a.offline {
				continue
			}
			a.lost, a.behind = true, w.broken[key] > 0
			close(a.cut)
			if i == 0 && w.dice(key, w.events).IntN(3) == 0 {
				a.it.maybe = true
				continue
			}
			w.broken[key] = w.events
		}
	}
	clear(w.chains)
}

// deliver is that the contact gets a text. mu is held.
func (w *world[K, R]) deliver(it *item) {
	if w.again && it.delivered != 0 {
		return
	}
	w.note("%s arrives", it.id)
	it.delivered = w.events
	for _, other := range w.items {
		if other.key != it.key || other.number < it.number || other == it || other.delivered == 0 {
			continue
		}
		// What was under way when the earlier one failed may overtake it.
		if w.window == 1 || it.failed == 0 || other.begun > it.failed {
			w.violation("%s arrives after %s", it.id, other.id)
		}
	}
}

// Tell notes what the room is told.
func (p *process[K, R]) Tell(ctx context.Context, row R, fate error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	it := p.items[p.table.ID(row)]
	if p.dead || p.fails() {
		it.untold++
		return errFault
	}
	if p.change != nil && p.change.SetOutcome(ctx, row, fate) != nil {
		it.untold++
		return errFault
	}
	p.note("%s is told: %v", it.id, fate)
	surely := fate != nil && !errors.Is(fate, errUncertain)
	switch {
	case len(it.told) > 0 && it.crashes == p.crashes:
		p.violation("%s is told %v after %v", it.id, fate, it.told)
	case len(it.told) > 0 && surely && !p.again:
		p.violation("%s is told %v after a crash, though it was told %v", it.id, fate, it.told)
	case it.withdrawn:
		p.violation("%s is told %v after it was withdrawn", it.id, fate)
	case fate == nil && it.delivered == 0:
		p.violation("%s is told as delivered", it.id)
	case surely && (it.delivered != 0 || it.maybe) && !p.again:
		p.violation("%s is told as not delivered: %v", it.id, fate)
	}
	it.told, it.crashes = append(it.told, fate), p.crashes
	it.saved = it.saved || fate == nil
	return nil
}

// crash ends a process as SIGKILL does: from now on nothing that it does counts.
func (p *process[K, R]) crash() {
	p.mu.Lock()
	p.dead = true
	p.note("crash")
	p.crashes++
	for _, it := range p.items {
		it.unsure = true
	}
	for key, chain := range p.chains {
		arrived := p.dice(key, p.events).IntN(len(chain) + 1)
		for i, a := range chain {
			if a.offline || p.offline[key] {
				continue
			}
			if a.it.maybe = true; i < arrived {
				p.deliver(a.it)
			}
		}
	}
	clear(p.chains)
	clear(p.broken)
	p.mu.Unlock()
	p.stop()
	clear(p.working)
}

func (p *process[K, R]) start(ctx context.Context) {
	var own context.Context
	p.mu.Lock()
	p.finishing = p.finishing && p.runs
	p.mu.Unlock()
	own, p.cancel = context.WithCancel(ctx)
	p.loop.Start(own)
	p.runs = true
}

func (p *process[K, R]) stop() {
	if !p.runs {
		return
	}
	p.runs = false
	p.loop.Stop()
	p.cancel()
}
