package msn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/trust"
	"matrix-msn/msn/wire"
)

// maxRedirects is how often signing in may be sent to another server.
const maxRedirects = 5

// signIn is the dialogue that signs a Client in on one connection
// (protocol/01-login.md, sections 1 to 5). The goroutine that called Login leads it, step
// by step; the connection's owner handles what the server says besides.
type signIn struct {
	client *Client
	conn   *ns.Conn
}

// signIn signs in at address or where that server points to.
func (c *Client) signIn(ctx context.Context, address string) error {
	renewed := false
	for hop := 0; ; hop++ {
		err := c.signInAt(ctx, address, hop == 0)
		if errors.Is(err, ErrTicket) && !renewed {
			// Another ticket may do: servers of one service lag behind each other. The
			// server has closed the connection, or is about to.
			renewed = true
			c.cfg.Logger.Info("ticket refused", "account", c.cfg.Account, "reason", err)
			err = c.signInAt(ctx, address, false)
		}
		moved, ok := errors.AsType[*MovedError](err)
		if !ok || moved.Address == "" {
			return err
		}
		if hop == maxRedirects {
			return fmt.Errorf("%w: more than %d redirects", wire.ErrProtocol, maxRedirects)
		}
		if address, err = c.policy.Check(moved.Address); err != nil {
			return err
		}
		c.cfg.Logger.Info("redirected", "account", c.cfg.Account, "to", address)
	}
}

// startSignIn begins a sign-in by a connection to a notification server.
func (c *Client) startSignIn(link net.Conn) *signIn {
	cfg := ns.Config{
		Account: c.cfg.Account,
		Log:     c.cfg.Logger,
		Timeouts: ns.Timeouts{
			Request: c.cfg.Timeouts.Request, Write: c.cfg.Timeouts.Write,
			Ping: c.cfg.Timeouts.Ping, Pong: c.cfg.Timeouts.Pong,
		},
	}
	if c.cfg.Shared != nil {
		cfg.Clock, cfg.Poller = &c.cfg.Shared.clock, &c.cfg.Shared.poller
	}
	return &signIn{client: c, conn: ns.Start(link, cfg)}
}

// signInAt signs in at one server, or returns a *MovedError.
func (c *Client) signInAt(ctx context.Context, address string, configured bool) error {
	link, err := c.network.dialer.Open(ctx, transport.Notification, address)
	if err != nil {
		return err
	}
	if configured && c.cfg.Proxy == nil { // else it is the proxy that was reached
		if _, port, err := trust.SplitAddress(address); err == nil {
			c.policy.TrustReached(link.RemoteAddr(), port)
		}
	}
	s := c.startSignIn(link)
	for resets := 0; ; resets++ {
		s.conn.Begin()
		err = s.run(ctx)
		// The server can ask to begin anew on the same connection.
		moved, ok := errors.AsType[*MovedError](err)
		if !ok || moved.Address != "" {
			break
		}
		if resets == maxRedirects {
			err = fmt.Errorf("%w: more than %d redirects", wire.ErrProtocol, maxRedirects)
			break
		}
	}
	if err != nil {
		s.conn.Abandon(err)
	}
	return err
}

// run does the whole dialogue.
func (s *signIn) run(ctx context.Context) error {
	c := s.client
	if err := s.negotiate(ctx); err != nil {
		return err
	}
	if err := s.authenticate(ctx); err != nil {
		return err
	}
	if err := c.lists.Load(ctx); err != nil {
		return ofWeb(s.conn, s.failure(ctx, "contact list", err))
	}
	for _, cmd := range c.self.Announcements() {
		if err := s.exchange(ctx, cmd, nil); err != nil {
			return err
		}
	}
	return s.exchange(ctx, c.self.StatusCommand(c.cfg.Status), func(wire.Command) error {
		c.ready()
		return nil
	})
}

// exchange sends a command and waits for its answer. read, which may be nil, is called by
// the connection's owner before it reads the next command.
func (s *signIn) exchange(ctx context.Context, cmd wire.Command, read func(wire.Command) error) error {
	return s.failure(ctx, cmd.Verb, s.conn.Call(ctx, cmd, read))
}

// failure says which step has failed, unless the error does.
func (s *signIn) failure(ctx context.Context, step string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return fmt.Errorf("%s: %w", step, context.Cause(ctx))
	case err == ErrTimeout:
		return fmt.Errorf("%s: %w", step, err)
	}
	return err
}

// offer agrees on a dialect (VER), or returns none and the answer. Servers answer one; some answer
// several, the best of which counts.
func (s *signIn) offer(ctx context.Context) (wire.Dialect, wire.Command, error) {
	dialects := s.client.cfg.Dialects
	offer := make([]string, 0, len(dialects)+1)
	for _, d := range dialects {
		offer = append(offer, d.String())
	}
	// Not results: an answer that comes after ctx has ended still writes them.
	var dialect wire.Dialect
	var reply wire.Command
	err := s.exchange(ctx, wire.New("VER", append(offer, queryDialect)...), func(cmd wire.Command) error {
		reply = cmd
		for _, name := range cmd.Args[1:] {
			if d, ok := wire.ParseDialect(name); ok && d > dialect && slices.Contains(dialects, d) {
				dialect = d
			}
		}
		if dialect != 0 {
			s.conn.SetDialect(dialect)
		}
		return nil
	})
	if err != nil {
		return 0, wire.Command{}, err
	}
	return dialect, reply, nil
}

// negotiate agrees on a dialect and says what the client is.
func (s *signIn) negotiate(ctx context.Context) error {
	c := s.client
	dialect, reply, err := s.offer(ctx)
	switch {
	case err != nil:
		return err
	case dialect == 0:
		return s.noDialect(ctx, reply)
	case dialect >= wire.FirstTweener:
		// From MSNP8 on servers insist on it before USR.
		return s.exchange(ctx, wire.New("CVR", c.cvrArgs(dialect)...), func(cmd wire.Command) error {
			c.noteVersion(s.conn.Log(), dialect, cmd)
			return nil
		})
	}
	return s.exchange(ctx, wire.New("INF"), func(cmd wire.Command) error {
		if !slices.Contains(cmd.Args[1:], "MD5") {
			return fmt.Errorf("%w: the server wants the password in clear text", ErrNoDialect)
		}
		return nil
	})
}

// noDialect is the error of a server that answered VER with none of the offered
// dialects. One that answered the pseudo-dialect CVR0 says what client it wants
// (protocol/07-misc-founding-spec.md, section 1.3).
func (s *signIn) noDialect(ctx context.Context, reply wire.Command) error {
	if !slices.ContainsFunc(reply.Args[1:], func(name string) bool { return strings.EqualFold(name, queryDialect) }) {
		return ErrNoDialect
	}
	var version Version
	cvq := wire.New("CVQ", s.client.cvqArgs(slices.Max(s.client.cfg.Dialects))...)
	err := s.exchange(ctx, cvq, func(cmd wire.Command) error {
		version, _ = parseVersion(cmd.Args[1:])
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoDialect, err)
	}
	return &UpgradeError{Version: version}
}

// authenticate proves the password (USR).
func (s *signIn) authenticate(ctx context.Context) error {
	method := "MD5"
	switch d := s.conn.Dialect(); {
	case d >= wire.FirstSSO:
		method = "SSO"
	case d >= wire.FirstTweener:
		method = "TWN"
	}
	var reply wire.Command
	accept := func(ticket string) func(cmd wire.Command) error {
		return func(cmd wire.Command) error {
			if reply = cmd; cmd.Arg(1) == "OK" { // a server may know the user already
				s.accepted(cmd, ticket)
			}
			return nil
		}
	}
	if err := s.exchange(ctx, wire.New("USR", method, "I", s.client.cfg.Account), accept("")); err != nil {
		return errs.SignIn(err, ErrBusy) // nothing was proved yet
	}
	if reply.Arg(1) == "OK" {
		return nil
	}
	proof, err := s.proof(ctx, method, reply)
	if err != nil {
		return err
	}
	// From MSNP8 on it is the login server that checks the password.
	ticket, refusal := proof[0], ErrTicket
	if method == "MD5" {
		ticket, refusal = "", ErrBadCredentials
	}
	if err = s.exchange(ctx, wire.New("USR", append([]string{method, "S"}, proof...)...), accept(ticket)); err != nil {
		return errs.SignIn(err, refusal)
	}
	if reply.Arg(1) != "OK" {
		return fmt.Errorf("%w: USR is answered by neither OK nor an error", wire.ErrProtocol)
	}
	return nil
}

// accepted goes on when the server has let the user in. The connection's owner calls it
// before the server can say more. ticket is what the login server gave, if it did.
func (s *signIn) accepted(reply wire.Command, ticket string) {
	c, conn := s.client, s.conn
	account, ok := clean.Account(reply.Arg(2))
	if ok {
		conn.Identify(clean.Cut(reply.Arg(2), clean.MaxAccount), account)
	} else {
		conn.Identify(c.cfg.Account, strings.ToLower(c.cfg.Account))
	}
	c.profile.begin(time.Now(), ticket)
	c.begin(conn)
	// Servers differ in whether a name is there: "acct name [verified
	// [restricted]]" to MSNP9, "acct verified restricted" after that.
	if conn.Dialect() < wire.FirstContactIDs || len(reply.Args) > 5 {
		c.book.SetOwnName(clean.Name(reply.Arg(3)))
	}
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
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeouts.Request, ErrTimeout)
	defer cancel()
	bound, release := s.conn.Bind(ctx)
	defer release()
	if method == "SSO" {
		var ticket, proof string
		ticket, proof, err = c.network.web.SSO(bound, reply.Arg(3), reply.Arg(4))
		args = []string{ticket, proof}
		if s.conn.Dialect() >= wire.FirstEndpoints {
			args = append(args, c.cfg.MachineGUID)
		}
	} else {
		var ticket string
		ticket, err = c.network.web.Tweener(bound, s.conn.Dialect(), reply.Arg(3))
		args = []string{ticket}
	}
	switch {
	case err == nil:
		return args, nil
	case s.conn.Reason() != nil:
		return nil, s.conn.Call(ctx, wire.New("USR"), nil) // says why the connection has ended
	case ctx.Err() == nil && bound.Err() != nil:
		return nil, s.conn.Interrupted()
	case ctx.Err() != nil:
		return nil, ofWeb(s.conn, fmt.Errorf("%w: %w", context.Cause(ctx), err))
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return nil, ofWeb(s.conn, fmt.Errorf("%w: %w", ErrTimeout, err))
	}
	return nil, ofWeb(s.conn, web.Error(err))
}
