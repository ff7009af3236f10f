package msntest

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/passport"
)

// The services of contacts and memberships, which read and write the same lists as
// SYN, ADC and REM (protocol/02-contacts.md, sections 5.2 to 6).

// sharing are the operations of SharingService.
var sharing = map[string]webService{
	"FindMembership": (*Server).findMembership,
	"AddMember":      (*Server).addMember,
	"DeleteMember":   (*Server).deleteMember,
	"CreateCircle":   (*Server).createCircle,
}

// roles are the membership roles of the lists, in the order in which they are listed.
var roles = []struct {
	name string
	list List
}{{"Allow", AL}, {"Block", BL}, {"Reverse", RL}, {"Pending", PL}}

// bookCall answers the operations of one of both services.
func bookCall(operations map[string]webService) webService {
	return func(s *Server, c *call) (string, string, *Fault) {
		do := operations[c.operation]
		if c.account == nil {
			return "", "", forbidden
		}
		if do == nil {
			return "", "", trouble
		}
		if !c.account.hasBook && c.operation != "ABAdd" {
			return "", "", bookFault(c, "ABDoesNotExist", "AddressBook Does Not Exist")
		}
		_, body, fault := do(s, c)
		return s.serviceHeader(c), body, fault
	}
}

// bookTicket is the ticket of a call to one of both services: MSNP13 and MSNP14 could
// send it as a cookie.
func bookTicket(c *call) string {
	if ticket := c.envelope.value("Header", "ABAuthHeader", "TicketToken"); ticket != "" {
		return ticket
	}
	if cookie := c.http.Header.Get("Cookie"); strings.HasPrefix(cookie, "MSPAuth=") {
		return strings.TrimPrefix(cookie, "MSPAuth=")
	}
	return ""
}

// bookService is the service whose tickets they take.
var bookService = passport.ServiceContacts.Address

func (s *Server) serviceHeader(c *call) string {
	return `<ServiceHeader xmlns="` + bookNamespace + `"><Version>15.01.1408.0000</Version><CacheKey>12r1:` + c.account.id +
		`</CacheKey><CacheKeyChanged>true</CacheKeyChanged><PreferredHostName>` + html.EscapeString(c.http.Host) +
		`</PreferredHostName><SessionId>` + c.account.id + `</SessionId></ServiceHeader>`
}

// bookFault is a fault of both services.
func bookFault(_ *call, code, reason string) *Fault {
	return &Fault{Code: "soap:Client", Reason: reason, ErrorCode: code}
}

// done is the answer of operations without a result.
func done(c *call) string { return "<" + c.operation + `Response xmlns="` + bookNamespace + `"/>` }

// stamp is the time of the present version of an account's lists.
func stamp() string { return time.Now().UTC().Format(time.RFC3339) }

func (s *Server) findMembership(c *call) (string, string, *Fault) {
	if c.body.value("deltasOnly") == "true" {
		return "", "", bookFault(c, "FullSyncRequired", "Full sync required. Details: Delta syncs disabled.")
	}
	a, now := c.account, stamp()
	var b strings.Builder
	for _, role := range roles {
		b.WriteString("<Membership><MemberRole>" + role.name + "</MemberRole><Members>")
		for _, contact := range a.list.order {
			if contact.lists&role.list == 0 || s.is.hidesPendingOnRL && role.list == RL && contact.lists&PL != 0 {
				continue
			}
			b.WriteString(s.memberXML(contact, role.name, now))
		}
		b.WriteString("</Members><MembershipIsComplete>true</MembershipIsComplete></Membership>")
	}
	return "", `<FindMembershipResponse xmlns="` + bookNamespace + `"><FindMembershipResult><Services><Service><Memberships>` + b.String() +
		`</Memberships><Info><Handle><Id>1</Id><Type>Messenger</Type><ForeignId/></Handle><InverseRequired>false</InverseRequired></Info>` +
		`<Changes/><LastChange>` + now + `</LastChange><Deleted>false</Deleted></Service></Services></FindMembershipResult></FindMembershipResponse>`, nil
}

func (s *Server) memberXML(contact *contact, role, now string) string {
	kind, identity := "Passport", "<PassportName>"+html.EscapeString(contact.email)+"</PassportName>"
	annotations, name := "", ""
	number, phone := strings.CutPrefix(contact.email, "tel:")
	switch {
	case phone:
		kind, identity = "Phone", "<PhoneNumber>"+html.EscapeString(number)+"</PhoneNumber>"
	case contact.network > 1:
		kind, identity = "Email", "<Email>"+html.EscapeString(contact.email)+"</Email>"
		annotations = fmt.Sprintf("<Annotation><Name>MSN.IM.BuddyType</Name><Value>%d:</Value></Annotation>", contact.network)
	}
	if role == "Pending" {
		if other := s.accounts[contact.email]; other != nil {
			name = "<DisplayName>" + html.EscapeString(other.name) + "</DisplayName>"
		}
		if contact.invite != "" {
			annotations += "<Annotation><Name>MSN.IM.InviteMessage</Name><Value>" + html.EscapeString(contact.invite) + "</Value></Annotation>"
		}
	}
	if annotations != "" {
		annotations = "<Annotations>" + annotations + "</Annotations>"
	}
	return fmt.Sprintf(`<Member xsi:type="%sMember"><MembershipId>%s/%s</MembershipId><Type>%s</Type>%s<State>Accepted</State>%s<Deleted>false</Deleted>`+
		`<LastChanged>%s</LastChanged>%s</Member>`, kind, role, s.contactID(contact), kind, name, annotations, now, identity)
}

// membership reads whom AddMember or DeleteMember is about.
func (s *Server) membership(c *call) (role List, emails []string) {
	for _, m := range c.body.all("memberships", "Membership") {
		for _, r := range roles {
			if r.name == m.value("MemberRole") {
				role = r.list
			}
		}
		for _, member := range m.all("Members", "Member") {
			email := ""
			for _, name := range []string{"PassportName", "Email"} {
				email = cmp.Or(email, normalize(member.value(name)))
			}
			if number := member.value("PhoneNumber"); number != "" {
				email = "tel:" + strings.TrimPrefix(number, "tel:")
			}
			if _, id, ok := strings.Cut(member.value("MembershipId"), "/"); ok && email == "" {
				if contact := s.contactByID(c.account, id); contact != nil {
					email = contact.email
				}
			}
			emails = append(emails, email)
		}
	}
	return role, emails
}

func (s *Server) addMember(c *call) (string, string, *Fault) {
	a := c.account
	role, emails := s.membership(c)
	if role == 0 || len(emails) == 0 || slices.Contains(emails, "") {
		return "", "", trouble
	}
	for _, email := range emails {
		on := a.list.on(email)
		switch {
		case on&role != 0 && s.is.refusesAddedAgain:
			return "", "", bookFault(c, "MemberAlreadyExists", "Member already exists")
		case !strings.Contains(email, "@") && !isPhone(email):
			return "", "", bookFault(c, "BadEmailArgument", "Malformed email Argument Email missing '@' character")
		case role&(RL|PL) != 0 && on&watches == 0:
			return "", "", bookFault(c, "MemberDoesNotExist", "Member does not exist")
		}
	}
	for _, email := range emails {
		other := s.accounts[email]
		saw := other != nil && sees(other, a)
		a.bumped()
		s.change(a, func() { a.list.add(email, role) })
		if role == RL {
			a.list.remove(email, PL)
		}
		if saw && role == AL {
			s.repeatPresence(other, a)
			s.repeatPersonal(other, a)
		}
		if role == BL && other != nil && s.is.blockingTellsFLN && other.lists(a.email)&FL != 0 {
			s.tellGone(other, a)
		}
	}
	s.notifyChange()
	return "", done(c), nil
}

func (s *Server) deleteMember(c *call) (string, string, *Fault) {
	a := c.account
	role, emails := s.membership(c)
	if role == 0 || len(emails) == 0 {
		return "", "", trouble
	}
	for _, email := range emails {
		switch {
		case a.list.on(email)&role != 0:
		case s.is.refusesRemovedAgain:
			return "", "", bookFault(c, "MemberDoesNotExist", "Member does not exist")
		case role == PL:
			return "", "", trouble
		}
	}
	for _, email := range emails {
		a.bumped()
		s.change(a, func() { a.list.remove(email, role) })
	}
	s.notifyChange()
	return "", done(c), nil
}
