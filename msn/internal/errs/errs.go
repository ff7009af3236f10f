// Package errs holds the errors that several parts of the client return, and what the
// numbers of the server mean. Package msn gives all of them to its users.
package errs

import (
	"errors"
	"fmt"
	"time"

	"matrix-msn/msn/passport"
)

// Errors of this package are tested with errors.Is and errors.As. What comes from
// the network stays reachable: a name that does not exist is a *net.DNSError, a
// refused connection is syscall.ECONNREFUSED.
var (
	// ErrBadCredentials: who checks the password refused account or password: the login
	// server by its "failed", with a *passport.RefusedError, or up to MSNP7 the
	// notification server by 911 to the password's hash. Trying again with the same is
	// useless.
	ErrBadCredentials = passport.ErrBadCredentials
	// ErrTicket: the notification server does not take the ticket that the login server
	// has just given for the password (911, 917, 928). The two disagree, which says
	// nothing of the password. Trying again later helps.
	ErrTicket = errors.New("msn: the server does not take the ticket of its own login server")
	// ErrAccountLocked: the service knows the account but does not let it in
	// before its owner has settled something with it (917, 920, 923 to 927, 420).
	ErrAccountLocked = errors.New("msn: the service does not let this account in")
	// ErrBusy: the service is busy, broken or being worked on (500, 600, 910, …).
	// Trying again later helps.
	ErrBusy = errors.New("msn: the service is busy or out of order")
	// ErrConfig: the configuration cannot be used; nothing was sent.
	ErrConfig = errors.New("msn: unusable configuration")
	// ErrNoDialect: server and client have no dialect in common.
	ErrNoDialect = errors.New("msn: the server speaks none of the offered dialects")
	// ErrTimeout: the server did not answer in time.
	ErrTimeout = errors.New("msn: the server did not answer in time")
	// ErrRefused: the server closed the connection instead of answering, which is
	// how many servers say no.
	ErrRefused = errors.New("msn: the server closed the connection instead of answering")
	// ErrClosed: the Client or Conversation was closed by its owner.
	ErrClosed = errors.New("msn: closed")
	// ErrFinishing: the Client begins no text any more, because it is about to be closed. Nothing was sent.
	ErrFinishing = fmt.Errorf("%w: no text is begun any more", ErrClosed)
	// ErrNotConnected: the connection to the service is gone. Nothing was sent.
	ErrNotConnected = errors.New("msn: not connected")
	// ErrUntrusted: the server named an address that Trust does not cover.
	ErrUntrusted = passport.ErrUntrusted

	// ErrOffline: the contact is offline, appears so, or does not let the user
	// through; the protocol does not tell these apart (217).
	ErrOffline = errors.New("msn: the contact is not online or not accepting messages")
	// ErrBlocked: the contact blocks the user (216, which few servers send).
	ErrBlocked = errors.New("msn: the contact has blocked the user")
	// ErrNoSuchContact: the service knows no such account (205, 208).
	ErrNoSuchContact = errors.New("msn: no such account")
	// ErrNoAnswer: the contact was rung and did not come.
	ErrNoAnswer = errors.New("msn: the contact did not answer")
	// ErrHidden: the user appears offline and may not start conversations (913).
	ErrHidden = errors.New("msn: not allowed while appearing offline")
	// ErrTooFast: the server wants fewer requests (713, 714, 800).
	ErrTooFast = errors.New("msn: too many requests")
	// ErrSwitchboard: no switchboard session could be had: it was refused, or broke. One
	// that does not answer is ErrTimeout.
	ErrSwitchboard = errors.New("msn: no session")
	// ErrNotDelivered: the server said that the message did not arrive (NAK).
	ErrNotDelivered = errors.New("msn: the message was not delivered")
	// ErrUncertain: the message was sent, but the connection ended or time ran
	// out before the server acknowledged it. It may have arrived.
	ErrUncertain = errors.New("msn: it is not certain that the message arrived")
	// ErrBehind: the text was not sent, since one before it in its Line was not, which may be sent again later.
	ErrBehind = errors.New("msn: an earlier message was not delivered")
	// ErrTooLong: the text has more than MaxText bytes.
	ErrTooLong = errors.New("msn: the text is too long")
	// ErrTooMany: MaxOutbox messages of the Conversation wait to be sent.
	ErrTooMany = errors.New("msn: too many messages are waiting to be sent")
	// ErrEmpty: there is no text to send.
	ErrEmpty = errors.New("msn: the text is empty")

	// ErrArgument says that an argument of a call cannot be sent.
	ErrArgument = errors.New("msn: unusable argument")
	// ErrDialect says that the dialect of the session does not have this.
	ErrDialect = errors.New("msn: the dialect cannot do this")
	// ErrNoSuchURL says that a URLName is none.
	ErrNoSuchURL = errors.New("msn: no such service URL")
	// ErrNoForm says that the server gave nothing to log in with by a browser.
	ErrNoForm = errors.New("msn: the service gave no web login")
	// ErrSearchDisabled says that the service does not search its directory (502).
	ErrSearchDisabled = errors.New("msn: the service does not search its directory")
	// ErrNoPaging says that the service, or the dialect, does not carry pages.
	ErrNoPaging = errors.New("msn: the service does not page")
	// ErrNoMobile says that the contact has no mobile device that takes pages.
	ErrNoMobile = errors.New("msn: the contact has no mobile device")
	// ErrPageRefused is error 220 to a page: not accepted, not allowed or malformed.
	ErrPageRefused = errors.New("msn: the page was not accepted")
	// ErrPageFailed is error 800 to a page: not sent, perhaps too fast.
	ErrPageFailed = errors.New("msn: the page could not be sent")
	// ErrPagingUnavailable is error 606, 710 or 715 to a page.
	ErrPagingUnavailable = errors.New("msn: paging is not available")
)

// ServerError is a numeric error of the server (protocol/08-errors.md). It wraps
// the error of this package that stands for the number, if there is one.
type ServerError struct {
	Number int
	Verb   string // the command that it answers
	kind   error
}

// Error implements error.
func (e *ServerError) Error() string {
	if name := errorNames[e.Number]; name != "" {
		return fmt.Sprintf("msn: error %d (%s) in answer to %s", e.Number, name, e.Verb)
	}
	return fmt.Sprintf("msn: error %d in answer to %s", e.Number, e.Verb)
}

// Unwrap returns the error of this package that the number stands for, or nil.
func (e *ServerError) Unwrap() error { return e.kind }

// Server makes the error for a number that answers verb on the notification
// connection.
func Server(number int, verb string) *ServerError {
	kind, special := verbErrorKinds[verb][number]
	if !special {
		kind = errorKinds[number]
	}
	return &ServerError{Number: number, Verb: verb, kind: kind}
}

// SignIn is the error of the step of the sign-in that failed with err. A number by which
// servers refuse a proof of who the user is becomes kind: what it says depends on what
// was to be proved.
func SignIn(err, kind error) error {
	refused, ok := errors.AsType[*ServerError](err)
	if !ok || !refusesProof[refused.Number] {
		return err
	}
	return &ServerError{Number: refused.Number, Verb: refused.Verb, kind: kind}
}

// PartsError says how far a text came that was sent in several messages and has
// failed as a whole. What is neither acknowledged nor uncertain has not arrived.
// It wraps the reason, which wraps ErrUncertain when Uncertain is not 0.
type PartsError struct {
	Parts        int // messages that the text was cut into
	Acknowledged int // of them, how many the server has acknowledged
	Uncertain    int // and how many may have arrived besides
	// Characters is the length of the text, and First how much of its beginning the server has
	// acknowledged. Both are 0 where that is not known.
	Characters, First int
	// Joined says that the contact's Messenger joins the messages, so that it may show nothing of
	// a text that is not complete.
	Joined bool
	Reason error
}

// Error implements error.
func (e *PartsError) Error() string {
	return fmt.Sprintf("msn: of %d parts of the text %d were delivered, %d are uncertain and %d were not: %v",
		e.Parts, e.Acknowledged, e.Uncertain, e.Parts-e.Acknowledged-e.Uncertain, e.Reason)
}

// Unwrap returns the reason.
func (e *PartsError) Unwrap() error { return e.Reason }

// OutError says that the server ended the session with OUT
// (protocol/01-login.md, section 10).
type OutError struct {
	// Reason is "" (none given), OTH (signed in elsewhere), SSD (shutting down),
	// MIG, TOU (terms not accepted) or RCT.
	Reason string
	// After is how long to wait before the next attempt, for RCT.
	After time.Duration
}

// Error implements error.
func (e *OutError) Error() string {
	if e.Reason == "" {
		return "msn: the server ended the session"
	}
	return fmt.Sprintf("msn: the server ended the session: OUT %s", e.Reason)
}

// SignedInElsewhere reports whether the account was signed in at another endpoint,
// which ends this one. Signing in again would end that one: do not, by itself.
func (e *OutError) SignedInElsewhere() bool { return e.Reason == "OTH" }

// MovedError says that the server wants its client at another notification
// server (XFR NS in mid-session). Signing in again finds the way there, as the
// dispatch server knows it; it may be done at once.
type MovedError struct {
	// Address is where the server points to, or "" when it only asks for a new
	// login. It has not been held against Trust.
	Address string
}

// Error implements error.
func (e *MovedError) Error() string {
	if e.Address == "" {
		return "msn: the server asks to sign in again"
	}
	return fmt.Sprintf("msn: the server asks to sign in again at %q", e.Address)
}
