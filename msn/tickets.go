package msn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
)

// renewBefore is how long before its end a ticket is renewed: longer than any call
// takes that is made with it. One with a short life is renewed when half of it is over.
const renewBefore = 5 * time.Minute

// tickets are what web services take for the user, by their addresses. They are
// secrets, and outlive the sign-in.
type tickets struct {
	rst               *passport.RST // nil when there is only what the sign-in gave
	account, password string
	services          []passport.Service

	// renewing is held while tickets are got, so that this is done once at a time.
	renewing sync.Mutex

	mu     sync.Mutex
	tokens map[string]passport.Token
	serial int // how often they were got
	got    time.Time
}

// webServices are those that tickets are asked for besides the one to sign in with.
var webServices = []passport.Service{passport.ServiceMessenger, passport.ServiceContacts,
	passport.ServiceMessengerSecure, passport.ServiceStorage}

// newTickets returns the Client's tickets; none is got yet.
func (c *Client) newTickets(services ...passport.Service) *tickets {
	return &tickets{
		rst:      &passport.RST{URL: c.cfg.Web.Login, Caller: c.caller()},
		account:  c.cfg.Account,
		password: c.cfg.Password,
		services: services,
	}
}

// caller calls web services, at addresses that Trust allows.
func (c *Client) caller() soap.Caller {
	return soap.Caller{Client: &http.Client{Transport: c.webTransport(), Timeout: c.timeouts.Request}, Allow: c.policy.checkURL}
}

// webTransport carries all HTTP requests but those of the sign-in by way of the nexus.
func (c *Client) webTransport() http.RoundTripper {
	if c.cfg.https != nil {
		return c.cfg.https
	}
	c.webOnce.Do(func() {
		c.web = c.loginTransport()
		c.web.IdleConnTimeout = webIdle
	})
	return c.web
}

// closeWeb ends the connections to web services that wait for the next request.
func (c *Client) closeWeb() {
	c.webOnce.Do(func() {}) // what is made later is not used
	if c.web != nil {
		c.web.CloseIdleConnections()
	}
}

// webIdle is how long a connection to a web service is kept for the next request.
const webIdle = 90 * time.Second

// onlyTicket are the tickets of a sign-in by way of the nexus: web services of the
// time took the one that it gave (protocol/06-oim-mail.md, section 2.1).
func onlyTicket(ticket string) *tickets {
	t := &tickets{tokens: make(map[string]passport.Token)}
	for _, service := range webServices {
		t.tokens[service.Address] = passport.Token{Ticket: ticket}
	}
	return t
}

// get gets all tickets anew.
func (t *tickets) get(ctx context.Context) error {
	if t.rst == nil {
		return errOneTicket
	}
	tokens, err := t.rst.Tokens(ctx, t.account, t.password, t.services...)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens = tokens
	t.serial++
	t.got = time.Now()
	return nil
}

// errOneTicket is what ends the use of a ticket that cannot be renewed.
var errOneTicket = errors.New("msn: the ticket is used up: it lasts as long as the sign-in")

// of returns the present token of a service, and which of the tickets got so far it
// is among.
func (t *tickets) of(service passport.Service) (token passport.Token, serial int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[strings.ToLower(service.Address)], t.serial
}

// ticket returns a function that gives a service's present ticket.
func (t *tickets) ticket(service passport.Service) func() string {
	return func() string {
		token, _ := t.of(service)
		return token.Ticket
	}
}

// with makes a call to a service with a ticket that is not about to end, and once
// more with a new one when the service does not take it.
func (t *tickets) with(ctx context.Context, service passport.Service, call func() error) error {
	token, serial := t.of(service)
	if t.ending(token) {
		if err := t.renew(ctx, serial); err != nil {
			return err
		}
		_, serial = t.of(service)
	}
	err := call()
	if !soap.IsUnauthorized(err) {
		return err
	}
	if renewErr := t.renew(ctx, serial); renewErr != nil {
		return fmt.Errorf("%w; and no new ticket: %w", err, renewErr)
	}
	return call()
}

// ending reports whether a token is to be renewed before it is used.
func (t *tickets) ending(token passport.Token) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !token.Expires.IsZero() && time.Until(token.Expires) < min(renewBefore, token.Expires.Sub(t.got)/2)
}

// renew gets new tickets, unless somebody has since.
func (t *tickets) renew(ctx context.Context, serial int) error {
	t.renewing.Lock()
	defer t.renewing.Unlock()
	t.mu.Lock()
	done := t.serial != serial
	t.mu.Unlock()
	if done {
		return nil
	}
	return t.get(ctx)
}

// webError gives the errors of web services the names that this package has for
// them.
func webError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, passport.ErrAccount):
		return fmt.Errorf("%w: %w", ErrAccountLocked, err)
	case errors.Is(err, passport.ErrLoginServer):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}
