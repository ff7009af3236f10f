package msntest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
)

// What the web services have in common: reading requests leniently, and writing
// answers and faults (protocol/02-contacts.md, section 5.2).

const (
	// maxRequest is the largest request to a web service in bytes.
	maxRequest = 1 << 20
	// maxRequestDepth is how deep its elements may be nested.
	maxRequestDepth = 64
)

// node is an element of a request. The namespaces, which clients of the time got
// wrong, are left out.
type node struct {
	name string
	attr map[string]string
	text string
	kids []*node
}

var errRequest = errors.New("msntest: not a SOAP request")

// parseRequest reads a request.
func parseRequest(body []byte) (*node, error) {
	root, err := parseXML(body)
	if err != nil {
		return nil, err
	}
	envelope := root.at("Envelope")
	if envelope.at("Body") == nil {
		return nil, errRequest
	}
	return envelope, nil
}

// parseXML reads any document; the node it returns holds the outermost element.
func parseXML(body []byte) (*node, error) {
	if bytes.Contains(body, []byte("<!")) {
		return nil, errRequest
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	root := &node{}
	open := []*node{root}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", errRequest, err)
		}
		last := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			if len(open) > maxRequestDepth {
				return nil, errRequest
			}
			n := &node{name: token.Name.Local, attr: make(map[string]string)}
			for _, a := range token.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			last.kids = append(last.kids, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(token)
		}
	}
	return root, nil
}

// at returns the first element at a path below n, or nil.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n = n.kid(name); n == nil {
			return nil
		}
	}
	return n
}

func (n *node) kid(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// all returns the elements at a path below n.
func (n *node) all(path ...string) []*node {
	list := []*node{n}
	for _, name := range path {
		var next []*node
		for _, x := range list {
			if x == nil {
				continue
			}
			for _, k := range x.kids {
				if k.name == name {
					next = append(next, k)
				}
			}
		}
		list = next
	}
	return list
}

// value returns the text at a path below n without blanks around it, or "".
func (n *node) value(path ...string) string {
	if n = n.at(path...); n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// attribute returns an attribute of n, which may be nil.
func (n *node) attribute(name string) string {
	if n == nil {
		return ""
	}
	return n.attr[name]
}

// call is a request to a web service while it is answered.
type call struct {
	srv       *Server
	http      *http.Request
	operation string // the element in the body: "ABFindAll"
	envelope  *node
	body      *node // that element
	account   *Account
}

// Fault is what a web service answers in place of a result.
type Fault struct {
	Status int // of HTTP; 0 means 500, and 200 for the log-in
	// Code and Subcode are with their prefix: "soap:Client", "S:Sender" and
	// "wst:FailedAuthentication". Subcode is that of RST2; RST has it for a Code.
	Code, Subcode string
	Reason        string
	ErrorCode     string // "ContactAlreadyExists", or a number of the log-in such as "0x80048823"
	RedirectURL   string // where the log-in wants the same request
	// LockKeyChallenge is what the offline message service wants answered, and
	// TweenerChallenge says that it wants another ticket.
	LockKeyChallenge, TweenerChallenge string

	answer string // what stands in the body in place of a fault
}

// namespaces of the web services.
const (
	soapNamespace   = "http://schemas.xmlsoap.org/soap/envelope/"
	bookNamespace   = "http://www.msn.com/webservices/AddressBook"
	readNamespace   = "http://www.hotmail.msn.com/ws/2004/09/oim/rsi"
	storeNamespace  = "http://messenger.msn.com/ws/2004/09/oim/"
	store2Namespace = "http://messenger.live.com/ws/2006/09/oim/"
)

// envelope wraps an answer.
func envelope(header, body string) string {
	if header != "" {
		header = "<soap:Header>" + header + "</soap:Header>"
	}
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="` + soapNamespace +
		`" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">` +
		header + "<soap:Body>" + body + "</soap:Body></soap:Envelope>"
}

// document is the fault as SOAP 1.1.
func (f *Fault) document() string {
	if f.answer != "" {
		return envelope("", f.answer)
	}
	var detail strings.Builder
	if f.ErrorCode != "" {
		fmt.Fprintf(&detail, `<errorcode xmlns="%s">%s</errorcode><errorstring xmlns="%[1]s">%[3]s</errorstring>`,
			bookNamespace, html.EscapeString(f.ErrorCode), html.EscapeString(f.Reason))
	}
	if f.TweenerChallenge != "" {
		fmt.Fprintf(&detail, `<TweenerChallenge xmlns="%s">%s</TweenerChallenge>`, storeNamespace, html.EscapeString(f.TweenerChallenge))
	}
	if f.LockKeyChallenge != "" {
		fmt.Fprintf(&detail, `<LockKeyChallenge xmlns="%s">%s</LockKeyChallenge>`, storeNamespace, html.EscapeString(f.LockKeyChallenge))
	}
	redirect := ""
	if f.RedirectURL != "" {
		redirect = `<psf:redirectUrl xmlns:psf="` + faultNamespace + `">` + html.EscapeString(f.RedirectURL) + `</psf:redirectUrl>`
	}
	return envelope("", fmt.Sprintf(`<soap:Fault><faultcode xmlns:q0="%s">%s</faultcode><faultstring>%s</faultstring>%s<detail>%s</detail></soap:Fault>`,
		storeNamespace, html.EscapeString(f.Code), html.EscapeString(f.Reason), redirect, detail.String()))
}

// writeXML answers with a document.
func writeXML(w http.ResponseWriter, status int, document string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, document)
}

// writeFault answers with a fault in the form of the service that was asked.
func (s *Server) writeFault(w http.ResponseWriter, path string, f Fault) {
	status, document := http.StatusInternalServerError, ""
	switch path {
	case RSTPath:
		status, document = http.StatusOK, f.login()
	case RST2Path:
		status, document = http.StatusOK, f.login2()
	default:
		document = f.document()
	}
	if f.Status != 0 {
		status = f.Status
	}
	writeXML(w, status, document)
}

// webService answers one call; it returns the content of Body, or a fault. The server
// is locked.
type webService func(s *Server, c *call) (header, body string, fault *Fault)

// trouble is how a service of this kind answers what it cannot make sense of: as
// plain text.
var trouble = &Fault{Status: -http.StatusInternalServerError}

// forbidden answers a ticket that is not accepted: as plain text.
var forbidden = &Fault{Status: -http.StatusForbidden}

// answerSOAP answers a call to a web service.
func (s *Server) answerSOAP(w http.ResponseWriter, c *call, do webService) {
	s.mu.Lock()
	header, body, fault := do(s, c)
	s.mu.Unlock()
	switch {
	case fault == nil:
		writeXML(w, http.StatusOK, envelope(header, body))
	case fault.Status < 0:
		http.Error(w, http.StatusText(-fault.Status), -fault.Status)
	default:
		s.writeFault(w, c.http.URL.Path, *fault)
	}
}

// ticketHolder returns whose ticket it is, if a service takes it: at any time, or only
// while somebody is signed in with it.
func (s *Server) ticketHolder(ticket, service string) *Account {
	if !s.is.ticketsNeedSignIn {
		if held := s.webTickets.peek(ticket); held != nil && (held.service == "" || held.service == service) {
			return held.account
		}
		return nil
	}
	for _, a := range s.accounts {
		for _, ss := range a.endpoints {
			if ss.ticket != "" && significant(ss.ticket) == significant(ticket) {
				return a
			}
		}
	}
	return nil
}

// significant is the part of a ticket that is compared where ticketsNeedSignIn.
func significant(ticket string) string {
	ticket = strings.TrimPrefix(ticket, "t=")
	return ticket[:min(20, len(ticket))]
}
