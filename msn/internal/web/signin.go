package web

import (
	"context"
	"fmt"
	"net/http"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// SSO gets all tickets and proves that of the notification server, from MSNP15 on
// (protocol/01-login.md, section 4). policy and nonce are what the server asks for.
func (s *Services) SSO(ctx context.Context, policy, nonce string) (ticket, proof string, err error) {
	if policy != passport.PolicyKeyOld {
		return "", "", fmt.Errorf("%w: the server wants a proof by %q", wire.ErrProtocol, policy)
	}
	if nonce == "" {
		return "", "", fmt.Errorf("%w: the server wants a proof of nothing", wire.ErrProtocol)
	}
	token, err := s.token(ctx, passport.ServiceMessengerClear)
	if err != nil {
		return "", "", err
	}
	proof, err = passport.Proof(token.Secret, nonce)
	return token.Ticket, proof, err
}

// Tweener gets a ticket for the notification server, from MSNP8 to MSNP14: by way of the
// nexus, or from the login service, which gives those of the web services too. policy is
// what the server asks for.
func (s *Services) Tweener(ctx context.Context, d wire.Dialect, policy string) (ticket string, err error) {
	if d >= wire.FirstSOAP || s.cfg.NexusURL == "" {
		token, err := s.token(ctx, passport.Service{
			Address: passport.ServiceMessenger.Address, Policy: passport.TweenerPolicy(policy)})
		return token.Ticket, err
	}
	if s.own {
		defer s.cfg.Pool.Close() // nothing else is asked for soon
	}
	tweener := passport.Tweener{
		NexusURL: s.cfg.NexusURL, Client: &http.Client{Transport: s}, Nexus: &s.cfg.Pool.nexus, Allow: s.cfg.Policy.CheckURL,
	}
	ticket, err = tweener.Ticket(ctx, s.cfg.Account, s.cfg.Password, policy)
	if err == nil {
		s.setTickets(onlyTicket(ticket))
	}
	return ticket, err
}

// token gets the tickets of the web services, and returns that of service.
func (s *Services) token(ctx context.Context, service passport.Service) (passport.Token, error) {
	services := []passport.Service{service}
	for _, other := range TicketServices {
		if other.Address != service.Address {
			services = append(services, other)
		}
	}
	tickets := s.newTickets(services...)
	s.setTickets(tickets)
	if err := tickets.get(ctx); err != nil {
		return passport.Token{}, err
	}
	token, _ := tickets.of(service)
	if token.Ticket == "" {
		return passport.Token{}, fmt.Errorf("%w: no ticket of %s", passport.ErrLoginServer, service.Address)
	}
	return token, nil
}
