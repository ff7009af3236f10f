package bridge

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

// What the service itself has to say is kept in the table alert and goes through
// the inbox, in order and once, to where network.alerts wants it.

const (
	// maxRaw is how much is shown of an alert that could not be read, in bytes.
	maxRaw = 1024
	// maxAlertCounts is how many alerts without ID of one session are counted.
	maxAlertCounts = 1024
	// maxMailField is the longest sender or subject of a mail that is shown, in
	// characters.
	maxMailField = 200
)

// alertCounts counts alerts of one session that have no ID, by what they are.
type alertCounts map[string]int

// next returns how often an alert has come in this session, this time included.
// What comes while the table is full counts as the first.
func (n *alertCounts) next(what string) int {
	if *n == nil {
		*n = make(alertCounts)
	}
	if len(*n) >= maxAlertCounts && (*n)[what] == 0 {
		return 1
	}
	(*n)[what]++
	return (*n)[what]
}

// notice stores a notice of the service to be shown.
func (c *Client) notice(ctx context.Context, a database.Alert) {
	a.LoginID = c.login.ID
	if a.ReceivedAt.IsZero() {
		a.ReceivedAt = time.Now()
	}
	if c.connector.Config.Alerts == alertsOff && a.Kind != database.AlertKindPage {
		return // what people write is no alert
	}
	c.inbox.putAlert(ctx, &a)
}

// alertReceived stores the messages of an alert.
func (c *Client) alertReceived(ctx context.Context, evt msn.AlertReceived) {
	n := evt.Notification
	if len(n.Messages) == 0 {
		raw := cutText(strings.TrimSpace(msgconv.Clean(n.Raw)), maxRaw)
		c.notice(ctx, database.Alert{
			AlertID:    msnid.MakeAlertMessageID("", "", "", c.occurrence(evt.At, n.Raw), n.Raw),
			ReceivedAt: evt.At,
			Kind:       database.AlertKindRaw,
			Text:       fmt.Sprintf("An alert came from %s that could not be read. This is what it says:\n%s", c.serviceOrUnknown().name, raw),
		})
		return
	}
	for _, m := range n.Messages {
		c.notice(ctx, database.Alert{
			AlertID:        c.alertID(n, m, evt.At),
			ReceivedAt:     evt.At,
			Kind:           database.AlertKindAlert,
			SiteID:         n.SiteID,
			NotificationID: n.ID,
			MessageID:      m.ID,
			Category:       m.CategoryID,
			LCID:           m.LCID,
			Priority:       m.Priority,
			ActionURL:      m.ActionURL,
			SubscribeURL:   m.SubscribeURL,
			IconURL:        m.IconURL,
			Text:           msgconv.AlertText(m.Text, m.TextX),
		})
	}
}

// alertID returns the ID of a message of an alert: the same IDs with the same
// content are the same alert, in any session.
func (c *Client) alertID(n *notify.Notification, m notify.Message, at time.Time) networkid.MessageID {
	content := []string{m.Text, m.TextX, m.ActionURL, m.SubscribeURL, m.IconURL, m.CategoryID, m.Priority, strconv.Itoa(m.LCID)}
	occurrence := ""
	if n.ID == "" || n.ID == "0" {
		occurrence = c.occurrence(at, append([]string{n.SiteID, m.ID}, content...)...)
	}
	return msnid.MakeAlertMessageID(n.SiteID, n.ID, m.ID, occurrence, content...)
}

// occurrence tells alerts apart that have no ID of use: how often the same content
// has come in this session, and on which day. What the server repeats in another
// session of that day is known by it; what it says twice in one session is said
// twice, and so is what it says again tomorrow.
func (c *Client) occurrence(at time.Time, content ...string) string {
	day := at.UTC().Format(time.DateOnly)
	what := msnid.MakeNoticeMessageID(day, content...)
	return fmt.Sprintf("%s.%d", day, c.alerts.next(string(what)))
}

// alertsSuppressed says that alerts were left out.
func (c *Client) alertsSuppressed(ctx context.Context, evt msn.AlertsSuppressed) {
	now := time.Now()
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("suppressed", strconv.FormatInt(now.UnixNano(), 10)),
		ReceivedAt: now,
		Kind:       database.AlertKindSuppressed,
		Text: fmt.Sprintf("%s has sent more alerts, pages and mail notices than anybody can read. The bridge has left out %d of them.",
			c.serviceOrUnknown().name, evt.Count),
	})
}

// mailFolders are the folders of new mail that need a word; notices of mail that
// goes elsewhere by a rule of the user's are no news (protocol/06-oim-mail.md).
var mailFolders = map[string]string{"": "", "ACTIVE": "", "HM_BuLkMail_": " in the junk folder"}

// mailReceived tells of a new mail.
func (c *Client) mailReceived(ctx context.Context, evt msn.MailReceived) {
	where, ok := mailFolders[evt.Folder]
	if !ok {
		where = " in the folder " + shorten(oneLine(evt.Folder), maxMailField)
	}
	from := shorten(oneLine(evt.From), maxMailField)
	if address := shorten(oneLine(evt.FromAddress), maxMailField); address != "" && address != from {
		from = strings.TrimSpace(from + " <" + address + ">")
	}
	subject := shorten(oneLine(evt.Subject), maxMailField)
	if subject == "" {
		subject = "(no subject)"
	}
	// The page of the mail names it; without, nothing does.
	mark := evt.URL.Redirect
	if mark == "" {
		mark = strconv.FormatInt(evt.At.UnixNano(), 10)
	}
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("mail", evt.From, evt.FromAddress, evt.Subject, mark),
		ReceivedAt: evt.At,
		Kind:       database.AlertKindMail,
		Text:       fmt.Sprintf("✉️ New mail%s from %s: %s\nSend !inbox for a link to your mail.", where, from, subject),
	})
}

// mailCounted tells how many unread mails there are after signing in, when that is
// another number than was known last: what was read since counts.
func (c *Client) mailCounted(ctx context.Context, evt msn.MailCounted) {
	if evt.Unknown || evt.Inbox == c.meta().get().Unread {
		return
	}
	_ = c.remember(ctx, func(kept *loginRecord) { kept.Unread = evt.Inbox })
	if !evt.Initial || evt.Inbox <= 0 {
		return
	}
	mails := "mails"
	if evt.Inbox == 1 {
		mails = "mail"
	}
	now := time.Now()
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("unread", strconv.FormatInt(now.UnixNano(), 10)),
		ReceivedAt: now,
		Kind:       database.AlertKindUnread,
		Text:       fmt.Sprintf("✉️ You have %d unread %s at %s. Send !inbox for a link to them.", evt.Inbox, mails, c.serviceOrUnknown().name),
	})
}

// shutdownAnnounced says that the service goes down.
func (c *Client) shutdownAnnounced(ctx context.Context, evt msn.ShutdownAnnounced) {
	minutes := int(evt.In / time.Minute)
	when := fmt.Sprintf("in %d minutes", minutes)
	if minutes <= 1 {
		when = "in a minute"
	}
	c.system(ctx, fmt.Sprintf("%s goes down for maintenance %s. The bridge comes back by itself.", c.serviceOrUnknown().name, when))
}

// systemMessage shows a system message that nobody knows the meaning of.
func (c *Client) systemMessage(ctx context.Context, evt msn.SystemMessage) {
	words := append([]string{"type " + evt.Type}, evt.Args...)
	c.system(ctx, fmt.Sprintf("%s has sent a system message: %s", c.serviceOrUnknown().name,
		shorten(oneLine(strings.Join(words, ", ")), maxMailField)))
}

func (c *Client) system(ctx context.Context, text string) {
	now := time.Now()
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("system", text, strconv.FormatInt(now.UnixNano(), 10)),
		ReceivedAt: now,
		Kind:       database.AlertKindSystem,
		Text:       text,
	})
}

// checkVersion tells, once for each version, that the service wants another client
// than the one that is announced.
func (c *Client) checkVersion(ctx context.Context, session *msn.Client) {
	version, ok := session.Version()
	own := session.Identity().Version
	if !ok || !version.Outdated(own) {
		return
	}
	c.notice(ctx, database.Alert{
		AlertID: msnid.MakeNoticeMessageID("version", own, version.Minimum),
		Kind:    database.AlertKindVersion,
		Text: fmt.Sprintf("%s wants clients of version %s or later; the bridge announces %s. Some things may not work. "+
			"The admin of this bridge can have another one announced with network.services.%s.client.",
			c.serviceOrUnknown().name, shorten(oneLine(version.Minimum), maxMailField), own, c.identity.Service),
	})
}

// cutText returns at most n bytes of a text.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}
