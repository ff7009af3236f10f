// Package intake takes what the homeserver pushes: on disk before it is answered, once per
// event, and in order to the framework.
//
// The framework answers a transaction when its events are in memory, passes over one whose
// ID it has seen even if it has grown, and forgets what it has not dealt with when it ends.
// So the events that carry what users say and do are stored here by their ID, and the
// framework gets them from here.
package intake

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/metrics"
	"matrix-msn/database"
)

const (
	// kept is how long an event is known after it came. Homeservers give a transaction up
	// after much less.
	kept = 8 * 24 * time.Hour
	// pruneEvery is how often older ones are forgotten.
	pruneEvery = 6 * time.Hour
	// batch is how many events are read at once that an earlier run has left.
	batch = 256
	// MaxPending is how many events may wait in memory for the framework. When there are
	// more, the homeserver is asked to come again.
	MaxPending = 10_000
	// maxOthers is how many events that are not stored are known, so that they are passed
	// over when they are repeated.
	maxOthers = 1024
	// storeTimeout bounds one statement.
	storeTimeout = 10 * time.Second
	// startPatience is for how long a transaction that comes during a start is held. A homeserver that is refused comes again
	// only after a while, Synapse after up to nine minutes if the bridge was away for long; it waits a minute for an answer.
	startPatience = 30 * time.Second
	// callBackPause is what a homeserver is given to read that a transaction is refused before it has another answer.
	callBackPause = 250 * time.Millisecond
	// stopTimeout bounds the wait for the framework to take what it was being given.
	stopTimeout = 5 * time.Second
)

// Types are the events that are stored: what people say and do. State is not, but for invitations of ghosts and the bot: the
// homeserver can be asked for it. That a room is encrypted is noted at once, as Config.NoteEncrypted says.
var Types = []event.Type{
	event.EventMessage, event.EventEncrypted, event.EventSticker, event.EventReaction, event.EventRedaction,
	event.EventUnstablePollStart, event.EventUnstablePollResponse, event.EventUnstablePollEnd,
	message("m.poll.start"), message("m.poll.response"), message("m.poll.end"),
	event.CallInvite, message("m.call.notify"), message("org.matrix.msc4075.call.notify"),
	message("m.rtc.notification"), message("org.matrix.msc4075.rtc.notification"),
	event.BeeperDeleteChat, event.BeeperBlockUser, event.BeeperAcceptMessageRequest,
}

// message is a type of events in the timelines of rooms that the framework does not know.
func message(name string) event.Type { return event.Type{Type: name, Class: event.MessageEventType} }

// Config is what an Intake needs of the bridge.
type Config struct {
	Bridge *bridgev2.Bridge
	Store  *database.IntakeQuery
	Log    zerolog.Logger
	// Metrics count what is pushed; it may be nil.
	Metrics *metrics.Metrics
	// Ours reports whether a user is the bot or a ghost.
	Ours func(id.UserID) bool
	// Deliver hands an event to the framework, and waits until it takes it.
	Deliver func(context.Context, *event.Event) error
	// NoteEncrypted notes that a room is encrypted, before the homeserver has its answer: nobody asks for that again, and without it
	// the room would be written to in clear for ever. Nil means that nobody encrypts.
	NoteEncrypted func(context.Context, id.RoomID, *event.EncryptionEventContent) error
	// IsCommand reports whether the framework will take a message for a command.
	IsCommand func(context.Context, *event.Event) bool
	// Secret reports whether what a user writes in a room must not be on disk, because they
	// were asked for a password there.
	Secret func(context.Context, id.UserID, id.RoomID) bool
	// Unfinished tells the sender of a command that the bridge was stopped while it ran.
	Unfinished func(context.Context, *database.Received) error
	// GivenUp tells the sender of an event that nobody could store that it comes to nothing.
	GivenUp func(context.Context, *database.Received) error
	// Asked tells those who were asked for a password when the bridge was stopped that nobody waits
	// for it any more.
	Asked func(context.Context)
	// Waits tells the room of an event that the database takes nothing, so that what is
	// written there waits.
	Waits func(context.Context, *database.Received) error
}

// Intake takes the homeserver's transactions.
type Intake struct {
	cfg    Config
	others *exsync.RingBuffer[id.EventID, struct{}]
	closed *exsync.RingBuffer[id.EventID, struct{}] // what was finished of late

	mu      sync.Mutex
	accepts bool // the bridge is the one that uses the database
	decided sign // set when it is known for the first time whether it does
	pending []item
	open    map[id.EventID]*handed // what is pending or with the framework
	wake    chan struct{}
	again   map[id.RoomID]*time.Timer // hand on what was left of a room
	noting  *time.Timer               // notes that events are dealt with, nil while that is noted of all
	said    map[id.RoomID]bool        // rooms that were told that their messages wait, or are just being told
	running map[chatOf]*handed        // the latest command of each chat
	started time.Time                 // when this run began
	held    map[chatOf]*hold          // chats of which a command waits for something
	lines   map[chatOf]*line
	missed  map[keyOf]time.Time // when a key was first not there
	own     context.Context     // of what is done for nobody who waits; nil before Start
	cancel  context.CancelFunc  // nil while stopped
	ended   sync.WaitGroup

	// calledBack is set when the transactions that wait for the start are to be refused, of which there are waiting.
	calledBack sign
	waiting    int
}

// item is what is to be handed to the framework: an event, or a call with events that are not
// stored.
type item struct {
	received *database.Received
	call     func()
}

// handed is an event that the framework was given, or will be.
type handed struct {
	received  *database.Received
	stage     stage
	command   bool        // the framework runs it beside others
	invites   bool        // it is an invitation of somebody of the bridge
	decrypted bool        // a message has come of it
	keyless   bool        // the framework waits for its key
	late      *time.Timer // of an encrypted event that may still become one
	pass      int         // how often it was handed on before
	chat      *turn       // of a command
}

// stage is how far an event is that the framework was given, or will be.
type stage int

const (
	inHand        stage = iota // the framework has it, or gets it when its turn comes
	waiting                    // nobody could store it: it waits for the next pass
	waitingBehind              // it waits since an earlier one of its room does
	handedAgain                // it has waited, and those behind it wait for it still
	untold                     // it was given up, of which the next start tells
	unnoted                    // it is dealt with, which could not be noted
)

// waits reports whether the next pass hands the event on.
func (s stage) waits() bool { return s == waiting || s == waitingBehind }

// left reports whether those behind the event wait for it.
func (s stage) left() bool { return s.waits() || s == handedAgain }

// turn is the place of a command among those of its chat.
type turn struct {
	before *turn // the one that is to end before this one is run, or nil
	depth  int   // how many wait, this one included
	begun  sign  // set when its turn has come
	// arrived is set when the framework has run it, so that it waits for its turn: it drops a
	// few.
	arrived bool
	ended   sign // set when it has ended
}

// sign is something that happens once.
type sign struct {
	happened chan struct{}
	once     *sync.Once
}

func newSign() sign { return sign{make(chan struct{}), new(sync.Once)} }

func (s sign) set() { s.once.Do(func() { close(s.happened) }) }

// chatOf is where one user writes.
type chatOf struct {
	user id.UserID
	room id.RoomID
}

// New returns an Intake. It stores from Accept on, and hands on after Start.
func New(cfg Config) *Intake {
	return &Intake{
		cfg: cfg, others: exsync.NewRingBuffer[id.EventID, struct{}](maxOthers), closed: exsync.NewRingBuffer[id.EventID, struct{}](maxOthers),
		open: make(map[id.EventID]*handed), said: make(map[id.RoomID]bool), again: make(map[id.RoomID]*time.Timer), running: make(map[chatOf]*handed), held: make(map[chatOf]*hold), wake: make(chan struct{}, 1),
		lines: make(map[chatOf]*line), missed: make(map[keyOf]time.Time), decided: newSign(), calledBack: newSign(),
	}
}

// Accept has what the homeserver pushes stored from now on, until Stop. What comes before waits for it, or is
// refused after a while, so that the homeserver comes again.
func (i *Intake) Accept() {
	defer i.decided.set()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.accepts = true
}

// Start hands to the framework what an earlier run has left, and then what comes, until Stop.
func (i *Intake) Start(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	// A stop lets the framework take what it is being given: it would tell the room that the
	// event failed, which is handed on again at the next start. This outlasts the handing on
	// of an event, because commands go on by it.
	settling, over := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, over) })
	i.mu.Lock()
	i.cancel, i.own, i.started = cancel, context.WithoutCancel(ctx), time.Now()
	i.mu.Unlock()
	i.ended.Go(func() { i.run(ctx, settling) })
}

// Stop ends what Start began. What was not handed on is left for the next start.
func (i *Intake) Stop() {
	defer i.decided.set()
	i.mu.Lock()
	cancel := i.cancel
	i.cancel, i.accepts = nil, false
	for _, again := range i.again {
		again.Stop()
	}
	clear(i.again)
	if i.noting != nil {
		i.noting.Stop()
		i.noting = nil
	}
	for _, h := range i.open {
		if h.late != nil {
			h.late.Stop()
		}
	}
	i.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	ended := make(chan struct{})
	go func() { i.ended.Wait(); close(ended) }()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		// The framework takes what is not stored without a context. It is ended next.
		i.cfg.Log.Warn().Msg("The framework does not take the homeserver's events: stopping all the same")
	}
}

// run hands on what comes. ctx ends with the run, settling a while after it.
func (i *Intake) run(ctx, settling context.Context) {
	log := zerolog.Ctx(ctx)
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := i.recover(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		log.Err(err).Msg("Failed to read what the homeserver sent before the bridge was stopped, trying again")
		if !sleep(ctx, wait) {
			return
		}
	}
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	i.prune(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-prune.C:
			i.prune(ctx)
		case <-i.wake:
		}
		for next, ok := i.next(); ok && ctx.Err() == nil; next, ok = i.next() {
			i.handOn(ctx, settling, next)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// recover takes up what an earlier run has left: those before what has come since.
func (i *Intake) recover(ctx context.Context) error {
	if err := i.tell(ctx, database.ReceivedBegun, i.cfg.Unfinished); err != nil {
		return err
	}
	if err := i.tell(ctx, database.ReceivedGivenUp, i.cfg.GivenUp); err != nil {
		return err
	}
	i.cfg.Asked(ctx)
	var left []*database.Received
	for after := int64(0); ; {
		rows, err := i.cfg.Store.InState(ctx, database.ReceivedWaiting, after, batch)
		if err != nil {
			return err
		}
		left = append(left, rows...)
		if len(rows) < batch {
			break
		}
		after = rows[len(rows)-1].Position
	}
	if taken := i.takeUp(left); taken > 0 {
		zerolog.Ctx(ctx).Info().Int("events", taken).Msg("Taking up what the homeserver sent before the bridge was stopped")
	}
	i.signal()
	return nil
}

// takeUp has rows of an earlier run handed on, each in its place among what has come since, and returns
// how many there are. Some of this run may be among them: they were stored, which the database did not
// say.
func (i *Intake) takeUp(rows []*database.Received) (taken int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	since := i.pending
	i.pending = nil
	for _, row := range rows {
		if i.open[row.EventID] != nil || i.closed.Contains(row.EventID) {
			continue
		}
		before := 0 // of what has come since, those that came earlier
		for n, e := range since {
			if e.received != nil && e.received.Position < row.Position {
				before = n + 1
			}
		}
		i.pending = append(i.pending, since[:before]...)
		since = since[before:]
		i.open[row.EventID] = &handed{received: row, invites: isInvitation(row)}
		i.pending = append(i.pending, item{received: row})
		taken++
	}
	i.pending = append(i.pending, since...)
	return taken
}

// tell tells the senders of events in a state what has become of them: of commands that ran when
// the bridge was stopped, and of what was given up.
func (i *Intake) tell(ctx context.Context, state database.ReceivedState, say func(context.Context, *database.Received) error) error {
	for after := int64(0); ; {
		rows, err := i.cfg.Store.InState(ctx, state, after, batch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			after = row.Position
			i.mu.Lock()
			running := i.open[row.EventID] != nil
			i.mu.Unlock()
			if running {
				continue
			}
			if err := say(ctx, row); err != nil {
				zerolog.Ctx(ctx).Err(err).Stringer("event_id", row.EventID).Str("state", string(state)).Msg("Failed to tell what has become of an event")
				continue // it is told at the next start
			}
			if err := i.cfg.Store.Finish(ctx, row.EventID); err != nil {
				return err
			}
		}
		if len(rows) < batch {
			return nil
		}
	}
}

func (i *Intake) prune(ctx context.Context) {
	if err := i.cfg.Store.Prune(ctx, time.Now().Add(-kept)); err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to forget old events of the homeserver")
	}
}

// signal has run look at what is pending.
func (i *Intake) signal() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// next takes the first of what is pending.
func (i *Intake) next() (item, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.pending) > 0 {
		first := i.pending[0]
		i.pending[0] = item{}
		i.pending = i.pending[1:]
		if !i.queue(first) {
			return first, true
		}
	}
	i.pending = nil
	return item{}, false
}

// handOn gives one item to the framework.
func (i *Intake) handOn(ctx, settling context.Context, next item) {
	if next.call != nil {
		next.call()
		return
	}
	log := zerolog.Ctx(ctx).With().Stringer("event_id", next.received.EventID).Logger()
	evt, err := parse(next.received)
	if err != nil {
		log.Err(err).Msg("Passing over an event that cannot be read")
		i.finish(ctx, next.received.EventID, i.handedOut(next.received.EventID))
		return
	}
	switch evt.Type {
	case event.EventEncrypted:
		i.readFirst(evt)
	case event.StateMember:
		i.invitesFirst(evt)
	}
	i.cfg.Metrics.Hop(metrics.HopIntake, next.received.At)
	if err := i.cfg.Deliver(log.WithContext(settling), evt); err != nil && ctx.Err() == nil {
		log.Err(err).Msg("Failed to hand an event on, it is handed on at the next start")
	}
}

// parse makes the event as the framework wants it.
func parse(r *database.Received) (*event.Event, error) {
	evt := &event.Event{}
	if err := json.Unmarshal([]byte(r.Content), evt); err != nil {
		return nil, err
	}
	evt.Type.Class = event.MessageEventType
	if evt.StateKey != nil {
		evt.Type.Class = event.StateEventType
	}
	evt.Mautrix.EventSource = event.SourceTimeline
	evt.Mautrix.ReceivedAt = r.At
	// What cannot be parsed is left to the framework, as it does with what it gets itself.
	_ = evt.Content.ParseRaw(evt.Type)
	return evt, nil
}
