package database

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
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
	QueuedNudge QueuedKind = "nudge" // a line that calls the user
	QueuedLeft  QueuedKind = "left"  // that the sender has left a group chat
	QueuedBack  QueuedKind = "back"  // that the sender, who had left, has come back
	QueuedInk   QueuedKind = "ink"   // a picture drawn by hand, in base64
	FileQueued  QueuedKind = "file"  // a file: the content of its event, in JSON
	QueuedEdit  QueuedKind = "edit"  // the message in Replaces once more, with pictures that have come since
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
	// Owner is the run of the bridge that has claimed the message, or "".
	Owner string
	// Emoticons are the pictures that stand for characters of the body.
	Emoticons Emoticons
	// Replaces is the message that a QueuedEdit replaces, "" for others.
	Replaces networkid.MessageID
	// Removed is set once RemoveShown has taken the message out.
	Removed bool
}

// Scan reads a row of the columns in queueColumns.
func (m *QueuedMessage) Scan(row dbutil.Scannable) (*QueuedMessage, error) {
	var at int64
	err := row.Scan(&m.LoginID, &m.MessageID, &m.Position, &m.PortalID, &m.Sender, &at, &m.Body, &m.Format, &m.GroupSize, &m.Kind, &m.Owner, &m.Emoticons, &m.Replaces)
	m.At = time.UnixMilli(at)
	return dbutil.ValueOrErr(m, err)
}

// MSNQueueQuery are the queries on the table msn_queue.
type MSNQueueQuery struct {
	*dbutil.QueryHelper[*QueuedMessage]
	bridgeID  networkid.BridgeID
	lease     *LeaseQuery
	together  *together
	positions positions
	holders   holders
	puts      kind[*storing]
	shown     kind[*shown]
	notes     kind[*noting]
}

// newMSNQueueQuery makes the queries on the table msn_queue.
func newMSNQueueQuery(db *dbutil.Database, bridgeID networkid.BridgeID, all *together, lease *LeaseQuery) *MSNQueueQuery {
	q := &MSNQueueQuery{
		QueryHelper: dbutil.MakeQueryHelperReflect[*QueuedMessage](db), bridgeID: bridgeID, lease: lease, together: all,
		holders: holders{table: "msn_queue", lease: lease},
	}
	q.puts = kind[*storing]{all, q.putAll}
	q.shown = kind[*shown]{all, q.removeAllShown}
	q.notes = kind[*noting]{all, q.noteAll}
	return q
}

const (
	queueColumns   = `login_id, message_id, position, portal_id, sender, received_at, body, format, group_size, kind, owner, emoticons, replaces`
	queueForPortal = `
		SELECT ` + queueColumns + ` FROM msn_queue
		WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 ORDER BY position LIMIT $4`
	queueTake = `
		UPDATE msn_queue SET owner=$6
		WHERE bridge_id=$1 AND login_id=$2 AND message_id IN (
			SELECT message_id FROM msn_queue
			WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND position>$4 ORDER BY position LIMIT $5)
			AND ` + ifHeld7 + `
		RETURNING ` + queueColumns
	queueLast = `
		SELECT ` + queueColumns + ` FROM msn_queue
		WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 ORDER BY position DESC LIMIT 1`
	queueHas      = `SELECT COUNT(*) FROM msn_queue WHERE bridge_id=$1 AND login_id=$2 AND message_id=$3`
	queueRoomless = `
		SELECT queued.portal_id FROM msn_queue queued
		LEFT JOIN portal ON portal.bridge_id=queued.bridge_id AND portal.id=queued.portal_id AND portal.receiver=queued.login_id
		WHERE queued.bridge_id=$1 AND queued.login_id=$2 AND COALESCE(portal.mxid, '')=''
		GROUP BY queued.portal_id ORDER BY MIN(queued.position)`
	queuePortals = `SELECT DISTINCT portal_id FROM msn_queue WHERE bridge_id=$1 AND login_id=$2`
	queueCount   = `SELECT COUNT(*) FROM msn_queue WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3`
	queueWaiting = `
		SELECT sender, kind, COUNT(*) FROM msn_queue WHERE bridge_id=$1 AND login_id=$2
		AND NOT EXISTS (SELECT 1 FROM message WHERE message.bridge_id=$1 AND message.room_receiver=msn_queue.login_id AND message.id=msn_queue.message_id)
		GROUP BY sender, kind ORDER BY MIN(position)`
	queueOwner  = `UPDATE msn_queue SET owner=$5 WHERE bridge_id=$1 AND login_id=$2 AND message_id=$3 AND owner IN ($4, $5) AND ` + ifHeld6
	queueFailed = `
		UPDATE msn_queue SET attempts=attempts+1, last_error=$4 WHERE bridge_id=$1 AND login_id=$2 AND message_id=$3`
	queueRemove = `DELETE FROM msn_queue WHERE bridge_id=$1 AND login_id=$2 AND message_id=$3 AND owner=$4`
)

var (
	queuePut = newBulk(`
		INSERT INTO msn_queue (bridge_id, login_id, message_id, position, portal_id, sender, received_at, body, format, group_size, kind, owner, queued_at, emoticons, replaces)
		SELECT $1, column1, column2, CAST(column3 AS BIGINT), column4, column5, CAST(column6 AS BIGINT), column7, column8,
			CAST(column9 AS INTEGER), column10, column11, CAST(column12 AS BIGINT), column13, column14
		FROM (%s) messages WHERE true
		ON CONFLICT (bridge_id, login_id, message_id) DO NOTHING
		RETURNING login_id, message_id, position`, 2, 14)
	// The framework knows what Matrix has.
	queueRemoveShown = newBulk(`
		DELETE FROM msn_queue WHERE bridge_id=$1 AND (login_id, message_id, owner) IN (SELECT column1, column2, column3 FROM (%s) removed)
		AND EXISTS (SELECT 1 FROM message WHERE message.bridge_id=$1 AND message.room_receiver=msn_queue.login_id AND message.id=msn_queue.message_id)
		RETURNING login_id, message_id, position`, 2, 3)
	// The framework's own statement for each message is not shared by those that wait together.
	queueNote = newBulk(`
		INSERT INTO message (`+notedColumns+`)
		SELECT $1, column1, column2, column4, column5, column6, column7, column8, column9, 0, column10, column11 FROM (%s) listed WHERE true
		ON CONFLICT DO NOTHING`, 2, 11)
	queueRemoveNoted = newBulk(`
		DELETE FROM msn_queue WHERE bridge_id=$1 AND (login_id, message_id, owner) IN (SELECT column1, column2, column3 FROM (%s) removed)
		RETURNING login_id, message_id, position`, 2, 3)
	// queueNoteAndRemove is both in one, for PostgreSQL, which plans a statement once, and while the queue is empty as a rule: it
	// would compare each row that waits with each that goes. What stands within CASE it looks up by a hash.
	queueNoteAndRemove = newBulk(`
		WITH listed AS (%s), noted AS (
			INSERT INTO message (`+notedColumns+`)
			SELECT $1, column1, column2, column4, column5, column6, column7, column8, CAST(column9 AS BIGINT), 0, CAST(column10 AS BOOLEAN), CAST(column11 AS JSONB) FROM listed
			ON CONFLICT DO NOTHING)
		DELETE FROM msn_queue WHERE bridge_id=$1 AND CASE WHEN (login_id, message_id, owner) IN (SELECT column1, column2, column3 FROM listed) THEN true ELSE false END
		RETURNING login_id, message_id, position`, 2, 11)
)

const notedColumns = `bridge_id, room_receiver, id, part_id, mxid, room_id, sender_id, sender_mxid, timestamp, edit_count, double_puppeted, metadata`

// Put adds a message at the end of its login's queue. It reports false for one that is
// in the queue already. Position is given by the table.
func (q *MSNQueueQuery) Put(ctx context.Context, m *QueuedMessage) (added bool, err error) {
	all, err := q.PutAll(ctx, []*QueuedMessage{m})
	return len(all) > 0, err
}

// PutAll is Put for several messages, of one login or of many, in order: all of them are stored, or none. It returns those that were
// not there already.
func (q *MSNQueueQuery) PutAll(ctx context.Context, messages []*QueuedMessage) (added []*QueuedMessage, err error) {
	for _, m := range messages {
		if err := q.holders.put(m.LoginID); err != nil {
			return nil, err
		}
	}
	s := &storing{messages: messages}
	if err := q.puts.Do(ctx, s); err != nil {
		return nil, err
	}
	return s.added, nil
}

// storing are messages that are being stored, all of them or none.
type storing struct {
	messages []*QueuedMessage
	added    []*QueuedMessage // of these, those that were not there
}

func (q *MSNQueueQuery) putAll(ctx context.Context, all []*storing) error {
	var messages []*QueuedMessage
	for _, s := range all {
		s.added = nil
		messages = append(messages, s.messages...)
	}
	return inTxn(ctx, q.GetDB(), !isOne(len(messages)), func(ctx context.Context) error {
		now := time.Now().UnixMilli()
		added, err := queryBulk(ctx, q.GetDB(), &queuePut, messages, []any{q.bridgeID}, func(m *QueuedMessage) []any {
			return []any{
				m.LoginID, m.MessageID, q.positions.next(), m.PortalID, m.Sender, m.At.UnixMilli(), m.Body, m.Format,
				m.GroupSize, cmp.Or(m.Kind, QueuedText), m.Owner, now, m.Emoticons, m.Replaces,
			}
		}, scanPosition)
		for _, s := range all {
			for _, m := range s.messages {
				at := row{m.LoginID, string(m.MessageID)}
				if position, isNew := added[at]; isNew {
					m.Position, s.added = *position, append(s.added, m)
					delete(added, at) // another one with its ID is a repetition
				}
			}
		}
		return err
	})
}

// DoTogether makes several changes in one transaction, with those of others perhaps: all of them are made, or none. It may
// be called again for that.
func (q *MSNQueueQuery) DoTogether(ctx context.Context, change func(context.Context) error) error {
	return q.together.DoTxn(ctx, change)
}

// ForPortal returns the first messages, up to limit, that wait for a portal.
func (q *MSNQueueQuery) ForPortal(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID, limit int) ([]*QueuedMessage, error) {
	return q.QueryMany(ctx, queueForPortal, q.bridgeID, login, portal, limit)
}

// Take claims the first messages behind a position that wait for a portal, up to limit,
// and returns them in order. One that an earlier run had claimed is taken as well: the
// framework knows by its ID whether Matrix has it.
func (q *MSNQueueQuery) Take(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID, after int64, limit int, owner string) ([]*QueuedMessage, error) {
	rows, err := q.QueryMany(ctx, queueTake, q.bridgeID, login, portal, after, limit, owner, q.lease.ours())
	slices.SortFunc(rows, func(a, b *QueuedMessage) int { return cmp.Compare(a.Position, b.Position) })
	return rows, err
}

// Portals returns the portals for which messages wait.
func (q *MSNQueueQuery) Portals(ctx context.Context, login networkid.UserLoginID) ([]networkid.PortalID, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, queuePortals, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.PortalID], err).AsList()
}

// Roomless returns the portals without a room for which messages wait, those first for which
// one has waited longest.
func (q *MSNQueueQuery) Roomless(ctx context.Context, login networkid.UserLoginID) ([]networkid.PortalID, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, queueRoomless, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.PortalID], err).AsList()
}

// Has reports whether a message waits.
func (q *MSNQueueQuery) Has(ctx context.Context, login networkid.UserLoginID, message networkid.MessageID) (bool, error) {
	var n int
	err := q.GetDB().QueryRow(ctx, queueHas, q.bridgeID, login, message).Scan(&n)
	return n > 0, err
}

// Last returns the message that came last of those that wait for a portal, or nil.
func (q *MSNQueueQuery) Last(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID) (*QueuedMessage, error) {
	return q.QueryOne(ctx, queueLast, q.bridgeID, login, portal)
}

// Count returns how many messages wait for a portal.
func (q *MSNQueueQuery) Count(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID) (n int, err error) {
	err = q.GetDB().QueryRow(ctx, queueCount, q.bridgeID, login, portal).Scan(&n)
	return n, err
}

// WaitingMessages is how many messages of a kind wait that somebody has sent.
type WaitingMessages struct {
	Sender string // account
	Kind   QueuedKind
	Count  int
}

// Waiting returns what waits for all portals of a login and is in no room, in the order in which the first of each came.
func (q *MSNQueueQuery) Waiting(ctx context.Context, login networkid.UserLoginID) ([]WaitingMessages, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, queueWaiting, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, func(row dbutil.Scannable) (w WaitingMessages, err error) {
		err = row.Scan(&w.Sender, &w.Kind, &w.Count)
		return w, err
	}, err).AsList()
}

// SetOwner claims a message for a run of the bridge, or gives it back when owner is "". It
// does so while the message belongs to m.Owner, and reports whether it is as asked for now.
func (q *MSNQueueQuery) SetOwner(ctx context.Context, m *QueuedMessage, owner string) (changed bool, err error) {
	changed, err = q.together.change(ctx, queueOwner, q.bridgeID, m.LoginID, m.MessageID, m.Owner, owner, q.lease.ours())
	if changed {
		m.Owner = owner
	}
	return changed, err
}

// Remove takes a message out of the queue while it belongs to m.Owner: Matrix has it. It
// reports whether it was there.
func (q *MSNQueueQuery) Remove(ctx context.Context, m *QueuedMessage) (removed bool, err error) {
	return q.together.change(ctx, queueRemove, q.bridgeID, m.LoginID, m.MessageID, m.Owner)
}

// RemoveShown is Remove for a message that the framework knows as being in Matrix. It reports false when it
// does not, or the message was not there, or belongs to somebody else.
func (q *MSNQueueQuery) RemoveShown(ctx context.Context, m *QueuedMessage) (removed bool, err error) {
	r := &shown{message: m}
	if err := q.shown.Do(ctx, r); err != nil {
		return false, err
	}
	m.Removed = m.Removed || r.removed
	return r.removed, nil
}

// shown is a message in Matrix that is being taken out of its queue.
type shown struct {
	message *QueuedMessage
	removed bool
}

func (q *MSNQueueQuery) removeAllShown(ctx context.Context, all []*shown) error {
	return inTxn(ctx, q.GetDB(), !isOne(len(all)), func(ctx context.Context) error {
		removed, err := queryBulk(ctx, q.GetDB(), &queueRemoveShown, all, []any{q.bridgeID}, func(r *shown) []any {
			return []any{r.message.LoginID, r.message.MessageID, r.message.Owner}
		}, scanPosition)
		for _, r := range all {
			_, r.removed = removed[row{r.message.LoginID, string(r.message.MessageID)}]
		}
		return err
	})
}

// NoteShown notes in the framework's table that a message is in Matrix as an event, unless that is noted, and takes it out of the queue while it
// belongs to m.Owner: both, or nothing. It reports whether it was there. Unlike RemoveShown it leaves m as it is. The room, its receiver
// and the sender's ghost must be known to the framework; what the event replies to and its thread are not noted.
func (q *MSNQueueQuery) NoteShown(ctx context.Context, m *QueuedMessage, as *bridgedb.Message) (removed bool, err error) {
	metadata, err := json.Marshal(as.Metadata)
	if err != nil {
		return false, err
	}
	n := &noting{login: m.LoginID, id: m.MessageID, owner: m.Owner, as: as, metadata: string(metadata)}
	if err := q.notes.Do(ctx, n); err != nil {
		return false, err
	}
	return n.removed, nil
}

// noting is a message in Matrix that is being noted as that.
type noting struct {
	login    networkid.UserLoginID
	id       networkid.MessageID
	owner    string
	as       *bridgedb.Message
	metadata string
	removed  bool
}

func (q *MSNQueueQuery) noteAll(ctx context.Context, all []*noting) error {
	key := func(n *noting) []any { return []any{n.login, n.id, n.owner} }
	columns := func(n *noting) []any {
		as := n.as
		return append(key(n), as.PartID, as.MXID, as.Room.ID, as.SenderID, as.SenderMXID, as.Timestamp.UnixNano(), as.IsDoublePuppeted, n.metadata)
	}
	remove := func(ctx context.Context, statement *bulk, args func(*noting) []any) error {
		removed, err := queryBulk(ctx, q.GetDB(), statement, all, []any{q.bridgeID}, args, scanPosition)
		for _, n := range all {
			_, n.removed = removed[row{n.login, string(n.id)}]
		}
		return err
	}
	if q.GetDB().Dialect == dbutil.Postgres {
		return inTxn(ctx, q.GetDB(), !isOne(len(all)), func(ctx context.Context) error { return remove(ctx, &queueNoteAndRemove, columns) })
	}
	return inTxn(ctx, q.GetDB(), true, func(ctx context.Context) error {
		if err := execBulk(ctx, q.GetDB(), &queueNote, all, []any{q.bridgeID}, columns); err != nil {
			return err
		}
		return remove(ctx, &queueRemoveNoted, key)
	})
}

// Failed notes that an attempt to bring a message into its room has failed.
func (q *MSNQueueQuery) Failed(ctx context.Context, m *QueuedMessage, why error) error {
	return noteFailed(ctx, q.GetDB(), queueFailed, why, q.bridgeID, m.LoginID, m.MessageID)
}
