package msntest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"matrix-msn/msn/wire"
)

// ErrNotOnline says that an account is not signed in.
var ErrNotOnline = errors.New("msntest: account is not signed in")

// Online reports whether an account is signed in and has sent its first CHG, be
// it visible or hidden.
func (s *Server) Online(email string) bool { return s.Status(email) != "FLN" }

// Status returns the status code an account has set, FLN before the first CHG
// and when it is not signed in (protocol/03-presence.md, section 1).
func (s *Server) Status(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status(email)
}

func (s *Server) status(email string) string {
	a := s.accounts[normalize(email)]
	if a == nil || a.main() == nil || a.main().status == "" {
		return "FLN"
	}
	return a.main().status
}

// notifyChange wakes those who wait for a state; the server is locked.
func (s *Server) notifyChange() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait blocks until cond, which is called with the server locked, is true.
func (s *Server) wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := cond(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-s.done:
			return errClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

var errClosed = errors.New("msntest: server closed")

// WaitOnline waits until the account is signed in and has sent its first CHG.
func (s *Server) WaitOnline(ctx context.Context, email string) error {
	return s.wait(ctx, func() bool { return s.status(email) != "FLN" })
}

// WaitOffline waits until the account is not signed in.
func (s *Server) WaitOffline(ctx context.Context, email string) error {
	return s.wait(ctx, func() bool {
		a := s.accounts[normalize(email)]
		return a == nil || len(a.endpoints) == 0
	})
}

// WaitStatus waits until the account has set that status.
func (s *Server) WaitStatus(ctx context.Context, email, status string) error {
	return s.wait(ctx, func() bool { return s.status(email) == status })
}

// Kick ends an account's session with OUT and a reason: OTH (signed in
// elsewhere), SSD (server shutting down) or "" (protocol/01-login.md, section
// 10). Its switchboards go on.
func (s *Server) Kick(email, reason string) error {
	return s.withSession(email, func(ss *session) { s.kick(ss, reason) })
}

// Drop cuts an account's notification connection without a word.
func (s *Server) Drop(email string) error {
	return s.withSession(email, func(ss *session) {
		if ss.conn != nil {
			ss.conn.drop()
		} else {
			s.kick(ss, "")
		}
	})
}

// DropSwitchboards cuts all switchboard connections of an account without a word
// and returns how many there were.
func (s *Server) DropSwitchboards(email string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := s.chatConns(email)
	for _, c := range conns {
		c.drop()
	}
	return len(conns)
}

// Push sends a command on an account's notification connection, whatever it is.
func (s *Server) Push(email string, cmd wire.Command) error {
	return s.withSession(email, func(ss *session) { ss.send(cmd) })
}

// PushRaw sends bytes, which need not be a command, on an account's notification
// connection.
func (s *Server) PushRaw(email string, data []byte) error {
	return s.withSession(email, func(ss *session) {
		if ss.conn != nil {
			ss.conn.sendRaw(data)
		}
	})
}

// PushChat sends a command on all switchboard connections of an account and
// returns how many there are.
func (s *Server) PushChat(email string, cmd wire.Command) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := s.chatConns(email)
	for _, c := range conns {
		c.send(cmd)
	}
	return len(conns)
}

// Redirect sends an XFR NS in mid-session, as a server that is being emptied
// does, and ends the connection.
func (s *Server) Redirect(email, addr string) error {
	return s.withSession(email, func(ss *session) {
		if ss.conn != nil {
			s.redirect(ss.conn, "0", addr)
		}
	})
}

// Challenge sends an account's client a CHL now.
func (s *Server) Challenge(email string) error {
	return s.withSession(email, func(ss *session) {
		if ss.conn == nil {
			return
		}
		if ss.conn.timer != nil {
			ss.conn.timer.Stop()
		}
		s.challenge(ss.conn)
	})
}

func (s *Server) chatConns(email string) []*conn {
	var conns []*conn
	for c := range s.conns {
		if c.party != nil && c.party.account.email == normalize(email) {
			conns = append(conns, c)
		}
	}
	return conns
}

// Switchboards returns how many conversations the account is in.
func (s *Server) Switchboards(email string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for sb := range s.switchboards {
		for _, p := range sb.parties {
			if p.account.email == normalize(email) {
				n++
			}
		}
	}
	return n
}

// withSession does something at each endpoint where an account is signed in.
func (s *Server) withSession(email string, do func(*session)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil || len(a.endpoints) == 0 || s.closed {
		return fmt.Errorf("%w: %s", ErrNotOnline, email)
	}
	for _, ss := range slices.Clone(a.endpoints) {
		do(ss)
	}
	return nil
}

// SignIn is what SignIns reports.
type SignIn struct {
	Account string
	Online  bool
	Dialect wire.Dialect // when Online
}

// SignIns returns a channel that tells who signs in and out from now on; it is
// closed when ctx ends or the server is closed. Changes that follow each other
// faster than the receiver takes them are told as one.
func (s *Server) SignIns(ctx context.Context) <-chan SignIn {
	changes := make(chan SignIn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		close(changes)
		return changes
	}
	s.wg.Go(func() {
		defer close(changes)
		told := make(map[*session]bool)
		for {
			s.mu.Lock()
			news, changed := s.news(told), s.changed
			s.mu.Unlock()
			for _, n := range news {
				select {
				case changes <- n:
				case <-ctx.Done():
					return
				case <-s.done:
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			case <-s.done:
				return
			}
		}
	})
	return changes
}

// news returns what has changed since told, and updates it.
func (s *Server) news(told map[*session]bool) []SignIn {
	var list []SignIn
	for ss := range told {
		if slices.Contains(ss.account.endpoints, ss) {
			continue
		}
		delete(told, ss)
		if len(ss.account.endpoints) == 0 {
			list = append(list, SignIn{Account: ss.account.email})
		}
	}
	for email, a := range s.accounts {
		for _, ss := range a.endpoints {
			if !told[ss] {
				told[ss] = true
				list = append(list, SignIn{Account: email, Online: true, Dialect: ss.dialect})
			}
		}
	}
	return list
}
