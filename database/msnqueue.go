package database

import (
	"cmp"
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// QueuedKind says what a QueuedMessage is.
type QueuedKind string

// The kinds of queued messages. They are stored: a name must not change.
const (
	QueuedText  QueuedKind = "text"  // said in a conversation
	QueuedPage  QueuedKind = "page"  // sent by a contact from a mobile device
	QueuedAlert QueuedKind = "alert" // the Alert whose AlertID is the MessageID
	QueuedNote  QueuedKind = "note"  // what became of somebody in a group chat
	// QueuedOffline was written while the user was offline. The service keeps it until
	// Matrix has it.
	QueuedOffline QueuedKind = "offline"
)

// QueuedMessage is a message from MSN that Matrix does not have yet.
type QueuedMessage struct {
	LoginID   networkid.UserLoginID
	MessageID networkid.MessageID
	Position  int64 // order of arrival within the login
	PortalID  networkid.PortalID
	Sender    string // account
	At        time.Time
	Body      string
	Format    string     // X-MMS-IM-Format
	GroupSize int        // people in the conversation besides the user, 1 in a conversation of two
	Kind      QueuedKind // "" is stored as QueuedText
}

// Scan reads a row of the columns that queueForPortal names.
func (m *QueuedMessage) Scan(row dbutil.Scannable) (*QueuedMessage, error) {
	var at int64
	err := row.Scan(&m.LoginID, &m.MessageID, &m.Position, &m.PortalID, &m.Sender, &at, &m.Body, &m.Format, &m.GroupSize, &m.Kind)
	m.At = time.UnixMilli(at)
	return dbutil.ValueOrErr(m, err)
}

// MSNQueueQuery are the queries on the table msn_queue.
type MSNQueueQuery struct {
	*dbutil.QueryHelper[*QueuedMessage]
	bridgeID networkid.BridgeID
}

const (
	queuePut = `
		INSERT INTO msn_queue (bridge_id, login_id, message_id, position, portal_id, sender, received_at, body, format, group_size, kind)
		SELECT $1, $2, $3, COALESCE(MAX(position), 0)+1, $4, $5, $6, $7, $8, $9, $10
		FROM msn_queue WHERE bridge_id=$1 AND login_id=$2
		ON CONFLICT (bridge_id, login_id, message_id) DO NOTHING`
	queueForPortal = `
		SELECT login_id, message_id, position, portal_id, sender, received_at, body, format, group_size, kind
		FROM msn_queue WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 ORDER BY position LIMIT $4`
	queuePortals = `SELECT DISTINCT portal_id FROM msn_queue WHERE bridge_id=$1 AND login_id=$2`
	queueCount   = `SELECT COUNT(*) FROM msn_queue WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3`
	queueDelete  = `DELETE FROM msn_queue WHERE bridge_id=$1 AND login_id=$2 AND message_id=$3`
)

// Put adds a message at the end of its login's queue. A message that is in the
// queue already is not added again. Position is given by the table.
func (q *MSNQueueQuery) Put(ctx context.Context, m *QueuedMessage) error {
	return q.Exec(ctx, queuePut, q.bridgeID, m.LoginID, m.MessageID, m.PortalID, m.Sender,
		m.At.UnixMilli(), m.Body, m.Format, m.GroupSize, cmp.Or(m.Kind, QueuedText))
}

// ForPortal returns the first messages, up to limit, that wait for a portal.
func (q *MSNQueueQuery) ForPortal(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID, limit int) ([]*QueuedMessage, error) {
	return q.QueryMany(ctx, queueForPortal, q.bridgeID, login, portal, limit)
}

// Portals returns the portals for which messages wait.
func (q *MSNQueueQuery) Portals(ctx context.Context, login networkid.UserLoginID) ([]networkid.PortalID, error) {
	rows, err := q.GetDB().Query(ctx, queuePortals, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.PortalID], err).AsList()
}

// Count returns how many messages wait for a portal.
func (q *MSNQueueQuery) Count(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID) (n int, err error) {
	err = q.GetDB().QueryRow(ctx, queueCount, q.bridgeID, login, portal).Scan(&n)
	return n, err
}

// Delete takes a message out of the queue: Matrix has it.
func (q *MSNQueueQuery) Delete(ctx context.Context, m *QueuedMessage) error {
	return q.Exec(ctx, queueDelete, q.bridgeID, m.LoginID, m.MessageID)
}
