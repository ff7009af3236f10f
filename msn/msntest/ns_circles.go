package msntest

import (
	"encoding/base64"
	"html"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// Circles on the notification server: USR SHA, ADL and RML with network 9, PUT, DEL,
// SDG and NFY (protocol/04-switchboard.md, sections 4 and 5).

// circleNetwork is that of circles (protocol/00-overview.md, section 8).
const circleNetwork = 9

// circlesType is the type of the documents of PUT and NFY.
const circlesType = "application/circles+xml"

// circleLogin is how far a session has come with circles.
type circleLogin struct {
	ticket bool      // it has shown its ticket (USR SHA), without which ADL is refused
	listed bool      // it has sent the list of its sign-in
	added  bool      // it has named a circle by ADL, without which PUT is refused
	fresh  []*circle // that were made meanwhile, which are told after USR SHA
}

// usrCircles checks the circle ticket (USR SHA). A wrong one does not end the
// connection, but takes away what an earlier one allowed.
func (s *Server) usrCircles(c *conn, trid string, cmd wire.Command) {
	ss := c.session
	ss.circles.ticket = cmd.Arg(3) == base64.StdEncoding.EncodeToString([]byte(s.circleTicket(ss.account)))
	if !ss.circles.ticket {
		c.fail("911", trid)
		return
	}
	c.reply("USR", trid, "OK", ss.account.email, "0", "0")
	for _, fresh := range ss.circles.fresh {
		s.circleNotice(ss, fresh, "PUT", true, "Stream: 0\r\n", "Notification: 1.0\r\nNotifNum: 0\r\nUri: /circle\r\nNotifType: Full\r\n", "")
	}
	ss.circles.fresh = nil
}

// namesCircles reports whether ADL or RML is about circles. Those cannot be named
// together with people.
func namesCircles(members []wire.Member) (circles, mixed bool) {
	for _, m := range members {
		if m.Network == circleNetwork {
			circles = true
		} else {
			mixed = true
		}
	}
	return circles, circles && mixed
}

// readCircles reads ADL or RML about circles. A number says why it is refused.
func (s *Server) readCircles(c *conn, members []wire.Member) (circles []*circle, number string) {
	if !c.session.circles.ticket {
		return nil, "933"
	}
	for _, m := range members {
		named := s.circleAt(m.Account)
		if named == nil {
			return nil, "933"
		}
		circles = append(circles, named)
	}
	return circles, ""
}

// adlCircles handles ADL about circles: who names one enters it.
func (s *Server) adlCircles(c *conn, trid string, members []wire.Member) {
	ss := c.session
	circles, number := s.readCircles(c, members)
	for _, named := range circles {
		if !named.accepted(ss.account) {
			number = "933"
		}
	}
	if number != "" {
		s.refuse(c, trid, refusal{number, members})
		return
	}
	ss.circles.added = ss.circles.added || ss.circles.listed || !s.is.circlesWantLists
	for i, named := range circles {
		m, lists := named.member(ss.account), List(members[i].Lists)
		if lists&(FL|AL) != 0 {
			was := m.blocking
			m.blocking = m.blocking && lists&BL != 0
			if slices.Contains(named.present, ss) && was && !m.blocking {
				s.tellCircle(ss, named)
				s.tellEntered(ss, named, named.holdsElsewhere(ss))
			}
			s.enterCircle(ss, named)
		}
		if lists&BL != 0 && !m.blocking {
			m.blocking = true
			s.tellHiddenIn(named, ss.account)
		}
	}
	c.reply("ADL", trid, "OK")
}

// rmlCircles handles RML about circles.
func (s *Server) rmlCircles(c *conn, trid string, members []wire.Member) {
	circles, number := s.readCircles(c, members)
	if !s.is.leavesCircleByRML && number == "933" && !c.session.circles.ticket {
		number = "" // not asked for there
		for _, m := range members {
			if s.circleAt(m.Account) == nil {
				number = "933"
			}
		}
	}
	if number != "" {
		s.refuse(c, trid, refusal{number, members})
		return
	}
	if s.is.leavesCircleByRML {
		for _, named := range circles {
			s.exitCircle(c.session, named)
		}
	}
	c.reply("RML", trid, "OK")
}

// enterCircle makes an endpoint of a member one of those that are in the circle. It hears of all
// who are there, and these of it.
func (s *Server) enterCircle(ss *session, c *circle) {
	if slices.Contains(c.present, ss) {
		return
	}
	others := s.rosterOf(c)
	elsewhere := c.holds(ss.account)
	c.present = append(slices.Clone(c.present), ss)
	s.tellCircle(ss, c)
	for i, a := range others {
		s.tellMemberVia(ss, c, a)
		if !slices.Contains(others[:i], a) {
			s.tellRoster(ss, c)
		}
	}
	s.tellEntered(ss, c, elsewhere)
	s.notifyChange()
}

// holdsElsewhere reports whether the account of an endpoint is in the circle at another.
func (c *circle) holdsElsewhere(ss *session) bool {
	return slices.ContainsFunc(c.present, func(x *session) bool { return x != ss && x.account == ss.account })
}

// tellEntered tells everybody in a circle who has entered it. The roster follows only
// when it has changed.
func (s *Server) tellEntered(ss *session, c *circle, elsewhere bool) {
	m := c.member(ss.account)
	for _, to := range c.present {
		if m.blocking && to.account != ss.account {
			continue
		}
		s.tellMemberVia(to, c, ss.account)
		if !elsewhere {
			s.tellRoster(to, c)
		}
	}
}

// exitCircle takes an endpoint out of a circle without an end to the membership.
func (s *Server) exitCircle(ss *session, c *circle) {
	if !slices.Contains(c.present, ss) {
		return
	}
	c.present = slices.DeleteFunc(slices.Clone(c.present), func(x *session) bool { return x == ss })
	if !c.holds(ss.account) && c.shows(ss.account) {
		for _, to := range c.present {
			s.tellGoneVia(to, c, ss.account)
			s.tellRemoved(to, c, ss.account)
		}
	}
	s.notifyChange()
}

// exitAll takes an endpoint that was signed out from all circles. The others have been
// told FLN by tellCircles, unless the account is signed in elsewhere.
func (s *Server) exitAll(ss *session) {
	for _, c := range s.circles {
		if !slices.Contains(c.present, ss) {
			continue
		}
		c.present = slices.DeleteFunc(slices.Clone(c.present), func(x *session) bool { return x == ss })
		for _, to := range c.present {
			if c.shows(ss.account) && !c.holds(ss.account) {
				s.tellGoneVia(to, c, ss.account)
			}
		}
	}
}

// blocks takes the payload of PUT, DEL or SDG apart: who sends it to whom, and what it
// says after the block in between.
func blocks(payload string) (routing wire.Header, m wire.Message, ok bool) {
	head, rest, ok := strings.Cut(payload, "\r\n\r\n")
	if !ok {
		return "", m, false
	}
	_, rest, ok = strings.Cut(rest, "\r\n\r\n")
	if !ok || !strings.Contains(rest, "\r\n\r\n") {
		return "", m, false
	}
	return wire.Header(head + "\r\n"), wire.ParseMessage(rest), true
}

// misfit answers what makes no sense at all.
func (s *Server) misfit(c *conn) {
	if s.is.hangsUpAtNonsense {
		c.hangUp()
	}
}

// unsuited answers what is addressed to something else than a circle.
func (s *Server) unsuited(c *conn, trid string) {
	if s.is.refusesNonCircles {
		c.fail("201", trid)
	}
}

// addressed reads To: the circle, nil for one that does not exist, and what follows
// the address. forCircle is false for the addresses of others.
func (s *Server) addressed(to string) (c *circle, rest string, forCircle bool) {
	address, rest, _ := strings.Cut(to, ";")
	address, forCircle = strings.CutPrefix(strings.TrimSpace(address), strconv.Itoa(circleNetwork)+":")
	return s.circleAt(address), rest, forCircle
}

// put handles PUT: an endpoint says that it is in a circle, or what the circle shows of
// itself. The circle hears of it before the sender has the answer.
func (s *Server) put(c *conn, trid string, cmd wire.Command) {
	ss := c.session
	routing, m, ok := blocks(cmd.Payload)
	if !ok {
		s.misfit(c)
		return
	}
	named, _, forCircle := s.addressed(routing.Get("To"))
	if !forCircle || m.MediaType() != circlesType {
		s.unsuited(c, trid)
		return
	}
	if named == nil || !ss.circles.added {
		c.fail("201", trid)
		return
	}
	document, err := parseXML([]byte(m.Body))
	if err != nil || document.at("circle") == nil {
		s.misfit(c)
		return
	}
	inside := slices.Contains(named.present, ss)
	if user := document.at("circle", "roster", "user", "id"); user != nil {
		if !inside || normalize(strings.TrimSpace(user.text)) != prefixed(ss.account) {
			c.fail("201", trid)
			return
		}
		for _, to := range named.present {
			if named.shows(ss.account) || to.account == ss.account && ss.account.visible() {
				s.tellVia(to, named, ss.account, withExtended(ss.account.main().caps))
				s.tellRoster(to, named)
			}
		}
	}
	if data := document.at("circle", "props", "presence", "Data"); data != nil {
		if !inside {
			c.fail("201", trid)
			return
		}
		for name, target := range map[string]*string{"PSM": &named.psm, "CurrentMedia": &named.media} {
			if n := data.at(name); n != nil {
				*target = html.EscapeString(n.text)
			}
		}
		s.tellProperties(named)
	}
	c.send(wire.New("PUT", trid, "OK").WithPayload(""))
}

// del handles DEL: an endpoint leaves a circle without an end to the membership.
func (s *Server) del(c *conn, trid string, cmd wire.Command) {
	if !s.is.leavesCircleByDEL {
		return
	}
	routing, m, ok := blocks(cmd.Payload)
	if !ok {
		s.misfit(c)
		return
	}
	named, _, forCircle := s.addressed(routing.Get("To"))
	uri := normalize(m.Header.Get("Uri"))
	if !forCircle || named == nil || !slices.Contains(named.present, c.session) ||
		uri != "/circle" && uri != "/circle/roster(im)/user("+prefixed(c.session.account)+")" {
		c.fail("201", trid)
		return
	}
	s.exitCircle(c.session, named)
	c.send(wire.New("DEL", trid, "OK").WithPayload(""))
}

// sentFrom reports whether From names the endpoint that sends. Where the case
// counts, the GUID of an endpoint is in lower case, however its client wrote it in USR.
func (s *Server) sentFrom(ss *session, from string) bool {
	if s.is.exactSender {
		account, endpoint, _ := strings.Cut(from, ";epid=")
		return account == prefixed(ss.account) && strings.Trim(endpoint, "{}") == strings.Trim(ss.endpoint, "{}")
	}
	from, ours := strings.CutPrefix(from, network+":")
	return ours && ss.named(strings.Replace(from, ";epid=", ";", 1))
}

// sdg handles SDG: something is said to all who are in a circle, at the sender's other
// endpoints too. It is not acknowledged.
func (s *Server) sdg(c *conn, trid string, cmd wire.Command) {
	ss := c.session
	routing, m, ok := blocks(cmd.Payload)
	if !ok {
		s.misfit(c)
		return
	}
	if !s.sentFrom(ss, routing.Get("From")) {
		c.fail("201", trid)
		return
	}
	named, path, forCircle := s.addressed(routing.Get("To"))
	length, err := strconv.Atoi(m.Header.Get("Content-Length"))
	switch {
	case !forCircle:
		s.unsuited(c, trid)
	case named == nil, path != "path=IM", !slices.Contains(named.present, ss), err != nil, length < 0, length > len(m.Body) && s.is.checksCircleLength:
		c.fail("201", trid)
	default:
		s.forward(ss, named, cmd.Payload)
	}
}

// forward hands a message in a circle on to all other endpoints there, byte by byte.
func (s *Server) forward(from *session, c *circle, payload string) {
	_, m, _ := blocks(payload)
	if length, err := strconv.Atoi(m.Header.Get("Content-Length")); err == nil && length >= 0 && length < len(m.Body) {
		m.Body = m.Body[:length]
	}
	for _, to := range c.present {
		switch {
		case to == from || c.member(to.account).blocking:
		case to.bot != nil:
			to.bot.circleMessage(c, from.account.email, m)
		default:
			to.send(wire.New("SDG", "0").WithPayload(payload))
		}
	}
}
