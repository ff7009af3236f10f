package msn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// authenticate proves the password (USR).
func (s *signIn) authenticate(ctx context.Context) error {
	c := s.client
	method := "MD5"
	switch {
	case c.dialect >= wire.FirstSSO:
		method = "SSO"
	case c.dialect >= wire.FirstTweener:
		method = "TWN"
	}
	reply, err := s.exchange(ctx, "USR", method, "I", c.cfg.Account)
	if err != nil {
		return err
	}
	if reply.Arg(1) != "OK" { // a server may know the user already
		proof, err := s.proof(ctx, method, reply)
		if err != nil {
			return err
		}
		if reply, err = s.exchange(ctx, "USR", append([]string{method, "S"}, proof...)...); err != nil {
			return err
		}
	}
	if reply.Arg(1) != "OK" {
		return fmt.Errorf("%w: USR is answered by neither OK nor an error", wire.ErrProtocol)
	}
	c.profile.begin(time.Now(), s.granted)
	if account, ok := parseAccount(reply.Arg(2)); ok {
		c.account, c.self = keep(reply.Arg(2), maxAccount), account
	}
	// Servers differ in whether a name is there: "acct name [verified
	// [restricted]]" to MSNP9, "acct verified restricted" after that.
	if name := reply.Arg(3); c.dialect < 10 || len(reply.Args) > 5 {
		s.client.book.ownName = decodeName(name)
	}
	return nil
}

// proof answers the server's "USR trid method S text".
func (s *signIn) proof(ctx context.Context, method string, reply wire.Command) (args []string, err error) {
	c := s.client
	if reply.Arg(1) != method || reply.Arg(2) != "S" {
		return nil, fmt.Errorf("%w: USR I is not answered by %s S", wire.ErrProtocol, method)
	}
	if method == "MD5" {
		return []string{passport.MD5Response(reply.Arg(3), c.cfg.Password)}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeouts.Request, ErrTimeout)
	defer cancel()
	switch {
	case method == "SSO":
		args, err = s.ticketAndProof(ctx, reply.Arg(3), reply.Arg(4))
	case c.dialect >= wire.FirstSOAP || c.cfg.NexusURL == "":
		args, err = s.ticketOf(ctx, passport.Service{
			Address: passport.ServiceMessenger.Address, Policy: passport.TweenerPolicy(reply.Arg(3))})
	default:
		if args, err = s.tweenerTicket(ctx, reply.Arg(3)); err == nil {
			c.tickets = onlyTicket(args[0])
		}
	}
	if err == nil {
		s.granted = args[0]
		return args, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return nil, fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return nil, webError(err)
}

// ticketAndProof gets all tickets and proves that of the notification server, from
// MSNP15 on (protocol/01-login.md, section 4).
func (s *signIn) ticketAndProof(ctx context.Context, policy, nonce string) ([]string, error) {
	c := s.client
	if policy != passport.PolicyKeyOld {
		return nil, fmt.Errorf("%w: the server wants a proof by %q", wire.ErrProtocol, policy)
	}
	if nonce == "" {
		return nil, fmt.Errorf("%w: the server wants a proof of nothing", wire.ErrProtocol)
	}
	args, err := s.ticketOf(ctx, passport.ServiceMessengerClear)
	if err != nil {
		return nil, err
	}
	token, _ := c.tickets.of(passport.ServiceMessengerClear)
	proof, err := passport.Proof(token.Secret, nonce)
	if err != nil {
		return nil, err
	}
	args = append(args, proof)
	if c.dialect >= wire.FirstPlaces {
		args = append(args, c.cfg.MachineGUID)
	}
	return args, nil
}

// ticketOf gets the tickets of the web services, and returns that of service.
func (s *signIn) ticketOf(ctx context.Context, service passport.Service) ([]string, error) {
	c := s.client
	services := []passport.Service{service}
	for _, other := range webServices {
		if other.Address != service.Address {
			services = append(services, other)
		}
	}
	c.tickets = c.newTickets(services...)
	if err := c.tickets.get(ctx); err != nil {
		return nil, err
	}
	token, _ := c.tickets.of(service)
	if token.Ticket == "" {
		return nil, fmt.Errorf("%w: no ticket of %s", passport.ErrLoginServer, service.Address)
	}
	return []string{token.Ticket}, nil
}

// tweenerTicket gets a ticket by way of the nexus, from MSNP8 to MSNP12.
func (s *signIn) tweenerTicket(ctx context.Context, policy string) ([]string, error) {
	c := s.client
	client := &http.Client{Transport: c.cfg.https}
	if client.Transport == nil {
		client.Transport = c.loginTransport()
	}
	defer client.CloseIdleConnections()
	tweener := passport.Tweener{NexusURL: c.cfg.NexusURL, Client: client, Allow: c.policy.checkURL}
	ticket, err := tweener.Ticket(ctx, c.cfg.Account, c.cfg.Password, policy)
	return []string{ticket}, err
}

// loginTransport carries logins by HTTPS. What a name resolves to is held against
// Trust each time it is dialled.
func (c *Client) loginTransport() *http.Transport {
	dialer := net.Dialer{Timeout: c.timeouts.Dial, Control: c.policy.control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.timeouts.Dial,
		ResponseHeaderTimeout:  c.timeouts.Request,
		MaxResponseHeaderBytes: passport.MaxResponseHeader,
		ForceAttemptHTTP2:      true,
	}
}
