package passport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
)

// allServices are those that a client of MSNP16 asks for.
var allServices = []passport.Service{passport.ServiceMessengerClear, passport.ServiceMessenger, passport.ServiceContacts,
	passport.ServiceMessengerSecure, passport.ServiceStorage}

// loginService answers every request by answer, and returns the RST for it.
func loginService(t *testing.T, answer http.HandlerFunc) *passport.RST {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &passport.RST{URL: server.URL + "/RST.srf", Caller: soap.Caller{
		Client: server.Client(), Allow: func(*url.URL) error { return nil }}}
}

// recordedAnswers calls test with each recorded answer to a login request.
func recordedAnswers(t *testing.T, test func(t *testing.T, answer string)) {
	t.Helper()
	paths, err := transcript.Find("../testdata/transcripts")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		rec, err := transcript.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		asked := make(map[string]bool)
		for _, r := range rec.Records {
			if r.Conn != "HTTPS" {
				continue
			}
			if r.Kind == transcript.FromClient {
				asked[r.Who] = strings.Contains(r.Text, "<wst:RequestSecurityToken ")
			} else if r.Kind == transcript.FromServer && asked[r.Who] {
				found++
				_, body, _ := strings.Cut(r.Text, "\r\n\r\n")
				t.Run(fmt.Sprintf("%s line %d", rec.Name, r.Line), func(t *testing.T) { test(t, body) })
			}
		}
	}
	if found == 0 {
		t.Error("no recorded answer")
	}
}

func TestRecordedTicketsAreRead(t *testing.T) {
	t.Parallel()
	recordedAnswers(t, func(t *testing.T, answer string) {
		rst := loginService(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		tokens, err := rst.Tokens(t.Context(), "alice@example.com", "secret123", allServices...)
		if strings.Contains(answer, "Fault>") {
			if !errors.Is(err, passport.ErrBadCredentials) {
				t.Errorf("a refusal is read as %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(answer, "<wsse:BinarySecurityToken"); n != len(tokens) {
			t.Errorf("%d tickets in the answer, %d read", n, len(tokens))
		}
		for address, token := range tokens {
			if !strings.HasPrefix(token.Ticket, "t=") {
				t.Errorf("%s: ticket %.20q", address, token.Ticket)
			}
			if left := time.Until(token.Expires); left < 23*time.Hour || left > 24*time.Hour {
				t.Errorf("%s: expires in %v", address, left)
			}
		}
		clear := tokens[passport.ServiceMessengerClear.Address]
		if _, err := passport.Proof(clear.Secret, "nonce"); err != nil {
			t.Errorf("no proof can be made: %v", err)
		}
	})
}

const fault11 = `<?xml version="1.0"?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>` +
	`<faultcode>%s</faultcode><faultstring>%s</faultstring>%s</S:Fault></S:Body></S:Envelope>`

func TestLoginFaultsAreToldApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		answer string
		want   error
	}{
		"wrong password":              {200, fmt.Sprintf(fault11, "wsse:FailedAuthentication", "Authentication Failure", ""), passport.ErrBadCredentials},
		"wrong password, 500":         {500, fmt.Sprintf(fault11, "wsse:FailedAuthentication", "Authentication Failure", ""), passport.ErrBadCredentials},
		"wrong password by number":    {200, fmt.Sprintf(fault11, "S:Client", "no", "<detail><error><value>0x80048821</value></error></detail>"), passport.ErrBadCredentials},
		"locked":                      {200, fmt.Sprintf(fault11, "S:Client", "no", "<detail><error><value>0x80048823</value></error></detail>"), passport.ErrAccount},
		"terms not accepted":          {200, fmt.Sprintf(fault11, "S:Client", "no", "<detail><error><value>0x80048825</value></error></detail>"), passport.ErrAccount},
		"password must be changed":    {200, fmt.Sprintf(fault11, "wsse:FailedAuthentication", "no", "<detail><error><value>0x80048827</value></error></detail>"), passport.ErrAccount},
		"password in a text":          {200, fmt.Sprintf(fault11, "S:very-secret", "very-secret is wrong", "<detail><error><value>very-secret</value></error></detail>"), passport.ErrLoginServer},
		"password in a refusal":       {200, fmt.Sprintf(fault11, "wsse:FailedAuthentication", "not very-secret", ""), passport.ErrBadCredentials},
		"server trouble":              {500, fmt.Sprintf(fault11, "S:Server", "try later", ""), passport.ErrLoginServer},
		"invalid request":             {200, fmt.Sprintf(fault11, "S:Client", "Invalid Request", ""), passport.ErrLoginServer},
		"no fault, 503":               {503, "busy", passport.ErrLoginServer},
		"no XML":                      {200, "hello", passport.ErrLoginServer},
		"empty":                       {200, "", passport.ErrLoginServer},
		"no token":                    {200, `<E><Body><RequestSecurityTokenResponseCollection/></Body></E>`, passport.ErrLoginServer},
		"DOCTYPE":                     {200, `<!DOCTYPE x [<!ENTITY a "b">]><Envelope><Body/></Envelope>`, passport.ErrLoginServer},
		"ticket with a line end":      {200, envelope("messenger.msn.com", "t=a&#10;b", ""), passport.ErrLoginServer},
		"ticket that is far too long": {200, envelope("messenger.msn.com", "t="+strings.Repeat("a", 5000), ""), passport.ErrLoginServer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rst := loginService(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.answer)
			})
			tokens, err := rst.Tokens(t.Context(), "alice@example.com", "very-secret", allServices...)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, %v", tokens, err)
			}
			if err != nil && strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the password stands in %v", err)
			}
		})
	}
}

// A password can be a word of what services say: the answer means the same, and does not show
// which word it was.
func TestPasswordThatIsAWordOfAnAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	const byNumber = "<detail><error><value>%s</value></error></detail>"
	refused := fmt.Sprintf(fault11, "wsse:FailedAuthentication", "Authentication Failure", "")
	for name, test := range map[string]struct {
		password, answer string
		want             error
		text             string
	}{
		"in the code":         {"Authentication", refused, passport.ErrBadCredentials, passport.ErrBadCredentials.Error() + `: "…"`},
		"a letter":            {"a", refused, passport.ErrBadCredentials, passport.ErrBadCredentials.Error() + `: "…"`},
		"in the number":       {"0x8004", fmt.Sprintf(fault11, "S:Client", "no", fmt.Sprintf(byNumber, "0x80048825")), passport.ErrAccount, "terms of use"},
		"in a refused number": {"48821", fmt.Sprintf(fault11, "S:Client", "no", fmt.Sprintf(byNumber, "0x80048821")), passport.ErrBadCredentials, `: "no"`},
		"in an unknown code":  {"Client", fmt.Sprintf(fault11, "S:Client", "no", ""), passport.ErrLoginServer, `refused: "…": "no"`},
	} {
		rst := loginService(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, test.answer) })
		if _, err := rst.Tokens(t.Context(), "alice@example.com", test.password); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	rst := loginService(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/RST.srf" {
			_, _ = fmt.Fprintf(w, fault11, "psf:Redirect", "", "<psf:redirectUrl xmlns:psf='p'>http://"+r.Host+"/there/RST.srf</psf:redirectUrl>")
			return
		}
		_, _ = io.WriteString(w, envelope("messenger.msn.com", "t=a&amp;p=", ""))
	})
	if _, err := rst.Tokens(t.Context(), "alice@example.com", "direct", passport.ServiceMessenger); err != nil {
		t.Errorf("with a word of the code as the password the redirect is not followed: %v", err)
	}
}

func envelope(address, ticket, secret string) string {
	return `<Envelope><Body><RequestSecurityTokenResponseCollection><RequestSecurityTokenResponse>` +
		`<AppliesTo><EndpointReference><Address>` + address + `</Address></EndpointReference></AppliesTo>` +
		`<RequestedSecurityToken><BinarySecurityToken>` + ticket + `</BinarySecurityToken></RequestedSecurityToken>` +
		`<RequestedProofToken><BinarySecret>` + secret + `</BinarySecret></RequestedProofToken>` +
		`</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection></Body></Envelope>`
}

func TestRedirectedLoginGoesWhereItMayOnly(t *testing.T) {
	t.Parallel()
	var asked []string
	rst := loginService(t, func(w http.ResponseWriter, r *http.Request) {
		if asked = append(asked, r.URL.Path); len(asked) == 1 {
			_, _ = fmt.Fprintf(w, fault11, "psf:Redirect", "", "<psf:redirectUrl xmlns:psf='p'>http://"+r.Host+"/pp/RST2.srf</psf:redirectUrl>")
			return
		}
		_, _ = io.WriteString(w, envelope("messenger.msn.com", "t=a&amp;p=", ""))
	})
	tokens, err := rst.Tokens(t.Context(), "alice@example.com", "secret", passport.ServiceMessenger)
	if err != nil || tokens["messenger.msn.com"].Ticket != "t=a&p=" || len(asked) != 2 || asked[1] != "/pp/RST2.srf" {
		t.Errorf("%v, %v after %v", tokens, err, asked)
	}

	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"by a fault": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, fault11, "psf:Redirect", "", "<redirectUrl>http://elsewhere.test/RST.srf</redirectUrl>")
		},
		"by HTTP": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.test/RST.srf", http.StatusTemporaryRedirect)
		},
	} {
		forbidden := errors.New("not there")
		rst := loginService(t, answer)
		rst.Caller.Allow = func(u *url.URL) error {
			if u.Host == "elsewhere.test" {
				return forbidden
			}
			return nil
		}
		if _, err := rst.Tokens(t.Context(), "alice@example.com", "secret"); !errors.Is(err, forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was asked by https is not sent on in clear, not even to this machine.
func TestRedirectedLoginStaysEncrypted(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"by a fault": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, fault11, "psf:Redirect", "", "<redirectUrl>http://127.0.0.1:1/RST.srf</redirectUrl>")
		},
		"by HTTP": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/RST.srf", http.StatusTemporaryRedirect)
		},
	} {
		server := httptest.NewTLSServer(answer)
		t.Cleanup(server.Close)
		rst := &passport.RST{URL: server.URL + "/RST.srf", Caller: soap.Caller{Client: server.Client(), Allow: func(*url.URL) error { return nil }}}
		if _, err := rst.Tokens(t.Context(), "alice@example.com", "secret"); !errors.Is(err, passport.ErrLoginServer) || !strings.Contains(err.Error(), "from https to http") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndlessRedirectsEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	rst := loginService(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		_, _ = fmt.Fprintf(w, fault11, "psf:Redirect", "", "<redirectUrl>http://"+r.Host+"/RST.srf</redirectUrl>")
	})
	if _, err := rst.Tokens(t.Context(), "alice@example.com", "secret"); !errors.Is(err, passport.ErrLoginServer) || calls > 10 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestWrongClockIsCorrectedByThatOfTheService(t *testing.T) {
	t.Parallel()
	theirs := time.Now().Add(-40 * 24 * time.Hour).UTC().Truncate(time.Second)
	var stamps []string
	rst := loginService(t, func(w http.ResponseWriter, r *http.Request) {
		request, _ := io.ReadAll(r.Body)
		_, stamp, _ := strings.Cut(string(request), "<wsu:Created>")
		stamp, _, _ = strings.Cut(stamp, "<")
		stamps = append(stamps, stamp)
		w.Header().Set("Date", theirs.Format(http.TimeFormat))
		if created, err := time.Parse(time.RFC3339, stamp); err != nil || created.Sub(theirs).Abs() > time.Minute {
			_, _ = io.WriteString(w, `<S:Envelope xmlns:S="s"><S:Body><S:Fault><S:Code><S:Value>S:Sender</S:Value><S:Subcode>`+
				`<S:Value>wsse:BadTime</S:Value></S:Subcode></S:Code></S:Fault></S:Body></S:Envelope>`)
			return
		}
		_, _ = io.WriteString(w, strings.Replace(envelope("messenger.msn.com", "t=a&amp;p=", ""), "</AppliesTo>",
			"</AppliesTo><Lifetime><Created>"+theirs.Format(time.RFC3339)+"</Created><Expires>"+
				theirs.Add(8*time.Hour).Format(time.RFC3339)+"</Expires></Lifetime>", 1))
	})
	rst.URL = strings.Replace(rst.URL, "RST.srf", "RST2.srf", 1)
	tokens, err := rst.Tokens(t.Context(), "alice@example.com", "secret", passport.ServiceMessenger)
	if err != nil || len(stamps) != 2 {
		t.Fatalf("%v after stamps %v", err, stamps)
	}
	if left := time.Until(tokens["messenger.msn.com"].Expires); left < 7*time.Hour || left > 8*time.Hour {
		t.Errorf("expires in %v by this clock", left)
	}
}

func TestPasswordIsOneTextOfTheRequest(t *testing.T) {
	t.Parallel()
	const password = `a<b>&"c'</wsse:Password> é`
	var got string
	rst := loginService(t, func(w http.ResponseWriter, r *http.Request) {
		request, _ := io.ReadAll(r.Body)
		got = string(request)
		_, _ = io.WriteString(w, envelope("messenger.msn.com", "t=a&amp;p=", ""))
	})
	if _, err := rst.Tokens(t.Context(), "alice@example.com", password); err != nil {
		t.Fatal(err)
	}
	if strings.Count(got, "</wsse:Password>") != 1 || !strings.Contains(got, "a&lt;b&gt;&amp;&quot;c'&lt;/wsse:Password&gt; é</wsse:Password>") {
		t.Errorf("sent %s", got)
	}
}

func TestTweenerPolicyIsThatOfTheServer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ct=1,rver=1,wp=FS_40SEC_0_COMPACT,lc=1,id=1":  "?ct=1&rver=1&wp=FS_40SEC_0_COMPACT&lc=1&id=1",
		"ru=http%3A%2F%2Fmessenger%2Emsn%2Ecom,id=507": "?ru=http://messenger.msn.com&id=507",
		"broken=%zz": "?broken=%zz",
	} {
		if got := passport.TweenerPolicy(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add(envelope("messenger.msn.com", "t=a&amp;p=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"))
	f.Add(fmt.Sprintf(fault11, "psf:Redirect", "x", "<redirectUrl>http://elsewhere.test/</redirectUrl>"))
	f.Add("<Envelope><Body>")
	f.Fuzz(func(t *testing.T, answer string) {
		rst := &passport.RST{URL: "https://login.test/RST.srf", Caller: soap.Caller{
			Client: &http.Client{Transport: always(answer)}, Allow: func(*url.URL) error { return nil }}}
		tokens, err := rst.Tokens(t.Context(), "alice@example.com", "secret", allServices...)
		if (err == nil) == (len(tokens) == 0) {
			t.Errorf("%v, %v", tokens, err)
		}
		for _, token := range tokens {
			if token.Ticket == "" || strings.ContainsAny(token.Ticket, " \r\n\x00") {
				t.Errorf("ticket %q", token.Ticket)
			}
		}
	})
}

// always answers every request alike.
type always string

func (a always) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}
