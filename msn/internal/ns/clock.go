package ns

import (
	"sync"
	"time"
)

// beatStep is what the clock of heartbeats goes by. Those of thousands of connections that are quiet are due at the same moments
// then, and the process wakes for all of them together: to wake costs more than a PNG does. PNG comes so much earlier at most.
const beatStep = time.Second

// Clock is what the heartbeats of connections go by. Many can share one: those that are due at the same moment are served one after
// the other by one goroutine, where a timer and a goroutine for each would have as much memory touched as they have. A connection is
// due once at most. The zero value is ready.
type Clock struct {
	mu    sync.Mutex
	begun time.Time                    // in whole steps. What is later is told by the time that passed since: the system's time may be changed
	due   map[int64]map[*Conn]struct{} // by the step
	timer *time.Timer
	next  int64 // the step for which the timer is set, 0 when it is not
}

// count returns the number of the step that a moment is in. k.mu is held.
func (k *Clock) count(at time.Time) int64 {
	if k.begun.IsZero() {
		k.begun = at.Add(-time.Duration(at.UnixNano() % int64(beatStep))) // and not Truncate, after which it would be of the system's time alone
	}
	return k.begun.UnixNano()/int64(beatStep) + int64(at.Sub(k.begun)/beatStep)
}

// step returns the number of the last step that is no later than in wait, of the next one at least. k.mu is held.
func (k *Clock) step(now time.Time, wait time.Duration) int64 {
	next := k.count(now) + 1
	return max(k.count(now.Add(wait)), next)
}

// set has a connection looked at in wait, or a little earlier, and not when it was due before.
func (k *Clock) set(c *Conn, now time.Time, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.step(now, wait)
	if at == c.heartbeat.due {
		return
	}
	k.remove(c)
	if k.due == nil {
		k.due = make(map[int64]map[*Conn]struct{})
	}
	if k.due[at] == nil {
		k.due[at] = make(map[*Conn]struct{})
	}
	k.due[at][c] = struct{}{}
	c.heartbeat.due = at
	if k.next == 0 || at < k.next {
		k.wake(now, at)
	}
}

// drop forgets a connection.
func (k *Clock) drop(c *Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remove(c)
	if len(k.due) == 0 && k.timer != nil {
		k.timer.Stop()
		k.next = 0
	}
}

// remove takes a connection out of its step. k.mu is held.
func (k *Clock) remove(c *Conn) {
	at := c.heartbeat.due
	if at == 0 {
		return
	}
	delete(k.due[at], c)
	if len(k.due[at]) == 0 {
		delete(k.due, at)
	}
	c.heartbeat.due = 0
}

// wake sets the timer for a step. k.mu is held.
func (k *Clock) wake(now time.Time, at int64) {
	k.next = at
	wait := k.begun.Add(time.Duration(at-k.count(k.begun)) * beatStep).Sub(now)
	if k.timer == nil {
		k.timer = time.AfterFunc(wait, k.strike)
	} else {
		k.timer.Reset(wait)
	}
}

// strike looks at the connections that are due.
func (k *Clock) strike() {
	for _, c := range k.take(time.Now()) {
		c.tick()
	}
}

// take takes out those that are due, and sets the timer for those who come next.
func (k *Clock) take(now time.Time) (due []*Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next = 0
	for at, conns := range k.due {
		if at > k.count(now) {
			if k.next == 0 || at < k.next {
				k.next = at
			}
			continue
		}
		for c := range conns {
			c.heartbeat.due = 0
			due = append(due, c)
		}
		delete(k.due, at)
	}
	if k.next != 0 {
		k.wake(now, k.next)
	}
	return due
}

// tick has the owner look at the heartbeat. Who is busy for a moment does not hold up the others.
func (c *Conn) tick() {
	look := func() { c.look(time.Now()) }
	if !c.door.enter() {
		go c.Post(look)
		return
	}
	look()
	c.yield()
}
