// Package web calls a service's web services with the user's tickets.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/proxy"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/trust"
)

// Addresses are those of a service's web services: https, except on loopback.
type Addresses struct {
	// Login gives tickets (RST), from MSNP13 on, and in MSNP8 to MSNP12 when there is
	// no nexus. RST2 is spoken when its path ends in "RST2.srf".
	Login string
	// AddressBook and Sharing keep the contact lists, from MSNP13 on.
	AddressBook, Sharing string
	// Mailbox keeps the offline messages sent to the user, and Post takes those that
	// the user sends, from MSNP11 on. Without them there are none.
	Mailbox, Post string
	// Storage keeps the display picture for all places where the user signs in, from MSNP15 on. Without
	// it there is none.
	Storage string
}

// All returns the addresses that are set.
func (a Addresses) All() (list []string) {
	for _, address := range []string{a.Login, a.AddressBook, a.Sharing, a.Mailbox, a.Post, a.Storage} {
		if address != "" {
			list = append(list, address)
		}
	}
	return list
}

// Config is what web services need to know of an account and its service.
type Config struct {
	Account, Password string
	NexusURL          string
	Addresses         Addresses
	Policy            *trust.Policy
	// Roots returns the certificates that are trusted, nil for the system's. It is asked
	// before each request.
	Roots   func() *x509.CertPool
	Proxy   *url.URL      // by way of which all requests go, or nil
	Dial    time.Duration // bounds opening a connection
	Request time.Duration // bounds a request
	// Pool has the connections. Nil means one of the account's own.
	Pool *Pool
	// Transport carries all requests in the place of connections that are held against
	// Policy. Nil means those.
	Transport http.RoundTripper
}

// Services are the web services of one account. The zero value is none; see New.
type Services struct {
	cfg Config
	own bool // the pool is the account's own

	mu      sync.Mutex
	closed  bool
	tickets *Tickets // nil before the sign-in needed some
}

// New returns the web services of an account. Nothing is connected.
func New(cfg Config) *Services {
	if cfg.Roots == nil {
		cfg.Roots = func() *x509.CertPool { return nil }
	}
	own := cfg.Pool == nil
	if own {
		cfg.Pool = new(Pool)
	}
	return &Services{cfg: cfg, own: own}
}

// Addresses returns where the services are.
func (s *Services) Addresses() Addresses { return s.cfg.Addresses }

// Account returns the account as the user gave it.
func (s *Services) Account() string { return s.cfg.Account }

// Tickets returns the user's tickets, or nil where the sign-in needed none.
func (s *Services) Tickets() *Tickets {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tickets
}

func (s *Services) setTickets(t *Tickets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets = t
}

// Caller calls web services, at addresses that are trusted.
func (s *Services) Caller() soap.Caller {
	return soap.Caller{Client: &http.Client{Transport: s, Timeout: s.cfg.Request}, Allow: s.cfg.Policy.CheckURL}
}

// RoundTrip implements http.RoundTripper. After Close it refuses with errs.ErrClosed.
func (s *Services) RoundTrip(r *http.Request) (*http.Response, error) {
	transport, err := s.open()
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(r)
}

func (s *Services) open() (http.RoundTripper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errs.ErrClosed
	case s.cfg.Transport != nil:
		return s.cfg.Transport, nil
	}
	return s.cfg.Pool.open(s.cfg), nil
}

// Close refuses further requests, and ends the connections that wait for the next one unless others may use them.
func (s *Services) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.own {
		s.cfg.Pool.Close()
	}
}

// Error gives the errors of web services the names that the client has for them.
func Error(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, passport.ErrAccount):
		return fmt.Errorf("%w: %w", errs.ErrAccountLocked, err)
	case errors.Is(err, passport.ErrLoginServer):
		return fmt.Errorf("%w: %w", errs.ErrBusy, err)
	}
	return err
}

// Answered reports whether an error is an answer of the service: a fault or an HTTP
// status.
func Answered(err error) bool {
	_, fault := errors.AsType[*soap.Fault](err)
	_, status := errors.AsType[*soap.StatusError](err)
	return fault || status
}

// NeverConnected reports whether a request failed before there was a connection to send it
// on: the host's name or address was not to be had, or a proxy did not open one, or its certificate is not trusted, or
// the services are closed.
func NeverConnected(err error) bool {
	if network, ok := errors.AsType[*net.OpError](err); ok && (network.Op == "dial" || network.Op == proxy.Op || network.Op == "socks connect") {
		return true
	}
	_, name := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	return name || certificate || errors.Is(err, errs.ErrClosed)
}

// Pause waits, unless ctx ends, and returns its cause then.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
