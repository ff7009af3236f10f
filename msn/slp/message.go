package slp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

const protocol = "MSNSLP/1.0"

// The requests.
const (
	Invite = "INVITE"
	Bye    = "BYE"
	Ack    = "ACK"
)

// The answers, as they stand in the first line.
const (
	OK            = "200 OK"
	Decline       = "603 Decline"
	NotFound      = "404 Not Found"
	NoSuchCall    = "481 No Such Call"
	InternalError = "500 Internal Error"
)

// The types of bodies.
const (
	SessionRequest   = "application/x-msnmsgr-sessionreqbody"
	SessionClose     = "application/x-msnmsgr-sessionclosebody"
	TransportRequest = "application/x-msnmsgr-transreqbody"
	TransportAnswer  = "application/x-msnmsgr-transrespbody"
)

// Errors of messages.
var (
	// ErrNotSLP says that something is no message in MSNSLP at all.
	ErrNotSLP = errors.New("slp: not MSNSLP")
	// ErrMalformed says that a message cannot be relied on: its length is wrong, or what an answer
	// to it needs is missing.
	ErrMalformed = errors.New("slp: malformed message")
)

// Message is one message in MSNSLP. Header keeps all fields, also those that nobody knows.
type Message struct {
	// Request is INVITE, BYE, ACK or what else there may be, and "" for an answer.
	Request string
	URI     string // of a request
	Answer  string // "200 OK", as of Decline; "" for a request
	Header  wire.Header
	Body    string // without the NUL that ends it
}

// ParseMessage reads a message. With ErrMalformed it returns what could be read.
func ParseMessage(text string) (m Message, err error) {
	first, rest, found := strings.Cut(text, "\n")
	first = strings.TrimRight(first, "\r")
	if !found {
		return Message{}, ErrNotSLP
	}
	if answer, ok := strings.CutPrefix(first, protocol+" "); ok {
		m.Answer = answer
	} else {
		parts := strings.Split(first, " ")
		if len(parts) != 3 || parts[2] != protocol || parts[0] == "" {
			return Message{}, ErrNotSLP
		}
		m.Request, m.URI = parts[0], parts[1]
	}
	parsed := wire.ParseMessage(rest)
	m.Header = parsed.Header
	if m.Header != "" && !strings.HasSuffix(string(m.Header), "\n") {
		m.Header += "\r\n"
	}
	m.Body = strings.TrimRight(parsed.Body, "\x00")
	length, err := strconv.ParseUint(m.Header.Get("Content-Length"), 10, 31)
	switch {
	case err != nil, int(length) != len(parsed.Body):
		return m, fmt.Errorf("%w: the length of its body is wrong", ErrMalformed)
	case !clean.IsGUID(m.Branch()), !clean.IsGUID(m.CallID()):
		return m, fmt.Errorf("%w: it cannot be answered", ErrMalformed)
	}
	return m, nil
}

// Type returns the type of the body, in lower case.
func (m Message) Type() string { return wire.Message{Header: m.Header}.MediaType() }

// Branch identifies a request, and the answer to it.
func (m Message) Branch() string {
	_, branch, _ := strings.Cut(m.Header.Get("Via"), "branch=")
	return branch
}

// CallID identifies the session that a message is about.
func (m Message) CallID() string { return m.Header.Get("Call-ID") }

// Field returns a field of the body.
func (m Message) Field(name string) string { return wire.Header(m.Body).Get(name) }

// Code is the number of an answer, 0 of a request.
func (m Message) Code() int {
	number, _, _ := strings.Cut(m.Answer, " ")
	code, _ := strconv.Atoi(number)
	return code
}

// Text returns the message as it is sent.
func (m Message) Text() string {
	first := protocol + " " + m.Answer
	if m.Request != "" {
		first = m.Request + " " + m.URI + " " + protocol
	}
	return first + "\r\n" + string(m.Header) + "\r\n" + m.Body + "\x00"
}

// Call is one session as both sides name it in messages.
type Call struct {
	// Self and Peer are the addresses of both: accounts, with the endpoint where headers are of
	// version 2.
	Self, Peer string
	ID         string // a GUID
}

// Request makes a request of a call.
func (c Call) Request(method, mediaType, body string) Message {
	return Message{
		Request: method, URI: "MSNMSGR:" + c.Peer, Header: c.header(clean.NewGUID(), "0 ", mediaType, body), Body: body,
	}
}

// Reply makes the answer to a request of a call.
func (c Call) Reply(to Message, answer, mediaType, body string) Message {
	seq, err := strconv.Atoi(to.Header.Get("CSeq"))
	if err != nil || seq < 0 || seq > 1<<20 {
		seq = 0
	}
	branch := to.Branch()
	if !clean.IsGUID(branch) {
		branch = clean.NewGUID()
	}
	return Message{Answer: answer, Header: c.header(branch, strconv.Itoa(seq+1), mediaType, body), Body: body}
}

func (c Call) header(branch, seq, mediaType, body string) wire.Header {
	return wire.Header("").
		With("To", "<msnmsgr:"+c.Peer+">").
		With("From", "<msnmsgr:"+c.Self+">").
		With("Via", "MSNSLP/1.0/TLP ;branch="+branch).
		With("CSeq", seq).
		With("Call-ID", c.ID).
		With("Max-Forwards", "0").
		With("Content-Type", mediaType).
		With("Content-Length", strconv.Itoa(len(body)+1))
}

// SessionBody is the body of an answer, and of a BYE, for a session.
func SessionBody(session uint32) string {
	return "SessionID: " + strconv.FormatUint(uint64(session), 10) + "\r\n\r\n"
}
