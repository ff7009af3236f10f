package msn

import (
	"errors"
	"fmt"
	"io"
	"time"

	"matrix-msn/msn/wire"
)

// run is the owner: it does everything that changes the Client's state, one
// thing at a time, and never waits for anything but the next one. It ends when
// the Client has ended and its events are read or given up.
func (c *Client) run() {
	defer close(c.gone)
	defer close(c.events)
	timer := time.NewTimer(c.pulse.begin(time.Now(), c.timeouts.Ping))
	defer timer.Stop()
	var grace <-chan time.Time
	for c.err == nil || !c.backlog.empty() || len(c.parting) > 0 {
		from := c.inbound
		c.stalled = c.backlog.full()
		if c.stalled || c.err != nil && len(c.parting) == 0 {
			from = nil
		}
		var to chan Event
		var next Event
		if !c.backlog.empty() {
			to, next = c.events, c.backlog.first()
		}
		if c.closing && grace == nil {
			grace = time.After(eventGrace)
		}
		select {
		case in := <-from:
			c.receive(in)
		case f := <-c.calls:
			f()
		case to <- next:
			c.backlog.drop()
			grace = nil
		case <-timer.C:
			timer.Reset(c.beat(time.Now()))
		case <-grace:
			c.log.Warn("nobody reads the last events", "account", c.account, "events", len(c.backlog.events))
			return
		}
	}
}

// emit queues events for the user.
func (c *Client) emit(events ...Event) {
	for _, e := range events {
		c.backlog.add(e)
	}
}

// receive takes what a transport's reader handed over.
func (c *Client) receive(in inbound) {
	if in.from == c.ns {
		if c.err != nil {
			return // only what was said in sessions is still of interest
		}
		if in.err != nil {
			c.end(c.lost(in.err))
			return
		}
		c.pulse.heard = true
		c.log.Debug("received", "command", logged(in.cmd))
		c.notification(in.cmd)
		return
	}
	// What is unknown here was left already.
	if s := c.byTransport[in.from]; s != nil {
		if s.state == sessionOver {
			s.lastWords(in)
			return
		}
		if in.err != nil {
			s.lost(in.err)
			return
		}
		c.log.Debug("received", "session", s.id, "command", logged(in.cmd))
		s.receive(in.cmd)
	}
}

// lastWords takes what comes after the good-bye.
func (s *session) lastWords(in inbound) {
	switch {
	case in.err != nil:
		s.parted()
	case in.cmd.Verb == "MSG":
		s.message(in.cmd)
	}
}

// conclude tells of the end of the Client when the last session is parted from.
func (c *Client) conclude() {
	if c.err != nil && len(c.parting) == 0 && !c.concluded {
		c.concluded = true
		c.tellSuppressed()
		c.emit(Disconnected{Err: c.err})
	}
}

// blameFor is how long after an error the end of the connection is its
// consequence.
const blameFor = 10 * time.Second

// lost makes of the error that ended the notification connection that of the
// Client. An error number that came right before explains it better.
func (c *Client) lost(err error) error {
	if c.lastError != nil && time.Since(c.lastErrorAt) < blameFor {
		return fmt.Errorf("%w: %w", ErrNotConnected, c.lastError)
	}
	return fmt.Errorf("%w: %w", ErrNotConnected, err)
}

// end ends the Client, once. With ErrClosed the server is told good-bye.
func (c *Client) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if err == ErrClosed {
		// The connection may be gone without our knowing; that is all the same now.
		_ = c.ns.send(wire.New("OUT"))
		c.ns.close()
	} else {
		c.log.Info("signed out", "account", c.account, "reason", err)
		c.ns.abort()
	}
	c.status = Offline
	for s := range c.sessions {
		s.drop()
	}
	for _, cv := range c.conversations {
		cv.failAll(c.ended())
	}
	for trid, r := range c.pending {
		delete(c.pending, trid)
		r.timer.Stop()
		r.done(wire.Command{}, c.unanswered(r.verb))
	}
	c.cancel()
	c.conclude()
	close(c.done)
}

// unanswered is the error of a request that was under way when the Client ended:
// a close right after a command is a failure of that command.
func (c *Client) unanswered(verb string) error {
	if c.err == ErrClosed {
		return ErrClosed
	}
	if errors.Is(c.err, io.EOF) {
		return fmt.Errorf("%w: %s", ErrRefused, verb)
	}
	return fmt.Errorf("%w: %s: %w", ErrNotConnected, verb, c.err)
}
