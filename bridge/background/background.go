// Package background does small works of a login that nobody waits for, and that need no safe
// keeping.
package background

import (
	"context"
	"errors"
	"sync"
	"time"

	"matrix-msn/bridge/queue"
)

const (
	// parallelWork is at how many keys there is work at once.
	parallelWork = 32
	// workPatience is after how long a work does not count for that any more.
	workPatience = 30 * time.Second
)

var errNotDone = errors.New("something is left to be done")

// Work does small works beside each other, and those of the same key one after the
// other. What waits is kept in memory. It is stopped at first.
type Work struct {
	mu      sync.Mutex
	ctx     context.Context                       // nil while it is stopped
	works   *works                                // nil before the first work
	waiting map[string]func(context.Context) bool // the latest work of each key; nil while there is none
}

// works are the keys that have work, and what does it.
type works struct {
	store *queue.Memory[string, string]
	loop  *queue.Loop[string, string]
}

// New returns a Work.
func New() *Work { return &Work{} }

// begun returns the works, which are begun with the first one. mu is held.
func (b *Work) begun() *works {
	if b.works == nil {
		store := queue.NewMemory[string, string]()
		b.works = &works{store, queue.New(queue.Config[string, string]{
			Store: store, Work: b, Window: 1, Batch: 1, Parallel: parallelWork, Patience: workPatience,
		})}
		if b.ctx != nil {
			b.works.loop.Start(b.ctx)
		}
	}
	return b.works
}

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
	b.wait(key, work)
	works := b.begun()
	position := works.store.PutOnce(key, key)
	b.mu.Unlock()
	works.loop.Hurry(key, position)
}

// wait notes what is to be done. mu is held.
func (b *Work) wait(key string, work func(context.Context) bool) {
	if b.waiting == nil {
		b.waiting = make(map[string]func(context.Context) bool)
	}
	b.waiting[key] = work
}

// Begin implements queue.Work.
func (b *Work) Begin(ctx context.Context, job *queue.Job[string]) queue.Outcome {
	// Before the work is taken: what is asked for from now on is for the next time.
	// It needs no context: nothing of it waits, and one that ends with the login would keep memory for what ends with it.
	if job.Claim(context.WithoutCancel(ctx)) != nil {
		return queue.Leave()
	}
	key := job.Row
	b.mu.Lock()
	work := b.waiting[key]
	if delete(b.waiting, key); len(b.waiting) == 0 {
		b.waiting = nil
	}
	b.mu.Unlock()
	if work == nil || work(ctx) {
		return queue.Done()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[key] == nil {
		b.wait(key, work)
	}
	return queue.RetryQuietly(errNotDone) // the work has said why, if that is news
}

// Tell implements queue.Work. Nobody is told of such work.
func (*Work) Tell(context.Context, string, error) error { return nil }

// Start implements session.Part.
func (b *Work) Start(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctx = ctx
	if b.works != nil {
		b.works.loop.Start(ctx)
	}
}

// Stop implements session.Part.
func (b *Work) Stop() {
	b.mu.Lock()
	b.ctx = nil
	works := b.works
	b.mu.Unlock()
	if works != nil {
		works.loop.Stop()
	}
}
