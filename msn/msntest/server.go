package msntest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"matrix-msn/msn/wire"
)

// Server is a running MSN server. All its methods are safe for concurrent use.
type Server struct {
	opt    options
	is     *differences // from other servers
	log    *slog.Logger
	done   chan struct{} // closed by Close
	wg     sync.WaitGroup
	ds, ns net.Listener
	sb     net.Listener
	web    []*http.Server
	urls   loginURLs
	cert   tls.Certificate
	pem    []byte
	roots  *x509.CertPool

	clients clientTransport

	// mu guards what follows and the protocol state of all connections,
	// accounts and switchboards. Nothing waits while holding it: answers are put
	// into the queues of their connections.
	mu           sync.Mutex
	closed       bool
	conns        map[*conn]struct{}
	accounts     map[string]*Account
	tickets      issued[*ticket]
	logins       issued[*Account]
	webTickets   issued[*webTicket]
	gateways     map[string]*tunnel
	switchboards map[*switchboard]struct{}
	hooks        []*hook
	rec          recorder
	pages        kept[SentPage]
	invitations  kept[Invitation]
	circles      []*circle
	refusals     map[string]string // by telephone number, see RefusePages
	changed      chan struct{}     // closed and replaced whenever somebody's state changes
	lastConn     int

	circleKey []byte // signs the tickets of circles

	hooked atomic.Bool // whether there is any hook, to spare the lock
}

// Start runs a server until Close is called or ctx ends.
func Start(ctx context.Context, opts ...Option) (*Server, error) {
	s := &Server{
		opt:          defaultOptions(),
		done:         make(chan struct{}),
		conns:        make(map[*conn]struct{}),
		accounts:     make(map[string]*Account),
		tickets:      make(issued[*ticket]),
		logins:       make(issued[*Account]),
		webTickets:   make(issued[*webTicket]),
		gateways:     make(map[string]*tunnel),
		switchboards: make(map[*switchboard]struct{}),
		changed:      make(chan struct{}),
		refusals:     make(map[string]string),
		circleKey:    randomBytes(32),
	}
	for _, opt := range opts {
		opt(&s.opt)
	}
	s.is, s.log = s.opt.is, s.opt.logger
	s.rec.limit, s.pages.limit, s.invitations.limit = s.opt.records, s.opt.records, s.opt.records
	if err := s.listen(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("msntest: %w", err)
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, s.Close)
		s.wg.Go(func() {
			<-s.done
			stop()
		})
	}
	return s, nil
}

func (s *Server) listen(ctx context.Context) error {
	var err error
	if s.ns, err = s.listenOn(ctx, s.opt.nsPort); err != nil {
		return err
	}
	if s.sb, err = s.listenOn(ctx, s.opt.sbPort); err != nil {
		return err
	}
	if s.opt.dispatch {
		if s.ds, err = s.listenOn(ctx, s.opt.dsPort); err != nil {
			return err
		}
		s.wg.Go(func() { s.accept(s.ds, DS) })
	}
	s.wg.Go(func() { s.accept(s.ns, NS) })
	s.wg.Go(func() { s.accept(s.sb, SB) })
	return s.listenWeb(ctx)
}

func (s *Server) listenOn(ctx context.Context, port int) (net.Listener, error) {
	if s.opt.network != nil {
		return s.opt.network.listen(s.opt.host, port)
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", net.JoinHostPort(s.opt.host, strconv.Itoa(port)))
}

// acceptPause is waited after a failed accept, for example when no file
// descriptor is left.
const acceptPause = 50 * time.Millisecond

func (s *Server) accept(l net.Listener, kind Kind) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			s.log.Error("cannot accept a connection", "kind", kind, "err", err)
			select {
			case <-time.After(acceptPause):
				continue
			case <-s.done:
				return
			}
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = nc.Close()
			return
		}
		c := s.newConn(nc, kind)
		s.wg.Go(c.serve)
		s.mu.Unlock()
	}
}

// Close ends all connections without a word, stops the server and waits until
// nothing of it runs any more. It may be called more than once and from
// anywhere, but not from within a hook or a script.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	if first {
		close(s.done)
		for c := range s.conns {
			c.kill()
			if c.timer != nil {
				c.timer.Stop()
			}
		}
		for _, a := range s.accounts {
			for _, ss := range a.endpoints {
				if ss.bot != nil {
					ss.bot.queue.close()
				}
			}
		}
		for sb := range s.switchboards {
			sb.stopIdle()
		}
		s.notifyChange()
	}
	s.mu.Unlock()
	if first {
		for _, l := range []net.Listener{s.ds, s.ns, s.sb} {
			if l != nil {
				_ = l.Close()
			}
		}
		s.closeWeb()
	}
	s.wg.Wait()
}

// Addr returns the host:port that clients dial first: the dispatch server if
// there is one, otherwise the notification server.
func (s *Server) Addr() string {
	if s.ds != nil {
		return s.ds.Addr().String()
	}
	return s.ns.Addr().String()
}

// NotificationAddr returns the host:port of the notification server.
func (s *Server) NotificationAddr() string { return s.ns.Addr().String() }

// SwitchboardAddr returns the host:port of the switchboard server.
func (s *Server) SwitchboardAddr() string { return s.sb.Addr().String() }

// Dialects returns the dialects the server speaks, lowest first.
func (s *Server) Dialects() []wire.Dialect {
	var list []wire.Dialect
	for d := minDialect; d <= maxDialect; d++ {
		if s.opt.dialects[d] {
			list = append(list, d)
		}
	}
	return list
}

// addrFor returns the address of a listener as the client of c should dial it:
// on an unspecified host, the address at which c reached this server, or localhost
// when there is no c.
func addrFor(l net.Listener, c *conn) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
		if c != nil {
			if local, _, err := net.SplitHostPort(c.nc.LocalAddr().String()); err == nil {
				host = local
			}
		}
	}
	return net.JoinHostPort(host, port)
}
