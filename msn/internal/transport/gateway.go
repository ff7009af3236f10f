package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/trust"
)

// Limits and times of the HTTP gateway (protocol/00-overview.md, section 7).
const (
	// GatewayPoll is how often the gateway is asked for news while nothing is sent.
	// It drops sessions after a minute without a request.
	GatewayPoll = time.Second
	// gatewayPart is how much of a reply is handed on at a time, in bytes. A reply holds all that has come
	// since the last one, which can be a whole file.
	gatewayPart = 16 << 10
	// maxGatewayRequest is how much is sent in one request, and waits to be, in bytes.
	maxGatewayRequest = 64 << 10
	// GatewayParting is how long the gateway is still asked after the client has closed
	// the connection: half of it for a request that is under way, half for its last
	// words.
	GatewayParting = 2 * time.Second
	// maxGatewayID is the longest session ID, in bytes; real ones have 36.
	maxGatewayID = 256
)

// ErrGateway says that the HTTP gateway did not answer as one, or ended the
// connection.
var ErrGateway = errors.New("msn: the HTTP gateway gave no usable answer")

// gateway is a connection to a notification server or switchboard that is carried by
// HTTP requests, one at a time. What uses it has the other end of pipe.
type gateway struct {
	client *http.Client
	check  func(*url.URL) error
	at     *url.URL      // of the gateway, without query
	open   string        // the query of the first request
	asked  string        // the host that it names
	id     string        // session ID, "" before the first reply
	wait   time.Duration // for a reply, and for each part of it

	pipe net.Conn
	// parting is done when the client has closed its end, which part says.
	parting context.Context
	part    context.CancelFunc

	mu     sync.Mutex
	unsent bytes.Buffer
	wake   chan struct{} // one token: unsent has grown
	room   chan struct{} // one token: unsent was emptied
	ended  error         // why nothing more comes from the client
	failed error         // what was wrong with the gateway's answer
}

// gatewayConn is the client's end of a gateway. What ends it is what was wrong with the
// gateway.
type gatewayConn struct {
	net.Conn
	gateway *gateway
}

// Read implements net.Conn.
func (c gatewayConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF {
		c.gateway.mu.Lock()
		defer c.gateway.mu.Unlock()
		err = cmp.Or(c.gateway.failed, err)
	}
	return n, err
}

// Close implements net.Conn. It does not wait for the gateway.
func (c gatewayConn) Close() error {
	err := c.Conn.Close()
	c.gateway.part()
	return err
}

// read takes what the client sends.
func (g *gateway) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := g.pipe.Read(buffer)
		g.mu.Lock()
		g.unsent.Write(buffer[:n])
		full := g.unsent.Len() >= maxGatewayRequest
		if err != nil {
			g.ended = err
		}
		g.mu.Unlock()
		signal(g.wake)
		if err != nil {
			return
		}
		if full {
			<-g.room // given when all is sent, and when exchange ends
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// exchange sends what there is and hands on what comes, until either side has ended.
func (g *gateway) exchange(ctx context.Context) {
	defer close(g.room)
	defer g.part()
	defer g.pipe.Close()
	poll := time.NewTimer(0)
	defer poll.Stop()
	<-poll.C
	for {
		if g.id == "" && g.parting.Err() != nil {
			return // a session would be opened for the last words alone
		}
		g.mu.Lock()
		body := bytes.Clone(g.unsent.Bytes())
		g.unsent.Reset()
		ended := g.ended
		g.mu.Unlock()
		select {
		case g.room <- struct{}{}:
		default:
		}
		if len(body) > 0 || g.id != "" && ended == nil {
			parting := g.parting.Err() != nil
			over, err := g.request(ctx, body)
			if err != nil && !parting && g.parting.Err() != nil {
				continue // it was given up for the last words
			}
			if errors.Is(err, ErrGateway) || errors.Is(err, trust.ErrUntrusted) {
				g.mu.Lock()
				g.failed = err
				g.mu.Unlock()
			}
			if err != nil || over || ended != nil {
				return
			}
		} else if ended != nil {
			return
		}
		wait := GatewayPoll
		if g.id == "" {
			wait = g.wait
		}
		poll.Reset(wait)
		select {
		case <-g.wake:
		case <-poll.C:
		}
	}
}

// request makes one request. over tells that the gateway has ended the session.
func (g *gateway) request(ctx context.Context, body []byte) (over bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(g.wait, func() { cancel(errs.ErrTimeout) })
	defer patience.Stop()
	defer context.AfterFunc(g.parting, func() {
		timer := time.AfterFunc(GatewayParting/2, func() { cancel(nil) })
		context.AfterFunc(ctx, func() { timer.Stop() })
	})()
	to := *g.at
	switch {
	case g.id == "":
		to.RawQuery = g.open
	case len(body) == 0:
		to.RawQuery = url.Values{"Action": {"poll"}, "SessionID": {g.id}}.Encode()
	default:
		to.RawQuery = url.Values{"SessionID": {g.id}}.Encode()
	}
	if err := g.check(&to); err != nil {
		return false, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("%w: %v", ErrGateway, err)
	}
	request.Header.Set("Content-Type", "application/x-msn-messenger")
	request.Header.Set("User-Agent", "MSMSGS")
	reply, err := g.client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		// Who knows the session's ID, which stands in the address, can write in it.
		err = failed.Err
	}
	if err != nil {
		return false, gatewayFailed(ctx, err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%w: status %d", ErrGateway, reply.StatusCode)
	}
	over, err = g.session(reply.Header.Get("X-MSN-Messenger"))
	if err != nil {
		return false, err
	}
	for part := make([]byte, gatewayPart); ; {
		n, err := reply.Body.Read(part)
		if n > 0 {
			patience.Stop() // it is for the gateway, not for who reads
			// A client that has ended reads nothing any more; its last words still go out.
			_, _ = g.pipe.Write(part[:n])
			patience.Reset(g.wait)
		}
		if err == io.EOF {
			return over, nil
		}
		if err != nil {
			return false, gatewayFailed(ctx, err)
		}
	}
}

// gatewayFailed says why a request has failed.
func gatewayFailed(ctx context.Context, err error) error {
	if context.Cause(ctx) == errs.ErrTimeout {
		return fmt.Errorf("%w: %w", ErrGateway, errs.ErrTimeout)
	}
	return fmt.Errorf("%w: %v", ErrGateway, err)
}

// session reads "SessionID=…; GW-IP=…[; Session=close]".
func (g *gateway) session(header string) (over bool, err error) {
	id, host := "", ""
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch strings.ToLower(name) {
		case "sessionid":
			id = value
		case "gw-ip":
			host = value
		case "session":
			over = strings.EqualFold(value, "close")
		}
	}
	if id == "" || len(id) > maxGatewayID {
		if over {
			return true, nil
		}
		return false, fmt.Errorf("%w: no session", ErrGateway)
	}
	g.id = id
	if host != "" && !strings.EqualFold(host, g.asked) && !strings.EqualFold(host, g.at.Host) && trust.ValidHost(strings.ToLower(host)) {
		next := *g.at
		next.Host = host
		if g.check(&next) == nil {
			g.at = &next
		}
	}
	return over, nil
}
