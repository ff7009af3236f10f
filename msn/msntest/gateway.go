package msntest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// The HTTP gateway: connections carried by HTTP requests (protocol/00-overview.md,
// section 7).

const (
	// gatewayIdle ends a tunnel that nobody asks for.
	gatewayIdle = 60 * time.Second
	// gatewayFlush is how long the answer to a request waits at most for what the
	// server has to say to it.
	gatewayFlush = time.Second
)

// tunnel is the server's end of a connection that comes through the gateway.
type tunnel struct {
	id, remote, local string
	conn              *conn
	turn              sync.Mutex // held by the request that is under way

	mu       sync.Mutex
	cond     *sync.Cond
	in, out  bytes.Buffer
	reading  bool // the server waits for more
	rests    int  // how often its writer had written all
	ended    bool // by the client, or the gateway
	closed   bool // by the server: no more will come out
	expired  bool // the read deadline has passed
	deadline *time.Timer
	idle     *time.Timer
}

func newTunnel(remote, local string) *tunnel {
	t := &tunnel{id: newGUID(), remote: remote, local: local}
	t.cond = sync.NewCond(&t.mu)
	return t
}

// Read implements net.Conn.
func (t *tunnel) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.in.Len() == 0 {
		switch {
		case t.ended:
			return 0, io.EOF
		case t.expired:
			return 0, os.ErrDeadlineExceeded
		}
		t.reading = true
		t.cond.Broadcast()
		t.cond.Wait()
	}
	t.reading = false
	return t.in.Read(p)
}

// Write implements net.Conn.
func (t *tunnel) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.closed {
		return 0, net.ErrClosed
	}
	t.cond.Broadcast()
	return t.out.Write(p)
}

// CloseWrite says that no more comes out.
func (t *tunnel) CloseWrite() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.cond.Broadcast()
	return nil
}

// Close implements net.Conn.
func (t *tunnel) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.closed = true, true
	t.cond.Broadcast()
	return nil
}

type tunnelAddr string

func (tunnelAddr) Network() string  { return "http" }
func (a tunnelAddr) String() string { return string(a) }

// LocalAddr implements net.Conn.
func (t *tunnel) LocalAddr() net.Addr { return tunnelAddr(t.local) }

// RemoteAddr implements net.Conn.
func (t *tunnel) RemoteAddr() net.Addr { return tunnelAddr(t.remote) }

// SetReadDeadline implements net.Conn.
func (t *tunnel) SetReadDeadline(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.deadline != nil {
		t.deadline.Stop()
	}
	if t.expired = false; !at.IsZero() {
		t.deadline = time.AfterFunc(time.Until(at), func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.expired = true
			t.cond.Broadcast()
		})
	}
	return nil
}

// SetWriteDeadline implements net.Conn; writing never waits.
func (t *tunnel) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn.
func (t *tunnel) SetDeadline(at time.Time) error { return t.SetReadDeadline(at) }

// exchange hands on what a client sends, and returns what there is for it. over tells
// that no more will come.
func (t *tunnel) exchange(body []byte) (data []byte, over bool) {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.idle.Reset(gatewayIdle)
	late := false
	timer := time.AfterFunc(gatewayFlush, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		late = true
		t.cond.Broadcast()
	})
	defer timer.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(body) > 0 && !t.closed {
		t.in.Write(body)
		t.reading = false
		t.cond.Broadcast()
	}
	// All is said when the server waits for more and its writer is at rest.
	for busy := true; busy && !late && !t.closed; {
		if t.in.Len() > 0 || !t.reading {
			t.cond.Wait()
			continue
		}
		rests := t.rests
		t.mu.Unlock() // whoever has the lock of the writer may wait for this one
		busy = t.conn.isWriting()
		t.mu.Lock()
		for busy && rests == t.rests && !late && !t.closed {
			t.cond.Wait()
		}
	}
	data = bytes.Clone(t.out.Bytes())
	t.out.Reset()
	return data, t.closed
}

// rest tells that the writer has written all there was.
func (t *tunnel) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rests++
	t.cond.Broadcast()
}

// isWriting reports whether a connection has more to write.
func (c *conn) isWriting() bool {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	return !c.dead && (c.writing || len(c.out) > 0)
}

// answerGateway answers a request to the gateway.
func (s *Server) answerGateway(w http.ResponseWriter, r *http.Request, body []byte) {
	query := r.URL.Query()
	var t *tunnel
	if query.Get("Action") == "open" {
		t = s.openTunnel(r, query.Get("Server"))
	} else {
		s.mu.Lock()
		t = s.gateways[query.Get("SessionID")]
		s.mu.Unlock()
	}
	if t == nil {
		http.Error(w, "400: Bad Request", http.StatusBadRequest)
		return
	}
	data, over := t.exchange(body)
	session := "SessionID=" + t.id + "; GW-IP=" + r.Host
	if over {
		s.closeTunnel(t)
		if s.is.saysGatewayClosed {
			session += "; Session=close"
		}
	}
	setHeader(w, "X-MSN-Messenger", session)
	w.Header().Set("Content-Type", "application/x-msn-messenger")
	_, _ = w.Write(data)
}

// openTunnel makes a connection to the notification server or a switchboard.
func (s *Server) openTunnel(r *http.Request, server string) *tunnel {
	kind := NS
	switch {
	case server == "SB":
		kind = SB
	case server != "NS":
		return nil
	case s.ds != nil:
		kind = DS
	}
	local := ""
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		local = addr.String()
	}
	t := newTunnel(r.RemoteAddr, local)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	t.conn = s.newConn(t, kind)
	t.idle = time.AfterFunc(gatewayIdle, func() { s.closeTunnel(t) })
	s.gateways[t.id] = t
	s.wg.Go(t.conn.serve)
	return t
}

// closeTunnel ends a tunnel; the connection ends as if the client had closed it.
func (s *Server) closeTunnel(t *tunnel) {
	s.mu.Lock()
	delete(s.gateways, t.id)
	s.mu.Unlock()
	t.idle.Stop()
	_ = t.Close()
}
