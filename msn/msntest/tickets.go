package msntest

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"strconv"
	"time"
)

// ticket lets an account onto a switchboard once.
type ticket struct {
	account *Account
	session *session     // whose dialect and capabilities count
	sb      *switchboard // nil: a new one
}

// issued are the tickets of one kind that are not used up, by their IDs.
type issued[T any] map[string]issuedTicket[T]

type issuedTicket[T any] struct {
	good    T
	expires time.Time
}

// sweepAt is after how many tickets more those that have expired are looked
// for: each time would cost thousands who sign in at once the square of that.
const sweepAt = 256

// put adds a ticket that is good for something for a while.
func (i issued[T]) put(id string, good T, life time.Duration) {
	now := time.Now()
	if len(i) > 0 && len(i)%sweepAt == 0 {
		maps.DeleteFunc(i, func(_ string, t issuedTicket[T]) bool { return now.After(t.expires) })
	}
	i[id] = issuedTicket[T]{good, now.Add(life)}
}

// take returns what a ticket is good for, once: the zero T if it is unknown or
// has expired.
func (i issued[T]) take(id string) (good T) {
	t, ok := i[id]
	delete(i, id)
	if !ok || time.Now().After(t.expires) {
		return good
	}
	return t.good
}

// webTicket is what a ticket of RST, or one that somebody signed in with, is good
// for.
type webTicket struct {
	account *Account
	service string // address of the service it is for, "" for all
	secret  string // BinarySecret in base64, "" for none
	used    bool   // for signing in
}

// peek returns what a ticket is good for, as often as one asks.
func (i issued[T]) peek(id string) (good T) {
	if t, ok := i[id]; ok && time.Now().Before(t.expires) {
		return t.good
	}
	return good
}

// newTicket makes the ticket of an XFR (sb is nil) or RNG.
func (s *Server) newTicket(a *Account, ss *session, sb *switchboard) string {
	id := s.newID()
	s.tickets.put(id, &ticket{account: a, session: ss, sb: sb}, s.opt.ticketLife)
	return id
}

// newID makes a ticket or session ID that cannot be guessed: numbers with dots,
// or hexadecimal digits.
func (s *Server) newID() string {
	if s.is.hexadecimalIDs {
		return hex.EncodeToString(randomBytes(10))
	}
	return randomNumber() + "." + randomNumber() + "." + randomNumber()
}

// randomNumber makes a number of 32 bits.
func randomNumber() string {
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(randomBytes(4))), 10)
}

// newLoginTicket makes what the Tweener log-in hands out for USR TWN S.
func (s *Server) newLoginTicket(a *Account) string {
	id := hex.EncodeToString(randomBytes(10))
	if !s.is.hexadecimalIDs {
		id = "t=" + id + "*&p=" + hex.EncodeToString(randomBytes(8)) + "!$"
	}
	s.logins.put(id, a, s.opt.loginTicketLife)
	return id
}
