// Package alert shows what the service itself has to say: alerts, mail notices and system
// messages, in the room of the alerts or in the user's chat with the bot.
package alert

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
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
)

// counts counts alerts of one session that have no ID, by what they are.
type counts map[string]int

// next returns how often an alert has come in this session, this time included.
// What comes while the table is full counts as the first.
func (n *counts) next(what string) int {
	if *n == nil {
		*n = make(counts)
	}
	if len(*n) >= maxAlertCounts && (*n)[what] == 0 {
		return 1
	}
	(*n)[what]++
	return (*n)[what]
}

// Inbox brings alerts into Matrix.
type Inbox interface {
	// PutBy puts a message into the queue by storing it together with something else.
	// store is given the message that takes the place of all that come while too many
	// wait: it is the only one with a text. It reports false for what is there already.
	PutBy(ctx context.Context, m *database.QueuedMessage, store func(context.Context, *database.QueuedMessage) (added bool, err error))
}

// Alerts are the alerts of one login.
type Alerts struct {
	account *account.Account
	rooms   *room.Rooms
	inbox   Inbox
	counts  counts // of this session; only of use to its goroutine
	trouble iconTrouble
}

// New returns the alerts of a login, which go into inbox.
func New(a *account.Account, rooms *room.Rooms, inbox Inbox) *Alerts {
	return &Alerts{account: a, rooms: rooms, inbox: inbox}
}

// Listen has alerts of the service shown.
func (al *Alerts) Listen(s *session.Session) { session.Listen(s, al, hearing) }

var hearing = session.Hears(
	session.OnOpen(func(al *Alerts, _ context.Context, _ *msn.Client) { al.counts = counts{} }),
	session.OnReady((*Alerts).checkVersion),
	session.OnDelivered((*Alerts).alertReceived),
	session.OnDelivered((*Alerts).alertsSuppressed),
	session.OnDelivered((*Alerts).mailReceived),
	session.OnDelivered((*Alerts).systemMessage),
	session.On((*Alerts).mailCounted),
	session.On((*Alerts).shutdownAnnounced),
)

// Notice stores a notice of the service to be shown.
func (al *Alerts) Notice(ctx context.Context, a database.Alert) {
	a.LoginID = al.account.Login.ID
	if a.ReceivedAt.IsZero() {
		a.ReceivedAt = time.Now()
	}
	if al.account.Config.Alerts == config.AlertsOff && !a.Kind.OfPeople() {
		return
	}
	al.inbox.PutBy(ctx, &database.QueuedMessage{
		LoginID:   a.LoginID,
		MessageID: a.AlertID,
		PortalID:  msnid.MakeAlertsPortalKey(a.LoginID).ID,
		At:        a.ReceivedAt,
		Kind:      database.QueuedAlert,
	}, func(ctx context.Context, m *database.QueuedMessage) (added bool, err error) {
		stored := &a
		if m.Body != "" { // in the place of this alert and others
			stored = &database.Alert{LoginID: m.LoginID, AlertID: m.MessageID, ReceivedAt: m.At,
				Kind: database.AlertKindSuppressed, Text: m.Body}
		}
		return al.account.DB.Alert.Put(ctx, stored, m)
	})
}

// alertReceived stores the messages of an alert.
func (al *Alerts) alertReceived(ctx context.Context, evt msn.AlertReceived) {
	n := evt.Notification
	if len(n.Messages) == 0 {
		raw := names.CutBytes(strings.TrimSpace(msgconv.Clean(n.Raw)), maxRaw)
		al.Notice(ctx, database.Alert{
			AlertID:    msnid.MakeAlertMessageID("", "", "", al.occurrence(evt.At, n.Raw), n.Raw),
			ReceivedAt: evt.At,
			Kind:       database.AlertKindRaw,
			Text:       words.Text("alert.an_alert_came_from_that_could", al.account.Service.Name, raw),
		})
		return
	}
	for _, m := range n.Messages {
		al.Notice(ctx, database.Alert{
			AlertID:        al.alertID(n, m, evt.At),
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
func (al *Alerts) alertID(n *notify.Notification, m notify.Message, at time.Time) networkid.MessageID {
	content := m.Identity()
	occurrence := ""
	if n.ID == "" || n.ID == "0" {
		occurrence = al.occurrence(at, append([]string{n.SiteID, m.ID}, content...)...)
	}
	return msnid.MakeAlertMessageID(n.SiteID, n.ID, m.ID, occurrence, content...)
}

// occurrence tells alerts apart that have no ID of use: how often the same content
// has come in this session, and on which day. What the server repeats in another
// session of that day is known by it; what it says twice in one session is said
// twice, and so is what it says again tomorrow.
func (al *Alerts) occurrence(at time.Time, content ...string) string {
	day := at.UTC().Format(time.DateOnly)
	what := msnid.MakeNoticeMessageID(day, content...)
	return fmt.Sprintf("%s.%d", day, al.counts.next(string(what)))
}

// alertsSuppressed says that alerts were left out.
func (al *Alerts) alertsSuppressed(ctx context.Context, evt msn.AlertsSuppressed) {
	now := time.Now()
	al.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("suppressed", strconv.FormatInt(now.UnixNano(), 10)),
		ReceivedAt: now,
		Kind:       database.AlertKindSuppressed,
		Text: words.Text("alert.has_sent_more_alerts_pages_and",
			al.account.Service.Name, evt.Count),
	})
}

// mailFolders are the texts for new mail in folders that need a word; notices of mail that
// goes elsewhere by a rule of the user's are no news (protocol/06-oim-mail.md).
var mailFolders = map[string]string{"": "alert.mail", "ACTIVE": "alert.mail", "HM_BuLkMail_": "alert.mail_junk"}

// mailReceived tells of a new mail.
func (al *Alerts) mailReceived(ctx context.Context, evt msn.MailReceived) {
	key, ok := mailFolders[evt.Folder]
	from := names.Field(evt.From)
	if address := names.Field(evt.FromAddress); address != "" && address != from {
		from = strings.TrimSpace(from + " <" + address + ">")
	}
	subject := names.Field(evt.Subject)
	if subject == "" {
		subject = words.Text("alert.no_subject")
	}
	text := ""
	if ok {
		text = words.Text(key, from, subject)
	} else {
		text = words.Text("alert.mail_folder", from, subject, names.Field(evt.Folder))
	}
	// The page of the mail names it; without, nothing does.
	mark := evt.URL.Redirect
	if mark == "" {
		mark = strconv.FormatInt(evt.At.UnixNano(), 10)
	}
	al.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("mail", evt.From, evt.FromAddress, evt.Subject, mark),
		ReceivedAt: evt.At,
		Kind:       database.AlertKindMail,
		Text:       text,
	})
}

// mailCounted tells how many unread mails there are after signing in, when that is
// another number than was known last: what was read since counts.
func (al *Alerts) mailCounted(ctx context.Context, evt msn.MailCounted) {
	if evt.Unknown || evt.Inbox == al.account.Stored().Unread {
		return
	}
	_ = al.account.Remember(ctx, func(kept *account.Record) { kept.Unread = evt.Inbox })
	if !evt.Initial || evt.Inbox <= 0 {
		return
	}
	now := time.Now()
	al.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("unread", strconv.FormatInt(now.UnixNano(), 10)),
		ReceivedAt: now,
		Kind:       database.AlertKindUnread,
		Text:       words.Count("alert.unread", evt.Inbox, al.account.Service.Name),
	})
}

// shutdownAnnounced says that the service goes down.
func (al *Alerts) shutdownAnnounced(ctx context.Context, evt msn.ShutdownAnnounced) {
	al.system(ctx, words.Count("alert.shutdown", max(int(evt.In/time.Minute), 1), al.account.Service.Name))
}

// systemMessage shows a system message that nobody knows the meaning of.
func (al *Alerts) systemMessage(ctx context.Context, evt msn.SystemMessage) {
	args := append([]string{"type " + evt.Type}, evt.Args...)
	al.system(ctx, words.Text("alert.has_sent_a_system_message", al.account.Service.Name,
		names.Field(strings.Join(args, ", "))))
}

func (al *Alerts) system(ctx context.Context, text string) {
	now := time.Now()
	al.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("system", text, strconv.FormatInt(now.UnixNano(), 10)),
		ReceivedAt: now,
		Kind:       database.AlertKindSystem,
		Text:       text,
	})
}

// checkVersion tells, once for each version, that the service wants another client
// than the one that is announced.
func (al *Alerts) checkVersion(ctx context.Context, client *msn.Client) {
	version, ok := client.Version()
	own := client.Identity().Version
	if !ok || !version.Outdated(own) {
		return
	}
	al.Notice(ctx, database.Alert{
		AlertID: msnid.MakeNoticeMessageID("version", own, version.Minimum),
		Kind:    database.AlertKindVersion,
		Text: words.Text("alert.wants_clients_of_version_or_later",
			al.account.Service.Name, names.Field(version.Minimum), own),
	})
}
