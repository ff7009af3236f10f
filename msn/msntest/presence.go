package msntest

import (
	"strings"

	"matrix-msn/msn/wire"
)

// Who sees whom, and how they are told (protocol/03-presence.md).

// sees reports whether b is told about a: a is visible, on b's FL and allows b.
func sees(b, a *Account) bool {
	return a.visible() && b.lists(a.email)&FL != 0 && a.allows(b)
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
		if b != nil && len(b.present()) > 0 && sees(b, a) {
			set[b] = true
		}
	}
	return set
}

// appearance is what others see of an account: it changes when they must be
// told.
func (a *Account) appearance() string {
	ss := a.main()
	if ss == nil {
		return ""
	}
	if !a.srv.is.announcesCapabilities {
		return ss.status + " " + a.name // nothing else is announced there
	}
	return strings.Join([]string{ss.status, a.name, ss.caps, ss.object}, " ")
}

// change does something to a that can change who sees it or how it looks, and
// tells everybody concerned: NLN to those who see it now, FLN to those who no
// longer do. The account's own endpoints are told what others are.
func (s *Server) change(a *Account, do func()) {
	before, look, endpoints, seen := s.watchers(a), a.appearance(), a.shownEndpoints(), a.visible()
	wasOnline := len(a.endpoints) > 0
	do()
	after, changed, moved := s.watchers(a), a.appearance() != look, a.shownEndpoints() != endpoints
	for _, c := range a.list.order {
		b := s.accounts[c.email]
		switch {
		case b == nil:
		case before[b] && !after[b]:
			s.tellGone(b, a)
		case after[b] && !before[b]:
			s.tellAll(b, a)
			if a.main().personal != "" && s.is.personalOnAppearing {
				s.tellPersonalBelow(b, a)
			}
		case after[b] && changed:
			s.tellAll(b, a)
		case after[b] && moved:
			s.tellEndpoints(b, a)
		}
	}
	if changed || moved {
		s.tellCircles(a, seen)
		s.tellOneself(a)
	}
	if changed || wasOnline != (len(a.endpoints) > 0) {
		s.notifyChange()
	}
}

// tellGone sends FLN to each endpoint of b.
func (s *Server) tellGone(b, a *Account) {
	for _, to := range b.present() {
		switch {
		case to.bot != nil:
			to.bot.presence(a.email, "FLN")
		case to.dialect >= wire.FirstPrefixed:
			to.send(wire.New("FLN", prefixed(a), "0:0"))
		case to.dialect >= wire.FirstEndpoints:
			to.send(wire.New("FLN", a.email, network, "0:0"))
		case to.dialect >= wire.FirstNetworks:
			to.send(wire.New("FLN", a.email, network, "0"))
		default:
			to.send(wire.New("FLN", a.email))
		}
	}
}

// network is that of all accounts here: Passport (protocol/00-overview.md, section 8).
const network = "1"

// prefixed is how MSNP18 writes an account.
func prefixed(a *Account) string { return network + ":" + a.email }

// tellAll sends NLN to each endpoint of b.
func (s *Server) tellAll(b, a *Account) {
	for _, to := range b.present() {
		s.tellPresence(to, a, "")
	}
}

// tellEndpoints sends UBX to those endpoints of b whose dialect shows the endpoints of a in
// it.
func (s *Server) tellEndpoints(b, a *Account) {
	for _, to := range b.present() {
		if to.dialect >= wire.FirstEndpoints {
			s.tellPersonal(to, a)
		}
	}
}

// tellPersonalBelow sends UBX to those endpoints of b that do not get it with each NLN.
func (s *Server) tellPersonalBelow(b, a *Account) {
	for _, to := range b.present() {
		if to.dialect < wire.FirstEndpoints {
			s.tellPersonal(to, a)
		}
	}
}

// tellOneself tells the endpoints of an account its own presence, from MSNP16 on.
func (s *Server) tellOneself(a *Account) {
	for _, to := range a.present() {
		if to.bot == nil && to.dialect >= wire.FirstEndpoints {
			s.tellPresence(to, a, "")
		}
	}
}

// tellPresence sends NLN, or with a TrID ILN, in the form of the receiver's
// dialect. From MSNP16 on UBX follows, which names the endpoints.
func (s *Server) tellPresence(to *session, a *Account, trid string) {
	ss := a.main()
	if to.bot != nil {
		to.bot.presence(a.email, ss.status)
		return
	}
	args := []string{ss.status}
	switch {
	case to.dialect >= wire.FirstPrefixed:
		args, trid = append(args, prefixed(a)), ""
	case to.dialect >= wire.FirstNetworks:
		args = append(args, a.email, network)
	default:
		args = append(args, a.email)
	}
	args = append(args, s.encode(a.name))
	switch {
	case to.dialect >= wire.FirstEndpoints:
		args = append(args, withExtended(ss.caps))
	case to.dialect >= wire.FirstTweener:
		args = append(args, withoutExtended(ss.caps))
	}
	if to.dialect >= wire.FirstObjects {
		args = append(args, s.pictureOf(ss)...)
	}
	if trid != "" {
		to.send(wire.New("ILN", append([]string{trid}, args...)...))
	} else {
		to.send(wire.New("NLN", args...))
	}
	if to.dialect >= wire.FirstEndpoints {
		s.tellPersonal(to, a)
	}
}

// pictureOf is what stands at the end of NLN: the MSNObject, nothing for none, or an
// empty one.
func (s *Server) pictureOf(ss *session) []string {
	switch {
	case ss.object != "":
		return []string{ss.object}
	case s.is.fillsEmptyPicture:
		return []string{"%3Cmsnobj%2F%3E"}
	}
	return nil
}

// repeatPresence tells b once more what it knows, after changes of lists
// that change nothing for b.
func (s *Server) repeatPresence(b, a *Account) {
	if s.is.repeatsAfterListChange && b != nil && sees(b, a) {
		s.tellAll(b, a)
	}
}

// repeatPersonal tells b the personal message of a although it is empty, when b
// is allowed or no longer blocked.
func (s *Server) repeatPersonal(b, a *Account) {
	if s.is.repeatsAfterListChange && b != nil && sees(b, a) {
		s.tellPersonalBelow(b, a)
	}
}

// emptyData is the UBX of somebody without a personal message.
const emptyData = "<Data><PSM></PSM><CurrentMedia></CurrentMedia></Data>"

// tellPersonal sends UBX to clients of MSNP11 and later.
func (s *Server) tellPersonal(to *session, a *Account) {
	if to.dialect < wire.FirstPersonal || to.bot != nil {
		return
	}
	args := []string{a.email}
	switch {
	case to.dialect >= wire.FirstPrefixed:
		args[0] = prefixed(a)
	case to.dialect >= wire.FirstNetworks:
		args = append(args, network)
	}
	to.send(wire.New("UBX", args...).WithPayload(s.personalFor(to, a)))
}

// tellInitial sends ss who is online of those on its FL.
func (s *Server) tellInitial(ss *session, trid string) {
	for _, c := range ss.account.list.order {
		if ss.account.lists(c.email)&FL == 0 {
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
	if ss.dialect < wire.FirstEndpoints && (a.main().personal != "" || s.is.tellsEmptyPersonal) {
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
	if c.dialect >= wire.FirstTweener {
		if caps = cmd.Arg(2); !isCaps(caps, c.dialect) {
			if !s.is.toleratesBadCapabilities {
				return // ignored without a word
			}
			caps = "0"
		}
	}
	if c.dialect >= wire.FirstObjects {
		if object = cmd.Arg(3); object == "0" && (!s.is.keepsPictureZero || c.dialect < wire.FirstEndpoints) {
			object = ""
		}
	}
	first := ss.status == ""
	c.send(cmd)
	if first && status == "HDN" && s.is.tellsHiddenSignIn {
		s.tellHidden(ss.account)
	}
	look, endpoints := ss.account.appearance(), ss.account.shownEndpoints()
	s.change(ss.account, func() {
		for _, other := range ss.account.present() {
			other.status, other.object = status, object
		}
		ss.status, ss.caps, ss.object = status, caps, object
	})
	if look == ss.account.appearance() && endpoints == ss.account.shownEndpoints() {
		s.tellOneself(ss.account) // who sets what is set hears it again
	}
	if !first {
		return
	}
	ss.account.everOnline = true
	s.tellInitial(ss, trid)
	if s.opt.challenges && c.dialect >= wire.FirstChallenges {
		s.challenge(c)
	}
	s.tellMail(ss)
}

// tellHidden sends FLN to everybody who would see a, which signs in hidden.
func (s *Server) tellHidden(a *Account) {
	for _, c := range a.list.order {
		b := s.accounts[c.email]
		if b != nil && b.lists(a.email)&FL != 0 && a.allows(b) {
			s.tellGone(b, a)
		}
	}
}

// uux handles UUX: the personal message (MSNP11 and later), and what an endpoint says of
// itself (MSNP16 and later).
func (s *Server) uux(c *conn, trid string, cmd wire.Command) {
	ss, data := c.session, cmd.Payload
	switch {
	case wraps(data, "Data"):
		c.send(wire.New("UUX", trid).WithPayload(""))
		if s.is.mergesPersonal && c.dialect >= wire.FirstSOAP {
			data = merged(data, ss.personal)
		}
		s.setPersonal(ss, data)
	case wraps(data, "EndpointData") && c.dialect >= wire.FirstEndpoints:
		c.send(wire.New("UUX", trid).WithPayload(""))
		if caps, ok := element(data, "Capabilities"); ok && isCaps(caps, c.dialect) {
			s.setEndpoint(ss, func() { ss.caps = caps })
		}
	case wraps(data, "PrivateEndpointData") && c.dialect >= wire.FirstEndpoints:
		private, _ := element(data, "PrivateEndpointData")
		if state, ok := element(private, "State"); ok && !statuses[state] {
			c.hangUp()
			return
		}
		c.send(wire.New("UUX", trid).WithPayload(""))
		if s.is.dropsNotIdle {
			private = strings.Replace(private, "<Idle>false</Idle>", "", 1)
		}
		s.setEndpoint(ss, func() { ss.private = private })
	case s.is.hangsUpAtNonsense:
		c.hangUp()
	}
}

// setEndpoint changes what an endpoint says of itself, and tells everybody even if that is
// what they know, as a change of status would be told.
func (s *Server) setEndpoint(ss *session, do func()) {
	a := ss.account
	do()
	for b := range s.watchers(a) {
		s.tellEndpoints(b, a)
	}
	s.tellCircles(a, a.visible())
	s.tellOneself(a)
	s.notifyChange()
}

func (s *Server) setPersonal(ss *session, data string) {
	a := ss.account
	if ss.personal == data && (!s.is.repeatsSamePersonal || ss.dialect < wire.FirstSOAP) && ss.dialect < wire.FirstEndpoints {
		return
	}
	a.personal = data
	for _, endpoint := range a.endpoints {
		endpoint.personal = data
	}
	for _, contact := range a.list.order {
		b := s.accounts[contact.email]
		if b == nil || !sees(b, a) {
			continue
		}
		for _, to := range b.present() {
			s.tellPersonal(to, a)
		}
	}
	s.tellCircles(a, a.visible())
	s.tellOneself(a)
	s.notifyChange()
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

// encode encodes a name for the wire: non-ASCII percent-encoded or raw.
func (s *Server) encode(name string) string {
	if !s.is.encodesNonASCII {
		return wire.Encode(name)
	}
	return encodeASCII(name)
}

// encodeASCII encodes a name with all that is not ASCII.
func encodeASCII(name string) string {
	name = wire.Encode(name)
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
