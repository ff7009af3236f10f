package msntest

import (
	"slices"
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
	// p2pHeader is the size of the binary header of a P2P message, and p2pShortest that of the shortest
	// with the header and footer of version 2, which clients of MSNP16 and later send.
	p2pHeader   = 48
	p2pShortest = 12
)

func (p *party) send(cmd wire.Command) {
	if p.conn != nil {
		p.conn.send(cmd)
	}
}

func (s *Server) newSwitchboard() *switchboard {
	sb := &switchboard{id: strconv.FormatUint(uint64(time.Now().UnixNano())%1e8, 10) + "." + s.newID()}
	if s.is.hexadecimalIDs {
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
		if s.is.hangsUpAtNonsense {
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
	case s.is.hangsUpAtNonsense:
		c.hangUp()
	}
}

// admit checks the ticket of USR or ANS.
func (s *Server) admit(c *conn, trid, email, id string) *ticket {
	t := s.tickets.take(id)
	if t == nil || !t.session.named(email) {
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
		if !s.is.reopensSwitchboards {
			c.hangUp()
			return
		}
		s.switchboards[t.sb] = struct{}{}
	}
	s.enter(c, t, t.sb)
	entries := s.roster(c.party, t.sb)
	for i, entry := range entries {
		args := []string{trid, strconv.Itoa(i + 1), strconv.Itoa(len(entries))}
		c.reply("IRO", append(args, entry...)...)
	}
	c.reply("ANS", trid, "OK")
	s.join(c.party)
	if s.is.tellsOneself && c.dialect >= wire.FirstEndpoints {
		c.reply("JOI", s.introduction(c.party, c.dialect)...)
	}
}

// roster is what IRO tells p of those in a switchboard: from MSNP16 on each endpoint,
// and each account once more behind its last endpoint. With listsOneself p is
// named too when another endpoint of its account is there.
func (s *Server) roster(p *party, sb *switchboard) [][]string {
	parties := slices.Clone(sb.parties)
	if i := slices.IndexFunc(parties, func(x *party) bool { return x.account == p.account }); i >= 0 && s.is.listsOneself {
		parties = slices.Insert(parties, i, p)
	}
	var entries [][]string
	for i, x := range parties {
		if p.session.dialect >= wire.FirstEndpoints && x.session.endpoint != "" {
			entries = append(entries, s.introductionAt(x))
		}
		if !slices.ContainsFunc(parties[i+1:], func(later *party) bool { return later.account == x.account }) {
			entries = append(entries, s.introduction(x, p.session.dialect))
		}
	}
	return entries
}

// introductionAt is introduction for one endpoint of an account.
func (s *Server) introductionAt(p *party) []string {
	return []string{p.session.at(), s.encode(p.account.name), withExtended(p.session.caps)}
}

// introduction is the account, name and, from MSNP12 on, capability number of a
// party in IRO and JOI.
func (s *Server) introduction(p *party, to wire.Dialect) []string {
	args := []string{p.account.email, s.encode(p.account.name)}
	switch {
	case to >= wire.FirstEndpoints:
		args = append(args, withExtended(p.session.caps))
	case to >= wire.FirstPartyCapabilities:
		args = append(args, withoutExtended(p.session.caps))
	}
	return args
}

// join adds a party to its switchboard and tells the others: of the endpoint if their
// dialect knows endpoints, and of the account when this is its first endpoint.
func (s *Server) join(p *party) {
	first := !p.sb.has(p.account)
	for _, other := range p.sb.parties {
		if other.chat != nil {
			if first {
				other.chat.joined(p.account.email)
			}
			continue
		}
		if other.conn.dialect >= wire.FirstEndpoints && p.session.endpoint != "" {
			other.send(wire.New("JOI", s.introductionAt(p)...))
		}
		if first {
			other.send(wire.New("JOI", s.introduction(p, other.conn.dialect)...))
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
	last := !sb.has(p.account)
	for _, other := range sb.parties {
		if other.conn != nil && other.conn.dialect >= wire.FirstEndpoints && p.session.endpoint != "" {
			other.send(bye(p.session.at(), idle))
		}
		switch {
		case !last:
		case other.chat != nil:
			other.chat.left(p.account.email)
		default:
			other.send(bye(p.account.email, idle))
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
		last.chat.ended()
		s.leave(last, false)
	}
	s.notifyChange()
}

// bye is BYE, with a 1 when the conversation is ended for being idle.
func bye(who string, idle bool) wire.Command {
	if idle {
		return wire.New("BYE", who, "1")
	}
	return wire.New("BYE", who)
}

// has reports whether an account is in the conversation.
func (sb *switchboard) has(a *Account) bool {
	return slices.ContainsFunc(sb.parties, func(p *party) bool { return p.account == a })
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
	if email == p.account.email {
		return s.callOneself(p, ringing)
	}
	callee := s.accounts[email]
	switch {
	case callee == nil:
		return "217"
	case p.sb.has(callee):
		return "215"
	case !callee.visible() || callee.main().noCalls || !callee.allows(p.account):
		return "217"
	}
	ringing()
	for _, ss := range callee.present() {
		s.ring(p, ss)
	}
	return ""
}

// callOneself brings the other endpoints of an account in, from MSNP16 on.
func (s *Server) callOneself(p *party, ringing func()) string {
	var others []*session
	for _, ss := range p.account.present() {
		if ss != p.session && !slices.ContainsFunc(p.sb.parties, func(x *party) bool { return x.session == ss }) {
			others = append(others, ss)
		}
	}
	if len(others) == 0 {
		return "215"
	}
	ringing()
	for _, ss := range others {
		s.ring(p, ss)
	}
	if s.is.tellsOneself {
		p.send(wire.New("JOI", s.introduction(p, p.session.dialect)...))
	}
	return ""
}

// ring tells one endpoint that p calls.
func (s *Server) ring(p *party, ss *session) {
	if ss.bot != nil {
		ss.bot.rung(p.sb)
		return
	}
	args := []string{p.sb.id, addrFor(s.sb, ss.conn), "CKI", s.newTicket(ss.account, ss, p.sb),
		p.account.email, s.encode(p.account.name)}
	ss.send(wire.New("RNG", append(args, directions(ss.dialect, "messenger.hotmail.com")...)...))
}

// directions are what XFR and RNG say at their end since MSNP13: a domain, and from
// MSNP14 on that the switchboard can be reached directly.
func directions(d wire.Dialect, domain string) []string {
	switch {
	case d >= wire.FirstNetworks:
		return []string{"U", domain, "1"}
	case d >= wire.FirstSOAP:
		return []string{"U", domain}
	}
	return nil
}

// sbMSG relays a message (protocol/04-switchboard.md, section 2).
func (s *Server) sbMSG(c *conn, trid string, cmd wire.Command) {
	mode := cmd.Arg(1)
	message := wire.ParseMessage(cmd.Payload)
	p2p := message.MediaType() == "application/x-msnmsgrp2p"
	switch {
	case len(cmd.Payload) > wire.MaxSwitchboardPayload,
		mode != "U" && mode != "N" && mode != "A" && mode != "D",
		mode == "D" && c.dialect < wire.FirstObjects && s.is.restrictsModeD,
		p2p && mode != "D":
		c.hangUp()
		return
	case p2p && len(message.Body) < shortestP2P(c.dialect) && s.is.refusesShortP2P:
		c.fail("282", trid)
		return
	case s.is.ignoresHeadless && !strings.Contains(cmd.Payload, "\r\n\r\n"):
		return
	}
	delivered := s.relay(c.party, cmd.Payload)
	switch {
	case (mode == "A" || mode == "D") && (delivered || s.is.alwaysAcknowledges):
		c.reply("ACK", trid)
	case mode != "U" && !delivered && !s.is.alwaysAcknowledges:
		c.reply("NAK", trid)
	}
}

// shortestP2P is how short a P2P message of a client may be.
func shortestP2P(d wire.Dialect) int {
	if d >= wire.FirstEndpoints {
		return p2pShortest
	}
	return p2pHeader
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
