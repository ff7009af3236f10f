package ns

import (
	"context"
	"sync"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/errs"
)

// dialogue lasts from one beginning of a sign-in to the next, or to the end. Most of them belong to a connection that does
// nothing, and have no context.
type dialogue struct {
	mu     sync.Mutex
	over   bool
	ctx    context.Context                  // ends with it; nil before somebody wants it
	cancel context.CancelFunc               // of ctx
	bound  map[*context.CancelFunc]struct{} // ends what else ends with it; nil while there is nothing
}

// context returns a context that ends with the dialogue.
func (d *dialogue) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil {
		d.ctx, d.cancel = context.WithCancel(context.Background())
		if d.over {
			d.cancel()
		}
	}
	return d.ctx
}

// bind returns a context that ends with ctx and with the dialogue.
func (d *dialogue) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		cancel()
		return ctx, cancel
	}
	key := &cancel
	lazy.Put(&d.bound, key, struct{}{})
	return ctx, func() {
		cancel()
		d.mu.Lock()
		defer d.mu.Unlock()
		if delete(d.bound, key); len(d.bound) == 0 {
			d.bound = nil
		}
	}
}

// end ends what is bound to it.
func (d *dialogue) end() {
	d.mu.Lock()
	bound := d.bound
	d.over, d.bound = true, nil
	if d.cancel != nil {
		d.cancel()
	}
	d.mu.Unlock()
	for cancel := range bound {
		(*cancel)()
	}
}

// converse begins a dialogue.
func (c *Conn) converse() {
	if old := c.dialogue.Swap(new(dialogue)); old != nil {
		old.end()
	}
}

// Begin says that a sign-in begins, at first or anew. It reports false when there is no
// owner any more. What Await starts for it fails with *errs.MovedError when the server has
// it begin anew.
func (c *Conn) Begin() bool {
	return c.Do(func() { c.attempt = c.dialogue.Load() })
}

// Bind returns a context that ends with ctx, with the connection, and when the sign-in that
// is under way begins anew. Interrupted says which of the latter it was.
func (c *Conn) Bind(ctx context.Context) (context.Context, context.CancelFunc) {
	return c.dialogue.Load().bind(ctx)
}

// Interrupted is the error of what Bind has ended: that of Ended, or *errs.MovedError when
// the sign-in begins anew.
func (c *Conn) Interrupted() error {
	if c.Reason() == nil {
		return &errs.MovedError{}
	}
	return c.Ended()
}
