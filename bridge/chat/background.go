package chat

import (
	"context"
	"sync"
)

// background does small works beside each other, and those of the same key one after the
// other. It has a goroutine for each key at which there is something to do, and none when
// there is nothing. The zero value is ready, and stopped.
type background struct {
	mu      sync.Mutex
	ctx     context.Context // of the run; nil while stopped
	waiting map[string]func(context.Context)
	active  map[string]bool
	working sync.WaitGroup
}

// do has work done, once for all calls with the same key before it is begun: the last
// counts. Asked for while the login is stopped, it is done after the next start.
func (b *background) do(key string, work func(context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting, b.active = make(map[string]func(context.Context)), make(map[string]bool)
	}
	b.waiting[key] = work
	b.begin(key)
}

// begin takes a key up, unless somebody has.
func (b *background) begin(key string) {
	if b.ctx == nil || b.ctx.Err() != nil || b.active[key] {
		return
	}
	b.active[key] = true
	ctx := b.ctx
	b.working.Go(func() {
		for work := b.next(ctx, key); work != nil; work = b.next(ctx, key) {
			work(ctx)
		}
	})
}

// next returns what is to be done for a key, or nil, and then nobody is at it any more.
func (b *background) next(ctx context.Context, key string) func(context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	work := b.waiting[key]
	if work == nil || ctx.Err() != nil {
		delete(b.active, key)
		return nil
	}
	delete(b.waiting, key)
	return work
}

// Start implements session.Part.
func (b *background) Start(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctx = ctx
	for key := range b.waiting {
		b.begin(key)
	}
}

// Stop implements session.Part.
func (b *background) Stop() {
	b.mu.Lock()
	b.ctx = nil
	b.mu.Unlock()
	b.working.Wait()
}
