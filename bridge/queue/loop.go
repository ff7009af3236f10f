package queue

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"matrix-msn/bridge/retry"
)

// Loop works off a Store. It is stopped at first. Its methods may be called from
// anywhere, also by its Work, with the exception of Stop.
type Loop[K comparable, R any] struct {
	cfg Config[K, R]

	mu   sync.Mutex
	last *run[K, R] // the latest run, which may have been stopped
	// told are rows whose fate is told and that could not be taken out before a run ended: the next one takes them out.
	told marked[K]
	// begunUngiven are rows that were claimed for a run when they were put, and that it has found in the table and begun before they were given
	// to it. One whose Put has failed although the row was stored is never given: it stays here.
	begunUngiven marked[K]
}

// New returns a Loop that is stopped.
func New[K comparable, R any](cfg Config[K, R]) *Loop[K, R] {
	if cfg.Waits == nil {
		cfg.Waits = usualWaits
	}
	return &Loop[K, R]{cfg: cfg}
}

func usualWaits() backoff.BackOff { return retry.Waits() }

// Start works off what is in the table, and what is put there, until Stop. The values of
// ctx are those of what it does; its end stops the work, but only Stop waits for that. A
// Loop that runs goes on.
func (l *Loop[K, R]) Start(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && !l.last.isStopped() {
		return
	}
	before := l.last
	r := newRun(ctx, l)
	l.last = r
	r.do(func() { r.load(before) })
}

// Stop ends the work and waits for the end of what is under way. The work after a later
// Start waits for it too.
func (l *Loop[K, R]) Stop() {
	if r := l.current(); r != nil {
		r.stop()
		r.goes.Wait()
	}
}

// Finish begins nothing any more, until the Loop is stopped and started again. What it returns is closed when it is known of all that is
// under way what becomes of it, and that is noted.
func (l *Loop[K, R]) Finish() <-chan struct{} {
	if r := l.current(); r != nil {
		return r.finishAll()
	}
	return closed
}

// closed is what has nothing to wait for.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Wake says that there is a new row, or one that has changed. It does nothing while the
// Loop is stopped: Start looks at everything.
func (l *Loop[K, R]) Wake(key K, position int64) {
	if r := l.current(); r != nil {
		r.wake(key, position)
	}
}

// Run returns the name of the run, as the owner of rows that are given by WakeWith, or ""
// while the Loop is stopped.
func (l *Loop[K, R]) Run() string {
	if r := l.current(); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.stopped {
			return r.name()
		}
	}
	return ""
}

// ClaimOwner returns the name of the run, as the owner of a row that is about to be put into the table, if that would be begun at
// once: it needs not be claimed by itself then. Otherwise it is "". Who puts the row has to give it by WakeWith.
func (l *Loop[K, R]) ClaimOwner(key K) (owner string) {
	if r := l.current(); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.wouldBegin(key) {
			return r.name()
		}
	}
	return ""
}

// WakeWith is Wake for who has put a row into the table, in the name of the run or of
// nobody: it need not be read then. Who puts rows of a key one after another has to give
// them in that order. It reports false when the row is in the name of a run that has ended, or of another Loop's: nobody
// begins it as if it was not begun before, unless its owner is taken out of the table and Wake called.
func (l *Loop[K, R]) WakeWith(key K, e Entry[R]) bool {
	r := l.current()
	if r == nil {
		return e.Owner == ""
	}
	return r.give(key, e)
}

// Release has the rows of a key tried again that are held.
func (l *Loop[K, R]) Release(key K) {
	if r := l.current(); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.release(key)
	}
}

// Held returns the keys that have rows that are held. It looks at no table.
func (l *Loop[K, R]) Held() (keys []K) {
	r := l.current()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, lane := range r.lanes {
		if lane.heldFrom != 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// Idle reports whether surely no row of a key is in the table. It looks at no table.
func (l *Loop[K, R]) Idle(key K) bool {
	r := l.current()
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loaded && !r.stopped && r.lanes[key] == nil && !r.left[key]
}

// Farewell settles what is left in the table of a Loop that was stopped, until ctx ends:
// decide says of each row what becomes of it, and is to answer Tell or Done.
func (l *Loop[K, R]) Farewell(ctx context.Context, decide func(context.Context, *Job[R]) Outcome) error {
	r := newRun(ctx, l)
	r.name()
	defer r.stop()
	keys, err := l.cfg.Store.Keys(ctx)
	if err != nil {
		return err
	}
	slots := make(chan struct{}, l.cfg.Parallel)
	for _, key := range keys {
		r.do(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				return
			}
			r.settleAll(key, decide)
		})
	}
	r.goes.Wait()
	return ctx.Err()
}

func (l *Loop[K, R]) current() *run[K, R] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// run is what a Loop does from a Start to a Stop. There is one for each of many accounts, and nearly all have nothing to do:
// what is needed for that alone is made then, and let go.
type run[K comparable, R any] struct {
	loop   *Loop[K, R]
	id     string // as owner of rows; "" until something is to be owned
	began  time.Time
	parent context.Context // what the run was given
	goes   sync.WaitGroup

	// ctx ends with parent and with the run. It is there while something goes on, of which it is, and nil otherwise.
	ctx    context.Context
	cancel context.CancelFunc
	going  int // what goes on

	mu      sync.Mutex
	stopped bool
	open    bool              // the run before has ended
	loaded  bool              // the keys of the table are known
	lanes   map[K]*lane[K, R] // nil while there are none, which is nearly always
	left    map[K]bool        // keys of which a row was left as it is
	ready   []*lane[K, R]     // lanes that have something to do, the first first
	busy    int               // lanes that count for Parallel

	finishing bool          // nothing new is begun
	undecided int           // rows of which it is not known what becomes of them, and those that were such when that began
	decided   chan struct{} // closed when there is none any more; nil unless somebody waits for that
}

func newRun[K comparable, R any](ctx context.Context, l *Loop[K, R]) *run[K, R] {
	return &run[K, R]{loop: l, parent: ctx, began: time.Now()}
}

// do has something done by a goroutine of its own, which has ctx and is waited for.
func (r *run[K, R]) do(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin(what)
}

// begin is do for who holds mu.
func (r *run[K, R]) begin(what func()) {
	if r.going++; r.going == 1 {
		r.ctx, r.cancel = context.WithCancel(r.parent)
		if r.stopped {
			r.cancel()
		}
	}
	r.goes.Go(func() {
		defer r.end()
		what()
	})
}

// end notes that something does not go on any more.
func (r *run[K, R]) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.going--; r.going == 0 {
		r.cancel()
		r.ctx, r.cancel = nil, nil
	}
}

// name returns the name of the run, as the owner of rows. mu is held.
func (r *run[K, R]) name() string {
	if r.id == "" {
		r.id = rand.Text()
	}
	return r.id
}

func (r *run[K, R]) isStopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// ended reports whether nothing new may be begun. mu is held.
func (r *run[K, R]) ended() bool { return r.stopped || r.finishing || r.parent.Err() != nil }

// finishAll begins nothing any more, as Finish.
func (r *run[K, R]) finishAll() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finishing = true
	if r.undecided == 0 {
		return closed
	}
	if r.decided == nil {
		r.decided = make(chan struct{})
	}
	return r.decided
}

// decide notes that a row is not undecided any more. mu is held.
func (r *run[K, R]) decide() {
	if r.undecided--; r.undecided == 0 && r.decided != nil {
		close(r.decided)
		r.decided = nil
	}
}

func (r *run[K, R]) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.stopped = true
	if r.cancel != nil {
		r.cancel()
	}
	for _, lane := range r.lanes {
		lane.stopTimers()
		for _, e := range lane.preclaimed {
			r.begin(func() { r.giveBack(e) }) // all at once: a table that hangs is waited for once
		}
		lane.preclaimed = nil
	}
}

// giveBack gives back a row that was put into the table in the name of the run, which did not come to it.
func (r *run[K, R]) giveBack(e Entry[R]) {
	r.insist("give back", func(ctx context.Context) (bool, error) { return r.loop.cfg.Store.SetOwner(ctx, e, "") })
}

// load finds the keys that have rows. What the run before has under way is its own until
// it has ended.
func (r *run[K, R]) load(before *run[K, R]) {
	if before != nil {
		before.goes.Wait()
	}
	r.mu.Lock()
	r.open = true
	r.dispatch()
	r.mu.Unlock()
	for waits := retry.Storing(); r.ctx.Err() == nil; {
		keys, err := r.loop.cfg.Store.Keys(r.ctx)
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, key := range keys {
				lane := r.lane(key)
				lane.woken = true
				r.schedule(lane)
			}
			r.loaded = true
			return
		}
		if r.ctx.Err() == nil {
			zerolog.Ctx(r.ctx).Err(err).Msg("Failed to read which rooms have messages that wait")
		}
		retry.Sleep(r.ctx, waits.NextBackOff())
	}
}
