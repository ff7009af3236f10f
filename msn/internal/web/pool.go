package web

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"

	"matrix-msn/msn/internal/proxy"
	"matrix-msn/msn/passport"
)

const (
	// idle is how long a connection to a web service is kept for the next request.
	idle = 90 * time.Second
	// maxIdle is how many are kept to one host: as many as are needed when accounts sign in one after the other, a few at a time.
	maxIdle = 8
)

// Pool has the connections to the web services of one service. Accounts can share one whose Policy, Roots, Proxy and Dial are the
// same: each new connection is a handshake of TLS. Nothing that is an account's own stays with a connection. The zero value is ready.
type Pool struct {
	nexus passport.Nexus

	mu        sync.Mutex
	transport *http.Transport // made by the first request
	roots     *x509.CertPool  // that it trusts
}

// open returns what carries requests. Where other certificates are trusted than before, no connection is used any more that was
// opened with those.
func (p *Pool) open(cfg Config) *http.Transport {
	roots := cfg.Roots()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transport == nil || !roots.Equal(p.roots) {
		if p.transport != nil {
			p.transport.CloseIdleConnections()
		}
		p.transport, p.roots = newTransport(cfg, roots), roots
	}
	return p.transport
}

// Close ends the connections that wait for the next request.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
}

// newTransport makes connections to trusted addresses. What a name resolves to is held
// against the policy each time it is dialled, unless it is a proxy that resolves it.
func newTransport(cfg Config, roots *x509.CertPool) *http.Transport {
	dialer := net.Dialer{Timeout: cfg.Dial, Control: cfg.Policy.Control}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    cfg.Dial,
		ResponseHeaderTimeout:  cfg.Request,
		MaxResponseHeaderBytes: passport.MaxResponseHeader,
		ForceAttemptHTTP2:      true,
		IdleConnTimeout:        idle,
		MaxIdleConnsPerHost:    maxIdle,
		// By HTTP/2 all accounts ask by one connection. When it is dead that is seen before a request is given up: else all would
		// ask by it until the system gives it up, which takes a quarter of an hour.
		HTTP2: &http.HTTP2Config{SendPingTimeout: cfg.Request / 4, PingTimeout: cfg.Request / 4},
	}
	if cfg.Proxy != nil {
		proxy.Transport(t, cfg.Proxy, cfg.Dial)
	}
	return t
}
