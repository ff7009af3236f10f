package nstest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// Request is how long the connection waits for an answer.
const Request = 30 * time.Second

// Server is the server's side, as a test drives it from within a testing/synctest bubble.
type Server struct {
	t      testing.TB
	client *ns.Conn
	conn   net.Conn
	reader *wire.Reader
}

// Serve connects a client that speaks a dialect, whom the server has let in and whose
// sign-in is not complete. register is called by the owner.
func Serve(t testing.TB, d wire.Dialect, register func(*ns.Conn)) (*ns.Conn, *Server) {
	t.Helper()
	near, far := net.Pipe()
	client := ns.Start(near, ns.Config{
		Account: Account, Log: slog.New(slog.DiscardHandler),
		Timeouts: ns.Timeouts{Request: Request, Write: time.Minute, Ping: 1000 * time.Hour, Pong: time.Hour},
	})
	client.Do(func() {
		client.SetDialect(d)
		client.Identify(Account, Account)
		register(client)
	})
	t.Cleanup(func() {
		_ = far.Close()
		client.Abandon(errors.New("the test is over"))
	})
	return client, &Server{t: t, client: client, conn: far, reader: wire.NewReader(far, wire.FromClient)}
}

// Ready completes the sign-in.
func (s *Server) Ready() { s.client.Do(s.client.Ready) }

// Send sends lines.
func (s *Server) Send(lines ...string) {
	s.t.Helper()
	for _, line := range lines {
		s.write(line + "\r\n")
	}
	synctest.Wait() // all is handled
}

// SendPayload sends a command with a payload.
func (s *Server) SendPayload(line, payload string) {
	s.t.Helper()
	s.write(fmt.Sprintf("%s %d\r\n%s", line, len(payload), payload))
	synctest.Wait()
}

func (s *Server) write(text string) {
	s.t.Helper()
	if _, err := s.conn.Write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// Read returns what the client sends next.
func (s *Server) Read() wire.Command {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(time.Minute))
	cmd, err := s.reader.Read()
	if err != nil {
		s.t.Fatalf("the client sends nothing: %v", err)
	}
	return cmd
}

// Expect reads a command and compares its line, without TrID and length, with want, and
// its payload with that, unless there is to be none. It returns the TrID.
func (s *Server) Expect(want string, payload ...string) (trid string) {
	s.t.Helper()
	cmd := s.Read()
	line := cmd.Verb
	if len(cmd.Args) > 0 {
		line = strings.Join(append([]string{cmd.Verb}, cmd.Args[1:]...), " ")
	}
	if line != want || cmd.Payload != strings.Join(payload, "") {
		s.t.Fatalf("the client sent %q %q, want %q %q", line, cmd.Payload, want, payload)
	}
	return cmd.Arg(0)
}

// Answer reads a command as Expect does, and answers it with its verb, its TrID and rest.
func (s *Server) Answer(want, rest string, payload ...string) {
	s.t.Helper()
	trid := s.Expect(want, payload...)
	verb, _, _ := strings.Cut(want, " ")
	s.Send(strings.TrimSpace(verb + " " + trid + " " + rest))
}

// Refuse reads a command as Expect does, and answers it with an error.
func (s *Server) Refuse(want string, number int, payload ...string) {
	s.t.Helper()
	s.Send(fmt.Sprint(number, " ", s.Expect(want, payload...)))
}

// ExpectNothing checks that the client has sent nothing more.
func (s *Server) ExpectNothing() {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if cmd, err := s.reader.Read(); err == nil {
		s.t.Errorf("the client sent %v %q", cmd, cmd.Payload)
	}
}

// Hangup ends the connection.
func (s *Server) Hangup() {
	_ = s.conn.Close()
	synctest.Wait()
}

// Events returns the events that wait to be read. There are none before Ready.
func (s *Server) Events() (events []event.Event) {
	for {
		synctest.Wait()
		select {
		case e := <-s.client.Events():
			if e == nil {
				return events
			}
			events = append(events, e)
		default:
			return events
		}
	}
}
