package msntest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Whatever is posted to a web service gets an answer, and leaves the server usable.
func FuzzWebServices(f *testing.F) {
	const head = `<soap:Envelope xmlns:soap="` + soapNamespace + `"><soap:Header><ABAuthHeader><TicketToken>t=1&amp;p=</TicketToken></ABAuthHeader>` +
		`<PassportCookie><t>1</t><p></p></PassportCookie><Ticket passport="t=1&amp;p=" lockkey="x"/><From memberName="a@example.com"/><To memberName="a@example.com"/>` +
		`<Security><UsernameToken><Username>a@example.com</Username><Password>x</Password></UsernameToken></Security></soap:Header><soap:Body>`
	const end = `</soap:Body></soap:Envelope>`
	for i, body := range []string{
		"<FindMembership/>", "<ABFindAll><deltasOnly>true</deltasOnly></ABFindAll>",
		"<AddMember><memberships><Membership><MemberRole>Allow</MemberRole><Members><Member><PassportName>b@example.com</PassportName></Member></Members></Membership></memberships></AddMember>",
		"<ABContactAdd><contacts><Contact><contactInfo><passportName>a@example.com</passportName></contactInfo></Contact></contacts></ABContactAdd>",
		"<ABGroupContactAdd/>", "<GetMessage/>", "<MessageType/><Content>MIME-Version: 1.0</Content>", "<RequestSecurityToken/>", "<!DOCTYPE x>", "",
	} {
		f.Add(byte(i), []byte(head+body+end))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		s := &Server{
			opt: defaultOptions(), done: make(chan struct{}), conns: make(map[*conn]struct{}), accounts: make(map[string]*Account),
			webTickets: make(issued[*webTicket]), gateways: make(map[string]*tunnel), changed: make(chan struct{}),
		}
		s.log = s.opt.logger
		if which >= 128 {
			s.opt.compat = Escargot
		}
		a := s.AddAccount("a@example.com", "x")
		s.AddAccount("b@example.com", "x")
		s.webTickets.put("t=1&p=", &webTicket{account: a}, webTicketLife)
		a.places = []*session{{account: a, ticket: "t=1&p=", dialect: 15, status: "NLN", caps: "0"}}
		paths := []string{RSTPath, RST2Path, SharingPath, AddressBookPath, MailboxPath, PostPath, GatewayPath}
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
