package ns

import (
	"fmt"
	"strconv"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/wire"
)

// MinPing is the shortest wish in QNG that is honoured: a server cannot make the client
// send without pause.
const MinPing = 5 * time.Second

// MaxMissed is how many PNG in a row a server that answers them may leave without an answer, whatever else
// it sends: one that does nothing any more that it is asked for is of no use.
const MaxMissed = 3

// heartbeat is when PNG was sent and is to be sent again
// (protocol/01-login.md, section 8).
type heartbeat struct {
	due      int64         // the step of the clock at which it is looked at; the clock's
	interval time.Duration // silence of the user's side after which PNG is sent
	sent     time.Time     // when something was last sent after which something has come: what is sent to a server that says nothing does not put PNG off
	last     time.Time     // when something was last sent
	asked    time.Time     // when the PNG was sent that waits for a sign of life, else zero
	heard    bool          // something came since then
	answers  bool          // the server has answered one of this connection
	missed   int           // how many in a row it has not answered since
}

// start begins the heartbeat of a connection.
func (h *heartbeat) start(c *Conn, now time.Time) {
	h.interval, h.sent, h.last = c.cfg.Timeouts.Ping, now, now
	c.cfg.Clock.set(c, now, h.interval)
}

// look does what is due, and looks again when something may be.
func (c *Conn) look(now time.Time) {
	if wait := c.beat(now); c.err == nil {
		c.cfg.Clock.set(c, now, wait)
	}
}

// beat sends PNG when the connection has been quiet and ends it when a PNG was not
// answered by anything. It returns when to look again.
func (c *Conn) beat(now time.Time) time.Duration {
	h := &c.heartbeat
	if c.err != nil || !c.ready {
		return h.interval // a sign-in has limits of its own
	}
	if !h.asked.IsZero() && (h.heard || c.stalled) {
		// While events wait to be read, the answer waits in the connection.
		h.asked = time.Time{}
		if h.missed++; c.stalled {
			h.missed = 0
		}
		if h.answers && h.missed >= MaxMissed {
			c.End(fmt.Errorf("%w: QNG: %w", errs.ErrNotConnected, errs.ErrTimeout))
			return h.interval
		}
	}
	if !h.asked.IsZero() {
		if wait := c.cfg.Timeouts.Pong - now.Sub(h.asked); wait > 0 {
			return wait
		}
		c.End(fmt.Errorf("%w: PNG: %w", errs.ErrNotConnected, errs.ErrTimeout))
		return h.interval
	}
	if wait := h.interval - now.Sub(h.sent); wait >= beatStep {
		return wait
	}
	if err := c.link.Send(wire.New("PNG")); err != nil {
		c.End(c.lost(err))
		return h.interval
	}
	h.sent, h.last, h.asked, h.heard = now, now, now, false
	return min(c.cfg.Timeouts.Pong, h.interval)
}

// pong notes QNG, and takes its wish. Nothing is due before that any more.
func (c *Conn) pong(seconds string) {
	h := &c.heartbeat
	h.answers, h.missed, h.asked = true, 0, time.Time{}
	c.wish(seconds)
	now := time.Now()
	c.cfg.Clock.set(c, now, h.interval-now.Sub(h.sent))
}

// wish takes the seconds of a QNG: a shorter interval than one's own counts.
func (c *Conn) wish(seconds string) {
	n, err := strconv.ParseUint(seconds, 10, 16)
	if err != nil || n == 0 {
		return
	}
	c.heartbeat.interval = min(c.cfg.Timeouts.Ping, max(time.Duration(n)*time.Second, MinPing))
}
