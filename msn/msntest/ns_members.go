package msntest

import (
	"html"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// ADL, RML and FQY: what clients of MSNP13 and later tell the notification server of
// their lists, and what it tells them (protocol/02-contacts.md, section 5).

// sessionLists are those that ADL and RML may name.
const sessionLists = FL | AL | BL

// networks are the numbers that may stand in ADL and FQY (protocol/00-overview.md,
// section 8).
var networks = []int{0, 1, 2, 4, 8, 32}

// refusal is why ADL, RML or FQY is refused: a number and whom it is about.
type refusal struct {
	number  string
	members []wire.Member
}

// refuse answers with the refusal. Payloads that make no sense end the connection.
func (s *Server) refuse(c *conn, trid string, r refusal) {
	cmd := wire.New(r.number, trid)
	if s.is.namesRefused && len(r.members) > 0 {
		cmd = cmd.WithPayload(membersOf(r.members))
	}
	c.send(cmd)
	switch r.number {
	case "240", "241":
		c.hangUp()
	case "204":
		if s.is.closesAtUnknownNetwork {
			c.hangUp()
		}
	}
}

// membersOf is a payload that names people.
func membersOf(members []wire.Member) string {
	var b strings.Builder
	b.WriteString("<ml>")
	for _, m := range members {
		name, domain, _ := strings.Cut(m.Account, "@")
		b.WriteString(`<d n="` + html.EscapeString(domain) + `"><c n="` + html.EscapeString(name) + `"`)
		if m.Network != 0 {
			b.WriteString(` t="` + strconv.Itoa(m.Network) + `"`)
		}
		if m.Lists != 0 {
			b.WriteString(` l="` + strconv.Itoa(int(m.Lists)) + `"`)
		}
		if m.Name != "" {
			b.WriteString(` f="` + html.EscapeString(m.Name) + `"`)
		}
		b.WriteString(" /></d>")
	}
	return b.String() + "</ml>"
}

// Both kinds of quotes are in use.
var (
	initialList = regexp.MustCompile(`^<ml\s[^>]*l=["']1["']`)
	emptyDomain = regexp.MustCompile(`<d[^>]*[^/]></d>`)
)

// readMembers reads the payload of ADL and RML and checks what does not depend on
// who is named. initial tells whether it is the list of the sign-in.
func (s *Server) readMembers(payload string) (members []wire.Member, initial bool, bad *refusal) {
	initial = initialList.MatchString(payload)
	members, err := wire.ParseMembers(payload)
	circles, mixed := namesCircles(members)
	if initial && !s.is.readsInitialADL && (!circles || mixed) {
		return nil, true, nil // taken unread
	}
	switch {
	case err != nil || !strings.HasPrefix(payload, "<ml"), len(payload) > wire.MaxMembersLength, len(members) > wire.MaxMembers:
		return nil, initial, &refusal{number: "241"}
	case len(members) == 0 && !initial, emptyDomain.MatchString(payload):
		return nil, initial, &refusal{number: "240"}
	case mixed:
		return nil, initial, &refusal{number: "241"}
	}
	for _, m := range members {
		lists := List(m.Lists)
		switch {
		case lists == 0, lists&^sessionLists != 0, lists&(AL|BL) == AL|BL, strings.HasSuffix(m.Account, "@"):
			return nil, initial, &refusal{"241", []wire.Member{m}}
		case !slices.Contains(networks, m.Network) && m.Network != circleNetwork:
			return nil, initial, &refusal{"204", []wire.Member{m}}
		}
	}
	return members, initial, nil
}

// adl handles ADL: people are put on lists.
func (s *Server) adl(c *conn, trid string, cmd wire.Command) {
	members, initial, bad := s.readMembers(cmd.Payload)
	if circles, _ := namesCircles(members); bad == nil && circles {
		s.adlCircles(c, trid, members)
		return
	}
	c.session.circles.listed = c.session.circles.listed || initial
	if bad == nil && !initial {
		bad = s.checkAdded(c.session.account, members)
	}
	if bad != nil {
		s.refuse(c, trid, *bad)
		return
	}
	if s.is.answersADLFirst {
		c.reply("ADL", trid, "OK")
	}
	for _, m := range members {
		s.addTold(c, trid, normalize(m.Account), List(m.Lists), initial)
	}
	if !s.is.answersADLFirst {
		c.reply("ADL", trid, "OK")
	}
	s.notifyChange()
}

// checkAdded refuses people who do not exist or cannot be added.
func (s *Server) checkAdded(a *Account, members []wire.Member) *refusal {
	for _, m := range members {
		email, lists := normalize(m.Account), List(m.Lists)
		isNew := a.list.on(email)&FL == 0
		switch {
		case s.accounts[email] == nil && !isPhone(email):
			return &refusal{"208", []wire.Member{m}}
		case (a.lists(email)|lists)&(AL|BL) == AL|BL:
			return &refusal{"241", []wire.Member{m}}
		case lists&FL != 0 && isNew && a.list.count(FL) >= s.opt.contacts:
			return &refusal{"210", []wire.Member{m}}
		}
	}
	return nil
}

// addTold puts somebody on lists by ADL: for the session, or for good.
func (s *Server) addTold(c *conn, trid, email string, lists List, initial bool) {
	a, other := c.session.account, s.accounts[email]
	was := a.lists(email)
	saw := other != nil && sees(other, a)
	s.change(a, func() {
		a.tell(email, lists, 0)
		if !s.is.countsAnnouncedLists {
			a.list.add(email, lists)
		}
	})
	if other == nil || initial {
		return
	}
	if saw {
		s.repeatPresence(other, a)
		s.repeatPersonal(other, a)
	}
	if !s.is.countsAnnouncedLists && lists&FL != 0 && other.list.on(a.email)&watches == 0 {
		s.reverse(a, other, true)
	}
	if lists&FL == 0 || was&FL != 0 && !s.is.showsContactAgain || !sees(a, other) || c.session.status == "" {
		return
	}
	if s.is.introducesAnyone || other.list.on(a.email)&(FL|AL) != 0 || other.blp == "AL" {
		s.tellFirst(c.session, other, trid)
	}
}

// rml handles RML: people are taken off lists.
func (s *Server) rml(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	members, _, bad := s.readMembers(cmd.Payload)
	if bad != nil {
		s.refuse(c, trid, *bad)
		return
	}
	if circles, _ := namesCircles(members); circles {
		s.rmlCircles(c, trid, members)
		return
	}
	for _, m := range members {
		email, lists := normalize(m.Account), List(m.Lists)
		other := s.accounts[email]
		s.change(a, func() {
			a.tell(email, 0, lists)
			if !s.is.countsAnnouncedLists {
				a.list.remove(email, lists)
			}
		})
		if lists&BL != 0 {
			s.repeatPersonal(other, a)
		}
		if !s.is.countsAnnouncedLists && lists&FL != 0 && other != nil && other.list.on(a.email)&watches != 0 {
			s.reverse(a, other, false)
		}
	}
	c.reply("RML", trid, "OK")
	s.notifyChange()
}

// fqy handles FQY: the networks of people.
func (s *Server) fqy(c *conn, trid string, cmd wire.Command) {
	members, err := wire.ParseMembers(cmd.Payload)
	switch {
	case err != nil:
		s.refuse(c, trid, refusal{number: "241"})
		return
	case len(members) == 0:
		s.refuse(c, trid, refusal{number: "240"})
		return
	}
	var found []wire.Member
	for _, m := range members {
		switch _, domain, _ := strings.Cut(m.Account, "@"); {
		case s.accounts[normalize(m.Account)] != nil:
			found = append(found, wire.Member{Account: m.Account, Network: 1})
		case strings.HasPrefix(domain, "yahoo.") && s.is.knowsYahoo:
			found = append(found, wire.Member{Account: m.Account, Network: 32})
		default:
			s.refuse(c, trid, refusal{"208", []wire.Member{m}})
			return
		}
	}
	c.send(wire.New("FQY", trid).WithPayload(membersOf(found)))
}

// tellMember tells a client of MSNP13 or later that a has added or removed its user,
// and that its address book has changed.
func (s *Server) tellMember(ss *session, a *Account, added bool) {
	m := wire.Member{Account: a.email, Lists: uint8(RL), Network: 1}
	verb := "RML"
	if added {
		verb, m.Name = "ADL", encodeASCII(a.name)
	}
	ss.send(wire.New(verb, "0").WithPayload(membersOf([]wire.Member{m})))
	s.tellBookChanged(ss)
}

// addressBookSite is the site of the notifications of the address book.
const addressBookSite = "45705"

// tellBookChanged tells a client to download its lists again (NOT).
func (s *Server) tellBookChanged(ss *session) {
	s.tellNotification(ss, "<Service>ABCHInternal</Service><CID>"+ss.account.cid()+"</CID><LastModifiedDate>"+stamp()+
		"</LastModifiedDate><HasNewItem>false</HasNewItem>")
}

// tellNotification sends a notification of the address book.
func (s *Server) tellNotification(ss *session, data string) {
	a := ss.account
	body := "<NotificationData xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">" +
		data + "</NotificationData>"
	ss.send(wire.New("NOT").WithPayload(`<NOTIFICATION id="0" siteid="` + addressBookSite + `" siteurl="http://contacts.msn.com">` +
		`<TO pid="` + samplePID + `" name="` + html.EscapeString(a.email) + `"><VIA agent="messenger"/></TO>` +
		`<MSG id="0"><SUBSCR url="s.htm"/><ACTION url="a.htm"/><BODY>` + html.EscapeString(body) + `</BODY></MSG></NOTIFICATION>`))
}

// cid is the number of an account in the web services.
func (a *Account) cid() string { return cidOf(a.id) }

// cidOf makes it from a GUID.
func cidOf(guid string) string {
	n := int64(0)
	for _, digit := range strings.ReplaceAll(guid, "-", "") {
		if v, err := strconv.ParseInt(string(digit), 16, 64); err == nil {
			n = n*31 + v
		}
	}
	return strconv.FormatInt(n, 10)
}

// Told returns what an account's clients have said of their lists by ADL and RML in
// this session, from MSNP13 on; it is nil where ADL and RML change the
// lists themselves (WithCompat).
func (s *Server) Told(email string) map[string]List {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil {
		return nil
	}
	told := maps.Clone(a.told)
	maps.DeleteFunc(told, func(_ string, lists List) bool { return lists == 0 })
	return told
}
