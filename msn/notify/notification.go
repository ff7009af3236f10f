// Package notify holds the bodies of the notification server's NOT, IPG, PAG and
// PGD: alerts, incoming pages and outgoing pages
// (protocol/07-misc-founding-spec.md, sections 5 to 7).
//
// What servers send is hostile input and mostly not well-formed. Parsing is
// lenient, bounded in size and depth, and never panics.
package notify

import "errors"

// MaxDocument is the largest NOT or IPG body that is parsed, in bytes. Real ones
// stay below 4 KiB: a BODY is limited to 1,024 bytes.
const MaxDocument = 64 << 10

// ErrUnreadable says that nothing of a document could be understood. It wraps why.
var ErrUnreadable = errors.New("notify: unreadable document")

// Notification is the document that NOT and IPG carry (section 5). Fields that the
// document leaves out are "". All texts are valid UTF-8 without characters that
// XML 1.0 forbids.
type Notification struct {
	ID      string // grows by one per session at some sites, anything at others
	Version string // "ver": "0" mobile, "1" calendar, "2" alerts
	SiteID  string
	SiteURL string // base of the relative URLs
	To      Party
	From    Party // of pages: who sent them, an account or "tel:+15551112222"

	Messages []Message

	// Raw is the document as it came, for when nothing else is left to show.
	Raw string
}

// Party is one end of a notification.
type Party struct {
	PID   string // opaque
	Name  string // account, or "tel:" and a number
	Email string
	Via   string // agent: "messenger", "email", "mobile"
}

// Message is one MSG element.
type Message struct {
	ID       string
	Priority string // "pri"; not empty means urgent

	// ActionURL and SubscribeURL are where to act and where to change the
	// subscription, IconURL a picture: resolved against SiteURL (RFC 3986), of any
	// scheme and not checked. "" when the document names none.
	ActionURL, SubscribeURL, IconURL string

	CategoryID string
	LCID       int    // language as a decimal Windows locale: 2052 is zh-CN; 0 when not given
	Text       string // plain text
	TextX      string // HTML-like text (from MSNP9 on), unescaped once, hostile
	// Data are the leaf elements of a NotificationData document in BODY, by name:
	// news of the address book, circles or spaces. Nil for an alert.
	Data map[string]string
}

// Kind tells what a Message is about.
type Kind uint8

// The kinds of messages.
const (
	Alert       Kind = iota // for people to read
	AddressBook             // the contact list changed on the server (ABCHInternal)
	Circle                  // a circle changed
	Space                   // a contact's space or blog has something new
	OtherData               // any other NotificationData
)
