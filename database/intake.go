package database

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// ReceivedState is how far an event of the homeserver has come.
type ReceivedState string

// The states of a received event. They are stored: a name must not change.
const (
	ReceivedWaiting ReceivedState = "waiting"
	// ReceivedBegun is the state of a command that runs, or ran when the bridge was
	// stopped: it is not to be run again.
	ReceivedBegun ReceivedState = "begun"
	// ReceivedGivenUp is the state of an event that nobody can store, until its sender is told.
	ReceivedGivenUp  ReceivedState = "given-up"
	ReceivedFinished ReceivedState = "finished"
)

// EventOutcome is what became of a message, or "" while that is open.
type EventOutcome string

// The outcomes of a message. They are stored: a name must not change.
const (
	EventDelivered EventOutcome = "delivered"
	EventRefused   EventOutcome = "refused"   // it has surely not arrived
	EventUncertain EventOutcome = "uncertain" // it may have arrived
	EventRemoved   EventOutcome = "removed"   // by the user, before it was sent
	EventReplaced  EventOutcome = "replaced"  // it has not arrived, and an edit was sent in its place
	// EventSecret is of the answer to a question of the bot's, whose content is not stored.
	EventSecret EventOutcome = "secret"
)

// Received is an event of Matrix that the homeserver has pushed.
type Received struct {
	EventID  id.EventID
	Position int64 // order of arrival
	RoomID   id.RoomID
	Sender   id.UserID
	Content  string // the event in JSON, as the homeserver wrote it; "" once it has no more use
	State    ReceivedState
	Outcome  EventOutcome
	At       time.Time
	// Secret is set by who stores an event whose content must not be on disk. It counts as
	// begun from the start.
	Secret bool
}

// Scan reads a row of the columns in receivedColumns.
func (r *Received) Scan(row dbutil.Scannable) (*Received, error) {
	var at int64
	err := row.Scan(&r.EventID, &r.Position, &r.RoomID, &r.Sender, &r.Content, &r.State, &r.Outcome, &at)
	r.At = fromMilli(at)
	return dbutil.ValueOrErr(r, err)
}

// IntakeQuery are the queries on the table intake.
type IntakeQuery struct {
	*dbutil.QueryHelper[*Received]
	bridgeID  networkid.BridgeID
	together  *together
	lease     *LeaseQuery
	positions positions
}

const (
	receivedColumns = `event_id, position, room_id, sender, content, state, outcome, received_at`
	// The order is that in which they came, also where the clock was set back between two runs.
	receivedPut = `
		INSERT INTO intake (bridge_id, ` + receivedColumns + `)
		SELECT $1, $2, ` + nextReceived + `, $4, $5, $6, $7, $8, $9
		FROM intake WHERE bridge_id=$1 AND state='waiting'
		HAVING ` + ifHeld10 + `
		ON CONFLICT (bridge_id, event_id) DO NOTHING
		RETURNING position`
	nextReceived = `CASE WHEN COALESCE(MAX(position), 0) >= $3 THEN MAX(position)+1 ELSE $3 END`
	receivedGet  = `SELECT ` + receivedColumns + ` FROM intake WHERE bridge_id=$1 AND event_id=$2`
	receivedOpen = `
		SELECT ` + receivedColumns + ` FROM intake WHERE bridge_id=$1 AND state=$2 AND position>$3 ORDER BY position LIMIT $4`
	receivedBegin  = `UPDATE intake SET state='begun', content='' WHERE bridge_id=$1 AND event_id=$2 AND state='waiting'`
	receivedGiveUp = `UPDATE intake SET state='given-up' WHERE bridge_id=$1 AND event_id=$2 AND state='waiting'`
	// A message that waits elsewhere keeps its row, so that it is known when it is repeated.
	receivedFinish  = `UPDATE intake SET state='finished', content='' WHERE bridge_id=$1 AND event_id=$2 AND state<>'finished'`
	receivedOutcome = `
		INSERT INTO intake (bridge_id, ` + receivedColumns + `) VALUES ($1, $2, 0, $3, $4, '', 'finished', $5, $6)
		ON CONFLICT (bridge_id, event_id) DO UPDATE SET outcome=excluded.outcome`
	receivedFailed = `
		SELECT ` + receivedColumns + ` FROM intake WHERE bridge_id=$1 AND room_id=$2 AND sender=$3 AND outcome IN ('refused', 'uncertain')
		ORDER BY received_at DESC, position DESC LIMIT 1`
	// A message is in its queue until it is told what became of it.
	receivedReopen = `
		UPDATE intake SET outcome='' WHERE bridge_id=$1 AND event_id=$2 AND outcome=$3
		AND NOT EXISTS (SELECT 1 FROM matrix_queue WHERE bridge_id=$1 AND event_id=$2)
		AND NOT EXISTS (SELECT 1 FROM file_queue WHERE bridge_id=$1 AND event_id=$2)`
	receivedPrune = `DELETE FROM intake WHERE bridge_id=$1 AND state='finished' AND received_at<$2`
)

// Put stores events, all or none of them, as waiting, and returns those that nobody has dealt with: the
// new ones, and those that were stored before and wait. Repeated ones that are finished are
// not among them. Position is given by the table. The error is ErrUsurped when the lease is another process's: that one would not
// hear of them.
func (q *IntakeQuery) Put(ctx context.Context, events []*Received) (open []*Received, err error) {
	do := q.together.DoTxn
	if len(events) == 1 {
		do = q.together.Do // that is one statement
	}
	err = do(ctx, func(ctx context.Context) error {
		open = nil
		for _, r := range events {
			state, content, outcome := ReceivedWaiting, r.Content, r.Outcome
			if r.Secret {
				state, content, outcome = ReceivedBegun, "", EventSecret
			}
			err := q.GetDB().QueryRow(ctx, receivedPut, q.bridgeID, r.EventID, q.positions.next(), r.RoomID, r.Sender, content,
				state, outcome, toMilli(r.At), q.lease.ours()).Scan(&r.Position)
			added := err == nil
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if !added {
				if r, err = q.Get(ctx, r.EventID); err != nil {
					return err
				}
				if r == nil {
					return ErrUsurped
				}
			}
			if added || r.State == ReceivedWaiting {
				open = append(open, r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return open, nil
}

// Get returns an event, or nil when it is not known, or was forgotten.
func (q *IntakeQuery) Get(ctx context.Context, event id.EventID) (*Received, error) {
	return q.QueryOne(ctx, receivedGet, q.bridgeID, event)
}

// InState returns the first events in a state behind a position, up to limit, in order.
func (q *IntakeQuery) InState(ctx context.Context, state ReceivedState, after int64, limit int) ([]*Received, error) {
	return q.QueryMany(ctx, receivedOpen, q.bridgeID, state, after, limit)
}

// Begin notes that a command runs. It reports false when that was noted before, or is over.
func (q *IntakeQuery) Begin(ctx context.Context, event id.EventID) (bool, error) {
	return q.together.change(ctx, receivedBegin, q.bridgeID, event)
}

// GiveUp notes that an event is not handed on any more, of which its sender is to be told.
func (q *IntakeQuery) GiveUp(ctx context.Context, event id.EventID) error {
	return q.Exec(ctx, receivedGiveUp, q.bridgeID, event)
}

// Finish notes that an event is dealt with. Its content is forgotten.
func (q *IntakeQuery) Finish(ctx context.Context, event id.EventID) error {
	_, err := q.together.change(ctx, receivedFinish, q.bridgeID, event)
	return err
}

// SetOutcome notes what became of a message, also of one that did not come through the
// intake. Of those the time counts that is given.
func (q *IntakeQuery) SetOutcome(ctx context.Context, r Received) error {
	_, err := q.together.change(ctx, receivedOutcome, q.bridgeID, r.EventID, r.RoomID, r.Sender, r.Outcome, toMilli(r.At))
	return err
}

// SetOutcomeWith is SetOutcome with something else in the same transaction: both are done, or none.
func (q *IntakeQuery) SetOutcomeWith(ctx context.Context, r Received, also func(context.Context) error) error {
	return q.together.DoTxn(ctx, func(ctx context.Context) error {
		if err := q.SetOutcome(ctx, r); err != nil {
			return err
		}
		return also(ctx)
	})
}

// Held reports whether events may be taken: no other process can have taken the lease.
func (q *IntakeQuery) Held() bool { return q.lease.Held() }

// LatestFailed returns the latest message of somebody in a room that has not arrived, or may not
// have; nil for none.
func (q *IntakeQuery) LatestFailed(ctx context.Context, room id.RoomID, sender id.UserID) (*Received, error) {
	return q.QueryOne(ctx, receivedFailed, q.bridgeID, room, sender)
}

// reopen forgets the outcome of a message, which is to be sent again. It reports false when it is
// not the outcome any more, or the queue is not done with the message.
func (q *IntakeQuery) reopen(ctx context.Context, event id.EventID, outcome EventOutcome) (bool, error) {
	return changes(q.GetDB().Exec(ctx, receivedReopen, q.bridgeID, event, outcome))
}

// Prune forgets events that were dealt with and came before a time.
func (q *IntakeQuery) Prune(ctx context.Context, before time.Time) error {
	return q.Exec(ctx, receivedPrune, q.bridgeID, before.UnixMilli())
}
