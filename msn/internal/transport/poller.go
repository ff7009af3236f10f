package transport

import "sync"

// Poller waits for many connections at once by one goroutine, where each of them would need one with its stack. Those that nothing is
// said on are most of them. The zero value is ready; without support of the system (epoll of Linux) it takes none, and each
// connection waits for itself.
type Poller struct {
	mu     sync.Mutex
	epoll  epoll // opened by the first that waits
	failed bool  // the system gives none, or has taken it away
	last   uint64
	parked map[uint64]*Transport
}

// park has a connection read when something comes, and reports whether it will be: exactly once then, unless unpark takes it back. The
// caller is counted in the connection's group, and so is the read from now on.
func (p *Poller) park(t *Transport) bool {
	if p == nil || t.socket.raw == nil {
		return false
	}
	p.mu.Lock()
	if p.failed || !p.open() {
		p.mu.Unlock()
		return false
	}
	p.last++
	token := p.last
	if p.parked == nil {
		p.parked = make(map[uint64]*Transport)
	}
	p.parked[token], t.token = t, token
	t.group.Add(1)
	again := t.armed
	t.armed = true
	poll := p.epoll
	p.mu.Unlock()
	if err := poll.arm(t.socket.raw, token, again); err != nil {
		if p.unpark(t) {
			t.group.Done()
			return false
		}
		return true // somebody else has seen that it ended
	}
	return true
}

// open opens what the system waits with, once. p.mu is held.
func (p *Poller) open() bool {
	if p.epoll.valid() {
		return true
	}
	poll, err := newEpoll()
	if err != nil {
		p.failed = true
		return false
	}
	p.epoll = poll
	go p.wait(poll)
	return true
}

// unpark takes a connection back, and reports whether it was waiting: the caller has it read then.
func (p *Poller) unpark(t *Transport) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, waiting := p.parked[t.token]
	delete(p.parked, t.token)
	return waiting
}

// wait has connections read that something has come by, until Close.
func (p *Poller) wait(poll epoll) {
	room := new(due)
	for {
		tokens, err := poll.wait(room)
		if err != nil {
			p.end(poll, true)
			return
		}
		for _, t := range p.take(tokens) {
			t.resume()
		}
	}
}

// end has each connection that is there wait for itself: nobody else would hear of what comes. failed says that no other epoll is
// to be had.
func (p *Poller) end(poll epoll, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoll != poll {
		return
	}
	poll.close()
	p.epoll, p.failed = epoll{}, failed
	for _, t := range p.parked {
		t.resume()
	}
	clear(p.parked)
}

// take returns the connections that still wait.
func (p *Poller) take(tokens []uint64) (ready []*Transport) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, token := range tokens {
		if t := p.parked[token]; t != nil {
			delete(p.parked, token)
			ready = append(ready, t)
		}
	}
	return ready
}

// Close ends the goroutine. What comes by connections that are still open is read all the same.
func (p *Poller) Close() {
	p.mu.Lock()
	poll := p.epoll
	p.mu.Unlock()
	if poll.valid() {
		p.end(poll, false)
	}
}
