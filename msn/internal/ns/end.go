package ns

import (
	"errors"
	"fmt"
	"io"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/wire"
)

// errUnread is what ends a connection whose other side does not read.
var errUnread = transport.ErrUnread

// Disconnected is the last event of a connection. Err is never nil: errs.ErrClosed after
// Close, *errs.OutError when the server said OUT, else what ended the connection.
type Disconnected struct{ Err error }

// Size implements Event.
func (Disconnected) Size() int { return event.Base }

// OnEnd registers what is to be done, by the owner, when the connection ends.
func (c *Conn) OnEnd(f func(error)) { c.onEnd = append(c.onEnd, f) }

// End ends the connection, once. With errs.ErrClosed the server is told good-bye.
func (c *Conn) End(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if err == errs.ErrClosed {
		// The connection may be gone without our knowing; that is all the same now.
		_ = c.link.Send(wire.New("OUT"))
		c.link.Close()
	} else {
		if c.ready {
			c.log.Info("signed out", "account", c.account, "reason", err)
		}
		c.link.Abort()
	}
	for _, f := range c.onEnd {
		f(err)
	}
	c.endPeriods()
	pending := c.pending
	c.pending = lazy.Table[uint32, *request]{}
	for _, r := range pending.All() {
		r.timer.Stop()
		r.Done(wire.Command{}, c.doubt(r, c.Unanswered(r.Command.Verb)))
	}
	c.conclude()
	close(c.done)
	c.dialogue.Load().end()
}

// Err returns why the connection has ended, for the owner: nil while it has not.
func (c *Conn) Err() error { return c.err }

// Done is closed when the connection has ended; Reason says why then. Events may still
// wait to be read.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Reason returns nil before the connection has ended, then why.
func (c *Conn) Reason() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Ended is the error of calls that come when the connection has ended.
func (c *Conn) Ended() error {
	if c.err == errs.ErrClosed {
		return errs.ErrClosed
	}
	return fmt.Errorf("%w: %w", errs.ErrNotConnected, c.err)
}

// Close signs out (OUT) and waits until all goroutines have ended. Events that wait to be
// read are still delivered while somebody reads them; when nobody does for 2 seconds, they
// are dropped. It may be called more than once.
func (c *Conn) Close() {
	c.Post(func() {
		c.closing = true
		c.End(errs.ErrClosed)
	})
	c.Wait()
}

// Abandon ends a connection whose sign-in has failed, and waits as Close does. Its events
// are dropped.
func (c *Conn) Abandon(err error) {
	c.Post(func() {
		c.End(err)
		c.backlog = backlog{}
	})
	c.Wait()
}

// Wait returns when the owner and all goroutines have ended.
func (c *Conn) Wait() {
	<-c.gone
	c.group.Wait()
}

// conclude tells of the end when no other connection is read any more.
func (c *Conn) conclude() {
	if c.err != nil && c.lingering == 0 && !c.concluded {
		c.concluded = true
		c.Emit(Disconnected{Err: c.err})
	}
}

// blameFor is how long after an error the end of the connection is its consequence.
const blameFor = 10 * time.Second

// lost makes of the error that ended the connection that of its users. An error number
// that came right before explains it better.
func (c *Conn) lost(err error) error {
	if !c.ready {
		return err // who signs in gives it its name
	}
	if c.lastError != nil && time.Since(c.accusedAt) < blameFor {
		return fmt.Errorf("%w: %w", errs.ErrNotConnected, c.lastError)
	}
	return fmt.Errorf("%w: %w", errs.ErrNotConnected, err)
}

// Unanswered is the error of a request, or another step of the sign-in, that was under way
// when the connection ended: a close right after a command is a failure of that command.
func (c *Conn) Unanswered(step string) error {
	_, out := errors.AsType[*errs.OutError](c.err)
	_, moved := errors.AsType[*errs.MovedError](c.err)
	switch {
	case c.err == errs.ErrClosed:
		return errs.ErrClosed
	case !c.ready && (out || moved):
		return c.err
	case !c.ready && errors.Is(c.err, wire.ErrProtocol):
		return fmt.Errorf("%s: %w", step, c.err)
	case !c.ready && errors.Is(c.err, errs.ErrNotConnected):
		return fmt.Errorf("%s: %w", step, c.err)
	case !c.ready, errors.Is(c.err, io.EOF):
		if c.ready {
			return fmt.Errorf("%w: %s", errs.ErrRefused, step)
		}
		return fmt.Errorf("%w: %s: %w", errs.ErrRefused, step, c.err)
	}
	return fmt.Errorf("%w: %s: %w", errs.ErrNotConnected, step, c.err)
}
