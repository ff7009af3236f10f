package msn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/wire"
)

// signIn is the dialogue that signs a Client in on one connection
// (protocol/01-login.md, sections 1 to 5). It is done by the goroutine that
// called Login, step by step; nothing else touches the Client meanwhile.
type signIn struct {
	client  *Client
	ns      *transport
	granted string // the ticket that the login server gave
}

// redirect is what ends a dialogue that goes on elsewhere.
type redirect struct {
	address string // "" means from VER on, on the same connection
}

func (r *redirect) Error() string { return fmt.Sprintf("msn: redirected to %q", r.address) }

// signIn signs in at address or where that server points to.
func (c *Client) signIn(ctx context.Context, address string) error {
	for hop := 0; ; hop++ {
		err := c.signInAt(ctx, address, hop == 0)
		var to *redirect
		if !errors.As(err, &to) {
			return err
		}
		if hop == maxRedirects {
			return fmt.Errorf("%w: more than %d redirects", wire.ErrProtocol, maxRedirects)
		}
		c.log.Info("redirected", "account", c.cfg.Account, "to", to.address)
		address = to.address
	}
}

// signInAt signs in at one server, or returns a *redirect.
func (c *Client) signInAt(ctx context.Context, address string, configured bool) error {
	conn, err := c.dial(ctx, "NS", address)
	if err != nil {
		return err
	}
	if configured {
		_, port, err := splitAddress(address)
		if err == nil {
			c.policy.trustReached(conn.RemoteAddr(), port)
		}
	}
	c.ns = startTransport(conn, &c.group, c.inbound, c.timeouts.Write)
	s := &signIn{client: c, ns: c.ns}
	for resets := 0; ; resets++ {
		err = s.run(ctx)
		var to *redirect
		if !errors.As(err, &to) || to.address != "" || resets == maxRedirects {
			break
		}
	}
	if err != nil {
		c.ns.abort()
	}
	return err
}

// dial opens a connection to an address that was held against Trust. server is what
// is there: "NS" or "SB".
func (c *Client) dial(ctx context.Context, server, address string) (net.Conn, error) {
	if c.cfg.Gateway != "" {
		return c.dialGateway(ctx, server, address)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeouts.Dial, ErrTimeout)
	defer cancel()
	dial := c.cfg.Dial
	if dial == nil {
		dialer := net.Dialer{Control: c.policy.control}
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

// run does the whole dialogue.
func (s *signIn) run(ctx context.Context) error {
	c := s.client
	c.book, c.roster = newBook(), nil
	c.book.self = c.self
	if err := s.negotiate(ctx); err != nil {
		return err
	}
	if err := s.authenticate(ctx); err != nil {
		return err
	}
	c.book.self, c.book.dialect = c.self, c.dialect
	if c.dialect >= wire.FirstSOAP {
		c.roster = newSOAPRoster(c)
	} else {
		c.roster = newSynRoster(c, c.book, c.dialect, c.account)
	}
	if err := c.roster.load(ctx, s); err != nil {
		return err
	}
	if c.dialect >= wire.FirstPlaces {
		c.book.place = strings.ToLower(c.cfg.MachineGUID)
		for _, cmd := range c.placeCommands() {
			if _, err := s.exchangeCommand(ctx, cmd); err != nil {
				return err
			}
		}
	}
	if _, err := s.exchange(ctx, "CHG", c.statusArgs(c.cfg.Status)...); err != nil {
		return err
	}
	c.status = c.cfg.Status
	if c.dialect < wire.FirstTweener && !c.cfg.SkipVersion {
		// Optional in these dialects, sent where official clients did, and
		// nothing depends on the answer.
		c.announce(func(_ Version, err error) {
			if refused, ok := err.(*ServerError); ok {
				c.accuse(refused)
			} else if err != nil {
				c.log.Info("no answer to the client's version", "account", c.account, "error", err)
			}
		})
	}
	return nil
}

// negotiate agrees on a dialect (VER). Servers answer one; some answer several,
// the best of which counts.
func (s *signIn) negotiate(ctx context.Context) error {
	c := s.client
	var offer []string
	for _, d := range c.cfg.Dialects {
		offer = append(offer, d.String())
	}
	reply, err := s.exchange(ctx, "VER", append(offer, queryDialect)...)
	if err != nil {
		return err
	}
	c.dialect = 0
	for _, name := range reply.Args[1:] {
		if d, ok := wire.ParseDialect(name); ok && d > c.dialect && slices.Contains(c.cfg.Dialects, d) {
			c.dialect = d
		}
	}
	if c.dialect == 0 {
		return s.noDialect(ctx, reply)
	}
	s.ns.reader.SetDialect(c.dialect)
	if c.dialect >= wire.FirstTweener {
		// From MSNP8 on servers insist on it before USR.
		reply, err := s.exchange(ctx, "CVR", c.cvrArgs(c.dialect)...)
		if err == nil {
			c.noteVersion(reply)
		}
		return err
	}
	reply, err = s.exchange(ctx, "INF")
	if err != nil {
		return err
	}
	if !slices.Contains(reply.Args[1:], "MD5") {
		return fmt.Errorf("%w: the server wants the password in clear text", ErrNoDialect)
	}
	return nil
}

// noDialect is the error of a server that answered VER with none of the offered
// dialects. One that answered the pseudo-dialect CVR0 says what client it wants
// (protocol/07-misc-founding-spec.md, section 1.3).
func (s *signIn) noDialect(ctx context.Context, reply wire.Command) error {
	if !slices.ContainsFunc(reply.Args[1:], func(name string) bool { return strings.EqualFold(name, queryDialect) }) {
		return ErrNoDialect
	}
	reply, err := s.exchange(ctx, "CVQ", s.client.cvqArgs(slices.Max(s.client.cfg.Dialects))...)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoDialect, err)
	}
	version, _ := parseVersion(reply.Args[1:])
	return &UpgradeError{Version: version}
}

// send sends a command with the next TrID.
func (s *signIn) send(verb string, args ...string) (uint32, error) {
	trid := s.ns.newTrID()
	return trid, s.client.tell(wire.New(verb, append([]string{formatTrID(trid)}, args...)...))
}

// exchange sends a command and waits for its answer: one with the same TrID that
// is no error. What comes besides is handled or passed over.
func (s *signIn) exchange(ctx context.Context, verb string, args ...string) (wire.Command, error) {
	return s.exchangeCommand(ctx, wire.New(verb, args...))
}

// exchangeCommand is exchange for a command that may have a payload; its TrID is put
// in front of its parameters.
func (s *signIn) exchangeCommand(ctx context.Context, cmd wire.Command) (wire.Command, error) {
	verb, trid := cmd.Verb, s.ns.newTrID()
	cmd.Args = append([]string{formatTrID(trid)}, cmd.Args...)
	if err := s.client.tell(cmd); err != nil {
		return wire.Command{}, err
	}
	deadline := time.Now().Add(s.client.timeouts.Request)
	for {
		cmd, err := s.next(ctx, time.Until(deadline))
		if err != nil {
			return wire.Command{}, s.failure(verb, err)
		}
		if number, ok := cmd.ErrorNumber(); ok && (answers(cmd, trid) || len(cmd.Args) == 0) {
			return wire.Command{}, serverError(number, verb)
		}
		if answers(cmd, trid) {
			switch {
			case replies(verb, cmd.Verb):
				return cmd, nil
			case cmd.Verb == "XFR":
				return wire.Command{}, s.redirected(cmd)
			}
		}
		if err := s.other(cmd); err != nil {
			return wire.Command{}, err
		}
	}
}

// redirected reads "XFR trid NS host:port …".
func (s *signIn) redirected(cmd wire.Command) error {
	if cmd.Arg(1) != "NS" {
		return fmt.Errorf("%w: XFR to %q while signing in", wire.ErrProtocol, cmd.Arg(1))
	}
	if cmd.Arg(2) == "0" {
		return &redirect{}
	}
	address, err := s.client.policy.check(cmd.Arg(2))
	if err != nil {
		return err
	}
	return &redirect{address: address}
}

// next waits for the next command. wait bounds it besides ctx; the error is
// ErrTimeout when it passes.
func (s *signIn) next(ctx context.Context, wait time.Duration) (wire.Command, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case in := <-s.client.inbound:
			if in.from != s.ns {
				continue
			}
			if in.err == nil {
				s.client.log.Debug("received", "command", logged(in.cmd))
			}
			return in.cmd, in.err
		case <-timer.C:
			return wire.Command{}, ErrTimeout
		case <-ctx.Done():
			return wire.Command{}, context.Cause(ctx)
		}
	}
}

// other takes a command that is no answer. Before there is a roster the server
// has nothing to say that matters, except that it does not want the client.
func (s *signIn) other(cmd wire.Command) error {
	c := s.client
	switch {
	case cmd.Verb == "OUT":
		return outError(cmd)
	case cmd.Verb == "XFR" && cmd.Arg(1) == "NS":
		return s.redirected(cmd)
	case c.roster == nil:
	case isListVerb(cmd.Verb):
		// The lists themselves are no news.
		_, _ = c.roster.update(cmd)
	default:
		c.notification(cmd)
	}
	if c.err != nil {
		return c.err
	}
	if c.backlog.full() {
		return fmt.Errorf("%w: too much before the sign-in is complete", wire.ErrProtocol)
	}
	return nil
}

// besides does something that takes time, such as a call to a web service, while what
// the server says is handled. It ends when the connection does.
func (s *signIn) besides(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	for {
		var err error
		select {
		case err := <-done:
			return err
		case in := <-s.client.inbound:
			switch {
			case in.from != s.ns:
			case in.err != nil:
				err = s.failure("contact list", in.err)
			default:
				s.client.log.Debug("received", "command", logged(in.cmd))
				err = s.other(in.cmd)
			}
		}
		if err != nil {
			cancel()
			<-done
			return err
		}
	}
}

// isListVerb reports whether a command belongs to the download of contact lists.
func isListVerb(verb string) bool {
	switch verb {
	case "LST", "LSG", "BPR", "PRP", "GTC", "BLP":
		return true
	}
	return false
}

// failure is the error of a step that was not answered.
func (s *signIn) failure(verb string, err error) error {
	switch {
	case errors.Is(err, wire.ErrProtocol):
		return fmt.Errorf("%s: %w", verb, err)
	case errors.Is(err, ErrTimeout), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", verb, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrRefused, verb, err)
}
