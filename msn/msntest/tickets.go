package msntest

import (
	"encoding/hex"
	"strconv"
	"time"
)

// ticket lets an account onto a switchboard once.
type ticket struct {
	account *Account
	session *session     // whose dialect and capabilities count
	sb      *switchboard // nil: a new one
	expires time.Time
}

// sweepAt is how many tickets are kept before those that have expired are
// looked for.
const sweepAt = 256

// newTicket makes the ticket of an XFR (sb is nil) or RNG.
func (s *Server) newTicket(a *Account, ss *session, sb *switchboard) string {
	now := time.Now()
	if len(s.tickets) >= sweepAt {
		for id, t := range s.tickets {
			if now.After(t.expires) {
				delete(s.tickets, id)
			}
		}
	}
	id := s.newID()
	s.tickets[id] = &ticket{account: a, session: ss, sb: sb, expires: now.Add(s.opt.ticketLife)}
	return id
}

// takeTicket returns what a ticket is good for, once.
func (s *Server) takeTicket(id string) *ticket {
	t := s.tickets[id]
	if t == nil {
		return nil
	}
	delete(s.tickets, id)
	if time.Now().After(t.expires) {
		return nil
	}
	return t
}

// newID makes a ticket or session ID that cannot be guessed: numbers with dots
// as on the historic servers, hexadecimal digits as on Escargot.
func (s *Server) newID() string {
	b := randomBytes(12)
	if !s.historic() {
		return hex.EncodeToString(b[:10])
	}
	number := func(b []byte) string {
		return strconv.FormatUint(uint64(b[0])<<24|uint64(b[1])<<16|uint64(b[2])<<8|uint64(b[3]), 10)
	}
	return number(b) + "." + number(b[4:]) + "." + number(b[8:])
}

// loginTicket is what the Tweener log-in hands out for USR TWN S.
type loginTicket struct {
	account *Account
	expires time.Time
}

func (s *Server) newLoginTicket(a *Account) string {
	now := time.Now()
	if len(s.logins) >= sweepAt {
		for id, t := range s.logins {
			if now.After(t.expires) {
				delete(s.logins, id)
			}
		}
	}
	id := hex.EncodeToString(randomBytes(10))
	if s.historic() {
		id = "t=" + id + "*&p=" + hex.EncodeToString(randomBytes(8)) + "!$"
	}
	s.logins[id] = &loginTicket{account: a, expires: now.Add(s.opt.loginTicketLife)}
	return id
}

// takeLoginTicket returns the account of a ticket, once.
func (s *Server) takeLoginTicket(id string) *Account {
	t := s.logins[id]
	if t == nil {
		return nil
	}
	delete(s.logins, id)
	if time.Now().After(t.expires) {
		return nil
	}
	return t.account
}
