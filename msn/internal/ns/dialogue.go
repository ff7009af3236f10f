package ns

import (
	"context"

	"matrix-msn/msn/internal/errs"
)

// dialogue lasts from one beginning of a sign-in to the next, or to the end.
type dialogue struct {
	ctx context.Context
	end context.CancelFunc
}

// converse begins a dialogue.
func (c *Conn) converse() {
	d := &dialogue{}
	d.ctx, d.end = context.WithCancel(context.Background())
	if old := c.dialogue.Swap(d); old != nil {
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
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.dialogue.Load().ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// Interrupted is the error of what Bind has ended: that of Ended, or *errs.MovedError when
// the sign-in begins anew.
func (c *Conn) Interrupted() error {
	if c.Reason() == nil {
		return &errs.MovedError{}
	}
	return c.Ended()
}
