// Package nstest is a connection for tests of what is registered on one.
package nstest

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// Account is whose connection it is.
const Account = "alice@example.com"

// Conn is a connection that is signed in, to a server that never answers.
type Conn struct {
	*ns.Conn
	// Server is where the server writes what it says of itself. What it is sent is thrown away.
	Server io.Writer
}

// New returns a connection in a dialect. It is closed when the test ends. register is called
// by the owner.
func New(t testing.TB, d wire.Dialect, register func(*ns.Conn)) Conn {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	c := ns.Start(client, ns.Config{
		Account:  Account,
		Log:      slog.New(slog.DiscardHandler),
		Timeouts: ns.Timeouts{Request: time.Minute, Write: time.Minute, Ping: time.Hour, Pong: time.Hour},
	})
	c.Do(func() {
		c.SetDialect(d)
		c.Identify(Account, Account)
		register(c)
		c.Ready()
	})
	t.Cleanup(func() {
		c.Abandon(errs.ErrClosed)
		_ = server.Close()
	})
	return Conn{c, server}
}

// Tell has the owner handle commands as if the server had sent them, and returns the events
// that they make.
func (c Conn) Tell(commands ...wire.Command) []event.Event {
	return c.Made(func() {
		for _, cmd := range commands {
			c.Dispatch(cmd)
		}
	})
}

// Made has the owner do f and returns the events that it makes.
func (c Conn) Made(f func()) (events []event.Event) {
	waiting := 0
	c.Do(func() { f(); waiting = c.Waiting() })
	for range waiting {
		events = append(events, <-c.Events())
	}
	return events
}
