package msntest

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// Request is what a hook decides on: a connection that was made, a command, or
// an HTTPS request.
type Request struct {
	Kind    Kind
	Conn    int    // as in Record
	Account string // as in Record
	Dialect wire.Dialect
	// Command is what the client sent. A connection of DS, NS or SB that was just
	// accepted is a Request with the zero Command.
	Command wire.Command
	// Operation is what a web service is asked for: "RST", "ABFindAll", "Store" …
	Operation string
	// HTTP is the request when Kind is HTTPS. Its body has been read.
	HTTP *http.Request
}

// TrID returns the first parameter of the command, or "".
func (r *Request) TrID() string { return r.Command.Arg(0) }

// Action says what to do with a request. The zero Action lets the server do what
// it would.
type Action struct {
	kind   actionKind
	delay  time.Duration
	text   string
	cmds   []wire.Command
	status int
	header http.Header
	fault  Fault
	close  bool
}

type actionKind uint8

const (
	pass actionKind = iota
	drop
	dropAfter
	refuse
	nak
	swallow
	unanswered
	wrongChallenge
	redirect
	garbage
	replies
	respond
	fault
	hang
)

// Delay does what the server would, but later. The connection does nothing else
// meanwhile.
func Delay(d time.Duration) Action { return Action{delay: d} }

// After delays an action.
func (a Action) After(d time.Duration) Action {
	a.delay = d
	return a
}

// ThenClose ends the connection after the action, as happens after most
// errors; what was answered still arrives.
func (a Action) ThenClose() Action {
	a.close = true
	return a
}

// Drop cuts the connection without a word; the request is not carried out.
func Drop() Action { return Action{kind: drop} }

// DropAfter carries the request out and then cuts the connection; answers may be
// lost.
func DropAfter() Action { return Action{kind: dropAfter} }

// Refuse answers with an error number, for example "911"; for HTTPS with that
// status.
func Refuse(number string) Action { return Action{kind: refuse, text: number} }

// NAK answers a MSG on a switchboard with NAK in place of relaying it.
func NAK() Action { return Action{kind: nak} }

// Swallow does nothing and answers nothing.
func Swallow() Action { return Action{kind: swallow} }

// Unanswered carries the request out but sends nothing on this connection.
func Unanswered() Action { return Action{kind: unanswered} }

// WrongChallenge takes the answer to a challenge (QRY) for wrong: 540 and close.
func WrongChallenge() Action { return Action{kind: wrongChallenge} }

// Redirect sends the client somewhere else: for USR by XFR NS, for XFR SB by an
// answer with that host:port (and a ticket that this server would take), for
// HTTPS by status 302 with that URL.
func Redirect(addr string) Action { return Action{kind: redirect, text: addr} }

// Garbage answers with bytes that need not be a command or HTTP; the request is
// not carried out.
func Garbage(data []byte) Action { return Action{kind: garbage, text: string(data)} }

// Reply answers with these commands in place of what the server would send; the
// request is not carried out.
func Reply(cmds ...wire.Command) Action { return Action{kind: replies, cmds: cmds} }

// Respond answers an HTTPS request.
func Respond(status int, header http.Header, body string) Action {
	return Action{kind: respond, status: status, header: header, text: body}
}

// Unauthorized answers the Tweener log-in with 401 and a text for the user.
func Unauthorized(text string) Action {
	return Respond(http.StatusUnauthorized, http.Header{passport.HeaderRefused: {failedLogin(text)}}, "")
}

// SOAPFault answers a call to a web service with a fault.
func SOAPFault(f Fault) Action { return Action{kind: fault, fault: f} }

// LoginFault answers a request for tickets with a number of the log-in service, such
// as "0x80048823" for a locked account.
func LoginFault(number, reason string) Action {
	return SOAPFault(Fault{Code: "S:Client", Reason: reason, ErrorCode: number})
}

// BadTime answers a request for tickets with the fault for a client whose clock is
// wrong.
func BadTime() Action {
	return SOAPFault(Fault{Code: "S:Sender", Subcode: "wsse:BadTime", Reason: "Bad Time"})
}

// RedirectLogin answers a request for tickets with the fault that wants the same
// request elsewhere.
func RedirectLogin(url string) Action {
	return SOAPFault(Fault{Code: "psf:Redirect", Reason: "Authentication Failure", RedirectURL: url})
}

// Hang never answers an HTTPS request: it stays open until client or server
// gives up. For other requests it is Swallow.
func Hang() Action { return Action{kind: hang} }

type hook struct{ ask func(*Request) Action }

// Hook has f decide on every request from now on, until remove is called. When
// there are several hooks, the first Action that is not zero counts, in the order
// in which the hooks were added. f may be called from several goroutines at once;
// it may call the server, but not Close it.
func (s *Server) Hook(f func(*Request) Action) (remove func()) {
	h := &hook{ask: f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, h)
	s.hooked.Store(true)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hooks = slices.DeleteFunc(slices.Clone(s.hooks), func(x *hook) bool { return x == h })
		s.hooked.Store(len(s.hooks) > 0)
	}
}

// On is a hook for one command: every time a client sends verb, do.
func On(verb string, do Action) func(*Request) Action {
	return func(r *Request) Action {
		if r.Command.Verb != verb {
			return Action{}
		}
		return do
	}
}

// OnConnect is a hook for connections of a kind when they are made.
func OnConnect(kind Kind, do Action) func(*Request) Action {
	return func(r *Request) Action {
		if r.Kind != kind || kind != HTTPS && r.Command.Verb != "" {
			return Action{}
		}
		return do
	}
}

// OnHTTPS is a hook for HTTPS requests to a path: NexusPath, LoginPath, RSTPath …
func OnHTTPS(path string, do Action) func(*Request) Action {
	return func(r *Request) Action {
		if r.HTTP == nil || r.HTTP.URL.Path != path {
			return Action{}
		}
		return do
	}
}

// OnSOAP is a hook for an operation of the web services: "RST", "RST2", "ABFindAll",
// "AddMember", "Store", "GetMessage" …
func OnSOAP(operation string, do Action) func(*Request) Action {
	return func(r *Request) Action {
		if r.Operation != operation {
			return Action{}
		}
		return do
	}
}

// For limits a hook to the connections of one account.
func For(email string, f func(*Request) Action) func(*Request) Action {
	return func(r *Request) Action {
		if r.Account != normalize(email) {
			return Action{}
		}
		return f(r)
	}
}

// Times limits a hook to the first n requests for which it has an Action.
func Times(n int, f func(*Request) Action) func(*Request) Action {
	var used atomic.Int64
	return func(r *Request) Action {
		if used.Load() >= int64(n) {
			return Action{}
		}
		do := f(r)
		if do.isZero() || used.Add(1) > int64(n) {
			return Action{}
		}
		return do
	}
}

// Once is Times(1, f).
func Once(f func(*Request) Action) func(*Request) Action { return Times(1, f) }

func (a Action) isZero() bool { return a.kind == pass && a.delay == 0 && !a.close }

// request describes a command for hooks; the server is locked.
func (s *Server) request(c *conn, cmd wire.Command) *Request {
	return &Request{Kind: c.kind, Conn: c.id, Account: c.who(cmd), Dialect: c.dialect, Command: cmd}
}

// ask asks the hooks; the server is not locked.
func (s *Server) ask(req *Request) Action {
	s.mu.Lock()
	hooks := s.hooks // never changed in place
	s.mu.Unlock()
	for _, h := range hooks {
		if do := h.ask(req); !do.isZero() {
			return do
		}
	}
	return Action{}
}

// perform carries an action out on an MSNP connection; the server is locked.
func (s *Server) perform(c *conn, cmd wire.Command, a Action) {
	trid := cmd.Arg(0)
	switch a.kind {
	case pass:
		s.handle(c, cmd)
	case drop:
		c.drop()
	case dropAfter:
		s.handle(c, cmd)
		c.drop()
	case refuse:
		c.fail(a.text, trid)
	case nak:
		c.reply("NAK", trid)
	case unanswered:
		c.muted = true
		s.handle(c, cmd)
		c.muted = false
	case wrongChallenge:
		c.fail("540", trid)
		c.hangUp()
	case redirect:
		s.performRedirect(c, cmd, a.text)
	case garbage:
		c.sendRaw([]byte(a.text))
	case replies:
		for _, reply := range a.cmds {
			c.send(reply)
		}
	}
	if a.close {
		c.hangUp()
	}
}

func (s *Server) performRedirect(c *conn, cmd wire.Command, addr string) {
	switch {
	case cmd.Verb == "XFR" && c.session != nil:
		args := []string{cmd.Arg(0), "SB", addr, "CKI", s.newTicket(c.session.account, c.session, nil)}
		c.reply("XFR", append(args, directions(c.dialect, "messenger.msn.com")...)...)
	case c.kind != SB:
		s.redirect(c, cmd.Arg(0), addr)
	}
}
