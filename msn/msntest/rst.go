package msntest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	"matrix-msn/msn/passport"
)

// RST: the tickets of MSNP12 and later (protocol/01-login.md, sections 4.2 and 4.3).

const (
	faultNamespace = "http://schemas.microsoft.com/Passport/SoapServices/SOAPFault"
	renewal        = "http://Passport.NET/tb"
	// secretSize is the length of a BinarySecret before base64.
	secretSize = 24
	// maxAddresses is how many tickets one request may ask for.
	maxAddresses = 32
)

// trustNamespaces are those of the two generations.
var trustNamespaces = map[string]string{
	RSTPath:  "http://schemas.xmlsoap.org/ws/2004/04/trust",
	RST2Path: "http://schemas.xmlsoap.org/ws/2005/02/trust",
}

// answerRST answers a request for tickets.
func (s *Server) answerRST(w http.ResponseWriter, c *call) {
	user := c.envelope.at("Header", "Security", "UsernameToken")
	email, password := user.value("Username"), ""
	if p := user.at("Password"); p != nil {
		password = p.text
	}
	s.mu.Lock()
	a := s.accounts[normalize(email)]
	if a == nil || a.password != password || password == "" {
		s.mu.Unlock()
		s.log.Info("tickets refused", "account", normalize(email))
		s.writeFault(w, c.http.URL.Path, s.wrongPassword(c.http.URL.Path))
		return
	}
	document := s.tokens(c, a)
	s.mu.Unlock()
	writeXML(w, http.StatusOK, document)
}

// wrongPassword is the fault for a wrong account or password.
func (s *Server) wrongPassword(path string) Fault {
	number := "0x80048821"
	if path == RSTPath {
		number = s.is.wrongPassword
	}
	return Fault{Code: "S:Sender", Subcode: "wst:FailedAuthentication", Reason: "Authentication Failure", ErrorCode: number}
}

// addresses are the services that a request names.
func addresses(body *node) []string {
	requests := body.all("RequestSecurityToken")
	if body.name == "RequestSecurityToken" {
		requests = []*node{body}
	}
	var list []string
	for _, r := range requests {
		if address := r.value("AppliesTo", "EndpointReference", "Address"); address != "" && len(list) < maxAddresses {
			list = append(list, address)
		}
	}
	return list
}

// tokens makes a ticket for each service asked for, or one for all of them.
func (s *Server) tokens(c *call, a *Account) string {
	path := c.http.URL.Path
	now := time.Now().UTC()
	lifetime, soap := "LifeTime", soapNamespace
	if path == RST2Path {
		lifetime, soap = "Lifetime", "http://www.w3.org/2003/05/soap-envelope"
	}
	secret := base64.StdEncoding.EncodeToString(randomBytes(secretSize))
	shared := ""
	if s.is.oneTicketForAll {
		shared = "t=" + hex.EncodeToString(randomBytes(10)) + "Y6+H31sTUOFkqjNTDYqAAFLr5Ote7BMrMnUIzpgQ==&p="
		s.webTickets.put(shared, &webTicket{account: a, secret: secret}, s.opt.webTicketLife)
	}
	var b strings.Builder
	for i, address := range addresses(c.body) {
		fmt.Fprintf(&b, `<wst:RequestSecurityTokenResponse><wst:TokenType>urn:passport:compact</wst:TokenType><wsp:AppliesTo><wsa:EndpointReference>`+
			`<wsa:Address>%s</wsa:Address></wsa:EndpointReference></wsp:AppliesTo><wst:%s><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wst:%[2]s>`,
			html.EscapeString(address), lifetime, now.Format(time.RFC3339), now.Add(s.opt.webTicketLife).Format(time.RFC3339))
		if address == renewal {
			b.WriteString(`<wst:RequestedSecurityToken><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#" Id="BinaryDAToken0"><CipherData><CipherValue>` +
				base64.StdEncoding.EncodeToString(randomBytes(96)) + `</CipherValue></CipherData></EncryptedData></wst:RequestedSecurityToken>` +
				// It is not the one to sign in with.
				`<wst:RequestedProofToken><wst:BinarySecret>` + base64.StdEncoding.EncodeToString(make([]byte, secretSize)) + `</wst:BinarySecret></wst:RequestedProofToken>`)
		} else {
			ticket := shared
			if ticket == "" {
				ticket = "t=" + base64.StdEncoding.EncodeToString(randomBytes(30)) + "&p="
				s.webTickets.put(ticket, s.ticketFor(a, address, secret), s.opt.webTicketLife)
			}
			fmt.Fprintf(&b, `<wst:RequestedSecurityToken><wsse:BinarySecurityToken Id="Compact%d">%s</wsse:BinarySecurityToken></wst:RequestedSecurityToken>`,
				i, html.EscapeString(ticket))
			if address == passport.ServiceMessengerClear.Address {
				b.WriteString(`<wst:RequestedProofToken><wst:BinarySecret>` + secret + `</wst:BinarySecret></wst:RequestedProofToken>`)
			}
		}
		b.WriteString(`</wst:RequestSecurityTokenResponse>`)
	}
	puid := strings.ToUpper(strings.ReplaceAll(a.id, "-", ""))
	return `<?xml version="1.0" encoding="utf-8"?><S:Envelope xmlns:S="` + soap + `" xmlns:wst="` + trustNamespaces[path] +
		`" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"` +
		` xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"` +
		` xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:psf="` + faultNamespace + `">` +
		`<S:Header><psf:pp><psf:serverVersion>1</psf:serverVersion><psf:PUID>` + puid[:min(16, len(puid))] + `</psf:PUID><psf:authstate>0x48803</psf:authstate>` +
		`<psf:reqstatus>0x0</psf:reqstatus><psf:credProperties><psf:credProperty Name="CID">` + a.cid() + `</psf:credProperty></psf:credProperties></psf:pp></S:Header>` +
		`<S:Body><wst:RequestSecurityTokenResponseCollection>` + b.String() + `</wst:RequestSecurityTokenResponseCollection></S:Body></S:Envelope>`
}

// ticketFor is what the ticket of a service is good for.
func (s *Server) ticketFor(a *Account, address, secret string) *webTicket {
	t := &webTicket{account: a, service: address}
	if address == passport.ServiceMessengerClear.Address {
		t.secret = secret
	}
	return t
}

// login is the fault as RST gives it.
func (f *Fault) login() string {
	code := f.Code
	if f.Subcode != "" {
		code = strings.Replace(f.Subcode, "wst:", "wsse:", 1)
	}
	redirect := ""
	if f.RedirectURL != "" {
		redirect = "<psf:redirectUrl>" + html.EscapeString(f.RedirectURL) + "</psf:redirectUrl>"
	}
	return `<?xml version="1.0" encoding="utf-8"?><S:Envelope xmlns:S="` + soapNamespace + `" xmlns:psf="` + faultNamespace +
		`" xmlns:wsse="http://schemas.xmlsoap.org/ws/2003/06/secext">` + f.header() +
		`<S:Body><S:Fault><faultcode>` + html.EscapeString(code) + `</faultcode><faultstring>` + html.EscapeString(f.Reason) + `</faultstring>` + redirect +
		`<detail>` + f.error() + `</detail></S:Fault></S:Body></S:Envelope>`
}

// login2 is the fault as RST2 gives it.
func (f *Fault) login2() string {
	code, redirect := "<S:Value>"+html.EscapeString(f.Code)+"</S:Value>", ""
	if f.Subcode != "" {
		code += "<S:Subcode><S:Value>" + html.EscapeString(f.Subcode) + "</S:Value></S:Subcode>"
	}
	if f.RedirectURL != "" {
		redirect = "<psf:redirectUrl>" + html.EscapeString(f.RedirectURL) + "</psf:redirectUrl>"
	}
	return `<?xml version="1.0" encoding="utf-8"?><S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope" xmlns:psf="` + faultNamespace +
		`" xmlns:wst="` + trustNamespaces[RST2Path] + `">` + f.header() + `<S:Body><S:Fault><S:Code>` + code + `</S:Code><S:Reason><S:Text xml:lang="en-US">` +
		html.EscapeString(f.Reason) + `</S:Text></S:Reason>` + redirect + `<S:Detail>` + f.error() + `</S:Detail></S:Fault></S:Body></S:Envelope>`
}

// header is what both say before the fault.
func (f *Fault) header() string {
	return `<S:Header><psf:pp><psf:serverVersion>1</psf:serverVersion><psf:authstate>0x80048800</psf:authstate><psf:reqstatus>` +
		html.EscapeString(f.ErrorCode) + `</psf:reqstatus></psf:pp></S:Header>`
}

func (f *Fault) error() string {
	if f.ErrorCode == "" {
		return ""
	}
	return `<psf:error><psf:value>` + html.EscapeString(f.ErrorCode) + `</psf:value><psf:internalerror><psf:code>0x80041012</psf:code><psf:text>` +
		html.EscapeString(f.Reason) + `</psf:text></psf:internalerror></psf:error>`
}
