package notice

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"go.mau.fi/util/exsync"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// Limits of what NOT, IPG and mail notices make of events. Everything is told
// apart from what is left out by AlertsSuppressed.
const (
	// AlertBurst and AlertEvery bound alerts, pages and mail notices, each kind for
	// itself: so many at once, as an account that was away for long may get, and one
	// more each time, which is more than anybody reads.
	AlertBurst = 50
	AlertEvery = time.Second
	// SuppressedEvery is how often what was left out is told.
	SuppressedEvery = time.Minute
	// MaxSeen is how many alerts of one session are remembered, to show none
	// twice.
	MaxSeen = 1024
)

// alertKey stands for one alert: its IDs and its content.
type alertKey [sha256.Size]byte

// keyOf returns what tells an alert from others. IDs start again at 1 with each sign-in,
// and some sites number nothing, so that the content belongs to it.
func keyOf(n *notify.Notification, m notify.Message) (key alertKey) {
	hash := sha256.New()
	for _, field := range append([]string{n.SiteID, n.ID, m.ID}, m.Identity()...) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(field)))
		hash.Write(length[:])
		hash.Write([]byte(field))
	}
	hash.Sum(key[:0])
	return key
}

// MayShow reports whether one more event of a kind may be shown now, and counts it
// when it may not.
func (n *Notices) MayShow(kind string) bool {
	if n.all.Allow(kind, time.Now()) {
		return true
	}
	n.LeaveOut()
	return false
}

// LeaveOut counts an event that is not shown.
func (n *Notices) LeaveOut() {
	n.left++
	if n.timer == nil {
		n.conn.Warn("more alerts, pages or mail notices than can be shown")
		n.timer = n.conn.After(SuppressedEvery, n.tellSuppressed)
	}
}

// tellSuppressed tells how much was left out.
func (n *Notices) tellSuppressed() {
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	if n.left > 0 {
		n.conn.Emit(AlertsSuppressed{Count: n.left})
		n.left = 0
	}
}

// alert handles NOT (protocol/07-misc-founding-spec.md, section 5). Whatever the
// document is, the connection goes on.
func (n *Notices) alert(cmd wire.Command) {
	document, err := notify.Parse(cmd.Payload)
	n.Show(document, err)
}

// Show makes the events of a notification that is no page. err is why it could not be
// read, or nil.
func (n *Notices) Show(document *notify.Notification, err error) {
	if len(document.Messages) == 0 {
		if n.MayShow("alert") {
			if err != nil {
				n.conn.Note("unreadable notification", "error", err)
			}
			n.conn.Emit(AlertReceived{Notification: document, At: time.Now()})
		}
		return
	}
	for _, m := range document.Messages {
		kind := m.Kind()
		if kind != notify.Alert {
			n.conn.Emit(DataReceived{Kind: kind, Data: m.Data})
		}
		switch kind {
		case notify.AddressBook:
			n.hooks.AddressBook()
		case notify.Circle:
			n.hooks.Circle(m.Data["CircleId"])
		}
	}
	shown := *document
	shown.Messages = slices.DeleteFunc(document.Alerts(), func(m notify.Message) bool { return !n.news(document, m) })
	if len(shown.Messages) > 0 {
		n.conn.Emit(AlertReceived{Notification: &shown, At: time.Now()})
	}
}

// news reports whether an alert is to be shown, and remembers it then. Servers
// repeat themselves; the ID 0, or none, stands for nothing
// (protocol/07-misc-founding-spec.md, section 5.2).
func (n *Notices) news(document *notify.Notification, m notify.Message) bool {
	if document.ID == "" || document.ID == "0" {
		return n.MayShow("alert")
	}
	if n.seen == nil {
		n.seen = exsync.NewRingBuffer[alertKey, struct{}](MaxSeen + 1) // one place stays empty
	}
	key := keyOf(document, m)
	if n.seen.Contains(key) {
		return false
	}
	if !n.MayShow("alert") {
		return false // it is new when it is repeated later
	}
	n.seen.Push(key, struct{}{})
	return true
}
