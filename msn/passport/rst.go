package passport

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/soap"
)

// The services that tickets are asked for (protocol/01-login.md, section 4.2).
var (
	ServiceMessengerClear  = Service{"messengerclear.live.com", PolicyKeyOld} // USR SSO S; has a secret
	ServiceMessenger       = Service{"messenger.msn.com", "?id=507"}          // offline messages; USR TWN S of MSNP12 to MSNP14
	ServiceContacts        = Service{"contacts.msn.com", "MBI"}               // address book and memberships
	ServiceMessengerSecure = Service{"messengersecure.live.com", "MBI_SSL"}   // sending offline messages
	ServiceStorage         = Service{"storage.msn.com", "MBI"}                // profile
)

// Service is a web service that wants a ticket of its own.
type Service struct{ Address, Policy string }

// Token is what a service takes for proof of who a user is. It is a secret.
type Token struct {
	Ticket string // "t=…&p=…"
	Secret string // BinarySecret in base64, of services with a key policy, else ""
	// Expires is when the ticket ends, by this machine's clock: the life that the
	// service gave it, from its arrival on. Zero when it gave none.
	Expires time.Time
}

// RST gets the tokens of an account by one call to the login service, from MSNP12
// on (protocol/01-login.md, sections 4.2 and 4.3).
type RST struct {
	// URL is that of the login service. RST2, which is SOAP 1.2, is spoken when its
	// path ends in "RST2.srf".
	URL string
	// Caller makes the calls; the password goes to whatever its Allow lets pass.
	Caller soap.Caller
}

const (
	// maxTokens is how many tokens of an answer are read; six are asked for.
	maxTokens = 16
	// maxSkew is how wrong this machine's clock is taken to be at most. What a
	// service says beyond that is a mistake of its own.
	maxSkew = 10 * 365 * 24 * time.Hour
	// timestampLife is how long a request of RST2 is valid.
	timestampLife = 5 * time.Minute
)

// AccountError says that the password may be right, but the account cannot be used
// as it is.
type AccountError struct {
	Code   string // number of the login service, such as "0x80048823"
	Reason string // what is to be done about it
}

// Error implements error.
func (e *AccountError) Error() string {
	return fmt.Sprintf("msn: the login service does not let this account in: %s (%s)", e.Reason, e.Code)
}

// Unwrap returns ErrAccount.
func (e *AccountError) Unwrap() error { return ErrAccount }

// accountReasons are the numbers that mean trouble with the account.
var accountReasons = map[string]string{
	"0x80048823": "it is locked after too many wrong passwords",
	"0x80048825": "its terms of use were not accepted",
	"0x80048827": "its password must be changed",
	"0x80048831": "its password has expired",
	"0x80048836": "its e-mail address was not confirmed",
	"0x80048862": "it has no access to this service",
}

// Tokens signs in and returns a token for each service that the login service
// knows, by address.
//
// The error is a *RefusedError when account or password is wrong, an *AccountError,
// wraps that of Caller.Allow when an address was refused, ErrLoginServer when the
// service is out of order or an answer made no sense, and the error of the
// connection or of ctx otherwise.
func (r *RST) Tokens(ctx context.Context, account, password string, services ...Service) (map[string]Token, error) {
	to := r.URL
	skew := time.Duration(0)
	for range maxRedirects + 1 {
		tokens, err := r.request(ctx, to, account, password, skew, services)
		fault, ok := errors.AsType[*soap.Fault](err)
		switch {
		case !ok && err != nil:
			return nil, loginError(err)
		case !ok:
			return tokens, nil
		case fault.Code == "Redirect" && fault.RedirectURL != "":
			if err := r.allowNext(to, fault.RedirectURL); err != nil {
				return nil, err
			}
			to = fault.RedirectURL
		case (fault.Code == "BadTime" || fault.Subcode == "BadTime") && skew == 0 && !fault.Date.IsZero():
			// This machine's clock is wrong: once more by the service's.
			if skew = time.Until(fault.Date); skew.Abs() > maxSkew {
				return nil, fmt.Errorf("%w: its clock is off by %v", ErrLoginServer, skew.Round(time.Hour))
			}
		default:
			return nil, refusal(fault, password)
		}
	}
	return nil, fmt.Errorf("%w: more than %d redirects", ErrLoginServer, maxRedirects)
}

// allowNext decides about where a login is sent on.
func (r *RST) allowNext(from, to string) error {
	before, _ := url.Parse(from)
	next, err := url.Parse(to)
	if err != nil || before == nil {
		return fmt.Errorf("%w: it leads to an address that is none", ErrLoginServer)
	}
	if err := r.Caller.Allow(next); err != nil {
		return fmt.Errorf("msn: login server %q: %w", next.Host, err)
	}
	if soap.Downgrades(before, next) {
		return fmt.Errorf("%w: it leads from https to %s", ErrLoginServer, next.Scheme)
	}
	return nil
}

// withheld stands in the place of a text that holds the password.
const withheld = "…"

// hide takes the texts out of a fault that hold the password: it is logged and shown.
func hide(fault *soap.Fault, password string) *soap.Fault {
	shown := *fault
	for _, text := range []*string{&shown.Code, &shown.Subcode, &shown.Reason, &shown.ErrorCode} {
		*text = without(*text, password)
	}
	return &shown
}

// without returns a text of a service, unless the password stands in it. All of such a text
// goes: everybody knows the usual ones, and would see in what is left which word is missing.
func without(text, password string) string {
	if password != "" && (strings.Contains(text, password) || strings.Contains(text, url.QueryEscape(password))) {
		return withheld
	}
	return text
}

// loginError names errors of the call by what they mean for a login.
func loginError(err error) error {
	if _, ok := errors.AsType[*soap.StatusError](err); ok || errors.Is(err, soap.ErrAnswer) {
		return fmt.Errorf("%w: %w", ErrLoginServer, err)
	}
	return err
}

// refusal tells the faults of a login apart. Revival servers send the number for a
// locked account with a wrong password, and say so in the code. What the codes mean is told
// from the codes as they came: a password can be a part of one.
func refusal(fault *soap.Fault, password string) error {
	code := strings.ToLower(fault.ErrorCode)
	failed := fault.Code == "FailedAuthentication" || fault.Subcode == "FailedAuthentication"
	if reason, ok := accountReasons[code]; ok && (!failed || code != "0x80048823") {
		return &AccountError{Code: code, Reason: reason}
	}
	if failed || code == "0x80048821" {
		return &RefusedError{Reason: cutReason(without(fault.Reason, password))}
	}
	return fmt.Errorf("%w: %w", ErrLoginServer, hide(fault, password))
}

func cutReason(reason string) string {
	reason = strings.Join(strings.Fields(reason), " ")
	if len(reason) > MaxReason {
		reason = strings.ToValidUTF8(reason[:MaxReason], "")
	}
	return reason
}

// tokensXML is the answer. A lone token comes without the collection around it.
type tokensXML struct {
	XMLName xml.Name
	tokenXML
	Tokens []tokenXML `xml:"RequestSecurityTokenResponse"`
}

type tokenXML struct {
	Address  soap.Text `xml:"AppliesTo>EndpointReference>Address"`
	LifeTime lifeXML   `xml:"LifeTime"`
	Lifetime lifeXML   `xml:"Lifetime"`
	Ticket   soap.Text `xml:"RequestedSecurityToken>BinarySecurityToken"`
	Secret   soap.Text `xml:"RequestedProofToken>BinarySecret"`
}

type lifeXML struct {
	Created soap.Text `xml:"Created"`
	Expires soap.Text `xml:"Expires"`
}

// life returns how long a token lives, zero when the answer does not tell.
func (x *tokenXML) life() time.Duration {
	for _, life := range []lifeXML{x.LifeTime, x.Lifetime} {
		created, err1 := time.Parse(time.RFC3339, string(life.Created))
		expires, err2 := time.Parse(time.RFC3339, string(life.Expires))
		if err1 == nil && err2 == nil && expires.After(created) {
			return expires.Sub(created)
		}
	}
	return 0
}

// request makes one call.
func (r *RST) request(ctx context.Context, to, account, password string, skew time.Duration, services []Service) (map[string]Token, error) {
	form := forms[soap.SOAP11]
	version := soap.SOAP11
	if isRST2(to) {
		form, version = forms[soap.SOAP12], soap.SOAP12
	}
	var answer tokensXML
	err := r.Caller.Call(ctx, soap.Request{
		URL:     to,
		Version: version,
		Reads:   true, // whoever asks for tickets again has more of them
		Header:  form.header(to, account, password, time.Now().Add(skew)),
		Body:    form.body(services),
	}, nil, &answer)
	if err != nil {
		return nil, err
	}
	tokens := make(map[string]Token)
	for i, x := range append(answer.Tokens, answer.tokenXML) {
		if i >= maxTokens {
			break
		}
		ticket, secret := string(x.Ticket), string(x.Secret)
		if x.Address == "" || ticket == "" {
			continue // such as the one to renew the others with
		}
		if len(ticket) > maxTicket || len(secret) > maxTicket || strings.ContainsAny(ticket, " \r\n\x00") {
			return nil, fmt.Errorf("%w: an unusable ticket", ErrLoginServer)
		}
		token := Token{Ticket: ticket, Secret: secret}
		if life := x.life(); life > 0 {
			token.Expires = time.Now().Add(life)
		}
		tokens[strings.ToLower(string(x.Address))] = token
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%w: it holds no ticket", ErrLoginServer)
	}
	return tokens, nil
}

func isRST2(address string) bool {
	path, _, _ := strings.Cut(address, "?")
	return strings.HasSuffix(strings.ToLower(path), "/rst2.srf")
}

// form holds what differs between RST and RST2: the namespaces of the same words.
type form struct {
	security, policy, addressing, trust, issue string
	timestamp                                  bool
}

var forms = map[soap.Version]form{
	soap.SOAP11: {
		security:   "http://schemas.xmlsoap.org/ws/2003/06/secext",
		policy:     "http://schemas.xmlsoap.org/ws/2002/12/policy",
		addressing: "http://schemas.xmlsoap.org/ws/2004/03/addressing",
		trust:      "http://schemas.xmlsoap.org/ws/2004/04/trust",
		issue:      "http://schemas.xmlsoap.org/ws/2004/04/security/trust/Issue",
	},
	soap.SOAP12: {
		security:   "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
		policy:     "http://schemas.xmlsoap.org/ws/2004/09/policy",
		addressing: "http://www.w3.org/2005/08/addressing",
		trust:      "http://schemas.xmlsoap.org/ws/2005/02/trust",
		issue:      "http://schemas.xmlsoap.org/ws/2005/02/trust/Issue",
		timestamp:  true,
	},
}

const (
	passportNamespace = "http://schemas.microsoft.com/Passport/SoapServices/PPCRL"
	utilityNamespace  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	hostingApp        = "{7108E71A-9926-4FCB-BCC9-9A9D3F32E423}" // Messenger
	tokenToRenew      = "http://Passport.NET/tb"                 // always asked for first
)

func (f form) header(to, account, password string, now time.Time) soap.Raw {
	var b strings.Builder
	if f.timestamp {
		fmt.Fprintf(&b, `<wsa:Action xmlns:wsa="%s" soap:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue</wsa:Action>`+
			`<wsa:To xmlns:wsa="%[1]s" soap:mustUnderstand="1">%s</wsa:To>`, f.addressing, xmltext.Escape(to))
	}
	fmt.Fprintf(&b, `<ps:AuthInfo xmlns:ps="%s" Id="PPAuthInfo"><ps:HostingApp>%s</ps:HostingApp><ps:BinaryVersion>4</ps:BinaryVersion>`+
		`<ps:UIVersion>1</ps:UIVersion><ps:Cookies></ps:Cookies><ps:RequestParams>%s</ps:RequestParams></ps:AuthInfo>`,
		passportNamespace, hostingApp, requestParams("lc", "1033"))
	fmt.Fprintf(&b, `<wsse:Security xmlns:wsse="%s"><wsse:UsernameToken Id="user"><wsse:Username>%s</wsse:Username>`+
		`<wsse:Password>%s</wsse:Password></wsse:UsernameToken>`, f.security, xmltext.Escape(account), xmltext.Escape(password))
	if f.timestamp {
		fmt.Fprintf(&b, `<wsu:Timestamp xmlns:wsu="%s" wsu:Id="Timestamp"><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wsu:Timestamp>`,
			utilityNamespace, now.UTC().Format(time.RFC3339), now.UTC().Add(timestampLife).Format(time.RFC3339))
	}
	b.WriteString(`</wsse:Security>`)
	return soap.Raw(b.String())
}

func (f form) body(services []Service) soap.Raw {
	var b strings.Builder
	fmt.Fprintf(&b, `<ps:RequestMultipleSecurityTokens xmlns:ps="%s" xmlns:wst="%s" xmlns:wsp="%s" xmlns:wsa="%s" xmlns:wsse="%s" Id="RSTS">`,
		passportNamespace, f.trust, f.policy, f.addressing, f.security)
	for i, service := range append([]Service{{Address: tokenToRenew}}, services...) {
		fmt.Fprintf(&b, `<wst:RequestSecurityToken Id="RST%d"><wst:RequestType>%s</wst:RequestType>`+
			`<wsp:AppliesTo><wsa:EndpointReference><wsa:Address>%s</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>`,
			i, f.issue, xmltext.Escape(service.Address))
		if service.Policy != "" {
			fmt.Fprintf(&b, `<wsse:PolicyReference URI="%s"></wsse:PolicyReference>`, xmltext.Escape(service.Policy))
		}
		b.WriteString(`</wst:RequestSecurityToken>`)
	}
	b.WriteString(`</ps:RequestMultipleSecurityTokens>`)
	return soap.Raw(b.String())
}

// requestParams encodes one pair of RequestParams.
func requestParams(key, value string) string {
	b := binary.LittleEndian.AppendUint32(nil, 1)
	for _, text := range []string{key, value} {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// TweenerPolicy makes of the text of "USR trid TWN S text" the policy to ask
// ServiceMessenger's ticket by, as MSNP12 to MSNP14 do (protocol/01-login.md,
// section 3.2).
func TweenerPolicy(text string) string {
	policy := "?" + strings.ReplaceAll(text, ",", "&")
	if decoded, err := url.PathUnescape(policy); err == nil {
		return decoded
	}
	return policy
}
