package msntest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"matrix-msn/msn/wire"
)

// Whatever is posted to a web service gets an answer, and leaves the server usable.
func FuzzWebServices(f *testing.F) {
	const head = `<soap:Envelope xmlns:soap="` + soapNamespace + `"><soap:Header><ABAuthHeader><TicketToken>t=1&amp;p=</TicketToken></ABAuthHeader>` +
		`<StorageUserHeader><TicketToken>t=1&amp;p=</TicketToken></StorageUserHeader><PassportCookie><t>1</t><p></p></PassportCookie><Ticket passport="t=1&amp;p=" lockkey="x"/><From memberName="a@example.com"/><To memberName="a@example.com"/>` +
		`<Security><UsernameToken><Username>a@example.com</Username><Password>x</Password></UsernameToken></Security></soap:Header><soap:Body>`
	const end = `</soap:Body></soap:Envelope>`
	for i, body := range []string{
		"<FindMembership/>", "<ABFindAll><deltasOnly>true</deltasOnly></ABFindAll>",
		"<AddMember><memberships><Membership><MemberRole>Allow</MemberRole><Members><Member><PassportName>b@example.com</PassportName></Member></Members></Membership></memberships></AddMember>",
		"<ABContactAdd><contacts><Contact><contactInfo><passportName>a@example.com</passportName></contactInfo></Contact></contacts></ABContactAdd>",
		"<CreateCircle><Domain>1</Domain><HostedDomain>live.com</HostedDomain><Type>2</Type><DisplayName>x</DisplayName></CreateCircle>",
		"<ABFindContactsPaged><ABId>00000000-0000-0000-0009-000000000001</ABId></ABFindContactsPaged>",
		"<CreateContact><ABId>00000000-0000-0000-0009-000000000001</ABId><Email>b@example.com</Email></CreateContact>",
		"<ManageWLConnection><ABId>00000000-0000-0000-0009-000000000001</ABId><contactId>b</contactId><connection>true</connection><action>1</action>" +
			"<relationshipType>5</relationshipType><relationshipRole>3</relationshipRole></ManageWLConnection>",
		"<ManageWLConnection><contactId>00000000-0000-0000-0009-000000000001</contactId><connection>true</connection><action>2</action>" +
			"<relationshipType>5</relationshipType></ManageWLConnection>",
		"<BreakConnection><ABId>00000000-0000-0000-0009-000000000001</ABId><contactId>a</contactId></BreakConnection>",
		"<GetProfile/>", "<UpdateProfile><profile><ExpressionProfile><DisplayName>x</DisplayName></ExpressionProfile></profile></UpdateProfile>", "<ABGroupContactAdd/>", "<GetMessage/>", "<MessageType/><Content>MIME-Version: 1.0</Content>", "<RequestSecurityToken/>", "<!DOCTYPE x>", "",
	} {
		f.Add(byte(i), []byte(head+body+end))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		s := &Server{
			opt: defaultOptions(), done: make(chan struct{}), conns: make(map[*conn]struct{}), accounts: make(map[string]*Account),
			webTickets: make(issued[*webTicket]), gateways: make(map[string]*tunnel), changed: make(chan struct{}),
		}
		s.is, s.log = s.opt.is, s.opt.logger
		if which >= 128 {
			s.is = &revival
		}
		a := s.AddAccount("a@example.com", "x")
		s.AddAccount("b@example.com", "x")
		s.webTickets.put("t=1&p=", &webTicket{account: a}, webTicketLife)
		a.endpoints = []*session{{account: a, ticket: "t=1&p=", dialect: 15, status: "NLN", caps: "0"}}
		fuzzedCircle(s)
		paths := []string{RSTPath, RST2Path, SharingPath, AddressBookPath, MailboxPath, PostPath, GatewayPath, StoragePath}
		answer := httptest.NewRecorder()
		s.serveWeb(answer, httptest.NewRequest(http.MethodPost, "https://localhost"+paths[int(which)%len(paths)], bytes.NewReader(body)))
		if answer.Code == 0 || answer.Body.Len() == 0 {
			t.Errorf("status %d, %d bytes", answer.Code, answer.Body.Len())
		}
		if !s.mu.TryLock() {
			t.Fatal("the server is still locked")
		}
		s.mu.Unlock()
	})
}

// fuzzedCircle adds a circle of a@example.com whose ID is known.
func fuzzedCircle(s *Server) *circle {
	made := s.newCircle("x", s.accounts["a@example.com"])
	made.id = circlePrefix + "000000000001"
	return made
}

// Whatever a client of MSNP18 says of circles, it is answered or passed over, and what
// another client is told can be sent.
func FuzzCircleCommands(f *testing.F) {
	const routing = "Routing: 1.0\r\nTo: 9:00000000-0000-0000-0009-000000000001@live.com;path=IM\r\nFrom: 1:a@example.com;epid={a11ce001-0001-4001-8001-000000000001}\r\n\r\n" +
		"Reliability: 1.0\r\n\r\n"
	const head = "Publication: 1.0\r\nUri: /circle\r\nContent-Type: application/circles+xml\r\n\r\n<circle>"
	for i, text := range []string{
		routing + head + "<roster><id>IM</id><user><id>1:a@example.com</id></user></roster></circle>",
		routing + head + "<props><presence><Data><PSM>x</PSM><CurrentMedia>y</CurrentMedia></Data></presence></props></circle>",
		routing + "Messaging: 1.0\r\nMessage-Type: Text\r\nContent-Length: 5\r\n\r\nhello",
		routing + "Messaging: 1.0\r\nMessage-Type: Control/Typing\r\nContent-Length: -1\r\n\r\n",
		`<ml><d n="live.com"><c n="00000000-0000-0000-0009-000000000001" l="3" t="9"/></d></ml>`,
		`<ml l="1"><d n="live.com"><c n="00000000-0000-0000-0009-000000000001" l="4" t="9"/><c n="b" l="1" t="1"/></d></ml>`,
		"\r\n\r\n\r\n\r\n\r\n\r\n", "",
	} {
		for verb := range byte(5) {
			f.Add(verb|byte(i%2)<<7, text)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, text string) {
		s := &Server{opt: defaultOptions(), conns: make(map[*conn]struct{}), accounts: make(map[string]*Account), changed: make(chan struct{})}
		s.is, s.log = s.opt.is, s.opt.logger
		if which >= 128 {
			s.is = &revival
		}
		made := (*circle)(nil)
		var conns []*conn
		for i, email := range []string{"a@example.com", "b@example.com"} {
			a := s.AddAccount(email, "x")
			c := &conn{srv: s, kind: NS, dialect: 18, dead: true} // what is sent stays in out
			c.session = &session{account: a, conn: c, dialect: 18, status: "NLN", caps: "0:0", endpoint: "{a11ce001-0001-4001-8001-000000000001}"}
			c.session.circles = circleLogin{ticket: true, listed: true, added: true}
			a.endpoints = []*session{c.session}
			conns = append(conns, c)
			if i == 0 {
				made = fuzzedCircle(s)
			} else {
				made.members = append(made.members, &membership{account: a, role: roleMember, state: stateAccepted})
			}
			s.enterCircle(c.session, made)
		}
		verbs := []string{"PUT", "SDG", "DEL", "ADL", "RML"}
		s.handle(conns[0], wire.New(verbs[int(which&127)%len(verbs)], "7").WithPayload(text))
		if !conns[0].over {
			s.handle(conns[0], wire.New("OUT"))
		}
		for _, c := range conns {
			r := wire.NewReader(bytes.NewReader(c.out), wire.FromServer)
			r.SetDialect(c.dialect) // errors have payloads in later ones
			for {
				if _, err := r.Read(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("what is sent cannot be read: %v\n%q", err, c.out)
				}
			}
		}
		if made.holds(conns[0].session.account) {
			t.Error("who has signed out is still in the circle")
		}
	})
}
