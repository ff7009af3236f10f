package msntest

import (
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/wire"
)

// switchboard is one conversation (protocol/04-switchboard.md).
type switchboard struct {
	id      string
	parties []*party
	idle    *time.Timer
}

// party is somebody in a switchboard: over a connection, or played.
type party struct {
	account *Account
	session *session // as it was when the ticket was made
	sb      *switchboard
	conn    *conn
	chat    *Chat
	failed  int // calls in a row answered with 217
}

const (
	// maxFailedCalls is how many calls in a row may end in 217 before 713.
	maxFailedCalls = 5
	// p2pHeader is the size of the binary header of a P2P message.
	p2pHeader = 48
)

func (p *party) send(cmd wire.Command) {
	if p.conn != nil {
		p.conn.send(cmd)
	}
}

func (s *Server) newSwitchboard() *switchboard {
	sb := &switchboard{id: strconv.FormatUint(uint64(time.Now().UnixNano())%1e8, 10) + "." + s.newID()}
	if !s.historic() {
		sb.id = s.newID() + s.newID()[:11]
	}
	s.switchboards[sb] = struct{}{}
	if s.opt.idle > 0 {
		sb.idle = time.AfterFunc(s.opt.idle, func() { s.closeIdle(sb) })
	}
	return sb
}

func (sb *switchboard) stopIdle() {
	if sb.idle != nil {
		sb.idle.Stop()
	}
}

// touch notes that something happened in the conversation.
func (s *Server) touch(sb *switchboard) {
	if sb.idle != nil {
		sb.idle.Reset(s.opt.idle)
	}
}

// closeIdle ends a conversation in which nothing is said.
func (s *Server) closeIdle(sb *switchboard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for _, p := range append([]*party(nil), sb.parties...) {
		s.leave(p, true)
		if p.conn != nil {
			p.conn.hangUp()
		}
	}
}

// handleSwitchboard handles a command on a switchboard connection.
func (s *Server) handleSwitchboard(c *conn, cmd wire.Command) {
	trid := cmd.Arg(0)
	switch {
	case cmd.Verb == "OUT":
		c.hangUp()
	case !isNumber(trid):
		if s.historic() {
			c.hangUp()
		}
	case c.party == nil && cmd.Verb == "USR":
		s.sbUSR(c, trid, cmd)
	case c.party == nil && cmd.Verb == "ANS":
		s.sbANS(c, trid, cmd)
	case c.party == nil:
		// no answer before USR or ANS
	case cmd.Verb == "CAL":
		s.sbCAL(c, trid, cmd.Arg(1))
	case cmd.Verb == "MSG":
		s.sbMSG(c, trid, cmd)
	case s.historic():
		c.hangUp()
	}
}

// admit checks the ticket of USR or ANS.
func (s *Server) admit(c *conn, trid, email, id string) *ticket {
	t := s.tickets.take(id)
	if t == nil || t.account.email != normalize(email) {
		c.fail("911", trid)
		c.hangUp()
		return nil
	}
	return t
}

// enter makes c the connection of a party.
func (s *Server) enter(c *conn, t *ticket, sb *switchboard) {
	c.authenticated()
	c.dialect = t.session.dialect
	c.r.SetDialect(c.dialect)
	c.party = &party{account: t.account, session: t.session, sb: sb, conn: c}
}

func (s *Server) sbUSR(c *conn, trid string, cmd wire.Command) {
	t := s.admit(c, trid, cmd.Arg(1), cmd.Arg(2))
	if t == nil {
		return
	}
	if t.sb != nil {
		c.fail("911", trid)
		c.hangUp()
		return
	}
	sb := s.newSwitchboard()
	s.enter(c, t, sb)
	sb.parties = append(sb.parties, c.party)
	c.reply("USR", trid, "OK", cmd.Arg(1), s.encode(t.account.name))
}

func (s *Server) sbANS(c *conn, trid string, cmd wire.Command) {
	t := s.tickets[cmd.Arg(2)].good
	if t != nil && (t.sb == nil || t.sb.id != cmd.Arg(3)) {
		c.hangUp() // unknown session: not a word
		return
	}
	if t = s.admit(c, trid, cmd.Arg(1), cmd.Arg(2)); t == nil {
		return
	}
	if _, alive := s.switchboards[t.sb]; !alive {
		if s.historic() {
			c.hangUp()
			return
		}
		s.switchboards[t.sb] = struct{}{}
	}
	s.enter(c, t, t.sb)
	total := strconv.Itoa(len(t.sb.parties))
	for i, p := range t.sb.parties {
		args := []string{trid, strconv.Itoa(i + 1), total}
		c.reply("IRO", append(args, s.introduction(p, c.dialect)...)...)
	}
	c.reply("ANS", trid, "OK")
	s.join(c.party)
}

// introduction is the account, name and, from MSNP12 on, capability number of a
// party in IRO and JOI.
func (s *Server) introduction(p *party, to wire.Dialect) []string {
	args := []string{p.account.email, s.encode(p.account.name)}
	if to >= 12 {
		args = append(args, p.session.caps)
	}
	return args
}

// join adds a party to its switchboard and tells the others.
func (s *Server) join(p *party) {
	for _, other := range p.sb.parties {
		if other.conn != nil {
			other.send(wire.New("JOI", s.introduction(p, other.conn.dialect)...))
		} else {
			other.chat.joined(p.account.email)
		}
	}
	p.sb.parties = append(p.sb.parties, p)
	s.touch(p.sb)
	s.notifyChange()
}

// leave takes a party out of its switchboard: the others get BYE, with a 1 when
// the server ends the conversation for being idle.
func (s *Server) leave(p *party, idle bool) {
	sb := p.sb
	for i, other := range sb.parties {
		if other == p {
			sb.parties = append(sb.parties[:i:i], sb.parties[i+1:]...)
			break
		}
	}
	for _, other := range sb.parties {
		switch {
		case other.chat != nil:
			other.chat.left(p.account.email)
		case idle:
			other.send(wire.New("BYE", p.account.email, "1"))
		default:
			other.send(wire.New("BYE", p.account.email))
		}
	}
	if p.conn != nil {
		p.conn.party = nil
	}
	if p.chat != nil {
		p.chat.over = true
	}
	switch {
	case len(sb.parties) == 0:
		sb.stopIdle()
		delete(s.switchboards, sb)
	case len(sb.parties) == 1 && sb.parties[0].chat != nil:
		// A played account does not stay in an empty room.
		last := sb.parties[0]
		delete(last.chat.bot.chats, sb)
		s.leave(last, false)
	}
	s.notifyChange()
}

// sbCAL invites somebody into the conversation.
func (s *Server) sbCAL(c *conn, trid, email string) {
	p := c.party
	if p.failed >= maxFailedCalls {
		c.fail("713", trid)
		return
	}
	if number := s.call(p, email, func() { c.reply("CAL", trid, "RINGING", p.sb.id) }); number != "" {
		if number == "217" {
			p.failed++
		}
		c.fail(number, trid)
		return
	}
	p.failed = 0
}

// call rings somebody on behalf of p; ringing is called before the other side
// can answer. It returns the error number if that cannot be done.
func (s *Server) call(p *party, email string, ringing func()) string {
	email = normalize(email)
	if !strings.Contains(email, "@") {
		return "208"
	}
	for _, other := range p.sb.parties {
		if other.account.email == email {
			return "215"
		}
	}
	callee := s.accounts[email]
	if callee == nil || !callee.visible() || callee.session.noCalls || !callee.allows(p.account) {
		return "217"
	}
	ringing()
	ss := callee.session
	if ss.bot != nil {
		ss.bot.rung(p.sb)
		return ""
	}
	ss.send(wire.New("RNG", p.sb.id, addrFor(s.sb, ss.conn), "CKI", s.newTicket(callee, ss, p.sb),
		p.account.email, s.encode(p.account.name)))
	return ""
}

// sbMSG relays a message (protocol/04-switchboard.md, section 2).
func (s *Server) sbMSG(c *conn, trid string, cmd wire.Command) {
	mode := cmd.Arg(1)
	message := wire.ParseMessage(cmd.Payload)
	p2p := message.MediaType() == "application/x-msnmsgrp2p"
	switch {
	case len(cmd.Payload) > wire.MaxSwitchboardPayload,
		mode != "U" && mode != "N" && mode != "A" && mode != "D",
		mode == "D" && c.dialect < 9 && s.historic(),
		p2p && mode != "D":
		c.hangUp()
		return
	case p2p && len(message.Body) < p2pHeader && s.historic():
		c.fail("282", trid)
		return
	case !s.historic() && !strings.Contains(cmd.Payload, "\r\n\r\n"):
		return
	}
	delivered := s.relay(c.party, cmd.Payload)
	switch {
	case (mode == "A" || mode == "D") && (delivered || !s.historic()):
		c.reply("ACK", trid)
	case mode != "U" && !delivered && s.historic():
		c.reply("NAK", trid)
	}
}

// relay hands a message to the others and reports whether there was anybody.
func (s *Server) relay(from *party, payload string) bool {
	delivered := false
	cmd := wire.New("MSG", from.account.email, s.encode(from.account.name)).WithPayload(payload)
	for _, other := range from.sb.parties {
		if other == from {
			continue
		}
		delivered = true
		if other.chat != nil {
			other.chat.message(from.account.email, payload)
		} else {
			other.send(cmd)
		}
	}
	s.touch(from.sb)
	return delivered
}
