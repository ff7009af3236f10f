package msn

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// Limits of what NOT, IPG and mail notices make of events. Everything is told
// apart from what is left out by AlertsSuppressed.
const (
	// alertBurst and alertEvery bound alerts, pages and mail notices, each kind for
	// itself: so many at once, as an account that was away for long may get, and one
	// more each time, which is more than anybody reads.
	alertBurst = 50
	alertEvery = time.Second
	// pageBurst and pageEvery bound the pages of one sender. Nobody types faster on
	// a telephone.
	pageBurst = 20
	pageEvery = 3 * time.Second
	// suppressedEvery is how often what was left out is told.
	suppressedEvery = time.Minute
	// maxSeenAlerts is how many alerts of one session are remembered, to show none
	// twice.
	maxSeenAlerts = 1024
)

// alerts is what a Client remembers of the alerts, pages and mail notices of one
// session.
type alerts struct {
	seen           map[alertKey]struct{}
	order          []alertKey // of seen, the oldest first
	all, perSender *limiter
	left           int         // events left out and not told yet
	timer          *time.Timer // runs while left is not 0
}

// alertKey stands for one alert: its IDs and its content.
type alertKey [sha256.Size]byte

func newAlerts() alerts {
	return alerts{
		seen:      make(map[alertKey]struct{}),
		all:       newLimiter(alertBurst, alertEvery),
		perSender: newLimiter(pageBurst, pageEvery),
	}
}

// keyOf returns what tells an alert from others. IDs start again at 1 with each
// sign-in, and some sites number nothing, so that the content belongs to it.
func keyOf(n *notify.Notification, m notify.Message) (key alertKey) {
	hash := sha256.New()
	for _, field := range []string{n.SiteID, n.ID, m.ID, n.SiteURL, m.Priority, m.ActionURL,
		m.SubscribeURL, m.IconURL, m.CategoryID, m.Text, m.TextX} {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(field)))
		hash.Write(length[:])
		hash.Write([]byte(field))
	}
	hash.Sum(key[:0])
	return key
}

// remember notes an alert that is shown. The oldest is forgotten for it when there
// are many.
func (a *alerts) remember(key alertKey) {
	if _, known := a.seen[key]; known {
		return
	}
	if len(a.order) >= maxSeenAlerts {
		delete(a.seen, a.order[0])
		a.order = slices.Delete(a.order, 0, 1)
	}
	a.seen[key] = struct{}{}
	a.order = append(a.order, key)
}

// mayShow reports whether one more event of a kind may be shown now, and counts it
// when it may not.
func (c *Client) mayShow(kind string) bool {
	if c.alerts.all.allow(kind, time.Now()) {
		return true
	}
	c.leaveOut()
	return false
}

// leaveOut counts an event that is not shown.
func (c *Client) leaveOut() {
	c.alerts.left++
	if c.alerts.timer == nil {
		c.log.Warn("more alerts, pages or mail notices than can be shown", "account", c.account)
		c.alerts.timer = c.after(suppressedEvery, c.tellSuppressed)
	}
}

// tellSuppressed tells how much was left out.
func (c *Client) tellSuppressed() {
	if c.alerts.timer != nil {
		c.alerts.timer.Stop()
		c.alerts.timer = nil
	}
	if c.alerts.left > 0 {
		c.emit(AlertsSuppressed{Count: c.alerts.left})
		c.alerts.left = 0
	}
}

// alert handles NOT (protocol/07-misc-founding-spec.md, section 5). Whatever the
// document is, the connection goes on.
func (c *Client) alert(cmd wire.Command) {
	n, err := notify.Parse(cmd.Payload)
	c.show(n, err)
}

// show makes the events of a notification that is no page. err is why it could not be
// read, or nil.
func (c *Client) show(n *notify.Notification, err error) {
	if len(n.Messages) == 0 {
		if c.mayShow("alert") {
			if err != nil { // not of what is left out: a flood must not become one of log lines
				c.log.Info("unreadable notification", "account", c.account, "error", err)
			}
			c.emit(AlertReceived{Notification: n, At: time.Now()})
		}
		return
	}
	for _, m := range n.Messages {
		if kind := m.Kind(); kind != notify.Alert {
			c.emit(DataReceived{Kind: kind, Data: m.Data})
			if kind == notify.AddressBook || kind == notify.Circle && !c.isEcho(m.Data["CircleId"]) {
				c.roster.refresh()
			}
		}
	}
	shown := *n
	shown.Messages = slices.DeleteFunc(n.Alerts(), func(m notify.Message) bool { return !c.news(n, m) })
	if len(shown.Messages) > 0 {
		c.emit(AlertReceived{Notification: &shown, At: time.Now()})
	}
}

// news reports whether an alert is to be shown, and remembers it then. Servers
// repeat themselves; the ID 0, or none, stands for nothing
// (protocol/07-misc-founding-spec.md, section 5.2).
func (c *Client) news(n *notify.Notification, m notify.Message) bool {
	if n.ID == "" || n.ID == "0" {
		return c.mayShow("alert")
	}
	key := keyOf(n, m)
	if _, known := c.alerts.seen[key]; known {
		return false
	}
	if !c.mayShow("alert") {
		return false // it is new when it is repeated later
	}
	c.alerts.remember(key)
	return true
}

// incomingPage handles IPG (protocol/07-misc-founding-spec.md, section 7): a page, or
// the report that one of the user's own has failed.
func (c *Client) incomingPage(cmd wire.Command) {
	n, err := notify.Parse(cmd.Payload)
	if page, ok := n.Page(); ok {
		c.paged(page)
		return
	}
	bounce, ok := n.Bounce()
	if !ok || bounce.TrID == 0 {
		c.show(n, err)
		return
	}
	code := keep(bounce.Code, maxName)
	if c.pageFailed(bounce.TrID, code) {
		return
	}
	if c.mayShow("bounce") {
		c.log.Info("report of a page that this session has not sent", "account", c.account, "trid", bounce.TrID, "code", code)
		to, _ := c.pageSender(bounce.To)
		c.emit(PageBounced{Page: SentPage{To: to, TrID: bounce.TrID}, Code: code})
	}
}

// paged tells of a page.
func (c *Client) paged(page notify.IncomingPage) {
	from, contact := c.pageSender(page.From)
	if !c.alerts.perSender.allow(from, time.Now()) {
		c.leaveOut()
		return
	}
	if !c.mayShow("page") {
		return
	}
	c.emit(PageReceived{From: from, Contact: contact, Text: page.Text, LCID: page.LCID, At: time.Now()})
}

// pageSender returns the sender of a page in the form in which accounts and
// numbers are compared, and the contact that it is, if one is known. A number that
// several contacts have is nobody's.
func (c *Client) pageSender(s string) (from, contact string) {
	if number, digits, ok := phoneTarget(s); ok {
		if owners := c.book.withMobile(digits); len(owners) == 1 {
			contact = owners[0].Account
		}
		return number, contact
	}
	if strings.HasPrefix(strings.ToLower(s), phonePrefix) {
		return "", "" // no number, and no account either
	}
	from, ok := parseAccount(s)
	if !ok {
		return "", ""
	}
	if c.book.find(from) != nil {
		contact = from
	}
	return from, contact
}
