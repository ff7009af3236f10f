package msntest

import (
	"strings"

	"matrix-msn/msn/wire"
)

// Who sees whom, and how they are told (protocol/03-presence.md).

// sees reports whether b is told about a: a is visible, on b's FL and allows b.
func sees(b, a *Account) bool {
	return a.visible() && b.list.on(a.email)&FL != 0 && a.allows(b)
}

// watchers returns the accounts that are signed in, have sent their first CHG
// and see a.
func (s *Server) watchers(a *Account) map[*Account]bool {
	if !a.visible() {
		return nil
	}
	set := make(map[*Account]bool)
	for _, c := range a.list.order {
		if c.lists&watches == 0 {
			continue
		}
		b := s.accounts[c.email]
		if b != nil && b.session != nil && b.session.status != "" && sees(b, a) {
			set[b] = true
		}
	}
	return set
}

// appearance is what others see of an account: it changes when they must be
// told.
func (a *Account) appearance() string {
	if a.session == nil {
		return ""
	}
	if !a.srv.historic() {
		return a.session.status + " " + a.name // nothing else is announced there
	}
	return strings.Join([]string{a.session.status, a.name, a.session.caps, a.session.object}, " ")
}

// change does something to a that can change who sees it or how it looks, and
// tells everybody concerned: NLN to those who see it now, FLN to those who no
// longer do.
func (s *Server) change(a *Account, do func()) {
	before, look := s.watchers(a), a.appearance()
	wasOnline := a.session != nil
	do()
	after, changed := s.watchers(a), a.appearance() != look
	for _, c := range a.list.order {
		b := s.accounts[c.email]
		switch {
		case b == nil:
		case before[b] && !after[b]:
			s.tellGone(b.session, a)
		case after[b] && !before[b]:
			s.tellPresence(b.session, a, "")
			if a.session.personal != "" && s.historic() {
				s.tellPersonal(b.session, a)
			}
		case after[b] && changed:
			s.tellPresence(b.session, a, "")
		}
	}
	if changed || wasOnline != (a.session != nil) {
		s.notifyChange()
	}
}

// tellGone sends FLN.
func (s *Server) tellGone(to *session, a *Account) {
	if to.bot != nil {
		to.bot.presence(a.email, "FLN")
		return
	}
	to.send(wire.New("FLN", a.email))
}

// tellPresence sends NLN, or with a TrID ILN, in the form of the receiver's
// dialect.
func (s *Server) tellPresence(to *session, a *Account, trid string) {
	ss := a.session
	if to.bot != nil {
		to.bot.presence(a.email, ss.status)
		return
	}
	args := []string{ss.status, a.email, s.encode(a.name)}
	if to.dialect >= 8 {
		args = append(args, ss.caps)
	}
	if to.dialect >= 9 {
		switch {
		case ss.object != "":
			args = append(args, ss.object)
		case !s.historic():
			args = append(args, "%3Cmsnobj%2F%3E")
		}
	}
	if trid != "" {
		to.send(wire.New("ILN", append([]string{trid}, args...)...))
	} else {
		to.send(wire.New("NLN", args...))
	}
}

// repeatPresence tells b once more what it knows: Escargot does so after changes
// of lists that change nothing for b.
func (s *Server) repeatPresence(b, a *Account) {
	if !s.historic() && b != nil && b.session != nil && b.session.status != "" && sees(b, a) {
		s.tellPresence(b.session, a, "")
	}
}

// repeatPersonal tells b the personal message of a although it is empty, as
// Escargot does when b is allowed or no longer blocked.
func (s *Server) repeatPersonal(b, a *Account) {
	if !s.historic() && b != nil && b.session != nil && b.session.status != "" && sees(b, a) {
		s.tellPersonal(b.session, a)
	}
}

// emptyData is the UBX of somebody without a personal message on Escargot.
const emptyData = "<Data><PSM></PSM><CurrentMedia></CurrentMedia></Data>"

// tellPersonal sends UBX to clients of MSNP11 and later.
func (s *Server) tellPersonal(to *session, a *Account) {
	if to.dialect < 11 || to.bot != nil {
		return
	}
	data := a.session.personal
	if data == "" && !s.historic() {
		data = emptyData
	}
	to.send(wire.New("UBX", a.email).WithPayload(data))
}

// tellInitial sends ss who is online of those on its FL.
func (s *Server) tellInitial(ss *session, trid string) {
	for _, c := range ss.account.list.order {
		if c.lists&FL == 0 {
			continue
		}
		if a := s.accounts[c.email]; a != nil && sees(ss.account, a) {
			s.tellFirst(ss, a, trid)
		}
	}
}

// tellFirst sends ILN and UBX about a.
func (s *Server) tellFirst(ss *session, a *Account, trid string) {
	s.tellPresence(ss, a, trid)
	if a.session.personal != "" || !s.historic() {
		s.tellPersonal(ss, a)
	}
}

// statuses that CHG may set.
var statuses = map[string]bool{
	"NLN": true, "BSY": true, "IDL": true, "BRB": true, "AWY": true, "PHN": true, "LUN": true, "HDN": true,
}

// chg handles CHG (protocol/03-presence.md, section 2).
func (s *Server) chg(c *conn, trid string, cmd wire.Command) {
	ss, status, caps, object := c.session, cmd.Arg(1), "0", ""
	switch {
	case status == "FLN":
		c.fail("201", trid)
		return
	case !statuses[status]:
		c.hangUp()
		return
	}
	if c.dialect >= 8 {
		if caps = cmd.Arg(2); !isNumber(caps) {
			if !s.historic() {
				return // ignored without a word
			}
			caps = "0"
		}
	}
	if c.dialect >= 9 {
		if object = cmd.Arg(3); object == "0" {
			object = ""
		}
	}
	first := ss.status == ""
	c.send(cmd)
	if first && status == "HDN" && !s.historic() {
		s.tellHidden(ss.account)
	}
	s.change(ss.account, func() { ss.status, ss.caps, ss.object = status, caps, object })
	if !first {
		return
	}
	ss.account.everOnline = true
	s.tellInitial(ss, trid)
	if s.opt.challenges && c.dialect >= 6 {
		s.challenge(c)
	}
	s.tellMail(ss)
}

// tellHidden sends FLN to everybody who would see a: so does Escargot when
// somebody signs in hidden.
func (s *Server) tellHidden(a *Account) {
	for _, c := range a.list.order {
		b := s.accounts[c.email]
		if b != nil && b.session != nil && b.session.status != "" && b.list.on(a.email)&FL != 0 && a.allows(b) {
			s.tellGone(b.session, a)
		}
	}
}

// uux handles UUX: the personal message (MSNP11 and later).
func (s *Server) uux(c *conn, trid string, cmd wire.Command) {
	if !strings.HasPrefix(cmd.Payload, "<Data>") || !strings.HasSuffix(cmd.Payload, "</Data>") {
		if s.historic() {
			c.hangUp()
		}
		return
	}
	c.send(wire.New("UUX", trid).WithPayload(""))
	s.setPersonal(c.session, cmd.Payload)
}

func (s *Server) setPersonal(ss *session, data string) {
	if ss.personal == data {
		return
	}
	ss.personal = data
	for _, contact := range ss.account.list.order {
		b := s.accounts[contact.email]
		if b != nil && b.session != nil && b.session.status != "" && sees(b, ss.account) {
			s.tellPersonal(b.session, ss.account)
		}
	}
	s.notifyChange()
}

// signOut ends a session: its contacts see it go.
func (s *Server) signOut(ss *session) {
	a := ss.account
	if a.session != ss {
		return
	}
	s.change(a, func() { a.session = nil })
	s.log.Info("signed out", "account", a.email)
}

// signIn makes ss the session of its account. An older one is told OUT OTH and
// ended: until MSNP16 there is one place per account.
func (s *Server) signIn(ss *session) {
	a := ss.account
	if old := a.session; old != nil {
		s.kick(old, "OTH")
	}
	a.session = ss
	s.notifyChange()
	s.log.Info("signed in", "account", a.email, "dialect", ss.dialect.String())
}

// kick ends a session from the server's side with OUT and a reason.
func (s *Server) kick(ss *session, reason string) {
	if ss.bot != nil {
		s.signOut(ss)
		ss.bot.kicked(reason)
		return
	}
	if reason == "" {
		ss.conn.reply("OUT")
	} else {
		ss.conn.reply("OUT", reason)
	}
	ss.conn.hangUp()
}

// encode encodes a name for the wire: non-ASCII percent-encoded as the historic
// servers did, raw as Escargot does.
func (s *Server) encode(name string) string {
	name = wire.Encode(name)
	if !s.historic() {
		return name
	}
	plain := true
	for i := 0; i < len(name) && plain; i++ {
		plain = name[i] < 0x80
	}
	if plain {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if ch := name[i]; ch < 0x80 {
			b.WriteByte(ch)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[ch>>4])
			b.WriteByte(upperHex[ch&15])
		}
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// isNumber reports whether s is an unsigned 32-bit decimal, as capability
// numbers and TrIDs are.
func isNumber(s string) bool {
	_, ok := wire.ParseTrID(s)
	return ok
}
