// Package background does small works of a login that nobody waits for, and that need no safe
// keeping.
package background

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"matrix-msn/bridge/retry"
)

const (
	// parallelWork is at how many keys there is work at once.
	parallelWork = 32
	// workPatience is after how long a work that others wait for does not count for that any more.
	workPatience = 30 * time.Second
)

// Work does small works beside each other, and those of the same key one after the
// other. What waits is kept in memory. It is stopped at first.
//
// There are several for each login, and each sign-in has some done: it is made of little.
type Work struct {
	mu     sync.Mutex
	parent context.Context // what Start was given; nil while it is stopped
	tasks  map[string]*task
	ready  []*task // those that may be begun, the first first
	busy   int     // tasks that count for parallelWork
	relief *time.Timer

	// ctx ends with parent and with Stop. It is there while something is being done, and nil otherwise.
	ctx    context.Context
	cancel context.CancelFunc
	going  int // what is being done
	goes   sync.WaitGroup
}

// task is a key with work. It is forgotten when nothing is left of it.
type task struct {
	key    string
	next   func(context.Context) (done bool) // what is to be done, the latest that was asked for; nil for nothing
	queued bool                              // it is ready
	going  bool                              // it is being done,
	counts bool                              // and counts for parallelWork,
	begun  time.Time                         // since then
	pause  *time.Timer                       // until it is tried again
	waits  backoff.BackOff                   // between attempts; nil before the first that left something
}

// New returns a Work.
func New() *Work { return &Work{} }

// Do has work done, once for all calls with the same key before it is begun: the last
// counts. Asked for while the login is stopped, it is done after the next start.
func (b *Work) Do(key string, work func(context.Context)) {
	b.Try(key, func(ctx context.Context) bool {
		work(ctx)
		return true
	})
}

// Try is Do for work that is tried again, less and less often, until it reports that
// nothing is left of it. Asked for once more, it does not wait for that.
func (b *Work) Try(key string, work func(context.Context) (done bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tasks[key]
	if t == nil {
		t = &task{key: key}
		if b.tasks == nil {
			b.tasks = make(map[string]*task)
		}
		b.tasks[key] = t
	}
	t.next = work
	t.hurry()
	b.schedule(t)
}

// hurry ends the rest of a task.
func (t *task) hurry() {
	if t.pause != nil {
		t.pause.Stop()
		t.pause = nil
	}
}

// Start implements session.Part.
func (b *Work) Start(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.parent != nil {
		return
	}
	b.parent = ctx
	b.scheduleAll()
}

// scheduleAll has done what was asked for while nothing could be begun. mu is held.
func (b *Work) scheduleAll() {
	for _, t := range b.tasks {
		b.schedule(t)
	}
}

// Stop implements session.Part. It waits for what is being done, which is told to end.
func (b *Work) Stop() {
	b.mu.Lock()
	b.parent = nil
	if b.cancel != nil {
		b.cancel()
	}
	for _, t := range b.tasks {
		t.hurry()
		t.queued = false
	}
	b.ready = nil
	if b.relief != nil {
		b.relief.Stop()
		b.relief = nil
	}
	b.mu.Unlock()
	b.goes.Wait()
}

// ended reports whether nothing may be begun: it is stopped, or has been, and what was begun before is not over. mu is held.
func (b *Work) ended() bool {
	return b.parent == nil || b.parent.Err() != nil || b.ctx != nil && b.ctx.Err() != nil
}

// schedule has a task done as soon as it may be, and forgets one of which nothing is left. mu is held.
func (b *Work) schedule(t *task) {
	switch {
	case t.queued || t.going || t.pause != nil:
	case t.next == nil:
		if delete(b.tasks, t.key); len(b.tasks) == 0 {
			b.tasks = nil
		}
	case !b.ended():
		t.queued = true
		b.ready = append(b.ready, t)
		b.dispatch()
	}
}

// dispatch begins tasks that are ready. mu is held.
func (b *Work) dispatch() {
	for len(b.ready) > 0 && b.busy < parallelWork && !b.ended() {
		t := b.ready[0]
		b.ready[0] = nil
		if b.ready = b.ready[1:]; len(b.ready) == 0 {
			b.ready = nil
		}
		b.begin(t)
	}
	if len(b.ready) > 0 && b.relief == nil {
		b.relief = time.AfterFunc(workPatience, b.relieve)
	}
}

// begin has a task done by a goroutine of its own. mu is held.
func (b *Work) begin(t *task) {
	if b.going++; b.going == 1 {
		b.ctx, b.cancel = context.WithCancel(b.parent)
	}
	b.busy++
	work, ctx := t.next, b.ctx
	t.next, t.queued, t.going, t.counts, t.begun = nil, false, true, true, time.Now()
	b.goes.Go(func() { b.end(t, work, work(ctx)) })
}

// end notes that a task was done, or that something is left of it.
func (b *Work) end(t *task, work func(context.Context) bool, done bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t.going = false
	b.discount(t)
	switch {
	case done:
		t.waits = nil
	case t.next == nil: // nothing newer was asked for meanwhile
		t.next = work
		b.rest(t)
	}
	b.schedule(t)
	b.dispatch()
	if b.going--; b.going > 0 {
		return
	}
	stopped := b.ctx.Err() != nil
	b.cancel()
	b.ctx, b.cancel = nil, nil
	if stopped { // and may have been started meanwhile
		b.scheduleAll()
	}
}

// rest lets a task alone for a while. mu is held.
func (b *Work) rest(t *task) {
	if b.ended() {
		return // the next start tries it
	}
	if t.waits == nil {
		t.waits = retry.Waits()
	}
	var pause *time.Timer
	pause = time.AfterFunc(t.waits.NextBackOff(), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if t.pause == pause { // else it was ended by somebody else
			t.pause = nil
			b.schedule(t)
		}
	})
	t.pause = pause
}

// discount has a task not count for parallelWork. mu is held.
func (b *Work) discount(t *task) {
	if t.counts {
		t.counts = false
		b.busy--
	}
}

// relieve lets others go on while works are stuck.
func (b *Work) relieve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.relief = nil
	if len(b.ready) == 0 {
		return
	}
	for _, t := range b.tasks {
		if t.counts && time.Since(t.begun) >= workPatience {
			b.discount(t)
		}
	}
	b.dispatch()
}
