// Package notify holds the bodies of the notification server's NOT, IPG, PAG and
// PGD: alerts, incoming pages and outgoing pages
// (protocol/07-misc-founding-spec.md, sections 5 to 7).
//
// What servers send is hostile input and mostly not well-formed. Parsing is
// lenient, bounded in size and depth, and never panics.
package notify

import (
	"errors"
	"strconv"
	"strings"
)

// MaxDocument is the largest NOT or IPG body that is parsed, in bytes. Real ones
// stay below 4 KiB: a BODY is limited to 1,024 bytes.
const MaxDocument = 64 << 10

// ErrUnreadable says that nothing of a document could be understood. It is wrapped
// with the reason.
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

	// Raw is the document as it came, for when nothing else is left to show: its
	// first MaxDocument bytes, with U+FFFD for what is no UTF-8. It can hold control
	// characters.
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
	// scheme and host, which are not checked. "" when the document names none, or
	// none that makes a whole URL.
	ActionURL, SubscribeURL, IconURL string

	CategoryID string
	LCID       int    // language as a decimal Windows locale: 2052 is zh-CN; 0 when not given
	Text       string // plain text, without blanks at its ends
	TextX      string // HTML-like text (from MSNP9 on), unescaped once, hostile
	// Data are the leaf elements of a NotificationData document in BODY, by name:
	// news of the address book, circles or spaces. The names that section 5.3 knows
	// are spelt as there, whatever the document does. Nil for an alert.
	Data map[string]string
}

// Identity returns what tells a message from others besides its IDs. IDs start again at 1
// with each sign-in, and some sites number nothing: the same IDs with the same Identity are
// the same alert.
func (m Message) Identity() []string {
	return []string{m.Text, m.TextX, m.ActionURL, m.SubscribeURL, m.IconURL, m.CategoryID, m.Priority, strconv.Itoa(m.LCID)}
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

// Kind returns what m is about. The addresses and the text of anything but an
// Alert are dummies that nobody is to see.
func (m Message) Kind() Kind {
	switch {
	case m.Data == nil:
		return Alert
	case strings.EqualFold(m.Data["Service"], "ABCHInternal"):
		return AddressBook
	case m.Data["CircleId"] != "":
		return Circle
	case m.Data["SpaceHandle"] != "" || m.Data["ComponentHandle"] != "":
		return Space
	}
	return OtherData
}

// Alerts returns the messages that are for people to read.
func (n *Notification) Alerts() []Message {
	var alerts []Message
	for _, m := range n.Messages {
		if m.Kind() == Alert {
			alerts = append(alerts, m)
		}
	}
	return alerts
}

// Page returns the page in the document of an IPG. It reports false when there is
// none, that is when no MSG with the ID 0 or 1 has a text (section 7).
func (n *Notification) Page() (IncomingPage, bool) {
	for _, m := range n.Messages {
		if m.Text != "" && (m.ID == "0" || m.ID == "1" || m.ID == "") && m.Kind() == Alert {
			return IncomingPage{From: n.sender(), Text: m.Text, LCID: m.LCID}, true
		}
	}
	return IncomingPage{}, false
}

// Bounce returns the failure that an IPG without a page reports. It reports false
// for a page, and when the ID of the document is no transaction ID.
func (n *Notification) Bounce() (Bounce, bool) {
	if _, page := n.Page(); page {
		return Bounce{}, false
	}
	trid, err := strconv.ParseUint(n.ID, 10, 32)
	if err != nil {
		return Bounce{}, false
	}
	b := Bounce{TrID: uint32(trid), To: n.sender()}
	if len(n.Messages) > 0 {
		b.Code = n.Messages[0].ID
	}
	return b, true
}

// sender is the account or number in FROM.
func (n *Notification) sender() string {
	if n.From.Name != "" {
		return strings.ToLower(n.From.Name)
	}
	return strings.ToLower(n.From.Email)
}
