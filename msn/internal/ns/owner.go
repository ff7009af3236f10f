package ns

import (
	"sync"
	"time"

	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/transport"
)

// EventGrace is how long Close waits for somebody to read the next event.
const EventGrace = 2 * time.Second

// door is where others bring the owner what there is to do. Most connections are idle most
// of the time, so there is no owner then: who comes first is the owner for what they bring, if that may keep them for a
// moment, or starts one. Most of the time nobody else comes meanwhile, and to start a goroutine for each command costs more than the
// command.
type door struct {
	inbound chan transport.Inbound // from all connections
	calls   chan func()

	mu      sync.Mutex
	waiting int  // those who have something and were not let in yet
	manned  bool // there is an owner
}

// newDoor makes a door with an owner behind it, who still has to be started.
func newDoor() door {
	return door{manned: true, inbound: make(chan transport.Inbound), calls: make(chan func())}
}

// knock announces somebody who brings something by one of the channels. It starts the owner
// unless there is one. The owner calls in when it has taken what is brought; who turns away
// does it himself.
func (c *Conn) knock() {
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	c.door.waiting++
	if !c.door.manned {
		c.door.manned = true
		go c.run()
	}
}

// enter makes the caller the owner, unless there is one. They call yield when they have done what they came for.
func (d *door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.manned {
		return false
	}
	d.manned = true
	return true
}

// in ends one knock.
func (d *door) in() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
}

// leave reports whether the owner can go because nobody waits.
func (d *door) leave() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.manned = d.waiting > 0
	return !d.manned
}

// yield ends that the caller is the owner. Somebody else is, if there is more to do.
func (c *Conn) yield() {
	if c.err != nil || c.ready && !c.backlog.empty() || !c.door.leave() {
		go c.run()
	}
}

// hand brings the owner what a connection's reader has read. It reports false when quit was
// closed before the owner wanted it.
func (c *Conn) hand(in transport.Inbound, quit <-chan struct{}) bool {
	if c.door.enter() {
		c.take(in)
		c.yield()
		return true
	}
	c.knock()
	select {
	case c.door.inbound <- in:
		return true
	case <-quit:
		c.door.in()
		return false
	}
}

// run is the owner. It goes when there is nothing to do, and for good when the connection
// has ended and its events are read or given up.
func (c *Conn) run() {
	var grace <-chan time.Time
	for c.err == nil || !c.backlog.empty() || c.lingering > 0 {
		from := c.door.inbound
		c.stalled = c.backlog.full()
		if c.stalled || c.err != nil && c.lingering == 0 {
			from = nil
		}
		var to chan event.Event
		var next event.Event
		if !c.backlog.empty() && c.ready {
			to, next = c.events, c.backlog.first()
			c.wakeReader()
		}
		if c.closing && grace == nil {
			grace = time.After(EventGrace)
		}
		if to == nil && c.err == nil && c.door.leave() {
			return
		}
		select {
		case in := <-from:
			c.door.in()
			c.take(in)
		case f := <-c.door.calls:
			c.door.in()
			f()
		case to <- next:
			c.backlog.drop()
			grace = nil
		case <-grace:
			if c.ready && !c.backlog.empty() {
				c.log.Warn("nobody reads the last events", "account", c.account, "events", len(c.backlog.events))
			}
			c.finish()
			return
		}
	}
	c.finish()
}

// finish ends the owner for good.
func (c *Conn) finish() {
	c.cfg.Clock.drop(c)
	c.abortAdopted()
	close(c.events)
	c.wakeReader()
	close(c.gone)
}
