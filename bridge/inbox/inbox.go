// Package inbox carries messages from MSN to Matrix: in order in each room, kept on disk
// from their arrival until the homeserver has them, so that they outlast its outages and a
// restart of the bridge.
package inbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
)

const (
	// batch is how many messages of a room are taken from the table at a time.
	batch = 64
	// maxRooms is how many rooms of a login are written to at the same time.
	maxRooms = 8
	// patience is after how long a room that is written to is not counted for that any
	// more: those that are stuck hold up no others.
	patience = 30 * time.Second
	// storeTimeout bounds storing one message. The session waits meanwhile.
	storeTimeout = 5 * time.Second
	// MaxAttempts is how often a message is offered to a room that takes others: the
	// last attempt comes about half an hour after the first.
	MaxAttempts = 12
	// maxReplacing is how often a replacement is offered to such a room. Texts wait behind it meanwhile.
	maxReplacing = 3
	// maxHold is how long a message waits for one before it that waits.
	maxHold = 24 * time.Hour
	// maxUnsaved is how many messages may wait in memory for the database. What has begun below it
	// waits with all its parts.
	maxUnsaved = 5000
	// maxAhead is how many messages may wait for a database that takes them. The session waits when there are more: what it
	// has read would be lost if the bridge were killed.
	maxAhead = 64
	// maxTogether is how many messages are stored in one transaction.
	maxTogether = 64
)

// Store puts a message into the table, and reports false when it is there already. It may
// store with it what the message is about.
type Store = func(context.Context, *database.QueuedMessage) (added bool, err error)

// Inbox carries the messages of one login. It is stopped at first. Whoever hands a message
// in never waits for Matrix.
type Inbox struct {
	account *account.Account
	rooms   *room.Rooms
	// kinds says how each kind is shown. Most logins hear nothing for days: it is made with the first message.
	kinds func() map[database.QueuedKind]Kind
	loop  *queue.Loop[networkid.PortalID, *database.QueuedMessage]

	saver   chan struct{}  // has something while somebody stores what waits in memory
	stores  sync.WaitGroup // of who stores what has just come
	mu      sync.Mutex
	moved   sync.Cond // of mu: something was stored, or failed, or the inbox was stopped
	started bool
	ctx     context.Context // of the last Start, without its end
	began   time.Time       // the last Start
	left    left            // what is from before that
	settles time.Duration   // of the Pace
	unsaved []arrival       // what is not in the database yet, in order
	storing bool            // somebody stores it
	failing bool            // the database does not take it
	saving  *time.Timer     // of the next attempt then
	waits   *backoff.ExponentialBackOff
	closed  bool // the user logs out: nothing is stored any more
	told    bool // and was told what is left

	tell func(ctx context.Context, text string) error // says something to the user

	// atMost is how many messages wait at most for the rooms for which some were stored since nothing waited in memory. Who saves has it.
	atMost map[networkid.PortalID]int
}

// arrival is a message in its parts, and what is stored with each: all of them or none.
type arrival struct {
	parts []*database.QueuedMessage
	store Store         // nil for nothing besides
	alone bool          // in a transaction of its own
	again bool          // it failed before
	tried chan struct{} // closed when it was stored or failed; may be nil
}

// wasTried says that an arrival was stored, or failed.
func (a *arrival) wasTried() {
	if a.tried != nil {
		close(a.tried)
		a.tried = nil
	}
}

// Pace is what an Inbox waits for.
type Pace struct {
	// Between makes the waits between attempts to hand a message over. It may be nil for
	// those of package retry.
	Between func() backoff.BackOff
	// Settles is how long the homeserver gets for what the bridge was killed in the middle of:
	// it goes on with that, and what it has not come to an end with cannot be found yet.
	Settles time.Duration
}

// Unhurried is the Pace of a bridge that has a homeserver.
var Unhurried = Pace{Settles: 3 * time.Second}

// New returns an Inbox that is stopped. Call Use before Start.
func New(a *account.Account, rooms *room.Rooms, pace Pace) *Inbox {
	b := &Inbox{account: a, rooms: rooms, waits: retry.Storing(), settles: pace.Settles}
	b.moved.L, b.saver, b.tell = &b.mu, make(chan struct{}, 1), b.tellUser
	b.loop = queue.New(queue.Config[networkid.PortalID, *database.QueuedMessage]{
		Store: &table{a.DB.MSNQueue, a.Login.ID}, Work: b, Window: 1, Batch: batch, Parallel: maxRooms, Patience: patience, Waits: pace.Between, Again: true,
	})
	return b
}

// Use has kinds say how messages of each kind are shown. It is called once, when the first message is there.
func (b *Inbox) Use(kinds func() map[database.QueuedKind]Kind) { b.kinds = sync.OnceValue(kinds) }

// Put has the parts of a message stored at the end of the queue, all or none. It returns while that is under way: what comes
// meanwhile is stored together, in order, and nothing is brought into its room before. The server believes
// that it is delivered, so that the end of the session is no reason not to. What the database
// does not take waits in memory, with all that comes after it.
func (b *Inbox) Put(ctx context.Context, parts ...*database.QueuedMessage) {
	if len(parts) > 0 {
		b.put(ctx, arrival{parts: parts})
	}
}

// PutBy is Put for a message that is stored with something else. It returns when that is done, or failed. store is given the message
// that takes the place of all that come while too many wait, which has a text then;
// it may be called again when it fails.
func (b *Inbox) PutBy(ctx context.Context, m *database.QueuedMessage, store Store) {
	tried := make(chan struct{})
	b.put(ctx, arrival{parts: []*database.QueuedMessage{m}, store: store, alone: true, tried: tried})
	<-tried
}

func (b *Inbox) put(ctx context.Context, a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.started && !b.failing && b.inMemory() >= maxAhead {
		b.moved.Wait()
	}
	if !b.started && !b.closed && len(b.unsaved) == 0 {
		storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		err := b.save(storing, a)
		if err == nil {
			a.wasTried()
			return
		}
		zerolog.Ctx(ctx).Err(err).Str("message_id", string(a.parts[0].MessageID)).Msg("Failed to store incoming message, it waits in memory")
		a.again = true
	}
	full := b.inMemory() >= maxUnsaved
	if full || !b.started || b.failing {
		a.wasTried()
	}
	if full {
		zerolog.Ctx(ctx).Error().Str("message_id", string(a.parts[0].MessageID)).Msg("Lost an incoming message: the database has taken none for long")
		return
	}
	if b.told {
		zerolog.Ctx(ctx).Error().Str("message_id", string(a.parts[0].MessageID)).Msg("Lost an incoming message, unless the login is started again: the user has logged out")
	}
	b.unsaved = append(b.unsaved, a)
	if b.started && !b.failing && !b.storing {
		b.storing = true
		b.stores.Go(func() {
			defer b.lockSaver()()
			b.saveAll()
		})
	}
}

// inMemory returns how many messages wait in memory, each part for one. mu is held.
func (b *Inbox) inMemory() (waiting int) {
	for _, a := range b.unsaved {
		waiting += len(a.parts)
	}
	return waiting
}

// Release has what waits for a room tried at once.
func (b *Inbox) Release(portal networkid.PortalID) { b.loop.Release(portal) }

// Held returns the rooms of which messages wait until they may be made.
func (b *Inbox) Held() []networkid.PortalID { return b.loop.Held() }

// Start brings what waits into its rooms.
func (b *Inbox) Start(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.started {
		b.began = time.Now()
		b.left.reset()
	}
	b.loop.Start(ctx)
	b.started, b.ctx = true, context.WithoutCancel(ctx)
	b.closed, b.told = false, false
	if len(b.unsaved) > 0 {
		b.saveIn(0)
	}
}

// Stop ends what Start began. A message that is half-way gets a moment to come to its end,
// and what waits in memory for the database one more attempt.
func (b *Inbox) Stop() {
	b.loop.Stop()
	b.mu.Lock()
	started, ctx := b.started, b.ctx
	b.started = false
	b.moved.Broadcast()
	if b.saving != nil {
		b.saving.Stop()
		b.saving = nil
	}
	b.mu.Unlock()
	if !started {
		return
	}
	defer b.stores.Wait()
	defer b.lockSaver()() // waits for an attempt that is under way; a later one finds the inbox stopped
	if left := b.saveAll(); left > 0 {
		zerolog.Ctx(ctx).Error().Int("messages", left).Msg("Lost incoming messages, unless the login is started again")
	}
}

// Unsaved returns how many messages are on their way into the table, or wait in memory for it.
func (b *Inbox) Unsaved() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inMemory()
}

// Idle reports whether surely nothing waits for a room.
func (b *Inbox) Idle(portal networkid.PortalID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loop.Idle(portal) && !slices.ContainsFunc(b.unsaved, func(a arrival) bool { return a.parts[0].PortalID == portal })
}

// Begin implements queue.Work: it brings a message into its room.
func (b *Inbox) Begin(ctx context.Context, job *queue.Job[*database.QueuedMessage]) queue.Outcome {
	m := job.Row
	kind := b.kindOf(m)
	if job.Behind {
		return queue.Hold(time.Now().Add(maxHold)) // or with the one before it
	}
	if unwanted, err := kind.unwanted(ctx, m); err != nil {
		return queue.Retry(err)
	} else if unwanted {
		b.count(m, metrics.Unwanted)
		return queue.Done()
	}
	if until, err := kind.admit(ctx, m); err != nil {
		return queue.Retry(err)
	} else if !until.IsZero() {
		return queue.Hold(until)
	}
	if found, err := b.found(ctx, job); err != nil {
		return queue.Retry(err)
	} else if found {
		return queue.Done().Then(func(ctx context.Context) { kind.inMatrix(ctx, m) })
	}
	attempts := MaxAttempts
	if m.Replaces != "" {
		attempts = maxReplacing
	}
	if kind.Keeper != nil && kind.Keeper.Refused(m) {
		attempts = 1 // it waits elsewhere, and does not hold up the others again
	}
	// What may be the last attempt counts only when it was made while the homeserver
	// answered: it can come back between two requests.
	answered := job.Attempt >= attempts && b.answers(ctx, m) == nil
	err := b.deliver(ctx, m)
	switch {
	case err == nil:
		b.count(m, metrics.Delivered)
		return queue.Done().Then(func(ctx context.Context) { kind.inMatrix(ctx, m) })
	case ctx.Err() != nil:
		return queue.PutBack()
	case !answered:
		return queue.Retry(err)
	case m.Replaces != "":
		zerolog.Ctx(ctx).Warn().Err(err).Str("message_id", string(m.Replaces)).Msg("Gave up to show pictures in a message: it stays as it is")
		return queue.Done()
	}
	if refused := b.giveUp(ctx, m); refused != nil {
		return queue.Retry(errors.Join(err, refused))
	}
	b.count(m, metrics.Failed)
	return queue.Done()
}

// count counts a message that is done with. One that was written while the user was offline, or
// is a file, has not come just now.
func (b *Inbox) count(m *database.QueuedMessage, became metrics.Outcome) {
	if m.Replaces != "" {
		return // the same message once more
	}
	b.account.Metrics.Message(metrics.ToMatrix, became)
	if became == metrics.Delivered && m.Kind != database.QueuedOffline && m.Kind != database.FileQueued {
		b.account.Metrics.Hop(metrics.HopToMatrix, m.At)
	}
}

// Tell implements queue.Work. What became of a message is seen in its room.
func (b *Inbox) Tell(context.Context, *database.QueuedMessage, error) error { return nil }
