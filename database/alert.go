package database

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// AlertKind says what a notice of the service is about.
type AlertKind string

// The kinds of alerts. They are stored: a name must not change.
const (
	AlertKindAlert      AlertKind = "alert"      // NOT
	AlertKindRaw        AlertKind = "raw"        // NOT that could not be read: Text is what came
	AlertKindSuppressed AlertKind = "suppressed" // NOTs that were left out
	AlertKindMail       AlertKind = "mail"       // a new mail
	AlertKindUnread     AlertKind = "unread"     // unread mails at sign-in
	AlertKindSystem     AlertKind = "system"     // maintenance, and other system messages
	AlertKindVersion    AlertKind = "version"    // the service wants another client
	AlertKindPage       AlertKind = "page"       // IPG from nobody known, or a bounce of no known page
	AlertKindPeople     AlertKind = "people"     // who writes to the user, and is not shown
)

// OfPeople reports whether a notice is about what people write. Those are no alerts.
func (k AlertKind) OfPeople() bool { return k == AlertKindPage || k == AlertKindPeople }

// Alert is a notice of the service, as it came. It stays after it was shown, so
// that it is shown once and can be listed.
type Alert struct {
	LoginID    networkid.UserLoginID
	AlertID    networkid.MessageID
	Position   int64 // order of arrival within the login, given by the table
	ReceivedAt time.Time
	Kind       AlertKind

	// Of the document; "" or 0 where it names none, and for other kinds than alerts.
	SiteID, NotificationID, MessageID string
	Category                          string
	LCID                              int
	Priority                          string
	ActionURL, SubscribeURL, IconURL  string // not checked
	Text                              string // plain

	IconMXC id.ContentURIString // the icon, once it is in Matrix
}

// Scan reads a row of the columns in alertColumns.
func (a *Alert) Scan(row dbutil.Scannable) (*Alert, error) {
	var at int64
	err := row.Scan(&a.LoginID, &a.AlertID, &a.Position, &at, &a.Kind, &a.SiteID, &a.NotificationID, &a.MessageID,
		&a.Category, &a.LCID, &a.Priority, &a.ActionURL, &a.SubscribeURL, &a.IconURL, &a.IconMXC, &a.Text)
	a.ReceivedAt = time.UnixMilli(at)
	return dbutil.ValueOrErr(a, err)
}

// AlertQuery are the queries on the table alert.
type AlertQuery struct {
	*dbutil.QueryHelper[*Alert]
	bridgeID networkid.BridgeID
	queue    *MSNQueueQuery
}

const (
	alertColumns = `login_id, alert_id, position, received_at, kind, site_id, notification_id, message_id,
		category, lcid, priority, action_url, subscribe_url, icon_url, icon_mxc, text`
	alertPut = `
		INSERT INTO alert (bridge_id, login_id, alert_id, position, received_at, kind, site_id, notification_id, message_id,
			category, lcid, priority, action_url, subscribe_url, icon_url, icon_mxc, text)
		SELECT $1, $2, $3, COALESCE(MAX(position), 0)+1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
		FROM alert WHERE bridge_id=$1 AND login_id=$2
		ON CONFLICT (bridge_id, login_id, alert_id) DO NOTHING`
	alertGet     = `SELECT ` + alertColumns + ` FROM alert WHERE bridge_id=$1 AND login_id=$2 AND alert_id=$3`
	alertLast    = `SELECT ` + alertColumns + ` FROM alert WHERE bridge_id=$1 AND login_id=$2 ORDER BY position DESC LIMIT $3`
	alertIcon    = `SELECT ` + alertColumns + ` FROM alert WHERE bridge_id=$1 AND login_id=$2 AND icon_url=$3 AND icon_mxc<>'' AND received_at>=$4 ORDER BY position DESC LIMIT 1`
	alertSetIcon = `UPDATE alert SET icon_mxc=$4 WHERE bridge_id=$1 AND login_id=$2 AND alert_id=$3`
	alertPrune   = `
		DELETE FROM alert WHERE bridge_id=$1 AND login_id=$2
			AND position <= (SELECT COALESCE(MAX(position), 0) FROM alert WHERE bridge_id=$1 AND login_id=$2) - $3
			AND alert_id NOT IN (SELECT message_id FROM msn_queue WHERE bridge_id=$1 AND login_id=$2)`
)

// MaxAlerts is how many alerts of a login are kept: what `alerts` can list, and
// what a repetition is known by.
const MaxAlerts = 1000

// Put stores an alert and, unless it is nil, puts m into the queue for Matrix, both
// or neither. It reports false, and puts nothing into the queue, for an alert that
// is there already.
func (q *AlertQuery) Put(ctx context.Context, a *Alert, m *QueuedMessage) (added bool, err error) {
	err = q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) error {
		result, err := q.GetDB().Exec(ctx, alertPut, q.bridgeID, a.LoginID, a.AlertID, a.ReceivedAt.UnixMilli(), a.Kind,
			a.SiteID, a.NotificationID, a.MessageID, a.Category, a.LCID, a.Priority, a.ActionURL, a.SubscribeURL, a.IconURL, a.IconMXC, a.Text)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if added = n > 0; err != nil || !added {
			return err
		}
		if m != nil {
			_, err = q.queue.Put(ctx, m)
		}
		return errors.Join(err, q.Exec(ctx, alertPrune, q.bridgeID, a.LoginID, MaxAlerts))
	})
	return added && err == nil, err
}

// Get returns one alert, or nil when there is none.
func (q *AlertQuery) Get(ctx context.Context, login networkid.UserLoginID, alert networkid.MessageID) (*Alert, error) {
	return q.QueryOne(ctx, alertGet, q.bridgeID, login, alert)
}

// Last returns the latest alerts, up to limit, the latest first.
func (q *AlertQuery) Last(ctx context.Context, login networkid.UserLoginID, limit int) ([]*Alert, error) {
	return q.QueryMany(ctx, alertLast, q.bridgeID, login, limit)
}

// WithIcon returns an alert not older than since whose icon, of that address, is in
// Matrix; or nil.
func (q *AlertQuery) WithIcon(ctx context.Context, login networkid.UserLoginID, iconURL string, since time.Time) (*Alert, error) {
	return q.QueryOne(ctx, alertIcon, q.bridgeID, login, iconURL, since.UnixMilli())
}

// SetIcon notes where in Matrix the icon of an alert is.
func (q *AlertQuery) SetIcon(ctx context.Context, a *Alert) error {
	return q.Exec(ctx, alertSetIcon, q.bridgeID, a.LoginID, a.AlertID, a.IconMXC)
}
