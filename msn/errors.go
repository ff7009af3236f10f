package msn

import (
	"matrix-msn/msn/circle"
	"matrix-msn/msn/internal/contactlist"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/networks"
	"matrix-msn/msn/internal/transport"
)

// Errors of this package are tested with errors.Is and errors.As. What comes from
// the network stays reachable: a name that does not exist is a *net.DNSError, a
// refused connection is syscall.ECONNREFUSED.
var (
	// ErrBadCredentials: who checks the password refused account or password: the login
	// server by its "failed", with a *passport.RefusedError, or up to MSNP7 the
	// notification server by 911 to the password's hash. Trying again with the same is
	// useless.
	ErrBadCredentials = errs.ErrBadCredentials
	// ErrTicket: the notification server does not take the ticket that the login server
	// has just given for the password (911, 917, 928), nor a second one. The two disagree,
	// which says nothing of the password. Trying again later helps.
	ErrTicket = errs.ErrTicket
	// ErrAccountLocked: the service knows the account but does not let it in
	// before its owner has settled something with it (917, 920, 923 to 927, 420).
	ErrAccountLocked = errs.ErrAccountLocked
	// ErrBusy: the service is busy, broken or being worked on (500, 600, 910, …).
	// Trying again later helps.
	ErrBusy = errs.ErrBusy
	// ErrConfig: the Config cannot be used; nothing was sent.
	ErrConfig = errs.ErrConfig
	// ErrNoDialect: server and client have no dialect in common.
	ErrNoDialect = errs.ErrNoDialect
	// ErrTimeout: the server did not answer in time.
	ErrTimeout = errs.ErrTimeout
	// ErrRefused: the server closed the connection instead of answering, which is
	// how many servers say no.
	ErrRefused = errs.ErrRefused
	// ErrClosed: the Client or Conversation was closed by its owner.
	ErrClosed = errs.ErrClosed
	// ErrFinishing, an ErrClosed: the text was not begun, or the file not taken yet, when Client.Finish was called. Nothing was sent.
	ErrFinishing = errs.ErrFinishing
	// ErrNotConnected: the connection to the service is gone. Nothing was sent.
	ErrNotConnected = errs.ErrNotConnected
	// ErrUntrusted: the server named an address that Trust does not cover.
	ErrUntrusted = errs.ErrUntrusted
	// ErrGateway: the HTTP gateway did not answer as one, or ended the connection.
	ErrGateway = transport.ErrGateway

	// ErrOffline: the contact is offline, appears so, or does not let the user
	// through; the protocol does not tell these apart (217).
	ErrOffline = errs.ErrOffline
	// ErrBlocked: the contact blocks the user (216, which few servers send).
	ErrBlocked = errs.ErrBlocked
	// ErrNoSuchContact: the service knows no such account (205, 208).
	ErrNoSuchContact = errs.ErrNoSuchContact
	// ErrNoAnswer: the contact was rung and did not come.
	ErrNoAnswer = errs.ErrNoAnswer
	// ErrHidden: the user appears offline and may not start conversations (913).
	ErrHidden = errs.ErrHidden
	// ErrTooFast: the server wants fewer requests (713, 714, 800).
	ErrTooFast = errs.ErrTooFast
	// ErrSwitchboard: no switchboard session could be had: it was refused, or broke. One
	// that does not answer is ErrTimeout.
	ErrSwitchboard = errs.ErrSwitchboard
	// ErrNotDelivered: the server said that the message did not arrive (NAK).
	ErrNotDelivered = errs.ErrNotDelivered
	// ErrUncertain: the message was sent, but the connection ended or time ran
	// out before the server acknowledged it. It may have arrived.
	ErrUncertain = errs.ErrUncertain
	// ErrBehind: the text was not sent, since one before it in its Line was not, which may be sent again later.
	ErrBehind = errs.ErrBehind
	// ErrTooLong: the text has more than MaxText bytes.
	ErrTooLong = errs.ErrTooLong
	// ErrTooMany: MaxOutbox messages of the Conversation wait to be sent.
	ErrTooMany = errs.ErrTooMany
	// ErrEmpty: there is no text to send.
	ErrEmpty = errs.ErrEmpty
	// ErrNetwork: the contact is on a network that the service, or the dialect, carries
	// no texts to. Yahoo contacts are written to from MSNP14 on.
	ErrNetwork = networks.ErrNetwork

	// ErrCircle: the service does not carry texts to a circle: the user does not belong
	// to it (any more), the server has not let them in, or the dialect is not MSNP18.
	ErrCircle = circle.ErrCircle
	// ErrCircleMember: somebody belongs to the circle already.
	ErrCircleMember = circle.ErrMember

	// ErrListFull: the contact list has no room.
	ErrListFull = contactlist.ErrListFull
	// ErrNameRefused: the service does not take a display name.
	ErrNameRefused = contactlist.ErrNameRefused
	// ErrNotListed: somebody is not on the contact list.
	ErrNotListed = contactlist.ErrNotListed
	// ErrManyGroups: the contact list has as many groups as it can.
	ErrManyGroups = contactlist.ErrManyGroups
	// ErrGroupExists: there is a group of that name.
	ErrGroupExists = contactlist.ErrGroupExists
	// ErrNoGroup: there is no such group.
	ErrNoGroup = contactlist.ErrNoGroup
	// ErrFixedGroup: the group cannot be removed.
	ErrFixedGroup = contactlist.ErrFixedGroup
	// ErrArgument: an argument of a call cannot be sent.
	ErrArgument = errs.ErrArgument
	// ErrDialect: the dialect of the session does not have this.
	ErrDialect = errs.ErrDialect
	// ErrNoSuchURL: a URLName is invalid.
	ErrNoSuchURL = errs.ErrNoSuchURL
	// ErrNoForm: the server gave nothing to log in with by a browser.
	ErrNoForm = errs.ErrNoForm
	// ErrSearchDisabled: the service does not search its directory (502).
	ErrSearchDisabled = errs.ErrSearchDisabled
	// ErrNoPaging: the service, or the dialect, does not carry pages.
	ErrNoPaging = errs.ErrNoPaging
	// ErrNoMobile: the contact has no mobile device that takes pages.
	ErrNoMobile = errs.ErrNoMobile
	// ErrPageRefused is error 220 to a page: not accepted, not allowed or malformed.
	ErrPageRefused = errs.ErrPageRefused
	// ErrPageFailed is error 800 to a page: not sent, perhaps too fast.
	ErrPageFailed = errs.ErrPageFailed
	// ErrPagingUnavailable is error 606, 710 or 715 to a page.
	ErrPagingUnavailable = errs.ErrPagingUnavailable
)

// ServerError is a numeric error of the server (protocol/08-errors.md). It wraps
// the error of this package that stands for the number, if there is one.
type ServerError = errs.ServerError

// PartsError says how far a text came that was sent in several messages and has
// failed as a whole. What is neither acknowledged nor uncertain has not arrived.
// It wraps the reason, which wraps ErrUncertain when Uncertain is not 0.
type PartsError = errs.PartsError

// OutError says that the server ended the session with OUT
// (protocol/01-login.md, section 10).
type OutError = errs.OutError

// MovedError says that the server wants its client at another notification
// server (XFR NS in mid-session). Signing in again finds the way there, as the
// dispatch server knows it; it may be done at once.
type MovedError = errs.MovedError
