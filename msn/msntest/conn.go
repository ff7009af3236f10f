package msntest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"matrix-msn/msn/wire"
)

// Kind tells which server a connection belongs to.
type Kind uint8

// The kinds of connections.
const (
	DS    Kind = iota // dispatch server
	NS                // notification server
	SB                // switchboard
	HTTPS             // nexus and log-in
)

// String returns the abbreviation used in the protocol's documents.
func (k Kind) String() string {
	return [...]string{"DS", "NS", "SB", "HTTPS"}[k]
}

// conn is one MSNP connection. Its reader has a goroutine of its own; a writer
// runs only while there is something to write, so that an idle client costs
// little.
type conn struct {
	srv  *Server
	nc   net.Conn
	kind Kind
	id   int
	r    *wire.Reader

	// guarded by srv.mu
	dialect  wire.Dialect
	versions bool     // VER was answered
	cvr      bool     // CVR was answered, without which MSNP8 and later get no further
	claimed  string   // the account named in USR, before it is proved
	salt     string   // of the MD5 log-in under way
	session  *session // notification server: who is signed in
	party    *party   // switchboard: who is in it
	over     bool     // the server is done with it
	muted    bool     // see Unanswered
	garbled  bool     // the next command is lost, see WithoutPaging
	expects  string   // the challenge that is to be answered
	timer    *time.Timer

	outMu   sync.Mutex
	taken   chan struct{} // closed when the client has taken what waits; nil while nobody waits for that
	out     []byte
	writing bool
	closing bool // close when out is empty
	dead    bool
}

// newConn registers a connection; the server is locked.
func (s *Server) newConn(nc net.Conn, kind Kind) *conn {
	s.lastConn++
	c := &conn{srv: s, nc: nc, kind: kind, id: s.lastConn, r: wire.NewReader(nc, wire.FromClient)}
	s.conns[c] = struct{}{}
	s.notifyChange()
	return c
}

// serve begins to read and answer.
func (c *conn) serve() {
	s := c.srv
	_ = c.nc.SetReadDeadline(time.Now().Add(s.opt.authTimeout))
	if s.hooked.Load() && !s.receive(c, wire.Command{}) {
		c.end()
		return
	}
	c.rest()
}

// end forgets the connection.
func (c *conn) end() {
	c.srv.mu.Lock()
	c.hangUp()
	delete(c.srv.conns, c)
	c.srv.mu.Unlock()
	c.kill()
}

// rest waits for the client to say something, and has it answered by another goroutine: the
// stack that answering takes is not kept while a client is idle.
func (c *conn) rest() {
	if c.r.Wait() != nil {
		c.end()
		return
	}
	c.srv.wg.Go(c.answer)
}

// answer reads and answers what is there.
func (c *conn) answer() {
	s := c.srv
	for {
		cmd, err := c.r.Read()
		if err != nil {
			if errors.Is(err, wire.ErrProtocol) {
				s.log.Info("protocol error of a client", "conn", c.id, "kind", c.kind, "err", err)
			}
			c.end()
			return
		}
		if !s.receive(c, cmd) {
			c.drain()
			c.end()
			return
		}
		if cmd.Verb == "MSG" {
			s.waitForReaders(c.partyNow())
		}
		if !c.r.Buffered() {
			s.wg.Go(c.rest)
			return
		}
	}
}

// partyNow is who the connection is in a switchboard, nil for nobody.
func (c *conn) partyNow() *party {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.party
}

// waitForReaders waits while others in a switchboard have not taken what somebody there has sent: so
// does a server whose lines are full.
func (s *Server) waitForReaders(p *party) {
	var others []*conn
	s.mu.Lock()
	if p != nil && p.sb != nil {
		for _, other := range p.sb.parties {
			if other.conn != nil && other != p {
				others = append(others, other.conn)
			}
		}
	}
	s.mu.Unlock()
	for _, other := range others {
		if taken := other.crowded(); taken != nil {
			timer := time.NewTimer(writeTimeout)
			select {
			case <-taken:
			case <-timer.C:
			case <-s.done:
			}
			timer.Stop()
		}
	}
}

// crowded returns nil unless much waits for the client; else what is closed when it has taken that, or
// has gone.
func (c *conn) crowded() <-chan struct{} {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	if c.dead || len(c.out) < crowdedQueue {
		return nil
	}
	if c.taken == nil {
		c.taken = make(chan struct{})
	}
	return c.taken
}

// tellTaken tells who waits for the client; outMu is held.
func (c *conn) tellTaken() {
	if c.taken != nil {
		close(c.taken)
		c.taken = nil
	}
}

// drain waits for the client to close after the server has, so that the last
// answer is not lost to a reset.
func (c *conn) drain() {
	if c.isDead() {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.Copy(io.Discard, c.nc)
}

// receive records and handles one command; the zero command stands for the
// connection itself. It reports whether the connection goes on.
func (s *Server) receive(c *conn, cmd wire.Command) bool {
	s.mu.Lock()
	if c.over || s.closed {
		s.mu.Unlock()
		return false
	}
	if cmd.Verb != "" {
		s.record(c, wire.FromClient, cmd)
	}
	if !s.hooked.Load() {
		defer s.mu.Unlock()
		s.handle(c, cmd)
		return !c.over
	}
	req := s.request(c, cmd)
	s.mu.Unlock()

	action := s.ask(req)
	if action.delay > 0 && !c.pause(action.delay) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.over || s.closed {
		return false
	}
	s.perform(c, cmd, action)
	return !c.over
}

// pause waits; it reports false when the server is closed meanwhile.
func (c *conn) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.srv.done:
		return false
	}
}

func (s *Server) handle(c *conn, cmd wire.Command) {
	if cmd.Verb == "" {
		return
	}
	switch c.kind {
	case DS, NS:
		s.handleNotification(c, cmd)
	case SB:
		s.handleSwitchboard(c, cmd)
	}
}

// send queues a command for the client; the server is locked.
func (c *conn) send(cmd wire.Command) {
	if c.muted || c.over {
		return
	}
	c.outMu.Lock()
	out, err := wire.Append(c.out, cmd)
	c.out = out
	c.outMu.Unlock()
	if err != nil {
		c.srv.log.Error("cannot send", "conn", c.id, "cmd", cmd.Verb, "err", err)
		return
	}
	c.srv.record(c, wire.FromServer, cmd)
	c.kick()
}

// reply is send for a command without payload.
func (c *conn) reply(verb string, args ...string) { c.send(wire.New(verb, args...)) }

// sendRaw queues bytes that need not be a command; the server is locked.
func (c *conn) sendRaw(data []byte) {
	c.outMu.Lock()
	c.out = append(c.out, data...)
	c.outMu.Unlock()
	c.kick()
}

// kick sees to it that a writer runs; the server is locked.
func (c *conn) kick() {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	if c.dead || c.srv.closed {
		return
	}
	if len(c.out) > maxQueue {
		c.srv.log.Info("client does not read", "conn", c.id, "kind", c.kind)
		c.killLocked()
		return
	}
	if !c.writing && len(c.out) > 0 {
		c.writing = true
		c.srv.wg.Go(c.write)
	}
}

// write empties the queue and ends.
func (c *conn) write() {
	for {
		c.outMu.Lock()
		if c.dead || len(c.out) == 0 {
			c.writing = false
			if c.closing && !c.dead {
				c.finish()
			}
			c.outMu.Unlock()
			if t, ok := c.nc.(*tunnel); ok {
				t.rest()
			}
			return
		}
		data := c.out
		c.out = nil
		c.tellTaken()
		c.outMu.Unlock()
		_ = c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.nc.Write(data); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.srv.log.Info("client does not read", "conn", c.id, "kind", c.kind)
			}
			c.kill()
		}
	}
}

// finish says that nothing more will come and gives the client a moment to
// close; outMu is held.
func (c *conn) finish() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
		return
	}
	_ = c.nc.Close()
}

// hangUp ends the connection after what is queued has been sent: whoever is on
// it is signed out or leaves the switchboard at once. The server is locked.
func (c *conn) hangUp() {
	if c.over {
		return
	}
	c.over = true
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.srv.closed {
		if c.session != nil {
			c.srv.signOut(c.session)
		}
		if c.party != nil {
			c.srv.leave(c.party, false)
		}
	}
	c.srv.notifyChange()
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.closing = true
	if !c.writing && !c.dead {
		c.finish()
	}
}

// drop ends the connection at once; what is queued may be lost. The server is
// locked.
func (c *conn) drop() {
	c.kill()
	c.hangUp()
}

// kill closes the socket; the reader then ends and tidies up.
func (c *conn) kill() {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.killLocked()
}

func (c *conn) killLocked() {
	c.dead = true
	c.out = nil
	c.tellTaken()
	_ = c.nc.Close()
}

func (c *conn) isDead() bool {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	return c.dead
}

// authenticated lifts the time limit for signing in; the server is locked.
func (c *conn) authenticated() { _ = c.nc.SetReadDeadline(time.Time{}) }

// fail answers with an error number (protocol/08-errors.md).
func (c *conn) fail(number, trid string) { c.reply(number, trid) }
