package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
)

// RenewBefore is how long before its end a ticket is renewed: longer than any call
// takes that is made with it. One with a short life is renewed when half of it is over.
const RenewBefore = 5 * time.Minute

// Tickets are what web services take for the user, by their addresses. They are
// secrets, and outlive the sign-in.
type Tickets struct {
	rst               *passport.RST // nil when there is only what the sign-in gave
	only              string        // what it gave then
	account, password string
	services          []passport.Service

	// renewing is held while tickets are got, so that this is done once at a time.
	renewing sync.Mutex

	mu     sync.Mutex
	tokens map[string]passport.Token
	serial int // how often they were got
	got    time.Time
}

// TicketServices are those that tickets are asked for besides the one to sign in with.
var TicketServices = []passport.Service{passport.ServiceMessenger, passport.ServiceContacts,
	passport.ServiceMessengerSecure, passport.ServiceStorage}

// newTickets returns the user's tickets; none is got yet.
func (s *Services) newTickets(services ...passport.Service) *Tickets {
	return &Tickets{
		rst:      &passport.RST{URL: s.cfg.Addresses.Login, Caller: s.Caller()},
		account:  s.cfg.Account,
		password: s.cfg.Password,
		services: services,
	}
}

// onlyTicket are the tickets of a sign-in by way of the nexus: web services of the time took
// the one that it gave (protocol/06-oim-mail.md, section 2.1).
func onlyTicket(ticket string) *Tickets { return &Tickets{only: ticket} }

// get gets all tickets anew.
func (t *Tickets) get(ctx context.Context) error {
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

// Token returns the present token of a service, without one when there is none.
func (t *Tickets) Token(service passport.Service) passport.Token {
	token, _ := t.of(service)
	return token
}

// of returns the present token of a service, and which of the tickets got so far it
// is among.
func (t *Tickets) of(service passport.Service) (token passport.Token, serial int) {
	if t.rst == nil {
		return passport.Token{Ticket: t.only}, 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tokens[strings.ToLower(service.Address)], t.serial
}

// Ticket returns a function that gives a service's present ticket.
func (t *Tickets) Ticket(service passport.Service) func() string {
	return func() string {
		token, _ := t.of(service)
		return token.Ticket
	}
}

// With makes a call to a service with a ticket that is not about to end, and once
// more with a new one when the service does not take it.
func (t *Tickets) With(ctx context.Context, service passport.Service, call func() error) error {
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
func (t *Tickets) ending(token passport.Token) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !token.Expires.IsZero() && time.Until(token.Expires) < min(RenewBefore, token.Expires.Sub(t.got)/2)
}

// renew gets new tickets, unless somebody has since.
func (t *Tickets) renew(ctx context.Context, serial int) error {
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
