package msntest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"matrix-msn/msn/wire"
)

// Circles, the persistent groups of MSNP18: who belongs to them, and who is in them at
// the moment (protocol/04-switchboard.md, section 5). What clients are told of that is
// in ns_circles.go, and what the web services do with it in web_circles.go.

// circlePrefix begins the ID of every circle, and circleDomain ends its address.
const (
	circlePrefix = "00000000-0000-0000-0009-"
	circleDomain = "@live.com"
)

// circle is one circle. The server's lock guards it.
type circle struct {
	id      string // GUID, lower case
	name    string
	psm     string // the personal message and the media that members gave it by PUT, as XML
	media   string
	access  string // MembershipAccess, as its maker chose it
	members []*membership
	present []*session // the endpoints that have entered, in that order
}

// membership is what binds an account to a circle.
type membership struct {
	account  *Account
	role     circleRole
	state    circleState
	inviter  *Account // nil for the owner
	message  string   // that came with the invitation
	blocking bool     // BL of the last ADL: nothing of the circle is wanted
}

// circleRole and circleState have the numbers of the web services.
type circleRole int

const (
	roleNone circleRole = iota
	roleAdmin
	roleAssistant
	roleMember
	rolePending
)

func (r circleRole) String() string {
	return [...]string{"Empty", "Admin", "AssistantAdmin", "Member", "StatePendingOutbound"}[r]
}

type circleState int

const (
	stateNone circleState = iota
	stateWaiting
	stateLeft
	stateAccepted
	stateRejected
)

func (s circleState) String() string {
	return [...]string{"Empty", "WaitingResponse", "Left", "Accepted", "Rejected"}[s]
}

// address is how the circle is written in commands, without its network.
func (c *circle) address() string { return c.id + circleDomain }

// circleByID finds a circle by its ID, circleAt by its address.
func (s *Server) circleByID(id string) *circle {
	for _, c := range s.circles {
		if c.id == normalize(id) {
			return c
		}
	}
	return nil
}

func (s *Server) circleAt(address string) *circle {
	id, ok := strings.CutSuffix(normalize(address), circleDomain)
	if !ok {
		return nil
	}
	return s.circleByID(id)
}

// member returns what binds an account to the circle, or nil.
func (c *circle) member(a *Account) *membership {
	for _, m := range c.members {
		if m.account == a {
			return m
		}
	}
	return nil
}

// accepted reports whether an account belongs to the circle.
func (c *circle) accepted(a *Account) bool {
	m := c.member(a)
	return m != nil && m.state == stateAccepted
}

// manages reports whether an account may invite.
func (c *circle) manages(a *Account) bool {
	m := c.member(a)
	return m != nil && (m.role == roleAdmin || m.role == roleAssistant)
}

// holds reports whether an account has entered the circle at any endpoint.
func (c *circle) holds(a *Account) bool {
	return slices.ContainsFunc(c.present, func(ss *session) bool { return ss.account == a })
}

// accounts returns who has entered the circle, each once.
func (c *circle) accounts() []*Account {
	var list []*Account
	for _, ss := range c.present {
		if !slices.Contains(list, ss.account) {
			list = append(list, ss.account)
		}
	}
	return list
}

// shows reports whether the others in the circle see an account there.
func (c *circle) shows(a *Account) bool {
	m := c.member(a)
	return a.visible() && m != nil && !m.blocking
}

// newCircle makes a circle that its owner belongs to.
func (s *Server) newCircle(name string, owner *Account) *circle {
	c := &circle{id: circlePrefix + hex.EncodeToString(randomBytes(6)), name: name, access: "0"}
	c.members = []*membership{{account: owner, role: roleAdmin, state: stateAccepted}}
	s.circles = append(s.circles, c)
	return c
}

// circlesOf returns the circles that an account belongs to, was invited to or refused.
func (s *Server) circlesOf(a *Account) []*circle {
	var list []*circle
	for _, c := range s.circles {
		if m := c.member(a); m != nil && m.role != roleNone && m.state != stateNone {
			list = append(list, c)
		}
	}
	return list
}

// circleTicket is what the address book hands out for USR SHA: the circles that an
// account belongs to, signed (protocol/01-login.md, section 4.5). An older one is no
// longer taken when these have changed.
func (s *Server) circleTicket(a *Account) string {
	const namespaces = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"`
	const declaration = `<?xml version="1.0" encoding="utf-16"?>`
	var b strings.Builder
	b.WriteString(declaration + "\r\n<Ticket " + namespaces + ">\r\n")
	for _, c := range s.circles {
		if c.accepted(a) {
			b.WriteString(`  <Circle Id="` + c.id + `" HostedDomain="` + circleDomain[1:] + "\" />\r\n")
		}
	}
	b.WriteString("  <TS>0000-01-01T00:00:00</TS>\r\n  <CID>" + a.cid() + "</CID>\r\n</Ticket>")
	signature := hmac.New(sha256.New, s.circleKey)
	_, _ = signature.Write([]byte(b.String()))
	return declaration + "<SignedTicket " + namespaces + ` ver="1" keyVer="1"><Data>` + base64.StdEncoding.EncodeToString([]byte(b.String())) +
		"</Data><Sig>" + base64.StdEncoding.EncodeToString(signature.Sum(nil)) + "</Sig></SignedTicket>"
}

// inviteToCircle invites somebody; it reports false when they are invited or belong already.
func (s *Server) inviteToCircle(c *circle, inviter, invitee *Account, message string) bool {
	m := c.member(invitee)
	if m == nil {
		m = &membership{account: invitee}
		c.members = append(c.members, m)
	}
	if m.state != stateNone && m.state != stateRejected {
		return false
	}
	m.role, m.state, m.inviter, m.message = rolePending, stateWaiting, inviter, message
	s.tellInvited(invitee)
	s.tellCircleChanged(c)
	s.notifyChange()
	return true
}

// answerCircle has somebody accept or refuse an invitation, if there is one.
func (s *Server) answerCircle(c *circle, a *Account, accept bool) bool {
	m := c.member(a)
	if m == nil || m.state != stateWaiting {
		return false
	}
	m.role, m.state = roleMember, stateRejected
	if accept {
		m.state, m.message = stateAccepted, ""
	} else {
		s.tellRosterAll(c)
	}
	s.tellCircleChanged(c)
	s.tellInvited(a)
	s.notifyChange()
	return true
}

// leaveCircle takes somebody out of a circle for good; it reports false when they do not
// belong to it.
func (s *Server) leaveCircle(c *circle, a *Account) bool {
	m := c.member(a)
	if m == nil || m.state == stateNone {
		return false
	}
	*m = membership{account: a, role: roleMember}
	for _, ss := range slices.Clone(c.present) {
		if ss.account != a {
			continue
		}
		for _, other := range c.present {
			s.tellRemoved(ss, c, other.account) // itself too
		}
		c.present = slices.DeleteFunc(slices.Clone(c.present), func(x *session) bool { return x == ss })
		if c.holds(a) {
			continue
		}
		for _, other := range c.present {
			s.tellRemoved(other, c, a)
		}
	}
	s.tellCircleChanged(c)
	for _, ss := range a.endpoints {
		ss.circles.fresh = slices.DeleteFunc(ss.circles.fresh, func(x *circle) bool { return x == c })
		if ss.dialect >= wire.FirstPrefixed {
			s.tellBookChanged(ss)
		}
	}
	s.notifyChange()
	return true
}

// renameCircle gives a circle another name.
func (s *Server) renameCircle(c *circle, name string) {
	c.name = name
	s.tellCircleChanged(c)
	s.tellProperties(c)
	s.notifyChange()
}

// AddCircle makes a circle, as an edit of the database, whose owner and members have
// accepted, and returns its address:
// "00000000-0000-0000-0009-xxxxxxxxxxxx@live.com". Members who do not exist are left
// out; without its owner there is no circle, and the address is "". Who is signed in
// is told that the address book has changed.
func (s *Server) AddCircle(name, owner string, members ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(owner)]
	if a == nil {
		return ""
	}
	c := s.newCircle(name, a)
	for _, email := range members {
		if m := s.accounts[normalize(email)]; m != nil && c.member(m) == nil {
			c.members = append(c.members, &membership{account: m, role: roleMember, state: stateAccepted, inviter: a})
		}
	}
	for _, m := range c.members {
		s.tellCreated(c, m.account)
	}
	s.notifyChange()
	return c.address()
}

// inCircle does something to a circle and an account, if there are both.
func (s *Server) inCircle(address, email string, do func(c *circle, a *Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, a := s.circleAt(address), s.accounts[normalize(email)]
	if c != nil && a != nil && !s.closed {
		do(c, a)
	}
}

// InviteToCircle has the owner of a circle invite somebody, who then is waited for
// (WaitingResponse). They are told that their address book has changed (NOT); see
// WithCompat for servers that tell only clients which have shown their circle ticket
// (USR SHA). Those call the others to a switchboard, which this one does not.
func (s *Server) InviteToCircle(address, email string) {
	s.inCircle(address, email, func(c *circle, a *Account) { s.inviteToCircle(c, c.members[0].account, a, "") })
}

// AnswerCircle has somebody who was invited to a circle accept or refuse, as at
// another endpoint.
func (s *Server) AnswerCircle(address, email string, accept bool) {
	s.inCircle(address, email, func(c *circle, a *Account) { s.answerCircle(c, a, accept) })
}

// LeaveCircle takes somebody out of a circle for good, be they invited or a member.
// The others who are in it are told by NFY DEL, and the one that the address book has
// changed.
func (s *Server) LeaveCircle(address, email string) {
	s.inCircle(address, email, func(c *circle, a *Account) { s.leaveCircle(c, a) })
}

// RenameCircle gives a circle another name. Who is in it is told by a notification
// with CircleId, and by NFY PUT of its properties.
func (s *Server) RenameCircle(address, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.circleAt(address); c != nil && !s.closed {
		s.renameCircle(c, name)
	}
}

// CircleName returns the name of a circle, "" when there is none.
func (s *Server) CircleName(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.circleAt(address); c != nil {
		return c.name
	}
	return ""
}

// CircleMembers returns who belongs to a circle ("Accepted") and who is invited to it
// ("WaitingResponse"); nil when there is no such circle.
func (s *Server) CircleMembers(address string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.circleAt(address)
	if c == nil {
		return nil
	}
	members := make(map[string]string)
	for _, m := range c.members {
		if m.state == stateAccepted || m.state == stateWaiting {
			members[m.account.email] = m.state.String()
		}
	}
	return members
}

// CirclePresent returns who has entered a circle at least at one endpoint, in the order
// in which they came.
func (s *Server) CirclePresent(address string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var emails []string
	if c := s.circleAt(address); c != nil {
		for _, a := range c.accounts() {
			emails = append(emails, a.email)
		}
	}
	return emails
}

// WaitInCircle waits until an account has entered a circle.
func (s *Server) WaitInCircle(ctx context.Context, address, email string) error {
	return s.wait(ctx, func() bool {
		c, a := s.circleAt(address), s.accounts[normalize(email)]
		return c != nil && a != nil && c.holds(a)
	})
}
