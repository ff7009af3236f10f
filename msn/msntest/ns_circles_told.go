package msntest

import (
	"cmp"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"matrix-msn/msn/wire"
)

// What clients are told of circles: who is there (NLN, UBX and FLN with via), the
// roster and the properties (NFY), and that there is something to download (NOT).

// via is how an account is named as a member of a circle (protocol/03-presence.md,
// section 2).
func via(a *Account, c *circle) string {
	return prefixed(a) + ";via=" + strconv.Itoa(circleNetwork) + ":" + c.address()
}

// tellMemberVia tells an endpoint of a member who has entered: the owner twice, the first
// time without capabilities.
func (s *Server) tellMemberVia(to *session, c *circle, a *Account) {
	ss := a.main()
	if ss == nil || !c.shows(a) && (to.account != a || ss.status != "HDN") {
		return
	}
	if c.member(a).role == roleAdmin {
		s.tellVia(to, c, a, "0:0")
	}
	s.tellVia(to, c, a, withExtended(ss.caps))
}

// tellVia sends NLN and UBX about a member of a circle.
func (s *Server) tellVia(to *session, c *circle, a *Account, caps string) {
	if to.status == "" || to.conn == nil {
		return
	}
	ss := a.main()
	args := append([]string{cmp.Or(ss.status, "NLN"), via(a, c), s.encode(a.name), caps}, s.pictureOf(ss)...)
	to.send(wire.New("NLN", args...))
	to.send(wire.New("UBX", via(a, c)).WithPayload(s.personalFor(to, a)))
}

// tellGoneVia sends FLN about a member of a circle.
func (s *Server) tellGoneVia(to *session, c *circle, a *Account) {
	if to.status != "" {
		to.send(wire.New("FLN", via(a, c), "0:0"))
	}
}

// tellHiddenIn tells the others in a circle that they no longer see an account:
// either that it has gone, or that it is there, and then the roster without it.
func (s *Server) tellHiddenIn(c *circle, a *Account) {
	if !c.holds(a) || !a.visible() {
		return
	}
	for _, to := range c.present {
		switch {
		case s.is.hidesByRoster:
			s.tellVia(to, c, a, withExtended(a.main().caps))
			s.tellRoster(to, c)
		case to.account != a:
			s.tellGoneVia(to, c, a)
		}
	}
}

// tellCircles tells the circles that an account has entered how it looks now; was
// tells whether it could be seen before.
func (s *Server) tellCircles(a *Account, was bool) {
	for _, c := range s.circles {
		if !c.holds(a) {
			continue
		}
		for _, to := range c.present {
			switch {
			case c.shows(a), to.account == a && a.main() != nil:
				s.tellVia(to, c, a, withExtended(a.main().caps))
			case was && to.account != a:
				s.tellGoneVia(to, c, a)
			}
		}
		if c.shows(a) {
			s.tellRosterAll(c)
		}
	}
}

// circleNotice sends NFY from a circle; reliability and head end the second and begin the
// third block. atEndpoint names the endpoint in To.
func (s *Server) circleNotice(to *session, c *circle, verb string, atEndpoint bool, reliability, head, body string) {
	receiver := prefixed(to.account)
	if atEndpoint && to.endpoint != "" {
		receiver += ";epid=" + to.endpoint
	}
	length := len(body)
	if s.is.countsCharacters {
		length = utf8.RuneCountInString(body) // it counts characters
	}
	to.send(wire.New("NFY", verb).WithPayload("Routing: 1.0\r\nTo: " + receiver + "\r\nFrom: " + strconv.Itoa(circleNetwork) + ":" + c.address() + "\r\n\r\n" +
		"Reliability: 1.0\r\n" + reliability + "\r\n" + head +
		"Content-Type: " + circlesType + "\r\nContent-Length: " + strconv.Itoa(length) + "\r\n\r\n" + body))
}

// rosterOf returns whom one hears of who enters a circle.
func (s *Server) rosterOf(c *circle) []*Account {
	if !s.is.rosterOfEndpoints {
		return c.accounts()
	}
	var list []*Account
	for _, ss := range c.present {
		list = append(list, ss.account)
	}
	return list
}

// tellRoster tells an endpoint who is in a circle. Who is hidden sees themselves there.
func (s *Server) tellRoster(to *session, c *circle) {
	var b strings.Builder
	for _, a := range s.rosterOf(c) {
		if c.shows(a) || a == to.account {
			b.WriteString("<user><id>" + html.EscapeString(prefixed(a)) + "</id></user>")
		}
	}
	s.circleNotice(to, c, "PUT", false, "Stream: 0\r\n", "Publication: 1.0\r\nUri: /circle\r\nNotifType: Partial\r\n",
		"<circle><roster><id>IM</id>"+b.String()+"</roster></circle>")
}

// tellRosterAll tells everybody in a circle who is in it.
func (s *Server) tellRosterAll(c *circle) {
	for _, to := range c.present {
		s.tellRoster(to, c)
	}
}

// tellProperties tells everybody in a circle its name and personal message.
func (s *Server) tellProperties(c *circle) {
	name := c.name
	if s.is.escapesCircleName {
		name = html.EscapeString(name)
	}
	for _, to := range c.present {
		s.circleNotice(to, c, "PUT", true, "Stream: 1\r\nSegment: 0\r\n", "Publication: 1.0\r\nUri: /circle\r\nNotifType: Full\r\n",
			`<circle><props><presence dtype="xml"><Data><UTL></UTL><MFN>`+name+"</MFN><PSM>"+c.psm+"</PSM><CurrentMedia>"+c.media+
				"</CurrentMedia></Data></presence></props></circle>")
	}
}

// tellRemoved tells an endpoint that somebody is no longer in a circle.
func (s *Server) tellRemoved(to *session, c *circle, a *Account) {
	s.circleNotice(to, c, "DEL", false, "Stream: 0\r\n",
		"Notification: 1.0\r\nNotifNum: 2\r\nUri: /circle/roster(IM)/user("+prefixed(a)+")\r\nNotifType: Partial\r\n", "")
}

// tellCircle tells an endpoint to download one circle again (NOT with CircleId).
func (s *Server) tellCircle(ss *session, c *circle) {
	s.tellNotification(ss, "<HasNewItem>true</HasNewItem><CircleId>"+c.id+"</CircleId>")
}

// tellCircleChanged does so at all endpoints that are in the circle.
func (s *Server) tellCircleChanged(c *circle) {
	for _, ss := range c.present {
		if ss.circles.ticket {
			s.tellCircle(ss, c)
		}
	}
}

// tellCreated tells a member of a new circle.
func (s *Server) tellCreated(c *circle, a *Account) {
	for _, ss := range a.endpoints {
		if ss.dialect >= wire.FirstPrefixed {
			ss.circles.fresh = append(ss.circles.fresh, c)
			s.tellBookChanged(ss)
		}
	}
}

// tellInvited tells somebody that an invitation has come, or was answered.
func (s *Server) tellInvited(a *Account) {
	for _, ss := range a.endpoints {
		if ss.dialect >= wire.FirstPrefixed && (s.is.invitesWithoutTicket || ss.circles.ticket) {
			s.tellBookChanged(ss)
		}
	}
}
