package database

import (
	"context"
	"slices"
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
	Position int64 // order of arrival; 0 for one that is not stored yet has the table give it
	RoomID   id.RoomID
	Sender   id.UserID
	Content  string // the event in JSON, as the homeserver wrote it; "" once it has no more use
	State    ReceivedState
	Outcome  EventOutcome
	At       time.Time
	// Secret is set by who stores an event whose content must not be on disk. It counts as
	// begun from the start.
	Secret bool
	// Free is how many positions behind that of an event that is being stored stay free, for what is found to be older than what comes next.
	Free int64
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

	puts     kind[*receiving]
	finishes kind[id.EventID]
	outcomes kind[outcome]
}

// newIntakeQuery makes the queries on the table intake.
func newIntakeQuery(db *dbutil.Database, bridgeID networkid.BridgeID, all *together, lease *LeaseQuery) *IntakeQuery {
	q := &IntakeQuery{bridgeID: bridgeID, together: all, lease: lease, QueryHelper: dbutil.MakeQueryHelperReflect[*Received](db)}
	q.puts = kind[*receiving]{all, q.putAll}
	q.finishes = kind[id.EventID]{all, q.finishAll}
	q.outcomes = kind[outcome]{all, q.setOutcomes}
	return q
}

// receiving are events that are being stored, all of them or none.
type receiving struct {
	events []*Received
	open   []*Received // of these, those that nobody has dealt with
}

// outcome is what became of a message, and what is noted with it; also may be nil.
type outcome struct {
	of   *Received
	also func(context.Context) error
}

const (
	receivedColumns = `event_id, position, room_id, sender, content, state, outcome, received_at`
	receivedGet     = `SELECT ` + receivedColumns + ` FROM intake WHERE bridge_id=$1 AND event_id=$2`
	receivedOpen    = `
		SELECT ` + receivedColumns + ` FROM intake WHERE bridge_id=$1 AND state=$2 AND position>$3 ORDER BY position LIMIT $4`
	receivedBegin  = `UPDATE intake SET state='begun', content='' WHERE bridge_id=$1 AND event_id=$2 AND state='waiting'`
	receivedGiveUp = `UPDATE intake SET state='given-up' WHERE bridge_id=$1 AND event_id=$2 AND state='waiting'`
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

var (
	receivedPut = newBulk(`
		INSERT INTO intake (bridge_id, `+receivedColumns+`)
		SELECT $1, column1, CAST(column2 AS BIGINT), column3, column4, column5, column6, column7, CAST(column8 AS BIGINT)
		FROM (%s) received
		WHERE `+ifHeld2+`
		ON CONFLICT (bridge_id, event_id) DO NOTHING
		RETURNING '', event_id, position`, 3, 8)
	// A message that waits elsewhere keeps its row, so that it is known when it is repeated.
	receivedFinish = newBulk(`
		UPDATE intake SET state='finished', content='' WHERE bridge_id=$1 AND state<>'finished' AND event_id IN (SELECT column1 FROM (%s) finished)`, 2, 1)
	receivedOutcome = newBulk(`
		INSERT INTO intake (bridge_id, `+receivedColumns+`)
		SELECT $1, column1, 0, column2, column3, '', 'finished', column4, CAST(column5 AS BIGINT) FROM (%s) ended WHERE true
		ON CONFLICT (bridge_id, event_id) DO UPDATE SET outcome=excluded.outcome`, 2, 5)
)

// Put stores events, all or none of them, as waiting, and returns those that nobody has dealt with: the
// new ones, and those that were stored before and wait. Repeated ones that are finished are
// not among them. The error is ErrUsurped when the lease is another process's: that one would not
// hear of them.
func (q *IntakeQuery) Put(ctx context.Context, events []*Received) (open []*Received, err error) {
	r := &receiving{events: events}
	if err := q.puts.Do(ctx, r); err != nil {
		return nil, err
	}
	return r.open, nil
}

func (q *IntakeQuery) putAll(ctx context.Context, all []*receiving) error {
	var events []*Received
	for _, r := range all {
		r.open = nil
		events = append(events, r.events...)
	}
	if len(events) == 0 {
		return nil
	}
	return inTxn(ctx, q.GetDB(), !isOne(len(events)), func(ctx context.Context) error {
		added, err := q.insert(ctx, events)
		if err != nil {
			return err
		}
		for _, r := range all {
			for _, e := range r.events {
				at := row{id: string(e.EventID)}
				if position, isNew := added[at]; isNew {
					e.Position = *position
					delete(added, at) // another one with its ID is a repetition
				} else if e, err = q.Get(ctx, e.EventID); err != nil {
					return err
				} else if e == nil {
					return ErrUsurped
				} else if e.State != ReceivedWaiting {
					continue
				}
				r.open = append(r.open, e)
			}
		}
		return nil
	})
}

// insert stores events that are not known, and returns their positions.
func (q *IntakeQuery) insert(ctx context.Context, events []*Received) (positions map[row]*int64, err error) {
	return queryBulk(ctx, q.GetDB(), &receivedPut, events, []any{q.bridgeID, q.lease.ours()}, func(r *Received) []any {
		state, content, outcome := ReceivedWaiting, r.Content, r.Outcome
		if r.Secret {
			state, content, outcome = ReceivedBegun, "", EventSecret
		}
		position := r.Position
		if position == 0 {
			position = q.positions.before(r.Free)
		}
		return []any{r.EventID, position, r.RoomID, r.Sender, content, state, outcome, toMilli(r.At)}
	}, scanPosition)
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
	return q.finishes.Do(ctx, event)
}

func (q *IntakeQuery) finishAll(ctx context.Context, events []id.EventID) error {
	return inTxn(ctx, q.GetDB(), !isOne(len(events)), func(ctx context.Context) error {
		return execBulk(ctx, q.GetDB(), &receivedFinish, events, []any{q.bridgeID}, func(event id.EventID) []any { return []any{event} })
	})
}

// SetOutcome notes what became of a message, also of one that did not come through the
// intake. Of those the time counts that is given.
func (q *IntakeQuery) SetOutcome(ctx context.Context, r Received) error {
	return q.outcomes.Do(ctx, outcome{of: &r})
}

// SetOutcomeWith is SetOutcome with something else in the same transaction: both are done, or none.
func (q *IntakeQuery) SetOutcomeWith(ctx context.Context, r Received, also func(context.Context) error) error {
	return q.outcomes.Do(ctx, outcome{&r, also})
}

func (q *IntakeQuery) setOutcomes(ctx context.Context, all []outcome) error {
	return inTxn(ctx, q.GetDB(), !isOne(len(all)) || slices.ContainsFunc(all, func(o outcome) bool { return o.also != nil }), func(ctx context.Context) error {
		err := execBulk(ctx, q.GetDB(), &receivedOutcome, all, []any{q.bridgeID}, func(o outcome) []any {
			return []any{o.of.EventID, o.of.RoomID, o.of.Sender, o.of.Outcome, toMilli(o.of.At)}
		})
		for _, o := range all {
			if err == nil && o.also != nil {
				err = o.also(ctx)
			}
		}
		return err
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
