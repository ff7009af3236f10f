// Package soap calls the web services of MSNP11 and later: the address book, the
// membership lists and the offline messages (protocol/02-contacts.md, sections 5
// and 6, and protocol/06-oim-mail.md, section 2).
//
// It is as small as that job allows: structs that encoding/xml writes and reads,
// one function that makes a round trip, and limits. A service is hostile input.
package soap

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of an answer. They are checked before memory is taken.
const (
	// MaxAnswer is the longest answer in bytes. A contact takes some 1,300, and
	// lists hold up to 1,000, with services of today perhaps some thousand more.
	MaxAnswer = 16 << 20
	// maxDepth is how deep elements may be nested; real answers reach 14.
	maxDepth = 64
	// maxRedirects is how often a call may be sent on.
	maxRedirects = 5
	// maxReason is the longest text or code of a fault, or reason why an answer is
	// none, that is kept, in bytes.
	maxReason = 256
)

// Version is a version of SOAP.
type Version uint8

// The versions: 1.1 everywhere but in the login of 2009 and later.
const (
	SOAP11 Version = iota
	SOAP12
)

// Caller makes calls to web services.
type Caller struct {
	// Client sends the requests. Its CheckRedirect and Jar are not used.
	Client *http.Client
	// Allow decides, before each request, whether its address may be used.
	// Passwords and tickets go to whatever it lets pass: it must insist on https.
	// An error that it returns is wrapped by that of Call.
	Allow func(*url.URL) error
}

// Request is one call.
type Request struct {
	URL    string
	Action string // SOAPAction, without quotes; "" sends none
	// Version chooses the envelope.
	Version Version
	// Reads says that the call changes nothing. It is sent once more then when the service closes a connection that was used before instead of
	// answering by it: the service may have had enough of the connection just when the call went out.
	Reads bool
	// Cookie is the value of a Cookie header, "" for none.
	Cookie string
	// Header and Body are what encoding/xml makes of them, inside of the envelope's
	// elements of these names, or Raw. A nil Header leaves the element out.
	Header, Body any
}

// Raw is XML that is well-formed already and goes out as it is.
type Raw string

// ErrAnswer says that a web service did not answer as one.
var ErrAnswer = errors.New("msn: the web service gave no usable answer")

// StatusError is an HTTP status without a fault in the body: 403 means that the
// ticket is not (or no longer) accepted.
type StatusError struct{ Status int }

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("msn: the web service answered %d", e.Status)
}

// Call sends a request and decodes what stands in the answer's Header and Body
// into header and body, each a pointer to a struct whose fields name the elements,
// or nil.
//
// The error is a *Fault, a *StatusError, wraps ErrAnswer when the answer makes no
// sense or is over a limit, wraps that of Allow, or is that of the connection or
// of ctx. No address or content of the request stands in it.
func (c *Caller) Call(ctx context.Context, r Request, header, body any) error {
	payload, err := encode(r)
	if err != nil {
		return err
	}
	to, err := url.Parse(r.URL)
	if err != nil {
		return fmt.Errorf("%w: its address is none", ErrAnswer)
	}
	for range maxRedirects + 1 {
		answer, err := c.post(ctx, to, r, payload)
		if err != nil {
			return err
		}
		if answer.next == nil {
			return answer.read(header, body)
		}
		if err := c.allowNext(to, answer.next); err != nil {
			return err
		}
		to = answer.next
	}
	return fmt.Errorf("%w: more than %d redirects", ErrAnswer, maxRedirects)
}

// allowNext decides about where a redirect leads.
func (c *Caller) allowNext(from, to *url.URL) error {
	if err := c.Allow(to); err != nil {
		return fmt.Errorf("msn: web service %q: %w", to.Host, err)
	}
	if Downgrades(from, to) {
		return fmt.Errorf("%w: it leads from https to %s", ErrAnswer, to.Scheme)
	}
	return nil
}

// Downgrades reports whether a redirect leads away from https: what a request holds is not
// to be sent over a connection that anybody can read, not even within the own machine.
func Downgrades(from, to *url.URL) bool { return from.Scheme == "https" && to.Scheme != "https" }

// answer is what came of one request.
type answer struct {
	status  int
	date    time.Time // of the service's clock, zero when it does not tell
	content string
	next    *url.URL // where the service sends the request on to, or nil
}

// post sends the request once.
func (c *Caller) post(ctx context.Context, to *url.URL, r Request, payload []byte) (*answer, error) {
	if err := c.Allow(to); err != nil {
		return nil, fmt.Errorf("msn: web service %q: %w", to.Host, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("msn: web service: %w", withoutURL(err))
	}
	request.Header.Set("Content-Type", contentTypes[r.Version])
	request.Header.Set("User-Agent", "MSMSGS")
	if r.Action != "" {
		request.Header.Set("SOAPAction", `"`+r.Action+`"`)
	}
	if r.Reads {
		request.Header["X-Idempotency-Key"] = nil // for net/http, which does not send it
	}
	if r.Cookie != "" {
		request.Header.Set("Cookie", r.Cookie)
	}
	client := *c.Client
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("msn: web service: %w", withoutURL(err))
	}
	defer response.Body.Close()
	a := &answer{status: response.StatusCode}
	a.date, _ = http.ParseTime(response.Header.Get("Date"))
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if a.next, err = to.Parse(response.Header.Get("Location")); err != nil || *a.next == *to {
			return nil, fmt.Errorf("%w: it leads nowhere", ErrAnswer)
		}
		return a, nil
	}
	a.content, err = readText(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("msn: web service: %w", err)
	}
	if len(a.content) > MaxAnswer {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, MaxAnswer)
	}
	return a, nil
}

// reads reports whether an operation changes nothing.
func reads(operation string) bool {
	return strings.HasPrefix(operation, "ABFind") || strings.HasPrefix(operation, "Find") || strings.HasPrefix(operation, "Get")
}

// readText reads all. It reads in pieces, as answers are long, and a text that grows is
// copied again and again.
func readText(r io.Reader) (string, error) {
	const piece = 32 << 10
	var pieces [][]byte
	length := 0
	for over := false; !over; {
		buffer := make([]byte, piece)
		filled := 0
		for filled < piece && !over {
			n, err := r.Read(buffer[filled:])
			if err != nil && err != io.EOF {
				return "", err
			}
			filled, over = filled+n, err == io.EOF
		}
		pieces = append(pieces, buffer[:filled])
		length += filled
	}
	var text strings.Builder
	text.Grow(length)
	for _, p := range pieces {
		text.Write(p)
	}
	return text.String(), nil
}

// withoutURL strips the request's address off an error of net/http: addresses can
// carry state that does not belong into logs.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

var contentTypes = map[Version]string{
	SOAP11: "text/xml; charset=utf-8",
	SOAP12: "application/soap+xml; charset=utf-8",
}

// namespaces of the envelopes.
var namespaces = map[Version]string{
	SOAP11: "http://schemas.xmlsoap.org/soap/envelope/",
	SOAP12: "http://www.w3.org/2003/05/soap-envelope",
}

// encode writes the envelope.
func encode(r Request) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="` + namespaces[r.Version] +
		`" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">`)
	encoder := xml.NewEncoder(&b)
	for _, part := range []struct {
		name    string
		content any
	}{{"Header", r.Header}, {"Body", r.Body}} {
		if part.content == nil {
			continue
		}
		b.WriteString("<soap:" + part.name + ">")
		if raw, ok := part.content.(Raw); ok {
			b.WriteString(string(raw))
		} else if err := encoder.Encode(part.content); err != nil {
			return nil, fmt.Errorf("msn: web service: %w", err)
		}
		b.WriteString("</soap:" + part.name + ">")
	}
	b.WriteString("</soap:Envelope>")
	return b.Bytes(), nil
}
