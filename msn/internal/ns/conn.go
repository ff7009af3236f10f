// Package ns is one connection to a notification server and the goroutine that owns the
// state of everything that is registered on it. Parts register the verbs that are theirs;
// the connection knows none of the parts.
package ns

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/wire"
)

// Timeouts are the waits of a connection.
type Timeouts struct {
	Request time.Duration // one answer of the server
	Write   time.Duration // one write
	Ping    time.Duration // how long the user's side is quiet before PNG is sent
	Pong    time.Duration // from PNG to any sign of life
}

// Config is what a connection needs to know.
type Config struct {
	Account  string // as the user gave it; the server may spell it otherwise
	Timeouts Timeouts
	Log      *slog.Logger
	Clock    *Clock            // what the heartbeat goes by; nil means one of its own
	Poller   *transport.Poller // waits for what comes; nil means that each connection waits for itself
}

// Conn is one notification connection. The owner holds the state of the connection and of
// all parts that are registered on it: handlers, callbacks and timers run there, one at a
// time, and must not wait. It is a goroutine while there is something to do. The other
// goroutines only carry bytes, time and calls to it.
type Conn struct {
	cfg    Config
	log    *slog.Logger
	logAll bool // the log wants to know of each command; asked once, because most of them come when nothing else happens
	door   door
	events chan event.Event // to the user
	done   chan struct{}    // closed when the connection has ended; err is set then
	gone   chan struct{}    // closed when the owner has ended
	err    error
	group  sync.WaitGroup // all goroutines but the owner

	dialogue atomic.Pointer[dialogue]

	// What follows belongs to the owner.
	link      *transport.Transport
	account   string // as the server spells it, once it has
	self      string // in lower case
	dialect   wire.Dialect
	verbs     []verb
	messages  []message
	late      []func(trid uint32, number int) bool
	onEnd     []func(error)
	watchers  []func(event.Event)
	adopted   map[*transport.Transport]func(transport.Inbound)
	lingering int // connections that are still read after the end
	pending   lazy.Table[uint32, *request]
	heartbeat heartbeat
	backlog   backlog
	notify    func()        // called when there is something to read, once; nil when nobody waits
	stalled   bool          // the backlog is full: nothing is read
	ready     bool          // signed in
	waiting   []func(error) // results of Await, before that
	attempt   *dialogue     // that of the sign-in that is under way, nil when nobody said so
	closing   bool          // Close was called: events that nobody reads are dropped in the end
	concluded bool          // Disconnected was emitted
	lastError *errs.ServerError
	accusedAt time.Time
	lines     map[string]*lines // of what is logged so often at most
}

// Start takes over a connection to a notification server.
func Start(conn net.Conn, cfg Config) *Conn {
	if cfg.Clock == nil {
		cfg.Clock = new(Clock)
	}
	c := &Conn{
		cfg:     cfg,
		log:     cfg.Log,
		logAll:  cfg.Log.Enabled(context.Background(), slog.LevelDebug),
		door:    newDoor(),
		events:  make(chan event.Event),
		done:    make(chan struct{}),
		gone:    make(chan struct{}),
		account: cfg.Account,
	}
	c.converse()
	c.link = transport.Start(conn, &c.group, c.hand, cfg.Timeouts.Write, cfg.Poller)
	c.heartbeat.start(c, time.Now())
	go c.run()
	return c
}

// take hands what came by one of the connections to whoever receives it. What is unknown
// was left already.
func (c *Conn) take(in transport.Inbound) {
	if in.From == c.link {
		c.receive(in)
	} else if receive := c.adopted[in.From]; receive != nil {
		receive(in)
	}
}

// receive takes what the notification server sent.
func (c *Conn) receive(in transport.Inbound) {
	if c.err != nil {
		return // only what others adopted is still of interest
	}
	if in.Err != nil {
		c.End(c.lost(in.Err))
		return
	}
	c.heartbeat.heard, c.heartbeat.sent = true, c.heartbeat.last
	if c.logAll {
		c.log.Debug("received", "command", Logged(in.Command))
	}
	c.Dispatch(in.Command)
}

// Adopt has the owner receive what comes by another connection, until Release. It is
// called by the owner.
func (c *Conn) Adopt(conn net.Conn, receive func(transport.Inbound)) *transport.Transport {
	t := transport.Start(conn, &c.group, c.hand, c.cfg.Timeouts.Write, c.cfg.Poller)
	t.SetDialect(c.dialect)
	if c.adopted == nil {
		c.adopted = make(map[*transport.Transport]func(transport.Inbound))
	}
	c.adopted[t] = receive
	return t
}

// Release forgets a connection that Adopt took over, and reports whether it was there.
func (c *Conn) Release(t *transport.Transport) bool {
	_, known := c.adopted[t]
	delete(c.adopted, t)
	return known
}

// abortAdopted ends all connections that Adopt took over and nobody has released.
func (c *Conn) abortAdopted() {
	for t := range c.adopted {
		t.Abort()
	}
	clear(c.adopted)
}

// Linger keeps the owner at work after the end of the connection, for another one that is
// still read, until release is called. Disconnected comes after that.
func (c *Conn) Linger() (release func()) {
	c.lingering++
	return sync.OnceFunc(func() {
		c.lingering--
		c.conclude()
	})
}

// Watch has f told of events, by the owner, before the user is.
func (c *Conn) Watch(f func(event.Event)) { c.watchers = append(c.watchers, f) }

// Emit queues events for the user.
func (c *Conn) Emit(events ...event.Event) {
	for _, e := range events {
		c.backlog.add(e)
		for _, f := range c.watchers {
			f(e)
		}
	}
	if !c.ready && c.backlog.full() {
		c.End(fmt.Errorf("%w: too much before the sign-in is complete", wire.ErrProtocol))
	}
}

// Events returns the channel of what happens. Nothing comes before Ready. The last is
// Disconnected, unless nobody has read what came before it; then the channel is closed.
func (c *Conn) Events() <-chan event.Event { return c.events }

// Notify has f called, once and in a goroutine of its own, when there is something to read from Events: an event, or
// that it is closed. Who waits like that needs no goroutine meanwhile. Only who reads alone may rely on it, and the latest
// call counts. The owner must not call it.
func (c *Conn) Notify(f func()) {
	if !c.Act(func() { c.notify = f }) {
		go f()
	}
}

// wakeReader calls whom Notify was told of.
func (c *Conn) wakeReader() {
	if c.notify != nil {
		go c.notify()
		c.notify = nil
	}
}

// Ready says that the sign-in is complete.
func (c *Conn) Ready() {
	c.ready, c.waiting = true, nil
	c.verbs, c.messages = slices.Clone(c.verbs), slices.Clone(c.messages) // without room to grow
}

// SetDialect says what was negotiated. It is called by the owner in answer to VER, before
// the next command is read.
func (c *Conn) SetDialect(d wire.Dialect) {
	c.dialect = d
	c.link.SetDialect(d)
}

// Identify says how the server spells the account, and its form for comparing.
func (c *Conn) Identify(account, self string) { c.account, c.self = account, self }

// Dialect returns what was negotiated.
func (c *Conn) Dialect() wire.Dialect { return c.dialect }

// Account returns the account as the server spells it.
func (c *Conn) Account() string { return c.account }

// Self returns the account in lower case, "" before the server has named it.
func (c *Conn) Self() string { return c.self }

// Timeouts returns the waits of the connection.
func (c *Conn) Timeouts() Timeouts { return c.cfg.Timeouts }

// Log returns the log of the connection.
func (c *Conn) Log() *slog.Logger { return c.log }

// Waiting returns how many events wait to be read. It is called by the owner.
func (c *Conn) Waiting() int { return len(c.backlog.events) }
