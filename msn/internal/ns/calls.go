package ns

import (
	"context"
	"time"

	"matrix-msn/msn/internal/errs"
)

// How other goroutines reach the owner's state.

// Act is Post for callers who hold no lock that f may want: while nobody else is the owner, f is done in their goroutine. They may
// have to wait for that, and f must not wait for them.
func (c *Conn) Act(f func()) bool {
	if c.door.enter() {
		f()
		c.yield()
		return true
	}
	return c.Post(f)
}

// Post has the owner do f. It reports false when there is no owner any more, nor will be. It does not wait for f.
// The owner itself must not call it.
func (c *Conn) Post(f func()) bool {
	c.knock()
	select {
	case c.door.calls <- f:
		return true
	case <-c.gone:
		c.door.in()
		return false
	}
}

// Do is Post that returns when f is done.
func (c *Conn) Do(f func()) bool {
	if c.door.enter() { // as nearly always: then there is nothing to wait for
		f()
		c.yield()
		return true
	}
	finished := make(chan struct{})
	if !c.Post(func() { f(); close(finished) }) {
		return false
	}
	<-finished
	return true
}

// Enter is Query for what is asked very often: a function that is given away is garbage. When it reports true, the caller has the owner's
// state until Leave, which is to be called at once; otherwise Query is to be used.
func (c *Conn) Enter() bool { return c.door.enter() }

// Leave ends what Enter has begun.
func (c *Conn) Leave() { c.yield() }

// Query has f read the owner's state, which nobody changes after the owner.
func (c *Conn) Query(f func()) {
	if !c.Do(f) {
		f()
	}
}

// Await has the owner start something and returns its result. It returns earlier when ctx
// ends, with the error of ctx, or when the connection does, with that of Ended. start may
// keep result for as long as it likes; only its first call counts.
func (c *Conn) Await(ctx context.Context, start func(result func(error))) error {
	results := make(chan error, 1)
	result := func(err error) {
		select {
		case results <- err:
		default:
		}
	}
	if !c.Act(func() {
		if !c.ready {
			if c.attempt != nil && c.attempt != c.dialogue.Load() {
				result(&errs.MovedError{}) // it came between two steps of the sign-in
				return
			}
			c.waiting = append(c.waiting, result)
		}
		start(result)
	}) {
		return c.Ended()
	}
	select {
	case err := <-results:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
	}
	// What ended with the connection was told before that.
	select {
	case err := <-results:
		return err
	default:
		return c.Ended()
	}
}

// After has the owner do f after d, unless the timer is stopped. A timer that is stopped
// too late still runs f: f checks whether it is wanted. f is not run when the sign-in has
// begun anew since. It is called by the owner.
func (c *Conn) After(d time.Duration, f func()) *time.Timer {
	since := c.dialogue.Load()
	return time.AfterFunc(d, func() {
		c.Act(func() {
			if c.dialogue.Load() == since {
				f()
			}
		})
	})
}

// Go starts a goroutine that Close waits for. ctx goes on when f has returned: it ends with the connection, and when the
// sign-in that is under way begins anew. It is called by the owner, whose state f must not
// touch.
func (c *Conn) Go(f func(ctx context.Context)) {
	ctx := c.dialogue.Load().context()
	c.group.Go(func() { f(ctx) })
}
