package msntest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"matrix-msn/msn/wire"
)

// Record is one thing that went over a connection.
type Record struct {
	// Seq counts all records of a server from 1.
	Seq  uint64
	Time time.Time
	Kind Kind
	// Conn numbers the connections of a server from 1 in the order in which they
	// were accepted; HTTPS requests have 0.
	Conn int
	// Account is who is on the connection, or claims to be; in lower case, ""
	// before USR.
	Account string
	// From tells who sent it.
	From wire.Direction
	// Command is what was sent over MSNP. Its TrID is as the client chose it.
	Command wire.Command
	// HTTP is set for HTTPS in place of Command.
	HTTP *HTTPRecord
}

// HTTPRecord is a request over HTTPS, or the answer.
type HTTPRecord struct {
	Method, Path string
	Status       int // 0 for a request
	Header       http.Header
	Operation    string // of a web service: "RST", "ABFindAll" …
	Body         string // of a request to a web service; it can hold secrets
}

// String shows a record without secrets.
func (r Record) String() string {
	what := r.Command.String()
	if r.HTTP != nil {
		what = fmt.Sprintf("%s %s %s %d", r.HTTP.Method, r.HTTP.Path, r.HTTP.Operation, r.HTTP.Status)
	}
	return fmt.Sprintf("#%d %s/%s%d from %s: %s", r.Seq, r.Account, r.Kind, r.Conn, r.From, what)
}

// recorder keeps the last records; the server's lock guards it.
type recorder struct {
	limit   int
	seq     uint64
	ring    []Record
	next    int // where the next record goes once ring is full
	waiters []*recordWaiter
}

type recordWaiter struct {
	match func(Record) bool
	found chan Record
}

func (r *recorder) add(rec Record) {
	r.seq++
	rec.Seq = r.seq
	switch {
	case r.limit == 0:
	case len(r.ring) < r.limit:
		r.ring = append(r.ring, rec)
	default:
		r.ring[r.next] = rec
		r.next = (r.next + 1) % r.limit
	}
	for i := 0; i < len(r.waiters); i++ {
		if w := r.waiters[i]; w.match(rec) {
			w.found <- rec
			r.waiters = append(r.waiters[:i], r.waiters[i+1:]...)
			i--
		}
	}
}

// each calls f with the records kept, oldest first, until it returns false.
func (r *recorder) each(f func(Record) bool) {
	for i := range r.ring {
		if !f(r.ring[(r.next+i)%len(r.ring)]) {
			return
		}
	}
}

// record notes a command on an MSNP connection; the server is locked.
func (s *Server) record(c *conn, from wire.Direction, cmd wire.Command) {
	s.rec.add(Record{Time: time.Now(), Kind: c.kind, Conn: c.id, Account: c.who(cmd), From: from, Command: cmd})
}

// who names the account of a connection: proved, or claimed by what is being
// said right now.
func (c *conn) who(cmd wire.Command) string {
	switch {
	case c.session != nil:
		return c.session.account.email
	case c.party != nil:
		return c.party.account.email
	case c.claimed != "":
		return normalize(c.claimed)
	case c.kind == SB && (cmd.Verb == "USR" || cmd.Verb == "ANS") && cmd.Arg(1) != "OK":
		return normalize(cmd.Arg(1))
	case cmd.Verb == "USR" && cmd.Arg(2) == "I":
		return normalize(cmd.Arg(3))
	}
	return ""
}

// Records returns what is kept of the record, oldest first.
func (s *Server) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Record, 0, len(s.rec.ring))
	s.rec.each(func(r Record) bool {
		list = append(list, r)
		return true
	})
	return list
}

// Sent returns what an account's clients sent, as far as the record goes back,
// oldest first. What they sent before they named their account is among it.
func (s *Server) Sent(email string) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	email = normalize(email)
	conns := make(map[int]bool)
	s.rec.each(func(r Record) bool {
		if r.Account == email && r.Conn != 0 {
			conns[r.Conn] = true
		}
		return true
	})
	var list []Record
	s.rec.each(func(r Record) bool {
		if r.From == wire.FromClient && (r.Account == email || r.Account == "" && conns[r.Conn]) {
			list = append(list, r)
		}
		return true
	})
	return list
}

// Mark returns the number of the latest record, for AwaitAfter.
func (s *Server) Mark() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rec.seq
}

// Await returns the first record that match accepts, past (as far as the record
// goes back) or to come. match is called with the server locked: it must not
// call the server. The error is that of ctx.
func (s *Server) Await(ctx context.Context, match func(Record) bool) (Record, error) {
	return s.AwaitAfter(ctx, 0, match)
}

// AwaitAfter is Await for records with a higher Seq than mark.
func (s *Server) AwaitAfter(ctx context.Context, mark uint64, match func(Record) bool) (Record, error) {
	accept := func(r Record) bool { return r.Seq > mark && match(r) }
	w := &recordWaiter{match: accept, found: make(chan Record, 1)}
	s.mu.Lock()
	var past *Record
	s.rec.each(func(r Record) bool {
		if accept(r) {
			past = &r
		}
		return past == nil
	})
	if past == nil {
		s.rec.waiters = append(s.rec.waiters, w)
	}
	s.mu.Unlock()
	if past != nil {
		return *past, nil
	}
	select {
	case r := <-w.found:
		return r, nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, x := range s.rec.waiters {
			if x == w {
				s.rec.waiters = append(s.rec.waiters[:i], s.rec.waiters[i+1:]...)
				break
			}
		}
		return Record{}, fmt.Errorf("msntest: no such record: %w", context.Cause(ctx))
	}
}

// AwaitCommand waits for a command that an account's client sends, past or to
// come.
func (s *Server) AwaitCommand(ctx context.Context, email, verb string) (Record, error) {
	email = normalize(email)
	return s.Await(ctx, func(r Record) bool {
		return r.From == wire.FromClient && r.Account == email && r.Command.Verb == verb
	})
}
