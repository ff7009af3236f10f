package msn

import (
	"time"

	"matrix-msn/msn/notify"
)

// Event is one of the structs of this file. Events of a Client come in the order
// in which they happened.
type Event interface{ isEvent() }

// PresenceChanged says that a contact's status, name, capabilities or display
// picture is another one now (ILN, NLN, FLN). Servers repeat themselves: Contact
// may equal the one before. Initial marks the statuses that follow signing in.
type PresenceChanged struct {
	Contact Contact
	Initial bool
}

// PersonalMessageChanged says that a contact has another personal message or
// plays other media (UBX).
type PersonalMessageChanged struct{ Contact Contact }

// ContactChanged says that a contact's lists, groups or properties are others
// now: the user changed them at another place, or the contact added or removed
// the user. Before holds the lists as they were.
type ContactChanged struct {
	Contact Contact
	Before  List
}

// AddedYou says that somebody has put the user on their contact list (ADD RL,
// ADC RL).
type AddedYou struct{ Contact Contact }

// RemovedYou says that somebody has taken the user off their contact list.
type RemovedYou struct{ Contact Contact }

// TextReceived is a text message (text/plain) from a switchboard.
type TextReceived struct {
	Conversation *Conversation
	// From is the account that the server vouches for; FromName the display
	// name that it gives, which is under the sender's control.
	From, FromName string
	// Text is valid UTF-8 with LF line ends.
	Text string
	// Format is the value of X-MMS-IM-Format, at most MaxFormat bytes, else "".
	Format string
	// Session and Seq identify the message: the switchboard session and the
	// number of the message from this sender in it, from 1.
	Session string
	Seq     int
	// Others are the other people in the session besides From and the user;
	// empty in a conversation of two.
	Others []string
	At     time.Time
}

// TypingReceived says that From is writing. It holds for about 6 seconds.
type TypingReceived struct {
	Conversation *Conversation
	From         string
}

// OtherReceived is a message of any other type from a switchboard: a nudge, an
// invitation, data. Types that nobody asked for are to be ignored.
type OtherReceived struct {
	Conversation   *Conversation
	From, FromName string
	Message        Message
	Session        string
	Seq            int
}

// ParticipantJoined says that somebody has come into a conversation (IRO, JOI).
type ParticipantJoined struct {
	Conversation  *Conversation
	Account, Name string
}

// ParticipantLeft says that somebody has left a conversation (BYE). Idle tells
// that the server ended it because nothing was said.
type ParticipantLeft struct {
	Conversation *Conversation
	Account      string
	Idle         bool
}

// ServerMessage is a MSG from the notification server itself (account
// "Hotmail") of a type that has no event of its own.
type ServerMessage struct{ Message Message }

// AlertReceived is an alert (NOT) for people to read. The messages of the
// Notification that are of another kind are left out of it. When it could not be
// read at all it has no Messages, and Raw holds what came.
type AlertReceived struct {
	Notification *notify.Notification
	At           time.Time
}

// DataReceived is a NOT that is no alert: news of the address book, circles or
// spaces for programs (protocol/07, section 5.3). In MSNP2 to MSNP12 changes of
// the contact lists come by commands of their own as well.
type DataReceived struct {
	Kind notify.Kind
	Data map[string]string
}

// PageReceived is a page from somebody's mobile device (IPG).
type PageReceived struct {
	// From is an account in lower case, or "tel:" and a number. Contact is the
	// contact it belongs to: the account, or whoever has that mobile number. It is
	// "" when nobody known does.
	From, Contact string
	Text          string
	LCID          int
	At            time.Time
}

// PageBounced says that a page of the user's own failed after all (IPG). It comes
// once for a page. When the session did not send it, as when the program was started
// again meanwhile, Page has only TrID and To, which the server may have made up.
type PageBounced struct {
	Page SentPage
	// Code is notify.BounceTooLong when the page was too long. When it failed by an
	// error that came after Page had returned it is that number; else it is not known
	// why.
	Code string
}

// AlertsSuppressed says that so many alerts, pages, mail notices and system messages
// were left out since the last time, because more came than anybody could read. It
// comes at most once a minute.
type AlertsSuppressed struct{ Count int }

// MailCounted tells how many unread mails the account has: after signing in, and
// when the number changed by what was read or moved.
type MailCounted struct {
	Inbox, Folders int
	// Unknown says that the server has not told the numbers after signing in: those
	// here count only what came since.
	Unknown bool
	Initial bool
	URL     ServiceURL // of the inbox
}

// MailReceived is the notice of a new mail.
type MailReceived struct {
	From, FromAddress, Subject string // decoded (RFC 2047); under the sender's control
	Folder                     string // "ACTIVE" is the inbox
	URL                        ServiceURL
	At                         time.Time
}

// ShutdownAnnounced is the system message that the service goes down for
// maintenance.
type ShutdownAnnounced struct {
	In time.Duration
}

// SystemMessage is a system message of any other kind.
type SystemMessage struct {
	Type string
	Args []string
}

// Disconnected is the last event of a Client. Err is never nil: ErrClosed after
// Close, *OutError when the server said OUT, else what ended the connection.
type Disconnected struct{ Err error }

func (PresenceChanged) isEvent()        {}
func (PersonalMessageChanged) isEvent() {}
func (ContactChanged) isEvent()         {}
func (AddedYou) isEvent()               {}
func (RemovedYou) isEvent()             {}
func (TextReceived) isEvent()           {}
func (TypingReceived) isEvent()         {}
func (OtherReceived) isEvent()          {}
func (ParticipantJoined) isEvent()      {}
func (ParticipantLeft) isEvent()        {}
func (ServerMessage) isEvent()          {}
func (AlertReceived) isEvent()          {}
func (DataReceived) isEvent()           {}
func (PageReceived) isEvent()           {}
func (PageBounced) isEvent()            {}
func (AlertsSuppressed) isEvent()       {}
func (MailCounted) isEvent()            {}
func (MailReceived) isEvent()           {}
func (ShutdownAnnounced) isEvent()      {}
func (SystemMessage) isEvent()          {}
func (Disconnected) isEvent()           {}
