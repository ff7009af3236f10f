package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is a TCP connection that a test can cut, hold up and slow down: it stands between two programs.
type line struct {
	listener net.Listener
	to       string // where it leads; "" has the one who calls say so, as an HTTP proxy

	mu     sync.Mutex
	or     string // another bridge, to which it leads when that at to does not live; "" for none
	down   bool
	active map[*pipe]struct{}
	state  lineState
	eased  chan struct{} // closed when the state changes
}

// lineState is how a line passes on what it is given.
type lineState int

const (
	lineFlows lineState = iota
	// lineDrips passes a byte a second.
	lineDrips
	// lineSwallows takes all and passes nothing: no data, no end. In connections that were there then nothing passes
	// any more, as when a router has forgotten them, until one side gives them up.
	lineSwallows
)

// dripEvery is the time between two bytes of a line that drips.
const dripEvery = time.Second

// newLine listens on a port, 0 for any, and connects who comes to another address.
func newLine(t *testing.T, port int, to string) *line {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	l := &line{listener: listener, to: to, active: make(map[*pipe]struct{}), eased: make(chan struct{})}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn)
		}
	}()
	return l
}

func (l *line) url() string { return "http://" + l.listener.Addr().String() }

func (l *line) carry(near net.Conn) {
	defer near.Close()
	reader, to := io.Reader(near), l.to
	if to == "" {
		buffered := bufio.NewReader(near)
		request, err := http.ReadRequest(buffered)
		if err != nil || request.Method != http.MethodConnect {
			return
		}
		reader, to = buffered, request.Host
	}
	if or := l.second(); or != "" && !lives(to) {
		to = or
	}
	far, err := net.Dial("tcp", to)
	if err != nil {
		if l.to == "" {
			_, _ = io.WriteString(near, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		}
		return
	}
	defer far.Close()
	if l.to == "" {
		if _, err := io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
	}
	p := &pipe{near: near, far: far}
	l.mu.Lock()
	if l.down {
		l.mu.Unlock()
		return
	}
	p.forgotten.Store(l.state == lineSwallows)
	l.active[p] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.active, p)
	}()
	var both sync.WaitGroup
	both.Go(func() { l.copy(p, far, reader) })
	both.Go(func() { l.copy(p, near, far) })
	both.Wait()
}

// pipe is a connection that a line carries.
type pipe struct {
	near, far net.Conn
	forgotten atomic.Bool // nothing passes any more, and no end either
}

// copy passes on one way of a connection.
func (l *line) copy(p *pipe, to io.WriteCloser, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		state, eased := l.now()
		part := buffer
		if state == lineDrips {
			part = buffer[:1]
		}
		n, err := from.Read(part)
		switch {
		case p.forgotten.Load():
			if err == nil {
				continue
			}
			// Whoever gives the connection up can say so when the way is there again.
			if state, _ := l.now(); state == lineFlows {
				_ = to.Close()
			}
			return
		case n > 0:
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			_ = to.Close()
			return
		}
		if state == lineDrips {
			drip := time.NewTimer(dripEvery)
			select {
			case <-drip.C:
			case <-eased:
				drip.Stop()
			}
		}
	}
}

// leadAlso has the line lead to a second bridge when the first does not live, as a proxy with a check does.
func (l *line) leadAlso(url string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.or = strings.TrimPrefix(url, "http://")
}

// lives reports whether a bridge answers. One that hangs takes connections all the same.
func lives(address string) bool {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/_matrix/mau/live")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (l *line) second() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.or
}

func (l *line) now() (lineState, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.eased
}

// set changes how the line passes things on.
func (l *line) set(state lineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
	if state == lineSwallows {
		for p := range l.active {
			p.forgotten.Store(true)
		}
	}
	close(l.eased)
	l.eased = make(chan struct{})
}

// cut ends all connections, in the middle of whatever they carry. While down, no new ones are made.
func (l *line) cut(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	for p := range l.active {
		_, _ = p.near.Close(), p.far.Close()
	}
}
