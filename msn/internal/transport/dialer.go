package transport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/trust"
)

// Server is what is at the other end of a connection.
type Server string

// The kinds of servers, as the gateway calls them.
const (
	Notification Server = "NS"
	Switchboard  Server = "SB"
)

// Dialer opens connections to addresses that are trusted.
type Dialer struct {
	Policy  *trust.Policy
	Timeout time.Duration // of opening one TCP connection
	// Dial opens TCP connections in the place of a dialer that also holds the resolved
	// address against Policy. Nil means that one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Gateway is the address of an HTTP gateway that carries all connections, or "".
	Gateway string
	HTTP    http.RoundTripper // reaches the gateway
	Reply   time.Duration     // bounds one reply of the gateway

	gateways sync.WaitGroup
}

// Open opens a connection to an address in the form that Policy gives.
func (d *Dialer) Open(ctx context.Context, server Server, address string) (net.Conn, error) {
	if d.Gateway != "" {
		return d.openGateway(ctx, server, address)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.Timeout, errs.ErrTimeout)
	defer cancel()
	dial := d.Dial
	if dial == nil {
		dialer := net.Dialer{Control: d.Policy.Control}
		dial = dialer.DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("msn: connect to %s: %w: %w", address, context.Cause(ctx), err)
	}
	return nil, fmt.Errorf("msn: connect to %s: %w", address, err)
}

// Wait returns when all that carried connections has ended. The connections must be
// closed, and no new one may be opened.
func (d *Dialer) Wait() { d.gateways.Wait() }

// openGateway opens a connection through the gateway.
func (d *Dialer) openGateway(ctx context.Context, server Server, address string) (net.Conn, error) {
	at, err := url.Parse(d.Gateway)
	if err != nil {
		return nil, fmt.Errorf("%w: gateway address: %w", errs.ErrConfig, err)
	}
	host, _, err := trust.SplitAddress(address)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at.RawQuery = ""
	near, far := net.Pipe()
	g := &gateway{
		client: &http.Client{Transport: d.HTTP, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		check:  d.Policy.CheckGateway,
		at:     at, open: url.Values{"Action": {"open"}, "Server": {string(server)}, "IP": {host}}.Encode(), asked: host,
		wait: d.Reply, pipe: far,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
	// It ends with the connection, whose last words it still brings to the gateway.
	run := context.WithoutCancel(ctx)
	g.parting, g.part = context.WithCancel(run)
	d.gateways.Go(g.read)
	d.gateways.Go(func() { g.exchange(run) })
	return gatewayConn{near, g}, nil
}
