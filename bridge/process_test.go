package bridge

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// place is where something can go wrong.
type place uint8

const (
	inDatabase   place = iota // a write, or the end of a transaction
	atHomeserver              // a call
	atService                 // a command to MSN
	places
)

// verdict is what becomes of a write, a call or a command.
type verdict uint8

const (
	works   verdict = iota
	fails           // it is not done, and an error is the answer
	unheard         // it is done, but an error is the answer
	breaks          // it and all that come after it in this process fail
	kills           // the process has ended at this moment: nothing that it does any more has an effect
	stops           // it is done while the bridge is being stopped in good order
)

// stopping is how long a write takes while the bridge is being stopped.
const stopping = time.Second

var (
	errBroken = errors.New("out of order")
	errDead   = errors.New("the process has ended")
)

// trouble says what goes wrong.
type trouble struct {
	mu     sync.Mutex
	armed  bool
	count  [places]int
	faults faults
	// decide is asked about the n-th at a place, from 1. mu is held.
	decide func(at place, n int) verdict
}

// arm has things go wrong, or not, and reports whether they did before.
func (t *trouble) arm(armed bool) (before bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, t.armed = t.armed, armed
	return before
}

// faults counts what went wrong that excuses something.
type faults struct {
	// harms can lose what MSN has just handed over, and what the process was about to note.
	harms int
	// calls are those that the homeserver did not answer. The answer to a command is among
	// them once: the framework does not repeat it, its client of the homeserver does.
	calls int
	// stops cut off what was under way, but do not leave open what became of it.
	stops int
}

// counts returns how much there was at each place while things went wrong.
func (t *trouble) counts() [places]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

func (t *trouble) sofar() faults {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faults
}

func (t *trouble) verdict(at place) verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.armed {
		return works
	}
	t.count[at]++
	v := t.decide(at, t.count[at])
	if v == breaks || v == kills || v != works && at == atService {
		t.faults.harms++
	}
	if v == stops {
		t.faults.stops++
	}
	if v == fails && at == atHomeserver {
		t.faults.calls++
	}
	return v
}

// process is one life of a bridge. It stands between the bridge and the rest of the world.
type process struct {
	world *world

	mu     sync.Mutex
	dead   bool
	broken [places]bool // what fails until the end
	conns  []net.Conn
	ended  chan struct{} // closed when it has been stopped, nil while nobody stops it
}

// stop ends the process in good order, beside what it does.
func (p *process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil {
		return
	}
	ended := make(chan struct{})
	p.ended = ended
	go func() {
		defer close(ended)
		p.world.b.stop()
	}()
}

// awaitStop waits until the process has been stopped, and reports false if nobody stops it.
func (p *process) awaitStop() bool {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended != nil {
		<-ended
		time.Sleep(2 * stopping) // the write is over
	}
	return ended != nil
}

// hasEnded reports whether another process is to be started.
func (p *process) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead || p.ended != nil
}

// kill ends what the process does.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	for _, conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// hasBroken reports whether something fails until the end of the process.
func (p *process) hasBroken() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead || p.ended != nil || p.broken != [places]bool{}
}

// try does something that can go wrong.
func (p *process) try(at place, do func() error) error { return p.tryWhile(at, false, do) }

// tryWhile is try for what others wait for by locks, if that is so: the time of a bubble does not pass then.
func (p *process) tryWhile(at place, locked bool, do func() error) error {
	p.mu.Lock()
	dead, broken := p.dead, p.broken[at]
	p.mu.Unlock()
	switch {
	case dead:
		return errDead
	case broken:
		return errBroken
	}
	switch p.world.trouble.verdict(at) {
	case fails:
		return errBroken
	case unheard:
		return errors.Join(errBroken, do())
	case breaks:
		p.mu.Lock()
		p.broken[at] = true
		p.mu.Unlock()
		return errBroken
	case kills:
		p.kill()
		return errDead
	case stops:
		if p.stop(); !locked {
			time.Sleep(stopping)
		}
	}
	return do()
}

// dial connects to the service.
func (p *process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := p.world.network.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		_ = conn.Close()
		return nil, errDead
	}
	p.conns = append(p.conns, conn)
	return conn, nil
}
