package msntest

import (
	"cmp"
	"html"
	"strings"

	"matrix-msn/msn/wire"
)

// The address book (protocol/02-contacts.md, sections 5.3 and 6).

// addressBook are its operations.
var addressBook = map[string]webService{
	"ABFindAll":            (*Server).findAll,
	"ABFindContactsPaged":  (*Server).findPaged,
	"ABAdd":                (*Server).abAdd,
	"ABContactAdd":         (*Server).contactAdd,
	"ABContactUpdate":      (*Server).contactUpdate,
	"ABContactDelete":      (*Server).contactDelete,
	"ABGroupAdd":           (*Server).groupAdd,
	"ABGroupUpdate":        (*Server).groupUpdate,
	"ABGroupDelete":        (*Server).groupDelete,
	"ABGroupContactAdd":    (*Server).groupContactAdd,
	"ABGroupContactDelete": (*Server).groupContactDelete,
	"CreateContact":        (*Server).createContact,
	"ManageWLConnection":   (*Server).manageConnection,
	"BreakConnection":      (*Server).breakConnection,
}

// groupKind is the type of groups of contacts.
const groupKind = "c8529ce2-6ead-434d-881f-341e17db3ff8"

// bookName is the display name as the address book has it.
func (a *Account) bookName() string { return cmp.Or(a.stored, a.name) }

func (s *Server) findAll(c *call) (string, string, *Fault) {
	if c.body.value("deltasOnly") == "true" {
		return "", "", bookFault(c, "FullSyncRequired", "Full sync required. Details: Delta syncs disabled.")
	}
	groups, contacts, ab := s.bookXML(c.account)
	return "", `<ABFindAllResponse xmlns="` + bookNamespace + `"><ABFindAllResult><groups>` + groups + `</groups><contacts>` + contacts +
		`</contacts><ab>` + ab + `</ab></ABFindAllResult></ABFindAllResponse>`, nil
}

func (s *Server) findPaged(c *call) (string, string, *Fault) {
	if c.body.value("filterOptions", "DeltasOnly") == "true" || c.body.value("filterOptions", "deltasOnly") == "true" {
		return "", "", bookFault(c, "FullSyncRequired", "Full sync required. Details: Delta syncs disabled.")
	}
	book, fault := s.bookOf(c)
	if fault != nil {
		return "", "", fault
	}
	if book != nil {
		return "", s.circleBook(book), nil
	}
	groups, contacts, ab := s.bookXML(c.account)
	now := stamp()
	return "", `<ABFindContactsPagedResponse xmlns="` + bookNamespace + `"><ABFindContactsPagedResult><Groups>` + groups + `</Groups><Contacts>` + contacts +
		s.circleContacts(c.account, now) + `</Contacts>` + s.circleResult(c.account, now) + `<Ab>` + ab + `</Ab></ABFindContactsPagedResult></ABFindContactsPagedResponse>`, nil
}

// bookXML is the content of an address book.
func (s *Server) bookXML(a *Account) (groups, contacts, ab string) {
	now := stamp()
	var b strings.Builder
	for _, g := range a.groups {
		b.WriteString("<Group><groupId>" + g.guid + "</groupId><groupInfo><annotations><Annotation><Name>MSN.IM.Display</Name><Value>1</Value></Annotation></annotations>" +
			"<groupType>" + groupKind + "</groupType><name>" + html.EscapeString(g.name) + "</name><IsNotMobileVisible>false</IsNotMobileVisible>" +
			"<IsPrivate>false</IsPrivate><IsFavorite>false</IsFavorite></groupInfo><propertiesChanged/><fDeleted>false</fDeleted><lastChange>" + now + "</lastChange></Group>")
	}
	groups = b.String()
	b.Reset()
	for _, contact := range a.list.order {
		if contact.lists&FL != 0 || contact.book {
			b.WriteString(s.contactXML(contact, now))
		}
	}
	b.WriteString(s.ownXML(a, now))
	return groups, b.String(), "<abId>00000000-0000-0000-0000-000000000000</abId><abInfo><ownerPuid>0</ownerPuid><OwnerCID>" + a.cid() +
		"</OwnerCID><ownerEmail>" + html.EscapeString(a.email) + "</ownerEmail><fDefault>true</fDefault></abInfo><lastChange>" + now + "</lastChange>"
}

func annotation(name, value string) string {
	return "<Annotation><Name>" + name + "</Name><Value>" + html.EscapeString(value) + "</Value></Annotation>"
}

func (s *Server) contactXML(contact *contact, now string) string {
	var b strings.Builder
	b.WriteString("<Contact><contactId>" + s.contactID(contact) + "</contactId><contactInfo>")
	if contact.alias != "" {
		b.WriteString("<annotations>" + annotation("AB.NickName", contact.alias) + "</annotations>")
	}
	if len(contact.groups) > 0 {
		b.WriteString("<groupIds>")
		for _, g := range contact.groups {
			b.WriteString("<guid>" + g.guid + "</guid>")
		}
		b.WriteString("</groupIds>")
	}
	name, other := contact.email, s.accounts[contact.email]
	if other != nil {
		name = other.name
	}
	if contact.name != "" && other == nil {
		name = contact.name
	}
	b.WriteString("<contactType>Regular</contactType><quickName>" + html.EscapeString(name) + "</quickName>")
	number, phone := strings.CutPrefix(contact.email, "tel:")
	switch {
	case phone:
		b.WriteString("<phones><ContactPhone><contactPhoneType>ContactPhoneMobile</contactPhoneType><number>" + html.EscapeString(number) +
			"</number><isMessengerEnabled>true</isMessengerEnabled></ContactPhone></phones>")
	case contact.network > 1:
		b.WriteString("<emails><ContactEmail><contactEmailType>Messenger2</contactEmailType><email>" + html.EscapeString(contact.email) +
			"</email><isMessengerEnabled>true</isMessengerEnabled><Capability>32</Capability></ContactEmail></emails>")
	default:
		b.WriteString("<passportName>" + html.EscapeString(contact.email) + "</passportName>")
	}
	if other != nil && !phone {
		b.WriteString(phonesXML(other))
	}
	b.WriteString("<displayName>" + html.EscapeString(name) + "</displayName><puid>0</puid>")
	if other != nil {
		b.WriteString("<CID>" + other.cid() + "</CID>")
	}
	b.WriteString("<isMobileIMEnabled>" + truth(other != nil && other.props["MOB"] == "Y") + "</isMobileIMEnabled><isMessengerUser>" +
		truth(contact.lists&FL != 0) + "</isMessengerUser></contactInfo><propertiesChanged/><fDeleted>false</fDeleted><lastChange>" + now + "</lastChange></Contact>")
	return b.String()
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// phoneKinds are the kinds of numbers in the address book.
var phoneKinds = []struct{ kind, key string }{{"Personal", "PHH"}, {"Business", "PHW"}, {"Mobile", "PHM"}}

func phonesXML(a *Account) string {
	var b strings.Builder
	for _, p := range phoneKinds {
		if number := a.props[p.key]; number != "" {
			b.WriteString("<ContactPhone><contactPhoneType>ContactPhone" + p.kind + "</contactPhoneType><number>" + html.EscapeString(number) + "</number></ContactPhone>")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "<phones>" + b.String() + "</phones>"
}

// ownXML is the contact that is the account itself.
func (s *Server) ownXML(a *Account, now string) string {
	setting := func(name string, on bool) string {
		if on {
			return "1"
		}
		return cmp.Or(a.choices[name], s.is.settingOff)
	}
	return "<Contact><contactId>" + a.id + "</contactId><contactInfo><annotations>" + annotation("MSN.IM.MBEA", "0") +
		annotation("MSN.IM.GTC", setting("MSN.IM.GTC", a.gtc == "A")) + annotation("MSN.IM.BLP", setting("MSN.IM.BLP", a.blp == "AL")) + annotation("MSN.IM.MPOP", "1") +
		"</annotations><contactType>Me</contactType><quickName>" + html.EscapeString(a.bookName()) + "</quickName>" +
		"<passportName>" + html.EscapeString(a.email) + "</passportName>" + phonesXML(a) + "<displayName>" + html.EscapeString(a.bookName()) + "</displayName>" +
		"<puid>0</puid><CID>" + a.cid() + "</CID><isMobileIMEnabled>false</isMobileIMEnabled><isMessengerUser>false</isMessengerUser></contactInfo>" +
		"<propertiesChanged/><fDeleted>false</fDeleted><lastChange>" + now + "</lastChange></Contact>"
}

func (s *Server) abAdd(c *call) (string, string, *Fault) {
	if c.account.hasBook {
		return "", "", bookFault(c, "ABAlreadyExists", "AddressBook already exists")
	}
	c.account.hasBook = true
	return "", result(c, "<guid>00000000-0000-0000-0000-000000000000</guid>"), nil
}

// result is the answer of operations with one.
func result(c *call, content string) string {
	return "<" + c.operation + `Response xmlns="` + bookNamespace + `"><` + c.operation + "Result>" + content + "</" + c.operation + "Result></" + c.operation + "Response>"
}

// contactOf finds the contact of the book that an element names by its ID.
func (s *Server) contactOf(a *Account, n *node) *contact {
	contact := s.contactByID(a, n.value("contactId"))
	if email := n.value("contactInfo", "passportName"); contact == nil && email != "" {
		contact = a.list.get(normalize(email))
	}
	if contact == nil || contact.lists&FL == 0 && !contact.book {
		return nil
	}
	return contact
}

func (s *Server) contactAdd(c *call) (string, string, *Fault) {
	contact, existed, fault := s.addToBook(c)
	switch {
	case fault != nil:
		return "", "", fault
	case existed && s.is.refusesAddedAgain:
		return "", "", bookFault(c, "ContactAlreadyExists", "Contact Already Exists")
	}
	return "", result(c, "<guid>"+s.contactID(contact)+"</guid>"), nil
}

// addToBook puts whom a call describes into the address book; existed tells that they
// were there.
func (s *Server) addToBook(c *call) (added *contact, existed bool, fault *Fault) {
	a, info := c.account, c.body.at("contacts", "Contact", "contactInfo")
	email, net := normalize(info.value("passportName")), 1
	if other := info.at("emails", "ContactEmail"); email == "" && other != nil {
		email = normalize(other.value("email"))
		if other.value("Capability") == "32" {
			net = 32
		}
	}
	if phone := info.at("phones", "ContactPhone"); email == "" && phone != nil {
		email = phonePrefix + phone.value("number")
	}
	if fault := s.badContact(c, email, net); fault != nil {
		return nil, false, fault
	}
	on := a.list.on(email)
	if contact := a.list.get(email); on&FL != 0 || contact != nil && contact.book {
		return contact, true, nil
	}
	a.bumped()
	s.change(a, func() {
		added = a.list.add(email, FL)
		if c.body.value("options", "EnableAllowListManagement") == "true" && on&BL == 0 && s.is.allowsNewContacts {
			a.list.add(email, AL)
		}
	})
	added.network = net
	if other := s.accounts[email]; other != nil {
		s.reverse(a, other, true)
		if theirs := other.list.get(a.email); theirs != nil {
			for _, n := range info.all("MessengerMemberInfo", "PendingAnnotations", "Annotation") {
				if n.value("Name") == "MSN.IM.InviteMessage" {
					theirs.invite = n.value("Value")
				}
			}
		}
	}
	s.notifyChange()
	return added, false, nil
}

// badContact refuses who cannot be added.
func (s *Server) badContact(c *call, email string, net int) *Fault {
	_, domain, at := strings.Cut(email, "@")
	phone := isPhone(email)
	switch {
	case !at && !phone:
		return bookFault(c, "BadEmailArgument", "Malformed email Argument Email missing '@' character")
	case !phone && !strings.Contains(domain, "."):
		return bookFault(c, "BadEmailArgument", "Malformed email Argument Email missing '.' character")
	case s.accounts[email] == nil && !phone && net == 1:
		return bookFault(c, "InvalidPassportUser", "The Passport user specified is invalid SignInName: "+email)
	case c.account.list.count(FL) >= s.opt.contacts && c.account.list.on(email)&FL == 0:
		return bookFault(c, "QuotaLimitReached", "The quota of contacts is reached")
	}
	return nil
}

func (s *Server) contactUpdate(c *call) (string, string, *Fault) {
	a := c.account
	for _, n := range c.body.all("contacts", "Contact") {
		info := n.at("contactInfo")
		if info.value("contactType") == "Me" {
			s.updateOwn(a, info)
			continue
		}
		contact := s.contactOf(a, n)
		if contact == nil {
			return "", "", bookFault(c, "ContactDoesNotExist", "Contact does not exist")
		}
		for _, x := range info.all("annotations", "Annotation") {
			if x.value("Name") == "AB.NickName" {
				contact.alias = x.value("Value")
			}
		}
		switch info.value("isMessengerUser") {
		case "false":
			s.unlist(a, contact, true)
		case "true":
			if contact.lists&FL == 0 {
				s.change(a, func() { a.list.add(contact.email, FL) })
				if other := s.accounts[contact.email]; other != nil {
					s.reverse(a, other, true)
				}
			}
		}
	}
	a.bumped()
	s.notifyChange()
	return "", done(c), nil
}

// updateOwn changes what the book says of the account itself. Contacts who are online
// see it when the client tells the notification server too.
func (s *Server) updateOwn(a *Account, info *node) {
	if name := info.value("displayName"); name != "" {
		a.stored = name
		if len(a.endpoints) == 0 {
			a.name, a.stored = name, ""
		}
	}
	for _, x := range info.all("annotations", "Annotation") {
		name, value := x.value("Name"), x.value("Value")
		switch name {
		case "MSN.IM.BLP":
			a.blp = map[bool]string{true: "AL", false: "BL"}[value == "1"]
		case "MSN.IM.GTC":
			a.gtc = map[bool]string{true: "A", false: "N"}[value == "1"]
		default:
			continue
		}
		if value != "1" {
			a.choices[name] = value
		}
	}
}

// unlist takes a contact off FL; kept tells whether it stays in the address book.
func (s *Server) unlist(a *Account, contact *contact, kept bool) {
	email, was := contact.email, contact.lists
	contact.book = kept
	s.change(a, func() { a.list.remove(email, FL) })
	if other := s.accounts[email]; other != nil && was&FL != 0 {
		s.reverse(a, other, false)
	}
}

func (s *Server) contactDelete(c *call) (string, string, *Fault) {
	a := c.account
	for _, n := range c.body.all("contacts", "Contact") {
		contact := s.contactOf(a, n)
		switch {
		case contact != nil:
			s.unlist(a, contact, false)
		case s.is.refusesRemovedAgain:
			return "", "", bookFault(c, "ContactDoesNotExist", "Contact does not exist")
		}
	}
	a.bumped()
	s.notifyChange()
	return "", done(c), nil
}

// badGroup refuses a name for a group.
func badGroup(c *call, name string) *Fault {
	switch badGroupName(c.account, wire.Encode(name)) {
	case "229":
		return bookFault(c, "BadArgumentLength", "Argument exceeded the allowed length")
	case "228":
		return bookFault(c, "GroupAlreadyExists", "Group already exists")
	}
	return nil
}

func (s *Server) groupAdd(c *call) (string, string, *Fault) {
	a, name := c.account, c.body.value("groupInfo", "GroupInfo", "name")
	if fault := badGroup(c, name); fault != nil {
		return "", "", fault
	}
	if len(a.groups) >= maxGroups {
		return "", "", bookFault(c, "QuotaLimitReached", "The quota of groups is reached")
	}
	a.bumped()
	return "", result(c, "<guid>"+a.newGroup(name).guid+"</guid>"), nil
}

func (s *Server) groupUpdate(c *call) (string, string, *Fault) {
	for _, n := range c.body.all("groups", "Group") {
		g, name := c.account.group(n.value("groupId")), n.value("groupInfo", "name")
		if g == nil {
			return "", "", bookFault(c, "GroupDoesNotExist", "Group does not exist")
		}
		if g.name == name {
			continue
		}
		if fault := badGroup(c, name); fault != nil {
			return "", "", fault
		}
		g.name = name
	}
	c.account.bumped()
	return "", done(c), nil
}

func (s *Server) groupDelete(c *call) (string, string, *Fault) {
	for _, n := range c.body.all("groupFilter", "groupIds", "guid") {
		g := c.account.group(strings.TrimSpace(n.text))
		if g == nil {
			return "", "", bookFault(c, "GroupDoesNotExist", "Group does not exist")
		}
		c.account.removeGroup(g)
	}
	c.account.bumped()
	return "", done(c), nil
}

// membersOfGroup reads the group and the contact that an operation is about.
func (s *Server) membersOfGroup(c *call) (*group, *contact, *Fault) {
	g := c.account.group(c.body.value("groupFilter", "groupIds", "guid"))
	if g == nil {
		return nil, nil, bookFault(c, "GroupDoesNotExist", "Group does not exist")
	}
	n := c.body.at("contacts", "Contact")
	contact := s.contactOf(c.account, n)
	if contact == nil && c.operation == "ABGroupContactAdd" && n.value("contactInfo", "passportName") != "" {
		var fault *Fault
		if contact, _, fault = s.addToBook(c); fault != nil {
			return nil, nil, fault // somebody new may be put into a group at once
		}
	}
	if contact == nil {
		return nil, nil, bookFault(c, "ContactDoesNotExist", "Contact does not exist")
	}
	return g, contact, nil
}

func (s *Server) groupContactAdd(c *call) (string, string, *Fault) {
	g, contact, fault := s.membersOfGroup(c)
	if fault != nil {
		return "", "", fault
	}
	if !contact.in(g) {
		contact.groups = append(contact.groups, g)
	}
	c.account.bumped()
	return "", result(c, "<guid>"+s.contactID(contact)+"</guid>"), nil
}

func (s *Server) groupContactDelete(c *call) (string, string, *Fault) {
	g, contact, fault := s.membersOfGroup(c)
	if fault != nil {
		return "", "", fault
	}
	contact.leave(g)
	c.account.bumped()
	return "", done(c), nil
}
