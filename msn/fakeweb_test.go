package msn

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

const (
	// fakeWebHost is where the web services of the fake network are.
	fakeWebHost = "https://web.msn.example.com"
	// fakeNonce is what the fake notification server wants a proof of.
	fakeNonce = "RyH/bO7SGCmX2w0uybUjj7l32s+WQf6nTm5MrVI6nSA4ZMhuONVGLlO3xrqV4vEH"
	fakeGUID  = "{11111111-2222-3333-4444-555555555555}"
	bobsGUID  = "c1f9a363-4ee9-4a33-a434-b056a4c55b98"
)

// fakeSecret is the secret of the fake tickets.
var fakeSecret = base64.StdEncoding.EncodeToString([]byte("0123456789abcdefghijklmn"))

// fakeWebServices are the addresses of a fakeWeb.
var fakeWebServices = WebServices{
	Login: fakeWebHost + "/RST.srf", AddressBook: fakeWebHost + "/abservice/abservice.asmx",
	Sharing: fakeWebHost + "/abservice/SharingService.asmx",
	Mailbox: fakeWebHost + "/rsi/rsi.asmx", Post: fakeWebHost + "/OimWS/oim.asmx",
	Storage: fakeWebHost + "/storageservice/SchematizedStore.asmx",
}

// webCall is a request to a fakeWeb.
type webCall struct {
	operation string // last part of the SOAPAction, "RST" for logins
	body      string
	cookie    string
	url       string
}

// webAnswer is what a fakeWeb answers. The zero value means what it usually does.
type webAnswer struct {
	status  int
	content string
	header  http.Header
	err     error // of the connection, in place of an answer
}

// fakeWeb are the web services of the fake network: the login by RST, the address
// book, and the offline messages. They keep the lists as text, which a test sets, and
// take every change without making it.
type fakeWeb struct {
	t testing.TB

	mu      sync.Mutex
	calls   []webCall
	answer  map[string]func(webCall) webAnswer // by operation, in place of the usual answer
	life    time.Duration                      // of tickets, 0 for a day
	given   int                                // how often tickets were given out
	members string                             // Membership elements
	book    string                             // Contact elements
	groups  string                             // Group elements
	circles string                             // what follows the contacts
	people  string                             // Contact elements of every circle
}

// newFakeWeb returns web services with bob on FL, AL and RL, who takes pages.
func newFakeWeb(t testing.TB) *fakeWeb {
	return &fakeWeb{
		t: t, answer: make(map[string]func(webCall) webAnswer),
		members: membership("Allow", "bob@example.com") + membership("Reverse", "bob@example.com"),
		book:    meElement("Alice A") + contactElement(bobsGUID, "bob@example.com", "Bob", mobile("+1 (555) 111-2222")),
	}
}

// membership is a Membership element.
func membership(role string, accounts ...string) string {
	var b strings.Builder
	for i, account := range accounts {
		fmt.Fprintf(&b, `<Member xsi:type="PassportMember"><MembershipId>%s/%d</MembershipId><Type>Passport</Type><State>Accepted</State>`+
			`<Deleted>false</Deleted><PassportName>%s</PassportName></Member>`, role, i, account)
	}
	return "<Membership><MemberRole>" + role + "</MemberRole><Members>" + b.String() + "</Members></Membership>"
}

// meElement is the Contact element of the user.
func meElement(name string) string {
	return "<Contact><contactId>me</contactId><contactInfo><contactType>Me</contactType><passportName>alice@example.com</passportName>" +
		"<displayName>" + name + "</displayName></contactInfo></Contact>"
}

// contactElement is a Contact element; more goes into its contactInfo.
func contactElement(id, account, name string, more ...string) string {
	return "<Contact><contactId>" + id + "</contactId><contactInfo><contactType>Regular</contactType><passportName>" + account +
		"</passportName><displayName>" + name + "</displayName><isMessengerUser>true</isMessengerUser>" + strings.Join(more, "") +
		"</contactInfo></Contact>"
}

// mobile are the elements of a contact who takes pages at a number.
func mobile(number string) string {
	return "<phones><ContactPhone><contactPhoneType>ContactPhoneMobile</contactPhoneType><number>" + number +
		"</number></ContactPhone></phones><isMobileIMEnabled>true</isMobileIMEnabled>"
}

// set changes the lists or answers while nobody reads them.
func (w *fakeWeb) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// called returns the calls of an operation so far.
func (w *fakeWeb) called(operation string) (calls []webCall) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.operation == operation {
			calls = append(calls, c)
		}
	}
	return calls
}

// operations returns what was called so far, in order.
func (w *fakeWeb) operations() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		names = append(names, c.operation)
	}
	return names
}

// forget forgets the calls so far.
func (w *fakeWeb) forget() { w.set(func() { w.calls = nil }) }

// RoundTrip implements http.RoundTripper.
func (w *fakeWeb) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return fakePassport(r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	action := strings.Trim(r.Header.Get("SOAPAction"), `"`)
	call := webCall{operation: action[strings.LastIndexByte(action, '/')+1:], body: string(content), cookie: r.Header.Get("Cookie"), url: r.URL.String()}
	if strings.HasSuffix(strings.ToLower(r.URL.Path), ".srf") {
		call.operation = "RST"
	}
	w.mu.Lock()
	w.calls = append(w.calls, call)
	special := w.answer[call.operation]
	w.mu.Unlock()
	var a webAnswer
	if special != nil {
		a = special(call)
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.status == 0 && a.content == "" {
		a.content = w.usual(call)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.content)), Request: r}, nil
}

// usual is the answer to a call when all is well.
func (w *fakeWeb) usual(call webCall) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	result := func(content string) string {
		return soapEnvelope("<" + call.operation + "Response><" + call.operation + "Result>" + content +
			"</" + call.operation + "Result></" + call.operation + "Response>")
	}
	switch call.operation {
	case "RST":
		if !strings.Contains(call.body, "Password>secret<") {
			return soapFault("wsse:FailedAuthentication", "Authentication Failure", "")
		}
		w.given++
		return tokensEnvelope(w.given, w.life)
	case "FindMembership":
		return result("<Services><Service><Memberships>" + w.members +
			"</Memberships><Info><Handle><Id>1</Id><Type>Messenger</Type></Handle></Info></Service></Services>")
	case "ABFindAll":
		return result("<groups>" + w.groups + "</groups><contacts>" + w.book + "</contacts>")
	case "ABFindContactsPaged":
		if strings.Contains(call.body, "<ABId>") {
			return result("<Contacts>" + w.people + "</Contacts>")
		}
		return result("<Groups>" + w.groups + "</Groups><Contacts>" + w.book + "</Contacts>" + w.circles)
	case "ABContactAdd":
		return result("<guid>00000000-0000-0000-0000-0000000000aa</guid>")
	case "GetMetadata":
		return soapEnvelope("<GetMetadataResponse><MD></MD></GetMetadataResponse>")
	}
	return result("")
}

func soapEnvelope(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"` +
		` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Header></soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

func soapFault(code, reason, detail string) string {
	return soapEnvelope("<soap:Fault><faultcode>" + code + "</faultcode><faultstring>" + reason + "</faultstring><detail>" + detail + "</detail></soap:Fault>")
}

// bookFault is a fault of the address book.
func bookFault(code string) func(webCall) webAnswer {
	return func(webCall) webAnswer {
		return webAnswer{status: 500, content: soapFault("soap:Client", code, "<errorcode>"+code+"</errorcode>")}
	}
}

// status answers with a status and nothing else.
func status(code int) func(webCall) webAnswer {
	return func(webCall) webAnswer { return webAnswer{status: code, content: "no"} }
}

// once gives one answer, and the usual one after that.
func once(answer func(webCall) webAnswer) func(webCall) webAnswer {
	var mu sync.Mutex
	done := false
	return func(c webCall) webAnswer {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return webAnswer{}
		}
		done = true
		return answer(c)
	}
}

// tokensEnvelope is the answer of the login service: all tickets, marked by number.
func tokensEnvelope(number int, life time.Duration) string {
	if life == 0 {
		life = 24 * time.Hour
	}
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for _, service := range append([]passport.Service{passport.ServiceMessengerClear}, web.TicketServices...) {
		secret := ""
		if service == passport.ServiceMessengerClear {
			secret = "<wst:RequestedProofToken><wst:BinarySecret>" + fakeSecret + "</wst:BinarySecret></wst:RequestedProofToken>"
		}
		fmt.Fprintf(&b, `<wst:RequestSecurityTokenResponse><wsp:AppliesTo><wsa:EndpointReference><wsa:Address>%s</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>`+
			`<wst:LifeTime><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wst:LifeTime>`+
			`<wst:RequestedSecurityToken><wsse:BinarySecurityToken>%s</wsse:BinarySecurityToken></wst:RequestedSecurityToken>%s</wst:RequestSecurityTokenResponse>`,
			service.Address, created.Format(time.RFC3339), created.Add(life).Format(time.RFC3339),
			strings.ReplaceAll(fakeTicket(service, number), "&", "&amp;"), secret)
	}
	return soapEnvelope("<wst:RequestSecurityTokenResponseCollection>" + b.String() + "</wst:RequestSecurityTokenResponseCollection>")
}

// fakeTicket is the ticket for a service that was given out as the number-th.
func fakeTicket(service passport.Service, number int) string {
	return fmt.Sprintf("t=%s-%d&p=x", service.Address, number)
}

// greetWeb plays the server's part of MSNP13 and later up to the Client's status.
func (f *fakeConn) greetWeb(d wire.Dialect) {
	f.t.Helper()
	if d >= wire.FirstSSO {
		f.expect("USR 3 SSO I alice@example.com")
		f.send("GCF 0 2\r\nxx", "USR 3 SSO S "+passport.PolicyKeyOld+" "+fakeNonce)
		f.proof(d)
		f.send("USR 4 OK alice@example.com 1 0")
	} else {
		f.expect("USR 3 TWN I alice@example.com")
		f.send("USR 3 TWN S ct=1,rver=1")
		f.expect("USR 4 TWN S " + fakeTicket(passport.ServiceMessenger, 1))
		f.send("USR 4 OK alice@example.com 1 0")
	}
	f.expect("BLP 5 AL")
	f.send("BLP 5 AL")
}

// proof reads the USR that proves the tickets.
func (f *fakeConn) proof(d wire.Dialect) {
	f.t.Helper()
	usr := f.read()
	want := []string{"4", "SSO", "S", fakeTicket(passport.ServiceMessengerClear, 1), usr.Arg(4)}
	if d >= wire.FirstEndpoints {
		want = append(want, fakeGUID)
	}
	if usr.Verb != "USR" || !slices.Equal(usr.Args, want) {
		f.t.Fatalf("the client sent %q", lineOf(usr))
	}
	if !passport.VerifyProof(usr.Arg(4), fakeSecret, fakeNonce) {
		f.t.Fatalf("the proof %q is wrong", usr.Arg(4))
	}
}

// lists reads the ADLs of the sign-in, the first of which has the TrID 6, and
// returns their payloads.
func (f *fakeConn) lists() (payloads []string) {
	f.t.Helper()
	for trid := 6; ; trid++ {
		cmd := f.read()
		if cmd.Verb != "ADL" {
			if lineOf(cmd) != fmt.Sprintf("PRP %d MFN Alice%%20A", trid) {
				f.t.Fatalf("the client sent %q", lineOf(cmd))
			}
			f.send(lineOf(cmd))
			return payloads
		}
		if cmd.Arg(0) != fmt.Sprint(uint32(trid)) {
			f.t.Fatalf("the client sent %q", lineOf(cmd))
		}
		payloads = append(payloads, cmd.Payload)
		f.send("ADL " + cmd.Arg(0) + " OK")
	}
}

// present plays the end of the sign-in from MSNP13 on, whose first TrID may be given
// when it is not the usual one.
func (f *fakeConn) present(d wire.Dialect, first ...int) {
	f.t.Helper()
	last := lastTrID(d)
	if len(first) > 0 {
		last = strconv.Itoa(first[0])
	}
	for {
		cmd := f.read()
		switch cmd.Verb {
		case "UUX":
			f.send("UUX " + cmd.Arg(0) + " 0")
		case "CHG":
			want := map[wire.Dialect]string{13: "1610612768", 14: "1610612768", 15: "2147483680", 16: "2415919136:32", 17: "2415919136:32", 18: "2684354592:32"}[d]
			if lineOf(cmd) != "CHG "+last+" NLN "+want {
				f.t.Fatalf("the client sent %q", lineOf(cmd))
			}
			f.send(lineOf(cmd))
			return
		default:
			f.t.Fatalf("the client sent %q", lineOf(cmd))
		}
	}
}

// webIn returns a Client that is signed in by web services, those services, and the
// server's end of its connection. prepare, which may be nil, is called with the
// services before.
func webIn(t *testing.T, d wire.Dialect, prepare func(*fakeWeb), change ...func(*Config)) (*Client, *fakeWeb, *fakeConn) {
	t.Helper()
	web := newFakeWeb(t)
	if prepare != nil {
		prepare(web)
	}
	change = append([]func(*Config){func(c *Config) { c.https = web }}, change...)
	client, ns := signedIn(t, newFakeNet(t), d, change...)
	return client, web, ns
}
