package database

import (
	"context"
	"database/sql"
	"errors"
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
	// Taken, if it is set, is told of each event that is stored here and needs no place in
	// the intake any more. It is to be set before the first message.
	Taken func(id.EventID)

	mu        sync.Mutex
	listeners map[networkid.UserLoginID][]*listener
	holders   holders
}

// listener is told of new messages.
type listener struct{ tell func(*QueuedEvent) }

const (
	eventColumns = `login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, held_at, owner, queued_at, emoticons`
	eventsPut    = `
		INSERT INTO matrix_queue (bridge_id, login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, held_at, owner, queued_at, emoticons)
		SELECT $1, $2, $3, ` + nextPosition + `, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
		FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2
		HAVING NOT EXISTS (SELECT 1 FROM intake WHERE bridge_id=$1 AND event_id=$3 AND outcome<>'')
		AND NOT EXISTS (SELECT 1 FROM message WHERE bridge_id=$1 AND mxid=$3)
		ON CONFLICT (bridge_id, login_id, event_id) DO NOTHING
		RETURNING position`
	eventsGetAll = `
		SELECT ` + eventColumns + ` FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 ORDER BY position`
	eventsForPortal = `
		SELECT ` + eventColumns + ` FROM matrix_queue
		WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND position>$4 ORDER BY position LIMIT $5`
	eventsPortals = `SELECT DISTINCT portal_id FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2`
	eventsOwner   = `
		UPDATE matrix_queue SET owner=$5 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner IN ($4, $5) AND ` + ifHeld6 + `
		RETURNING body, format`
	eventsBefore = `
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
	eventsRemove = `DELETE FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner=$4`
)

// nextPosition is the position of a new row, from the time in $4: behind those of its
// login that are there, and behind those that were, so that who has read up to a position
// misses nothing.
const nextPosition = `CASE WHEN COALESCE(MAX(position), 0) >= $4 THEN MAX(position)+1 ELSE $4 END`

// Put adds a message at the end of its login's queue, in the place of the received event
// that it was, and tells who listens. It reports false for one that is in the queue already, or
// was and had its outcome, or that the framework knows as sent.
// Position is given by the table.
func (q *MatrixQueueQuery) Put(ctx context.Context, e *QueuedEvent) (added bool, err error) {
	return q.putIf(ctx, e, func(context.Context) (bool, error) { return true, nil })
}

// PutAgain is Put for a message that had an outcome, which it loses. It reports false when that is not
// its outcome any more, or the queue is not done with the message: nothing has changed then.
func (q *MatrixQueueQuery) PutAgain(ctx context.Context, e *QueuedEvent, outcome EventOutcome) (added bool, err error) {
	return q.putIf(ctx, e, func(ctx context.Context) (bool, error) { return q.intake.reopen(ctx, e.EventID, outcome) })
}

// putIf is Put for what may reports true of, in the same transaction.
func (q *MatrixQueueQuery) putIf(ctx context.Context, e *QueuedEvent, may func(context.Context) (bool, error)) (added bool, err error) {
	if err := q.holders.put(e.LoginID); err != nil {
		return false, err
	}
	err = q.together.DoTxn(ctx, func(ctx context.Context) error {
		added = false
		if ok, err := may(ctx); err != nil || !ok {
			return err
		}
		err := q.GetDB().QueryRow(ctx, eventsPut, q.bridgeID, e.LoginID, e.EventID, q.positions.next(), e.RoomID, e.Sender, e.PortalID,
			e.Body, e.Format, e.WrittenAt.UnixMilli(), toMilli(e.HeldAt), e.Owner, toMilli(e.QueuedAt), e.Emoticons).Scan(&e.Position)
		if added = err == nil; err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return q.intake.Finish(ctx, e.EventID)
	})
	if err != nil {
		return false, err
	}
	if q.Taken != nil {
		q.Taken(e.EventID)
	}
	if !added {
		return false, nil
	}
	e.New = true
	q.mu.Lock()
	listeners := q.listeners[e.LoginID]
	q.mu.Unlock()
	for _, listener := range listeners {
		listener.tell(e)
	}
	return true, nil
}

// Listen has tell called for every new message of a login, whoever puts it in, until stop.
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
	var body, format string
	err = q.together.Do(ctx, func(ctx context.Context) error {
		err := q.GetDB().QueryRow(ctx, eventsOwner, q.bridgeID, e.LoginID, e.EventID, e.Owner, owner, q.lease.ours()).Scan(&body, &format)
		if changed = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || !changed {
		return false, err
	}
	e.Body, e.Format, e.Owner = body, format, owner
	return true, nil
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
		return q.together.change(ctx, eventsRemove, q.bridgeID, e.LoginID, e.EventID, e.Owner)
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
