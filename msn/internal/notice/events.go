package notice

import (
	"time"

	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/link"
	"matrix-msn/msn/notify"
)

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
	URL     link.ServiceURL // of the inbox
}

// MailReceived is the notice of a new mail.
type MailReceived struct {
	From, FromAddress, Subject string // decoded (RFC 2047); under the sender's control
	Folder                     string // "ACTIVE" is the inbox
	URL                        link.ServiceURL
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

// Size implements Event.
func (e AlertReceived) Size() int {
	n := e.Notification
	if n == nil {
		return event.Base
	}
	size := event.Size(n.ID, n.Version, n.SiteID, n.SiteURL, n.Raw)
	for _, p := range []notify.Party{n.To, n.From} {
		size += event.Size(p.PID, p.Name, p.Email, p.Via)
	}
	for _, m := range n.Messages {
		size += event.Size(m.ID, m.Priority, m.ActionURL, m.SubscribeURL, m.IconURL, m.CategoryID, m.Text, m.TextX) + event.Map(m.Data)
	}
	return size
}

// Size implements Event.
func (e DataReceived) Size() int { return event.Base + event.Map(e.Data) }

// Size implements Event.
func (AlertsSuppressed) Size() int { return event.Base }

// Size implements Event.
func (e MailCounted) Size() int { return event.Size(e.URL.Redirect, e.URL.Post, e.URL.SiteID) }

// Size implements Event.
func (e MailReceived) Size() int {
	return event.Size(e.From, e.FromAddress, e.Subject, e.Folder, e.URL.Redirect, e.URL.Post, e.URL.SiteID)
}

// Size implements Event.
func (ShutdownAnnounced) Size() int { return event.Base }

// Size implements Event.
func (e SystemMessage) Size() int { return event.Size(e.Type) + event.Strings(e.Args) }
