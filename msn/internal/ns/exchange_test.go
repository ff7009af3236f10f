package ns_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// BenchmarkExchange is a command and its answer over TCP.
func BenchmarkExchange(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for lines := bufio.NewReader(conn); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if _, err := io.WriteString(conn, line); err != nil {
				return
			}
		}
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	c := ns.Start(conn, ns.Config{
		Account: "alice@example.com", Log: slog.New(slog.DiscardHandler),
		Timeouts: ns.Timeouts{Request: time.Minute, Write: time.Minute, Ping: time.Hour, Pong: time.Hour},
	})
	c.Do(func() {
		c.SetDialect(12)
		c.Identify("alice@example.com", "alice@example.com")
		c.Ready()
	})
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Call(b.Context(), wire.New("CHG", "NLN"), nil); err != nil {
			b.Fatal(err)
		}
	}
	c.Abandon(errs.ErrClosed)
}
