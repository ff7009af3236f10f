package msntest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// MSNP13 to MSNP18 with clients of which the test writes every line.

const (
	home = "{A11CE001-0001-4001-8001-000000000001}"
	work = "{A11CE002-0002-4002-8002-000000000002}"
)

// post sends a call to a web service and returns status and answer.
func post(t *testing.T, srv *msntest.Server, to, action, header, body string) (int, string) {
	t.Helper()
	text := `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Header>` +
		header + `</soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("SOAPAction", action)
	res, err := srv.HTTPClient().Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(answer)
}

// rst asks for tickets of services.
func rst(t *testing.T, srv *msntest.Server, to, email, password string, services ...string) (int, string) {
	t.Helper()
	var b strings.Builder
	for _, service := range append([]string{"http://Passport.NET/tb"}, services...) {
		b.WriteString("<RequestSecurityToken><AppliesTo><EndpointReference><Address>" + service + "</Address></EndpointReference></AppliesTo></RequestSecurityToken>")
	}
	return post(t, srv, to, "", "<Security><UsernameToken><Username>"+email+"</Username><Password>"+password+"</Password></UsernameToken></Security>",
		"<RequestMultipleSecurityTokens>"+b.String()+"</RequestMultipleSecurityTokens>")
}

var (
	ticketOf = regexp.MustCompile(`<wsa:Address>([^<]*)</wsa:Address>.*?<wsse:BinarySecurityToken[^>]*>([^<]*)<`)
	secretOf = regexp.MustCompile(`messengerclear.live.com</wsa:Address>.*?<wst:BinarySecret>([^<]*)<`)
)

// tickets returns the tickets of an answer by service, as they stand there (with
// &amp;), and the secret.
func tickets(t *testing.T, answer string) (map[string]string, string) {
	t.Helper()
	list := make(map[string]string)
	for _, part := range strings.Split(answer, "<wst:RequestSecurityTokenResponse>") {
		if m := ticketOf.FindStringSubmatch(part); m != nil {
			list[m[1]] = m[2]
		}
	}
	secret := secretOf.FindStringSubmatch(answer)
	if secret == nil {
		t.Fatalf("no secret in %s", answer)
	}
	return list, secret[1]
}

// modern is a client of MSNP13 or later, with its tickets.
type modern struct {
	*rawClient
	email   string
	tickets map[string]string
}

var allServices = []string{"messengerclear.live.com", "messenger.msn.com", "contacts.msn.com", "messengersecure.live.com"}

// signInAt signs in up to the profile message.
func signInAt(t *testing.T, srv *msntest.Server, d wire.Dialect, email, endpoint string) *modern {
	t.Helper()
	m := &modern{rawClient: dial(t, srv, srv.NotificationAddr()), email: email}
	to := srv.Web().Login
	if d >= wire.FirstPrefixed {
		to = srv.Web().Login2
	}
	status, answer := rst(t, srv, to, email, "secret", allServices...)
	if status != http.StatusOK {
		t.Fatalf("tickets: %d %s", status, answer)
	}
	var secret string
	m.tickets, secret = tickets(t, answer)
	m.dialect = d
	m.r.SetDialect(d)
	m.send(fmt.Sprintf("VER 1 %s CVR0", d), "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 8.5.1302 msmsgs "+email)
	m.want(fmt.Sprintf("VER 1 %s", d), "CVR 2 ...")
	ticket := func(service string) string { return strings.ReplaceAll(m.tickets[service], "&amp;", "&") }
	if d < wire.FirstSSO {
		m.send("USR 3 TWN I " + email)
		m.want("GCF 0 *", "USR 3 TWN S *")
		m.send("USR 4 TWN S " + ticket("messenger.msn.com"))
	} else {
		m.send("USR 3 SSO I " + email)
		m.want("GCF 0 *")
		nonce := m.read()
		proof, err := passport.Proof(secret, nonce.Arg(4))
		if err != nil {
			t.Fatal(err)
		}
		line := "USR 4 SSO S " + ticket("messengerclear.live.com") + " " + proof
		if d >= wire.FirstEndpoints {
			line += " " + endpoint
		}
		m.send(line)
	}
	m.want("USR 4 OK "+email+" 1 0", "SBS 0 null", "MSG Hotmail Hotmail *")
	switch {
	case d >= wire.FirstPrefixed:
		m.want("UBX 1:" + email + " 0")
	case d >= wire.FirstEndpoints:
		m.want("UBX " + email + " 1 0")
	}
	return m
}

// payload is a command with a payload.
func payload(line, text string) string { return fmt.Sprintf("%s %d\r\n%s", line, len(text), text) }

// members is a payload of ADL and RML about people at example.com.
func members(initial bool, lists string, names ...string) string {
	text := "<ml>"
	if initial {
		text = `<ml l="1">`
	}
	text += `<d n="example.com">`
	for _, name := range names {
		text += `<c n="` + name + `" l="` + lists + `" t="1"/>`
	}
	return text + "</d></ml>"
}

// onlineAt signs in and is online, with the two others of friends on its lists;
// everything the server says is read.
func onlineAt(t *testing.T, srv *msntest.Server, d wire.Dialect, email, endpoint string) *modern {
	t.Helper()
	m := signInAt(t, srv, d, email, endpoint)
	m.send(payload("ADL 5", members(true, "3", "alice", "bob", "carol")))
	caps := "1610612764"
	if d >= wire.FirstEndpoints {
		caps = "2788999228:48"
	}
	m.send("CHG 6 NLN " + caps)
	m.drain()
	return m
}

// book calls a service of the address book.
func (m *modern) book(operation, body string) (int, string) {
	m.t.Helper()
	to := m.srv.Web().AddressBook
	if strings.Contains(operation, "Member") || operation == "CreateCircle" {
		to = m.srv.Web().Sharing
	}
	return post(m.t, m.srv, to, "http://www.msn.com/webservices/AddressBook/"+operation,
		"<ABAuthHeader><TicketToken>"+m.tickets["contacts.msn.com"]+"</TicketToken></ABAuthHeader>",
		"<"+operation+` xmlns="http://www.msn.com/webservices/AddressBook">`+body+"</"+operation+">")
}

func eachModern(t *testing.T, test func(t *testing.T, d wire.Dialect)) {
	t.Parallel()
	for d := wire.FirstSOAP; d <= wire.MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

func TestModernPresenceInItsForms(t *testing.T) {
	eachModern(t, func(t *testing.T, d wire.Dialect) {
		srv := friends(t, msntest.WithDialects(d, 8))
		a := onlineAt(t, srv, d, alice, home)
		b := signInAt(t, srv, d, bob, work)
		b.send(payload("ADL 5", members(true, "3", "alice")), "BLP 6 AL")
		b.want("ADL 5 OK", "BLP 6 AL")
		caps, other, offline := "1610612764", bob, "FLN "+bob
		first, later := "ILN 7 NLN "+alice+" Alice", "NLN NLN "+bob
		ubx := "UBX " + bob + " *"
		switch {
		case d >= wire.FirstPrefixed:
			other = "1:" + bob
			first, later, offline, ubx = "NLN NLN 1:"+alice+" Alice", "NLN NLN "+other, "FLN "+other+" 0:0", "UBX "+other+" *"
		case d >= wire.FirstNetworks:
			first, later, offline, ubx = "ILN 7 NLN "+alice+" 1 Alice", "NLN NLN "+bob+" 1", "FLN "+bob+" 1 0", "UBX "+bob+" 1 *"
		}
		if d >= wire.FirstEndpoints {
			caps = "2788999228:48"
			if d < wire.FirstPrefixed {
				offline += ":0"
			}
		}
		b.send("CHG 7 NLN " + caps)
		b.want("CHG 7 NLN " + caps)
		lines := strings.Join(b.drain(), "\n")
		if !strings.Contains(lines, first+" "+caps) {
			t.Errorf("bob hears\n%s\nwithout %q", lines, first)
		}
		if own := strings.Contains(lines, "NLN NLN "+strings.TrimPrefix(later, "NLN NLN ")); own != (d >= wire.FirstEndpoints) {
			t.Errorf("bob hears of himself: %v\n%s", own, lines)
		}
		a.want(later + " Bob%20Builder " + caps)
		if d >= wire.FirstEndpoints {
			a.want(ubx)
		}
		b.send(payload("UUX 8", "<Data><PSM>hi</PSM><CurrentMedia></CurrentMedia></Data>"))
		b.want("UUX 8 0")
		if cmd := a.read(); !matches(line(cmd), ubx) || !strings.Contains(cmd.Payload, "<PSM>hi</PSM>") {
			t.Errorf("alice got %q %q", line(cmd), cmd.Payload)
		}
		b.send("OUT")
		a.want(offline)
		a.barrier()
	})
}

// What MSNP13 took away ends the connection, as do a wrong proof and a missing GUID.
func TestModernRefusals(t *testing.T) {
	eachModern(t, func(t *testing.T, d wire.Dialect) {
		srv := friends(t, msntest.WithDialects(d))
		for _, gone := range []string{"SYN 9 0 0", "ADC 9 FL N=x@example.com", "REM 9 AL " + bob, "ADG 9 x", "GTC 9 A", "SBP 9 x MFN y", "LST 9 FL"} {
			c := onlineAt(t, srv, d, alice, home)
			c.send(gone)
			c.wantClosed()
		}
		c := onlineAt(t, srv, d, alice, home)
		for text, number := range map[string]string{
			members(false, "3", "nobody"):                               "208 9 *",
			`<ml><d n="example.com"><c n="bob" l="3" t="77"/></d></ml>`: "204 9 *",
		} {
			c.send(payload("ADL 9", text))
			c.want(number)
		}
		c.barrier()
		for text, number := range map[string]string{
			"<ml></ml>":                        "240 9",
			`<ml><d n="example.com"></d></ml>`: "240 9",
			"<ml":                              "241 9",
			members(false, "8", "bob"):         "241 9 *",
			members(false, "6", "bob"):         "241 9 *",
			members(false, "3", strings.Split(strings.Repeat("x", 151), "")...): "241 9 ...",
			`<ml><!DOCTYPE x></ml>`: "241 9",
		} {
			c := onlineAt(t, srv, d, alice, home)
			c.send(payload("ADL 9", text))
			c.want(number)
			c.wantClosed()
		}
		if d < wire.FirstSSO {
			return
		}
		_, answer := rst(t, srv, srv.Web().Login, alice, "secret", allServices...)
		list, secret := tickets(t, answer)
		for name, tail := range map[string]func(nonce string) string{
			"broken proof": func(string) string { return " " + strings.Repeat("eHh4", 43) + " " + home },
			"no proof":     func(string) string { return "" },
			"proof of another nonce": func(string) string {
				proof, _ := passport.Proof(secret, "nonce")
				return " " + proof + " " + home
			},
			"no endpoint": func(nonce string) string {
				proof, _ := passport.Proof(secret, nonce)
				return " " + proof
			},
		} {
			if name == "no endpoint" && d < wire.FirstEndpoints {
				continue
			}
			c := dial(t, srv, srv.NotificationAddr())
			c.send(fmt.Sprintf("VER 1 %s CVR0", d), "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 8.5.1302 msmsgs "+alice, "USR 3 SSO I "+alice)
			c.want("VER 1 *", "CVR 2 ...", "GCF 0 *")
			c.send("USR 4 SSO S " + strings.ReplaceAll(list["messengerclear.live.com"], "&amp;", "&") + tail(c.read().Arg(4)))
			c.want("911 4")
			c.wantClosed()
		}
	})
}

// The login service refuses in the form of each version, and as hooks say.
func TestTicketFaults(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	for to, want := range map[string]string{
		srv.Web().Login:  "<faultcode>wsse:FailedAuthentication</faultcode>",
		srv.Web().Login2: "<S:Subcode><S:Value>wst:FailedAuthentication</S:Value></S:Subcode>",
	} {
		if status, answer := rst(t, srv, to, alice, "wrong"); status != http.StatusOK || !strings.Contains(answer, want) || !strings.Contains(answer, "0x80048821") {
			t.Errorf("%d %s", status, answer)
		}
		for action, want := range map[*msntest.Action]string{
			ptr(msntest.LoginFault("0x80048823", "locked")):                     "0x80048823",
			ptr(msntest.BadTime()):                                              "wsse:BadTime",
			ptr(msntest.RedirectLogin("https://x.example/RST.srf")):             "<psf:redirectUrl>https://x.example/RST.srf</psf:redirectUrl>",
			ptr(msntest.Respond(http.StatusBadGateway, nil, "<html>no</html>")): "<html>no</html>",
		} {
			u, err := url.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			remove := srv.Hook(msntest.OnHTTPS(u.Path, *action))
			if _, answer := rst(t, srv, to, alice, "secret"); !strings.Contains(answer, want) {
				t.Errorf("%q is not in %s", want, answer)
			}
			remove()
		}
	}
	if status, _ := post(t, srv, srv.Web().Login, "", "", ""); status != http.StatusOK {
		t.Errorf("an empty request: status %d", status)
	}
}

func ptr[T any](x T) *T { return &x }

// The address book and SYN show the same lists, and whoever is added or removed is
// told in their own dialect.
func TestAddressBookAndListsAreTheSame(t *testing.T) {
	eachModern(t, func(t *testing.T, d wire.Dialect) {
		srv := friends(t, msntest.WithDialects(d, 8))
		srv.AddAccount("dave@example.com", "secret", msntest.Name("Dave"))
		a := onlineAt(t, srv, d, alice, home)
		dave := online(t, srv, 8, "dave@example.com")
		contact := `<contacts><Contact><contactInfo><passportName>%s</passportName><isMessengerUser>true</isMessengerUser></contactInfo></Contact></contacts>` +
			`<options><EnableAllowListManagement>true</EnableAllowListManagement></options>`
		for email, want := range map[string]string{
			"nobody@example.com": "InvalidPassportUser", "nobody": "BadEmailArgument", "nobody@example": "BadEmailArgument", bob: "ContactAlreadyExists",
		} {
			if status, answer := a.book("ABContactAdd", fmt.Sprintf(contact, email)); status != http.StatusInternalServerError || !strings.Contains(answer, ">"+want+"<") {
				t.Errorf("adding %s: %d %s", email, status, answer)
			}
		}
		status, answer := a.book("ABContactAdd", fmt.Sprintf(contact, "dave@example.com"))
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		dave.want("ADD 0 RL * " + alice + " Alice")
		if on := srv.Account(alice).Lists("dave@example.com"); on != msntest.FL|msntest.AL {
			t.Errorf("dave is on %b", on)
		}
		dave.send("ADD 9 FL " + alice + " Alice")
		adl := a.read()
		if adl.Verb != "ADL" || adl.Arg(0) != "0" || !strings.Contains(adl.Payload, `<c n="dave" t="1" l="8" f="Dave" />`) {
			t.Errorf("alice got %q %q", line(adl), adl.Payload)
		}
		if not := a.read(); not.Verb != "NOT" || !strings.Contains(not.Payload, "ABCHInternal") {
			t.Errorf("alice got %q %q", line(not), not.Payload)
		}
		_, answer = a.book("FindMembership", "")
		if !strings.Contains(answer, "<MemberRole>Pending</MemberRole>") || strings.Count(answer, "dave@example.com") != 2 {
			t.Errorf("memberships\n%s", answer)
		}
		find := "ABFindAll"
		if d >= wire.FirstEndpoints {
			find = "ABFindContactsPaged"
		}
		if _, answer = a.book(find, ""); strings.Count(answer, "<isMessengerUser>true</isMessengerUser>") != 3 || !strings.Contains(answer, "<contactType>Me</contactType>") {
			t.Errorf("contacts\n%s", answer)
		}
		if status, answer := a.book("ABFindAll", "<deltasOnly>true</deltasOnly>"); status != http.StatusInternalServerError || !strings.Contains(answer, "FullSyncRequired") {
			t.Errorf("deltas: %d %s", status, answer)
		}
		a.tickets["contacts.msn.com"] = "t=wrong&amp;p="
		if status, _ := a.book(find, ""); status != http.StatusForbidden {
			t.Errorf("a wrong ticket: %d", status)
		}
	})
}

// What others see follows what the client says by ADL and RML, not the web services.
func TestSessionListsAreTold(t *testing.T) {
	eachModern(t, func(t *testing.T, d wire.Dialect) {
		srv := friends(t, msntest.WithDialects(d, 8))
		b := online(t, srv, 8, bob)
		a := onlineAt(t, srv, d, alice, home)
		b.want("NLN NLN " + alice + " Alice *")
		a.send(payload("RML 9", members(false, "2", "bob")), payload("ADL 10", members(false, "4", "bob")))
		a.want("RML 9 OK", "ADL 10 OK")
		b.want("FLN " + alice)
		if on := srv.Account(alice).Lists(bob); on&msntest.AL == 0 {
			t.Errorf("the web services were changed: %b", on)
		}
		if told := srv.Told(alice)[bob]; told != msntest.FL|msntest.BL {
			t.Errorf("told %b", told)
		}
		if d >= wire.FirstNetworks {
			a.send(payload("FQY 11", `<ml><d n="example.com"><c n="bob"/></d></ml>`), payload("FQY 12", `<ml><d n="example.com"><c n="nobody"/></d></ml>`))
			a.want("FQY 11 *", "208 12 *")
		}
	})
}

// Two endpoints: one status, both are rung, and one can end the other.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	for d := wire.FirstEndpoints; d <= wire.MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := friends(t, msntest.WithDialects(d, 12, 15))
			b := online(t, srv, 12, bob)
			one := onlineAt(t, srv, d, alice, home)
			b.drain()
			two := onlineAt(t, srv, d, alice, work)
			one.drain()
			two.send("CHG 9 BSY 2788999228:48")
			two.want("CHG 9 BSY *")
			if lines := one.drain(); len(lines) != 2 || !strings.HasPrefix(lines[0], "NLN BSY ") {
				t.Errorf("the other endpoint hears %q", lines)
			}
			two.drain()
			b.want("NLN BSY " + alice + " Alice 2788999228")
			b.barrier()

			sb := b.switchboard(bob)
			sb.send("CAL 2 " + alice)
			sb.want("CAL 2 RINGING *")
			sb1 := one.answer(alice + ";" + home)
			sb1.want("IRO 1 1 1 "+bob+" Bob%20Builder *", "ANS 1 OK")
			sb2 := two.answer(alice + ";" + work)
			sb2.want("IRO 1 1 3 "+bob+" *"+" *", "IRO 1 2 3 "+alice+";"+strings.ToLower(home)+" Alice *", "IRO 1 3 3 "+alice+" Alice *", "ANS 1 OK")
			sb1.want("JOI " + alice + ";" + strings.ToLower(work) + " Alice *")
			sb.want("JOI " + alice + " Alice 2788999228")
			text := "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nhi"
			sb1.send(msg(3, "N", text))
			sb.want("MSG " + alice + " Alice *")
			sb2.want("MSG " + alice + " Alice *")
			sb1.send("OUT")
			sb2.want("BYE " + alice + ";" + strings.ToLower(home))
			sb2.send("OUT")
			sb.want("BYE " + alice)

			one.send(payload("UUN 10 "+alice+";"+work+" 4", "goawyplzthxbye"))
			one.want("UUN 10 OK")
			two.want("UBN " + alice + ";" + strings.ToLower(home) + " 4 14")
			two.send("OUT")
			two.wantClosed()
			b.barrier()
			again := signInAt(t, srv, d, alice, home)
			if lines := one.drainToEnd(); lines[len(lines)-1] != "OUT OTH" {
				t.Errorf("the older session with the same GUID hears %q", lines)
			}
			older := signInAt(t, srv, 15, alice, "")
			if lines := again.drainToEnd(); lines[len(lines)-1] != "OUT OTH" {
				t.Errorf("MSNP15 ends other endpoints: %q", lines)
			}
			if endpoints := srv.Endpoints(alice); len(endpoints) != 1 || endpoints[0].Dialect != 15 {
				t.Errorf("endpoints %+v", endpoints)
			}
			older.barrier()
		})
	}
}

// drainToEnd reads until the server closes.
func (c *rawClient) drainToEnd() []string {
	c.t.Helper()
	var lines []string
	for {
		cmd, err := c.r.Read()
		if err != nil {
			return append([]string{""}, lines...)
		}
		lines = append(lines, line(cmd))
	}
}

// Notes reach who is online only.
func TestNotes(t *testing.T) {
	eachModern(t, func(t *testing.T, d wire.Dialect) {
		srv := friends(t, msntest.WithDialects(d))
		a, b := onlineAt(t, srv, d, alice, home), onlineAt(t, srv, d, bob, work)
		a.drain()
		a.send(payload("UUN 9 "+bob+" 1", "note"), payload("UUN 10 "+carol+" 1", "note"), payload("UUN 11 nobody@example.com 1", "note"))
		a.want("UUN 9 OK", "217 10", "217 11")
		b.want("UBN " + alice + " 1 4")
	})
}

// Offline messages: the lock key, the faults, the notices, and what is kept.
func TestOfflineMessageService(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithOfflineRate(2), msntest.WithOfflineListed(1))
	a := onlineAt(t, srv, 15, alice, home)
	content := "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n" +
		"X-OIM-Message-Type: OfflineMessage\r\nX-OIM-Run-Id: {3A3BE82C-684D-4F4F-8005-CBE8D4F82BAD}\r\nX-OIM-Sequence-Num: 1\r\n\r\nSGVsbG8="
	store := func(from, to, key, content string) (int, string) {
		return post(t, srv, srv.Web().Post, "http://messenger.live.com/ws/2006/09/oim/Store2",
			`<From memberName="`+from+`" friendlyName="=?utf-8?B?QWxpY2U=?="/><To memberName="`+to+`"/><Ticket passport="`+a.tickets["messengersecure.live.com"]+
				`" appid="PROD0119GSJUC$18" lockkey="`+key+`"/><Sequence><MessageNumber>1</MessageNumber></Sequence>`,
			"<MessageType>text</MessageType><Content>"+content+"</Content>")
	}
	_, answer := store(alice, bob, "", content)
	_, challenge, _ := strings.Cut(answer, "LockKeyChallenge xmlns=\"http://messenger.msn.com/ws/2004/09/oim/\">")
	challenge, _, _ = strings.Cut(challenge, "<")
	product, _ := passport.ProductByID("PROD0119GSJUC$18")
	key := passport.ChallengeAnswer(15, product, challenge)
	for _, test := range []struct{ from, to, key, content, want string }{
		{alice, bob, "0123456789abcdef0123456789abcdef", content, "q0:AuthenticationFailed"},
		{alice, "nobody@example.com", key, content, "q0:SystemUnavailable"},
		{carol, bob, key, content, "q0:SystemUnavailable"},
		{alice, bob, key, "no MIME", "q0:InvalidContent"},
		{alice, bob, key, content, "StoreResponse"},
		{alice, bob, key, content, "StoreResponse"},
		{alice, bob, key, content, "q0:SenderThrottleLimitExceeded"},
	} {
		if _, answer := store(test.from, test.to, test.key, test.content); !strings.Contains(answer, test.want) {
			t.Errorf("from %s to %s: %q is not in %s", test.from, test.to, test.want, answer)
		}
	}
	waiting := srv.OfflineMessages(bob)
	if len(waiting) != 2 || waiting[0].Text != "Hello" || waiting[0].From != alice || waiting[0].FromName != "Alice" || waiting[0].Number != 1 {
		t.Fatalf("waiting %+v", waiting)
	}
	b := signInAt(t, srv, 15, bob, work)
	b.send("CHG 6 NLN 0")
	b.want("CHG 6 NLN 0")
	if notice := b.read(); !strings.Contains(notice.Payload, "Mail-Data: too-large") {
		t.Errorf("the first notice is %q", notice.Payload)
	}
	srv.PutOffline(bob, msntest.OfflineMessage{From: carol, FromName: "Carol", Text: "live"})
	for notice := b.read(); !strings.Contains(notice.Payload, "text/x-msmsgsoimnotification"); notice = b.read() {
	}
	t1, p1, _ := strings.Cut(strings.TrimPrefix(b.tickets["messenger.msn.com"], "t="), "&amp;p=")
	read := func(operation, body string) (int, string) {
		return post(t, srv, srv.Web().Mailbox, "http://www.hotmail.msn.com/ws/2004/09/oim/rsi/"+operation,
			"<PassportCookie><t>"+t1+"</t><p>"+p1+"</p></PassportCookie>", "<"+operation+">"+body+"</"+operation+">")
	}
	if _, list := read("GetMetadata", ""); strings.Count(list, "<M>") != 3 {
		t.Errorf("listed\n%s", list)
	}
	if _, mail := read("GetMessage", "<messageId>"+waiting[0].ID+"</messageId>"); !strings.Contains(mail, "SGVsbG8=") || !strings.Contains(mail, "X-OIM-Sequence-Num: 1") {
		t.Errorf("the mail is\n%s", mail)
	}
	if status, _ := read("DeleteMessages", "<messageIds><messageId>nothing</messageId></messageIds>"); status != http.StatusInternalServerError {
		t.Errorf("deleting nothing: %d", status)
	}
	if status, _ := read("DeleteMessages", "<messageIds><messageId>"+waiting[0].ID+"</messageId></messageIds>"); status != http.StatusOK {
		t.Errorf("deleting: %d", status)
	}
	if left := srv.OfflineMessages(bob); len(left) != 2 || left[1].Text != "live" {
		t.Errorf("left %+v", left)
	}
}

// A request can be carried out without its answer arriving.
func TestWebRequestsThatAreCutOff(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithDialects(15))
	a := onlineAt(t, srv, 15, alice, home)
	remove := srv.Hook(msntest.OnSOAP("ABGroupAdd", msntest.DropAfter()))
	if status, _ := a.book("ABGroupAdd", "<groupInfo><GroupInfo><name>Pals</name></GroupInfo></groupInfo>"); status != 0 {
		t.Errorf("status %d", status)
	}
	remove()
	if _, answer := a.book("ABFindAll", ""); !strings.Contains(answer, "<name>Pals</name>") {
		t.Errorf("the group was not made: %s", answer)
	}
	for name, action := range map[string]msntest.Action{
		"fault": msntest.SOAPFault(msntest.Fault{Code: "soap:Client", ErrorCode: "QuotaLimitReached"}),
		"text":  msntest.Respond(http.StatusOK, nil, "QuotaLimitReached"),
	} {
		remove := srv.Hook(msntest.For(alice, msntest.OnSOAP("ABGroupAdd", action)))
		if _, answer := a.book("ABGroupAdd", ""); !strings.Contains(answer, "QuotaLimitReached") {
			t.Errorf("%s: %s", name, answer)
		}
		remove()
	}
	sent := 0
	for _, r := range srv.Sent(alice) {
		if r.HTTP != nil && r.HTTP.Operation == "ABGroupAdd" {
			sent++
		}
	}
	if sent != 3 {
		t.Errorf("%d requests on record", sent)
	}
}

// The gateway carries a connection in requests.
func TestGateway(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	request := func(query, body string) (status int, session, answer string) {
		res, err := srv.HTTPClient().Post(srv.Web().Gateway+"?"+query, "application/x-msn-messenger", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("X-MSN-Messenger"), string(data)
	}
	_, session, answer := request("Action=open&Server=NS&IP=messenger.hotmail.com", "VER 1 MSNP7 CVR0\r\n")
	if answer != "VER 1 MSNP7\r\n" || !strings.HasPrefix(session, "SessionID=") {
		t.Fatalf("opened: %q %q", session, answer)
	}
	id, _, _ := strings.Cut(session, ";")
	if _, _, answer = request(id, "INF 2\r\nUSR 3 MD5 I "+alice+"\r\n"); !strings.HasPrefix(answer, "INF 2 MD5\r\nUSR 3 MD5 S ") {
		t.Fatalf("got %q", answer)
	}
	salt := strings.TrimSpace(answer[strings.LastIndex(strings.TrimSpace(answer), " ")+1:])
	if _, _, answer = request(id, "USR 4 MD5 S "+md5Hex(salt+"secret")+"\r\nCHG 5 NLN\r\n"); !strings.HasPrefix(answer, "USR 4 OK ") || !strings.Contains(answer, "CHG 5 NLN\r\n") {
		t.Fatalf("got %q", answer)
	}
	if _, _, answer = request("Action=poll&"+id, ""); strings.Contains(answer, "NLN NLN") {
		t.Errorf("polled %q", answer)
	}
	online(t, srv, 8, bob)
	if _, _, answer = request("Action=poll&"+id, ""); !strings.Contains(answer, "NLN NLN "+bob) {
		t.Errorf("polled %q", answer)
	}
	if _, session, _ = request(id, "OUT\r\n"); !strings.HasSuffix(session, "Session=close") {
		t.Errorf("after OUT: %q", session)
	}
	for _, query := range []string{"Action=poll&" + id, "Action=poll&SessionID=none", "Action=open&Server=XX"} {
		if status, _, _ := request(query, ""); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", query, status)
		}
	}
}
