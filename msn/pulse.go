package msn

import (
	"fmt"
	"strconv"
	"time"

	"matrix-msn/msn/wire"
)

// pulse is when PNG was sent and is to be sent again
// (protocol/01-login.md, section 8).
type pulse struct {
	interval time.Duration // silence of the user's side after which PNG is sent
	sent     time.Time     // when something was last sent
	asked    time.Time     // when the PNG was sent that waits for a sign of life, else zero
	heard    bool          // something came since then
}

// begin starts the heartbeat. It returns when beat is to be called.
func (p *pulse) begin(now time.Time, interval time.Duration) time.Duration {
	p.interval, p.sent = interval, now
	return interval
}

// beat sends PNG when the connection has been quiet and ends the Client when a
// PNG was not answered by anything. It returns when to look again.
func (c *Client) beat(now time.Time) time.Duration {
	p := &c.pulse
	if c.err != nil {
		return p.interval
	}
	if !p.asked.IsZero() && (p.heard || c.stalled) {
		// While events wait to be read, the answer waits in the connection.
		p.asked = time.Time{}
	}
	if !p.asked.IsZero() {
		if wait := c.timeouts.Pong - now.Sub(p.asked); wait > 0 {
			return wait
		}
		c.end(fmt.Errorf("%w: PNG: %w", ErrNotConnected, ErrTimeout))
		return p.interval
	}
	if wait := p.interval - now.Sub(p.sent); wait > 0 {
		return wait
	}
	if err := c.ns.send(wire.New("PNG")); err != nil {
		c.end(c.lost(err))
		return p.interval
	}
	p.sent, p.asked, p.heard = now, now, false
	// The answer may ask for a shorter interval than any that is known now.
	return min(c.timeouts.Pong, p.interval, minPing)
}

// wish takes the seconds of a QNG: a shorter interval than one's own counts.
func (c *Client) wish(seconds string) {
	n, err := strconv.ParseUint(seconds, 10, 16)
	if err != nil || n == 0 {
		return
	}
	c.pulse.interval = min(c.timeouts.Ping, max(time.Duration(n)*time.Second, minPing))
}
