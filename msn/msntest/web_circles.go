package msntest

import (
	"html"
	"strconv"
	"strings"
)

// Circles in the web services (protocol/02-contacts.md, sections 5.3 and 6): making
// them, inviting, accepting, refusing and leaving, and the circles in the address book.

// defaultBook is the ABId of an account's own address book. Each circle has one too,
// under its own ID.
const defaultBook = "00000000-0000-0000-0000-000000000000"

// relationshipCircle is the RelationshipType of circles.
const relationshipCircle = "5"

// find returns the first element of that name anywhere below n, or nil: clients of the
// time disagree on what wraps the parameters of circles.
func (n *node) find(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
		if found := k.find(name); found != nil {
			return found
		}
	}
	return nil
}

// param returns the text of that element without blanks around it, or "".
func (n *node) param(name string) string { return n.find(name).value() }

// bookOf reads which address book a call is about: the account's own (nil), or that
// of a circle.
func (s *Server) bookOf(c *call) (book *circle, fault *Fault) {
	id := c.body.param("ABId")
	if id == "" || id == defaultBook {
		return nil, nil
	}
	if book = s.circleByID(id); book == nil {
		return nil, trouble
	}
	return book, nil
}

// createCircle makes a circle.
func (s *Server) createCircle(c *call) (string, string, *Fault) {
	name := c.body.param("DisplayName")
	if c.body.param("Domain") != "1" || c.body.param("HostedDomain") != circleDomain[1:] || c.body.param("Type") != "2" || name == "" {
		return "", "", trouble
	}
	made := s.newCircle(name, c.account)
	if _, err := strconv.ParseUint(c.body.param("MembershipAccess"), 10, 8); err == nil {
		made.access = c.body.param("MembershipAccess")
	}
	s.tellCreated(made, c.account)
	s.notifyChange()
	return "", result(c, "<Id>"+made.id+"</Id>"), nil
}

// createContact puts somebody into the address book of a circle, which comes before
// the invitation.
func (s *Server) createContact(c *call) (string, string, *Fault) {
	book, fault := s.bookOf(c)
	if fault != nil || book == nil || !book.manages(c.account) {
		return "", "", trouble
	}
	email := normalize(c.body.param("Email"))
	a := s.accounts[email]
	if a == nil {
		return "", "", bookFault(c, "InvalidPassportUser", "The Passport user specified is invalid SignInName: "+email)
	}
	m := book.member(a)
	switch {
	case m == nil:
		m = &membership{account: a}
		book.members = append(book.members, m)
	case m.state == stateRejected, m.state == stateNone && m.role == roleMember:
		*m = membership{account: a}
	default:
		return "", "", bookFault(c, "ContactAlreadyExists", "Contact Already Exists")
	}
	return "", result(c, s.circleMemberXML(book, m, stamp())), nil
}

// connectionFault is a refusal of ManageWLConnection: an answer with the status of an
// error, or without it, in place of a fault.
func connectionFault(c *call, status int, reason string) *Fault {
	return &Fault{Status: status, answer: result(c, "<clientErrorData>"+html.EscapeString(reason)+"</clientErrorData>")}
}

// manageConnection invites somebody to a circle, or accepts or refuses an invitation.
func (s *Server) manageConnection(c *call) (string, string, *Fault) {
	book, fault := s.bookOf(c)
	if fault != nil {
		return "", "", fault
	}
	target, a, contact := book, c.account, normalize(c.body.param("contactId"))
	if book == nil {
		target = s.circleByID(contact)
	} else if a = s.accountByID(contact); a == nil {
		return "", "", bookFault(c, "ContactDoesNotExist", "Contact Does Not Exist")
	}
	if target == nil || target.member(a) == nil || c.body.param("connection") != "true" {
		return "", "", trouble
	}
	action, role := c.body.param("action"), c.body.param("relationshipRole")
	switch {
	case c.body.param("relationshipType") != relationshipCircle:
		return "", "", connectionFault(c, 500, "Relationship variables invalid")
	case action == "1" && role == "0" && book == nil, action == "2" && book == nil:
		if fault = s.answerByCall(c, target, action == "1"); fault != nil {
			return "", "", fault
		}
	case action == "1" && role == "3":
		if !target.manages(c.account) {
			return "", "", connectionFault(c, 500, "The caller may not invite")
		}
		message := ""
		for _, n := range c.body.find("annotations").all("Annotation") {
			if n.value("Name") == "MSN.IM.InviteMessage" {
				message = n.value("Value")
			}
		}
		if !s.inviteToCircle(target, c.account, a, message) {
			return "", "", connectionFault(c, 500, a.email+" is already invited")
		}
	case action != "1" && action != "2":
		return "", "", trouble
	case action == "1" && role != "0":
		return "", "", connectionFault(c, 500, "RelationshipRole not supported")
	}
	content := s.circleMemberXML(target, target.member(a), stamp())
	if book == nil {
		content = s.circleXML(target, a, stamp())
	}
	return "", result(c, "<clientErrorData/>"+content), nil
}

// answerByCall accepts or refuses an invitation.
func (s *Server) answerByCall(c *call, target *circle, accept bool) *Fault {
	switch m := target.member(c.account); {
	case m.state == stateAccepted:
		return connectionFault(c, 200, c.account.email+" is a member already")
	case !s.answerCircle(target, c.account, accept):
		return connectionFault(c, 500, c.account.email+" is not invited")
	}
	return nil
}

// breakConnection leaves a circle. The last who may invite cannot.
func (s *Server) breakConnection(c *call) (string, string, *Fault) {
	book, fault := s.bookOf(c)
	switch {
	case fault != nil:
		return "", "", fault
	case book == nil && s.is.namesUnknownCircle:
		return "", "", bookFault(c, "ContactDoesNotExist", "Contact Does Not Exist")
	case book == nil, normalize(c.body.param("contactId")) != c.account.id, book.manages(c.account) && book.managers() < 2,
		!s.leaveCircle(book, c.account):
		return "", "", trouble
	}
	return "", done(c), nil
}

// managers counts who may invite as the owner may.
func (c *circle) managers() int {
	n := 0
	for _, m := range c.members {
		if m.role == roleAdmin {
			n++
		}
	}
	return n
}

// accountByID finds an account by its GUID.
func (s *Server) accountByID(id string) *Account {
	for _, a := range s.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}

// circleResult is what the address book says of the account's circles, and the ticket
// that lets a client enter them.
func (s *Server) circleResult(a *Account, now string) string {
	var b strings.Builder
	for _, c := range s.circlesOf(a) {
		m := c.member(a)
		if m.state != stateAccepted && m.state != stateWaiting {
			continue
		}
		name := html.EscapeString(c.name)
		b.WriteString("<CircleInverseInfo><Content><Handle><Id>" + c.id + "</Id></Handle><Info><Domain>1</Domain><HostedDomain>" + circleDomain[1:] +
			"</HostedDomain><Type>2</Type><MembershipAccess>" + c.access + "</MembershipAccess><IsPresenceEnabled>true</IsPresenceEnabled>" +
			"<RequestMembershipOption>0</RequestMembershipOption><DisplayName>" + name + "</DisplayName><Changes/><LastUpdated>" + now +
			"</LastUpdated></Info></Content><PersonalInfo><MembershipInfo><CirclePersonalMembership><Role>" + m.role.String() + "</Role><State>" +
			m.state.String() + "</State></CirclePersonalMembership></MembershipInfo><Name>" + name + "</Name><IsNotMobileVisible>false</IsNotMobileVisible>" +
			"<IsFavorite>false</IsFavorite><IsFamily>false</IsFamily><Changes/></PersonalInfo><Deleted>false</Deleted></CircleInverseInfo>")
	}
	circles := b.String()
	if len(s.circlesOf(a)) > 0 {
		circles = "<Circles>" + circles + "</Circles>"
	}
	return "<CircleResult>" + circles + "<CircleTicket>" + html.EscapeString(s.circleTicket(a)) + "</CircleTicket></CircleResult>"
}

// circleContacts are the contacts that stand for the account's circles in its address
// book.
func (s *Server) circleContacts(a *Account, now string) string {
	var b strings.Builder
	for _, c := range s.circlesOf(a) {
		b.WriteString("<Contact>" + s.circleXML(c, a, now) + "</Contact>")
	}
	return b.String()
}

// circleXML is the contact that stands for a circle, without the element around it.
// Only the owner reads its name there.
func (s *Server) circleXML(c *circle, a *Account, now string) string {
	m := c.member(a)
	upper := strings.ToUpper(c.id)
	name, tag, role := c.name, "", "0"
	if m.role != roleAdmin {
		name = upper + "@hotmail.com"
		tag = "<DomainTag>" + upper + "</DomainTag><DisplayName>" + upper + "</DisplayName>"
	}
	if m.role == rolePending {
		role = "4"
	}
	return "<contactId>" + c.id + "</contactId><contactInfo><contactType>Circle</contactType><quickName>circle</quickName><passportName>" + upper +
		"@hotmail.com</passportName><displayName>" + html.EscapeString(name) + "</displayName><puid>0</puid><CID>" + cidOf(c.id) +
		"</CID><isMobileIMEnabled>false</isMobileIMEnabled><isMessengerUser>false</isMessengerUser><IsHidden>true</IsHidden>" +
		networkInfo(m, tag, strconv.Itoa(int(m.state)), role, now) + "</contactInfo><propertiesChanged/><fDeleted>false</fDeleted><lastChange>" + now + "</lastChange>"
}

// networkInfo is what binds a contact to a circle.
func networkInfo(m *membership, tag, state, role, now string) string {
	inviter := "<InviterCID>0</InviterCID>"
	if m.message != "" {
		inviter = "<InviterMessage>" + html.EscapeString(m.message) + "</InviterMessage>" + inviter
	}
	if m.inviter != nil {
		inviter = strings.Replace(inviter, "<InviterCID>0<", "<InviterCID>"+m.inviter.cid()+"<", 1) +
			"<InviterName>" + html.EscapeString(m.inviter.name) + "</InviterName><InviterEmail>" + html.EscapeString(m.inviter.email) + "</InviterEmail>"
	}
	return "<NetworkInfoList><NetworkInfo><DomainId>1</DomainId><SourceId>WL</SourceId>" + tag + "<RelationshipType>" + relationshipCircle +
		"</RelationshipType><RelationshipState>" + state + "</RelationshipState><RelationshipStateDate>" + now +
		"</RelationshipStateDate><RelationshipRole>" + role + "</RelationshipRole><NDRCount>0</NDRCount>" + inviter + "<CreateDate>" + now +
		"</CreateDate><LastUpdated>" + now + "</LastUpdated><PropertiesChanged/></NetworkInfo></NetworkInfoList>"
}

// circleMemberXML is a member as a contact of the circle's address book, without the
// element around it.
func (s *Server) circleMemberXML(c *circle, m *membership, now string) string {
	kind, deleted, network := "Live", false, ""
	switch {
	case m.state == stateWaiting, m.role == roleNone:
		kind = "LivePending"
	case m.state == stateRejected:
		kind, deleted = "LivePending", true
	case m.state == stateNone:
		deleted = true
	}
	if m.role != roleNone && m.state != stateNone {
		state, role := int(m.state), int(m.role)
		if m.state == stateWaiting {
			state = 2 // seen from the circle
		}
		if m.role == rolePending {
			role = 3
		}
		network = networkInfo(m, "", strconv.Itoa(state), strconv.Itoa(role), now)
	}
	email := html.EscapeString(m.account.email)
	return "<contactId>" + m.account.id + "</contactId><contactInfo><contactType>" + kind + "</contactType><quickName>" + email + "</quickName><passportName>" + email +
		"</passportName><displayName>" + email + "</displayName><puid>0</puid><CID>" + m.account.cid() + "</CID><isMobileIMEnabled>false</isMobileIMEnabled>" +
		"<isMessengerUser>false</isMessengerUser><IsHidden>false</IsHidden>" + network + "</contactInfo><propertiesChanged/><fDeleted>" + truth(deleted) +
		"</fDeleted><lastChange>" + now + "</lastChange>"
}

// circleBook is the address book of a circle: its members, and itself.
func (s *Server) circleBook(book *circle) string {
	now := stamp()
	var b strings.Builder
	for _, m := range book.members {
		b.WriteString("<Contact>" + s.circleMemberXML(book, m, now) + "</Contact>")
	}
	return `<ABFindContactsPagedResponse xmlns="` + bookNamespace + `"><ABFindContactsPagedResult><Contacts>` + b.String() +
		"<Contact><contactId>" + book.id + "</contactId><contactInfo><contactType>Me</contactType><quickName>" + book.id + "</quickName><passportName>" +
		book.address() + "</passportName><displayName>" + book.address() + "</displayName><puid>0</puid><CID>" + cidOf(book.id) +
		"</CID><isMobileIMEnabled>false</isMobileIMEnabled><isMessengerUser>false</isMessengerUser></contactInfo><propertiesChanged/><fDeleted>false</fDeleted>" +
		"<lastChange>" + now + "</lastChange></Contact></Contacts><Ab><abId>" + book.id + "</abId><abInfo><ownerPuid>0</ownerPuid><OwnerCID>" + cidOf(book.id) +
		"</OwnerCID><ownerEmail>" + book.address() + "</ownerEmail><fDefault>true</fDefault><AddressBookType>Group</AddressBookType></abInfo><lastChange>" + now +
		"</lastChange></Ab></ABFindContactsPagedResult></ABFindContactsPagedResponse>"
}
