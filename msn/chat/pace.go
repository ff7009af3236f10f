package chat

import "time"

const (
	// packetRate is how many bytes of packets a session sends in a second at most. It is more than the lines of most
	// people carry, and a text beside it finds everybody on the way idle.
	packetRate = 4 << 20
	// paceBurst is what may go ahead of that: timers are no finer.
	paceBurst = 10 * time.Millisecond
)

// pace spreads packets over time. The zero value has sent none.
type pace struct {
	due     time.Time // when all that was sent had to be, at that rate
	waiting bool      // somebody goes on at the time
}

// rest is how long the next packet has to wait; it may be less than nothing.
func (p *pace) rest() time.Duration { return time.Until(p.due.Add(-paceBurst)) }

// sent notes a packet.
func (p *pace) sent(bytes int) {
	if now := time.Now(); p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(time.Duration(bytes) * time.Second / packetRate)
}
