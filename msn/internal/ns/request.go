package ns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/wire"
)

// SilentGrace is how long no error must come for a message to count as sent whose success
// the server does not tell.
const SilentGrace = 3 * time.Second

// Request is a command that is answered.
type Request struct {
	Command wire.Command // without its TrID
	// TrID is one that NewTrID gave, or 0 for the next.
	TrID uint32
	// Wait bounds the wait for the answer. Zero means Timeouts.Request.
	Wait time.Duration
	// Silent marks a command whose success the server does not tell: when Wait is over,
	// it has succeeded.
	Silent bool
	// Effect marks a command that must not be repeated once it may have had its effect:
	// without an answer the error wraps errs.ErrUncertain, unless nothing was written.
	Effect bool
	// More, if it is set, is given each answer and reports whether another one belongs to
	// the request.
	More func(wire.Command) bool
	// Done is called once, by the owner: with the answer, an *errs.ServerError,
	// errs.ErrTimeout, or what kept the answer away.
	Done func(wire.Command, error)
}

// request is a Request under way.
type request struct {
	Request
	at    uint64 // where it begins in what is written
	timer *time.Timer
}

// NewTrID returns a transaction ID for a Request.
func (c *Conn) NewTrID() uint32 { return c.link.NewTrID() }

// Request sends a command, with its TrID in front of its parameters, and calls done with
// what comes of it.
func (c *Conn) Request(cmd wire.Command, done func(wire.Command, error)) {
	c.Send(Request{Command: cmd, Done: done})
}

// Send sends a request.
func (c *Conn) Send(options Request) {
	r := &request{Request: options}
	if c.err != nil {
		err := c.Ended()
		if !c.ready {
			err = c.Unanswered(r.Command.Verb)
		}
		r.Done(wire.Command{}, err)
		return
	}
	if r.TrID == 0 {
		r.TrID = c.NewTrID()
	}
	if r.Wait == 0 {
		r.Wait = c.cfg.Timeouts.Request
	}
	cmd := r.Command
	cmd.Args = Command(r.TrID, cmd.Verb, cmd.Args...).Args
	r.at = c.link.Position()
	if r.Silent {
		// What is not answered says nothing of the connection: PNG goes out all the same.
		defer func(last time.Time) { c.heartbeat.last = last }(c.heartbeat.last)
	}
	if err := c.tell(cmd); err != nil {
		r.Done(wire.Command{}, err)
		return
	}
	c.pending.Put(r.TrID, r)
	r.timer = c.After(r.Wait, func() {
		if now, _ := c.pending.Get(r.TrID); now != r {
			return
		}
		c.pending.Delete(r.TrID)
		if r.Silent {
			r.Done(wire.Command{}, nil)
			return
		}
		r.Done(wire.Command{}, c.doubt(r, errs.ErrTimeout))
	})
}

// Command makes a command with a TrID in front of its parameters.
func Command(trid uint32, verb string, args ...string) wire.Command {
	return wire.New(verb, append([]string{strconv.FormatUint(uint64(trid), 10)}, args...)...)
}

// Call is Request for other goroutines. read, which may be nil, makes of the answer what
// is wanted; the owner calls it before it reads the next command.
func (c *Conn) Call(ctx context.Context, cmd wire.Command, read func(wire.Command) error) error {
	return c.Await(ctx, func(result func(error)) {
		c.Request(cmd, func(reply wire.Command, err error) {
			if err == nil && read != nil {
				err = read(reply)
			}
			result(err)
		})
	})
}

// doubt marks what kept the answer to a request away, when it may have had its effect all
// the same.
func (c *Conn) doubt(r *request, err error) error {
	if !r.Effect || errors.Is(err, wire.ErrUnsafe) || c.link.Unwritten(r.at) {
		return err
	}
	return fmt.Errorf("%w: %w", errs.ErrUncertain, err)
}

// tell sends a command.
func (c *Conn) tell(cmd wire.Command) error {
	if c.logAll {
		c.log.Debug("sent", "command", Logged(cmd))
	}
	c.heartbeat.last = time.Now()
	err := c.link.Send(cmd)
	if errors.Is(err, errUnread) {
		c.End(c.lost(err))
	}
	return err
}

// answer hands a command to the request that it answers, if there is one. ILN and others
// repeat the TrID of a command that they do not answer.
func (c *Conn) answer(cmd wire.Command) bool {
	number, isError := cmd.ErrorNumber()
	trid, ok := cmd.TrID()
	if !c.ready && isError && len(cmd.Args) == 0 {
		trid, ok = c.latest(), true // some servers refuse a sign-in so
	}
	r, _ := c.pending.Get(trid)
	if !ok || trid == 0 || r == nil || !isError && !replies(r.Command.Verb, cmd.Verb) {
		return false
	}
	if !isError && r.More != nil && r.More(cmd) {
		return true
	}
	c.settle(r)
	if isError {
		r.Done(wire.Command{}, errs.Server(number, r.Command.Verb))
	} else {
		r.Done(cmd, nil)
	}
	return true
}

// latest is the TrID of the request that was sent last.
func (c *Conn) latest() (trid uint32) {
	for other := range c.pending.All() {
		trid = max(trid, other)
	}
	return trid
}

func (c *Conn) settle(r *request) {
	c.pending.Delete(r.TrID)
	r.timer.Stop()
}

// replies reports whether a command called got can answer one called sent. Clients have
// always taken CVQ for CVR (protocol/07-misc-founding-spec.md, section 1.1).
func replies(sent, got string) bool {
	if sent == "CVR" || sent == "CVQ" {
		return got == "CVR" || got == "CVQ"
	}
	return sent == got
}

// Logged is a command that shows in logs without its payload and secrets.
type Logged wire.Command

// LogValue implements slog.LogValuer.
func (l Logged) LogValue() slog.Value { return slog.StringValue(wire.Command(l).String()) }
