package database

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// QueuedEvent is a message from Matrix whose fate is not told yet.
type QueuedEvent struct {
	LoginID  networkid.UserLoginID
	EventID  id.EventID
	Position int64 // order of arrival within the login
	RoomID   id.RoomID
	Sender   id.UserID
	PortalID networkid.PortalID
	Body     string // as it goes to MSN
	Format   string // X-MMS-IM-Format
	// Emoticons are the pictures that stand for characters of the body.
	Emoticons Emoticons
	WrittenAt time.Time
	// HeldAt is since when a message waits for its recipient to be online. Zero means
	// that it never did.
	HeldAt time.Time
	// Owner is the run of the bridge that has claimed the message, which is before it may
	// go on the wire, or "". When that run has ended it is not certain whether it did.
	Owner string
	// QueuedAt is when the bridge took the message, by its own clock. Zero means that it
	// was before this was noted.
	QueuedAt time.Time
	// New is set by who has put the message in just now: it was surely never sent.
	New bool
}

// Scan reads a row of the columns in eventColumns.
func (e *QueuedEvent) Scan(row dbutil.Scannable) (*QueuedEvent, error) {
	var written, held, queued int64
	err := row.Scan(&e.LoginID, &e.EventID, &e.Position, &e.RoomID, &e.Sender, &e.PortalID, &e.Body, &e.Format, &written, &held, &e.Owner, &queued, &e.Emoticons)
	e.WrittenAt, e.HeldAt, e.QueuedAt = time.UnixMilli(written), fromMilli(held), fromMilli(queued)
	return dbutil.ValueOrErr(e, err)
}

// MatrixQueueQuery are the queries on the table matrix_queue. Those that change a message
// that waits do so while it belongs to the Owner in its struct, and report whether the
// message is now as asked for; then Owner is what it is in the table.
type MatrixQueueQuery struct {
	*dbutil.QueryHelper[*QueuedEvent]
	bridgeID  networkid.BridgeID
	lease     *LeaseQuery
	intake    *IntakeQuery
	absence   *AbsenceQuery
	together  *together
	positions positions
	puts      kind[*putting]
	claims    kind[*claim]
	removals  kind[*removal]
	// Taken, if it is set, is told of each event that is stored here and needs no place in
	// the intake any more. It is to be set before the first message.
	Taken func(id.EventID)

	mu        sync.Mutex
	listeners map[networkid.UserLoginID][]*listener
	holders   holders
}

// newMatrixQueueQuery makes the queries on the table matrix_queue.
func newMatrixQueueQuery(db *dbutil.Database, bridgeID networkid.BridgeID, all *together, lease *LeaseQuery, intake *IntakeQuery, absence *AbsenceQuery) *MatrixQueueQuery {
	q := &MatrixQueueQuery{
		QueryHelper: dbutil.MakeQueryHelperReflect[*QueuedEvent](db), bridgeID: bridgeID, lease: lease, intake: intake, absence: absence, together: all,
		holders: holders{table: "matrix_queue", lease: lease},
	}
	q.puts = kind[*putting]{all, q.putAll}
	q.claims = kind[*claim]{all, q.claimAll}
	q.removals = kind[*removal]{all, q.removeAll}
	return q
}

// listener is told of new messages.
type listener struct{ tell func(*QueuedEvent) }

const (
	eventColumns = `login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, held_at, owner, queued_at, emoticons`
	eventsGetAll = `
		SELECT ` + eventColumns + ` FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 ORDER BY position`
	eventsForPortal = `
		SELECT ` + eventColumns + ` FROM matrix_queue
		WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND position>$4 ORDER BY position LIMIT $5`
	eventsPortals = `SELECT DISTINCT portal_id FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2`
	eventsBefore  = `
		SELECT COUNT(*) FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND position<$4 AND held_at=0`
	eventsGet     = `SELECT ` + eventColumns + ` FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
	eventsCorrect = `
		UPDATE matrix_queue SET body=$4, format=$5, emoticons=$7 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner='' AND sender=$6`
	eventsWithdraw = `DELETE FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner=''`
	eventsHold     = `
		UPDATE matrix_queue SET owner='', held_at=CASE WHEN held_at=0 THEN $5 ELSE held_at END
		WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner IN ($4, '')`
	eventsFailed = `
		UPDATE matrix_queue SET attempts=attempts+1, last_error=$4 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
)

var (
	eventsPut = newBulk(eventsInsert("(%s) messages"), 3, 13)
	// eventsPutAndFinish is eventsPut and receivedFinish in one, where statements can hold others: each by itself is
	// a way to the server and back, and so are the beginning and the end of their transaction.
	eventsPutAndFinish = newBulk(`
		WITH messages AS (%s), finished AS (
			UPDATE intake SET state='finished', content='' WHERE bridge_id=$1 AND state<>'finished' AND event_id IN (SELECT column2 FROM messages))`+
		eventsInsert("messages"), 3, 13)
	eventsOwner = newBulk(`
		UPDATE matrix_queue SET owner=column4 FROM (%s) claimed
		WHERE bridge_id=$1 AND login_id=column1 AND event_id=column2 AND owner IN (column3, column4) AND `+ifHeld2+`
		RETURNING login_id, event_id, body, format`, 3, 4)
	eventsRemove = newBulk(`
		DELETE FROM matrix_queue WHERE bridge_id=$1 AND (login_id, event_id, owner) IN (SELECT column1, column2, column3 FROM (%s) removed)
		RETURNING login_id, event_id, position`, 2, 3)
	// eventsRemoveHashed is eventsRemove for PostgreSQL: see queueNoteAndRemove.
	eventsRemoveHashed = newBulk(`
		DELETE FROM matrix_queue WHERE bridge_id=$1 AND CASE WHEN (login_id, event_id, owner) IN (SELECT column1, column2, column3 FROM (%s) removed) THEN true ELSE false END
		RETURNING login_id, event_id, position`, 2, 3)
)

// eventsInsert returns the statement that puts messages into the queue.
func eventsInsert(messages string) string {
	return `
		INSERT INTO matrix_queue (bridge_id, login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, held_at, owner, queued_at, emoticons)
		SELECT $1, column1, column2, CAST(column3 AS BIGINT), column4, column5, column6, column7, column8,
			CAST(column9 AS BIGINT), CAST(column10 AS BIGINT), CASE WHEN ` + ifHeld2 + ` THEN column11 ELSE '' END, CAST(column12 AS BIGINT), column13
		FROM ` + messages + `
		WHERE NOT EXISTS (SELECT 1 FROM intake WHERE bridge_id=$1 AND event_id=column2 AND outcome<>'')
		AND NOT EXISTS (SELECT 1 FROM message WHERE bridge_id=$1 AND mxid=column2)
		ON CONFLICT (bridge_id, login_id, event_id) DO NOTHING
		RETURNING login_id, event_id, position, owner`
}

// Put adds a message at the end of its login's queue, in the place of the received event
// that it was, and tells who listens unless it is owned already. It reports false for one that is in the queue already, or
// was and had its outcome, or that the framework knows as sent.
// Position is given by the table, and Owner is nobody when another process has the lease.
func (q *MatrixQueueQuery) Put(ctx context.Context, e *QueuedEvent) (added bool, err error) {
	p := &putting{event: e}
	return q.put(p, func() error { return q.puts.Do(ctx, p) })
}

// PutAgain is Put for a message that had an outcome, which it loses. It reports false when that is not
// its outcome any more, or the queue is not done with the message: nothing has changed then.
func (q *MatrixQueueQuery) PutAgain(ctx context.Context, e *QueuedEvent, outcome EventOutcome) (added bool, err error) {
	p := &putting{event: e}
	return q.put(p, func() error {
		return q.together.DoTxn(ctx, func(ctx context.Context) error {
			p.added = false
			if may, err := q.intake.reopen(ctx, e.EventID, outcome); err != nil || !may {
				return err
			}
			return q.putAll(ctx, []*putting{p})
		})
	})
}

// putting is a message that is being put into its queue.
type putting struct {
	event *QueuedEvent
	added bool
}

// placed is what the table has made of a message that was put.
type placed struct {
	position int64
	owner    string
}

func (q *MatrixQueueQuery) putAll(ctx context.Context, all []*putting) error {
	statement, finishes := &eventsPut, false
	if q.GetDB().Dialect == dbutil.Postgres {
		statement, finishes = &eventsPutAndFinish, true
	}
	return inTxn(ctx, q.GetDB(), !finishes || !isOne(len(all)), func(ctx context.Context) error {
		added, err := queryBulk(ctx, q.GetDB(), statement, all, []any{q.bridgeID, q.lease.ours()}, func(p *putting) []any {
			e := p.event
			return []any{
				e.LoginID, e.EventID, q.positions.next(), e.RoomID, e.Sender, e.PortalID,
				e.Body, e.Format, e.WrittenAt.UnixMilli(), toMilli(e.HeldAt), e.Owner, toMilli(e.QueuedAt), e.Emoticons,
			}
		}, func(added *placed) []any { return []any{&added.position, &added.owner} })
		if err != nil {
			return err
		}
		events := make([]id.EventID, len(all))
		for i, p := range all {
			at := row{p.event.LoginID, string(p.event.EventID)}
			events[i] = p.event.EventID
			var place *placed
			if place, p.added = added[at]; p.added {
				p.event.Position, p.event.Owner = place.position, place.owner
				delete(added, at) // another one with its ID is a repetition
			}
		}
		if finishes {
			return nil
		}
		return q.intake.finishAll(ctx, events)
	})
}

// put puts a message into its queue as store does, and tells who listens.
func (q *MatrixQueueQuery) put(p *putting, store func() error) (added bool, err error) {
	e := p.event
	if err := q.holders.put(e.LoginID); err != nil {
		return false, err
	}
	if err := store(); err != nil {
		return false, err
	}
	if q.Taken != nil {
		q.Taken(e.EventID)
	}
	if !p.added {
		return false, nil
	}
	if e.New = true; e.Owner == "" {
		q.Announce(e)
	}
	return true, nil
}

// Announce tells who listens of a message that nobody owns: Put does for those that it has added.
func (q *MatrixQueueQuery) Announce(e *QueuedEvent) {
	q.mu.Lock()
	listeners := q.listeners[e.LoginID]
	q.mu.Unlock()
	for _, listener := range listeners {
		listener.tell(e)
	}
}

// Listen has tell called for every new message of a login that nobody owns, whoever puts it in, until stop.
func (q *MatrixQueueQuery) Listen(login networkid.UserLoginID, tell func(*QueuedEvent)) (stop func()) {
	own := &listener{tell}
	q.mu.Lock()
	defer q.mu.Unlock()
	// Put reads lists without the lock: they are replaced, never changed in place.
	if q.listeners == nil {
		q.listeners = make(map[networkid.UserLoginID][]*listener)
	}
	q.listeners[login] = append([]*listener{own}, q.listeners[login]...)
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		var left []*listener
		for _, other := range q.listeners[login] {
			if other != own {
				left = append(left, other)
			}
		}
		if q.listeners[login] = left; len(left) == 0 {
			delete(q.listeners, login)
		}
	}
}

// GetAll returns the messages of a login in order.
func (q *MatrixQueueQuery) GetAll(ctx context.Context, login networkid.UserLoginID) ([]*QueuedEvent, error) {
	return q.QueryMany(ctx, eventsGetAll, q.bridgeID, login)
}

// Portals returns the portals in which messages were written that wait.
func (q *MatrixQueueQuery) Portals(ctx context.Context, login networkid.UserLoginID) ([]networkid.PortalID, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, eventsPortals, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.PortalID], err).AsList()
}

// ForPortal returns the first messages of a portal behind a position, up to limit.
func (q *MatrixQueueQuery) ForPortal(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID, after int64, limit int) ([]*QueuedEvent, error) {
	return q.QueryMany(ctx, eventsForPortal, q.bridgeID, login, portal, after, limit)
}

// SetOwner claims a message for a run of the bridge, or gives it back when owner is "". The
// text is then what it is in the table: while nobody owned it, it can have been corrected.
func (q *MatrixQueueQuery) SetOwner(ctx context.Context, e *QueuedEvent, owner string) (changed bool, err error) {
	c := &claim{event: e, owner: owner}
	if err := q.claims.Do(ctx, c); err != nil || c.text == nil {
		return false, err
	}
	e.Body, e.Format, e.Owner = c.text.body, c.text.format, owner
	return true, nil
}

// claim is a message that is being claimed.
type claim struct {
	event *QueuedEvent
	owner string
	text  *text // what it is in the table, nil when it was not to be claimed
}

type text struct{ body, format string }

func (q *MatrixQueueQuery) claimAll(ctx context.Context, all []*claim) error {
	return inTxn(ctx, q.GetDB(), !isOne(len(all)), func(ctx context.Context) error {
		claimed, err := queryBulk(ctx, q.GetDB(), &eventsOwner, all, []any{q.bridgeID, q.lease.ours()}, func(c *claim) []any {
			return []any{c.event.LoginID, c.event.EventID, c.event.Owner, c.owner}
		}, func(t *text) []any { return []any{&t.body, &t.format} })
		for _, c := range all {
			c.text = claimed[row{c.event.LoginID, string(c.event.EventID)}]
		}
		return err
	})
}

// Get returns a message that waits, or nil when there is none.
func (q *MatrixQueueQuery) Get(ctx context.Context, login networkid.UserLoginID, event id.EventID) (*QueuedEvent, error) {
	return q.QueryOne(ctx, eventsGet, q.bridgeID, login, event)
}

// Before reports whether a message is to go out, or under way, that stands before a position in the order of its
// portal. One that waits for its recipient does not count.
func (q *MatrixQueueQuery) Before(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID, position int64) (bool, error) {
	var n int
	err := q.GetDB().QueryRow(ctx, eventsBefore, q.bridgeID, login, portal, position).Scan(&n)
	return n > 0, err
}

// Correct changes the text of a message of a sender's that nobody owns, and reports whether
// there is one. The event that says so, edit, is finished by that.
func (q *MatrixQueueQuery) Correct(ctx context.Context, login networkid.UserLoginID, event, edit id.EventID, sender id.UserID, body, format string, emoticons Emoticons) (changed bool, err error) {
	err = q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) (err error) {
		changed, err = changes(q.GetDB().Exec(ctx, eventsCorrect, q.bridgeID, login, event, body, format, sender, emoticons))
		if err != nil || !changed {
			return err
		}
		return q.intake.Finish(ctx, edit)
	})
	if changed && err == nil && q.Taken != nil {
		q.Taken(edit)
	}
	return changed && err == nil, err
}

// Withdraw takes out a message that nobody owns, and reports whether there was one.
func (q *MatrixQueueQuery) Withdraw(ctx context.Context, login networkid.UserLoginID, event id.EventID) (bool, error) {
	return changes(q.GetDB().Exec(ctx, eventsWithdraw, q.bridgeID, login, event))
}

// Hold notes that a message waits for its recipient, and since when unless that is noted.
// It was not sent, and nobody owns it. An absence of its recipient begins with it unless there is one.
func (q *MatrixQueueQuery) Hold(ctx context.Context, e *QueuedEvent, since time.Time) (changed bool, err error) {
	err = q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) (err error) {
		changed, err = changes(q.GetDB().Exec(ctx, eventsHold, q.bridgeID, e.LoginID, e.EventID, e.Owner, since.UnixMilli()))
		if err != nil || !changed {
			return err
		}
		if err := q.absence.holders.put(e.LoginID); err != nil {
			return err
		}
		return q.Exec(ctx, absencesBegin, q.bridgeID, e.LoginID, e.PortalID, KeptByBridge, e.RoomID, e.EventID, e.Sender, since.UnixMilli())
	})
	if changed = changed && err == nil; changed {
		e.Owner = ""
	}
	return changed, err
}

// Remove takes a message out of the queue: its fate is told. It reports whether it was
// there. One that was held and has arrived counts for the absence of its recipient.
func (q *MatrixQueueQuery) Remove(ctx context.Context, e *QueuedEvent) (removed bool, err error) {
	remove := func(ctx context.Context) (bool, error) {
		r := &removal{event: e}
		err := q.removals.Do(ctx, r)
		return r.removed && err == nil, err
	}
	if e.HeldAt.IsZero() {
		return remove(ctx)
	}
	err = q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) (err error) {
		if removed, err = remove(ctx); err != nil || !removed {
			return err
		}
		return q.Exec(ctx, absencesArrived, q.bridgeID, e.LoginID, e.PortalID, KeptByBridge, e.EventID, EventDelivered)
	})
	return removed && err == nil, err
}

// removal is a message that is being taken out of its queue.
type removal struct {
	event   *QueuedEvent
	removed bool
}

func (q *MatrixQueueQuery) removeAll(ctx context.Context, all []*removal) error {
	statement := &eventsRemove
	if q.GetDB().Dialect == dbutil.Postgres {
		statement = &eventsRemoveHashed
	}
	return inTxn(ctx, q.GetDB(), !isOne(len(all)), func(ctx context.Context) error {
		removed, err := queryBulk(ctx, q.GetDB(), statement, all, []any{q.bridgeID}, func(r *removal) []any {
			return []any{r.event.LoginID, r.event.EventID, r.event.Owner}
		}, scanPosition)
		for _, r := range all {
			_, r.removed = removed[row{r.event.LoginID, string(r.event.EventID)}]
		}
		return err
	})
}

// changes reports whether a statement has changed rows.
func changes(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Failed notes that an attempt to send a message has failed.
func (q *MatrixQueueQuery) Failed(ctx context.Context, e *QueuedEvent, why error) error {
	return noteFailed(ctx, q.GetDB(), eventsFailed, why, q.bridgeID, e.LoginID, e.EventID)
}
