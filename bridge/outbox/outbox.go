// Package outbox carries messages from Matrix to MSN: in the order in which they were
// written to somebody, kept on disk until their room is told what became of them, and
// none of them twice.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/picture"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Who writes a message learns within a minute whether it went out, however many messages
// wait, or that it waits for the connection.
const (
	// sendTimeout bounds sending over a connection that is there, waiting for the messages
	// before included.
	sendTimeout = 50 * time.Second
	// patience is after how long a room whose messages wait does not keep others waiting.
	patience = 20 * time.Second
	// sayWaitsAfter is how long a message waits for the connection before its room is told.
	sayWaitsAfter = 10 * time.Second
	// startWait is how long messages wait, after a start, for the first attempt to
	// sign in to end, before their time begins to count.
	startWait = 30 * time.Second
	// farewellTimeout bounds what is told at logout. The framework waits for it.
	farewellTimeout = 10 * time.Second
	// storeTimeout is for how long it is tried to store a message. Its room waits meanwhile, so
	// that none overtakes it.
	storeTimeout = 30 * time.Second
	// oneTimeout bounds one attempt at that.
	oneTimeout = 10 * time.Second
)

const (
	// window is how many messages of a conversation are under way at once. It is far
	// below msn.MaxOutbox, above which a conversation takes no more.
	window = 64
	// batch is how many messages are read at once.
	batch = 32
	// parallel is in how many rooms messages are begun at once.
	parallel = 32
)

// Session is the connection of the login.
type Session interface {
	// Current returns the session, nil while there is none.
	Current() *msn.Client
	// Wait returns the session, and waits for it while the bridge is trying. The error is
	// a reason.NotConnected.
	Wait(ctx context.Context) (*msn.Client, error)
	// Since returns since when there is the session, or none.
	Since() time.Time
	// WaitForOutcome waits until the first attempt to sign in has ended, well or badly.
	WaitForOutcome(ctx context.Context)
}

// Chats knows whom messages are for.
type Chats interface {
	// Conversation returns the conversation that a room stands for.
	Conversation(ctx context.Context, session *msn.Client, to msnid.Peer) (*msn.Conversation, error)
	// Recipients returns what can be said of those in a room.
	Recipients(ctx context.Context, to msnid.Peer) reason.Subject
}

// Outbox carries the messages of one login. It is stopped at first.
type Outbox struct {
	account *account.Account
	session Session
	chats   Chats
	sent    func(error) // is told what became of each text that was given to the service
	given   *picture.Given
	table   *table
	absent  *absences
	loop    *queue.Loop[networkid.PortalID, *database.QueuedEvent]
	puts    puts

	mu       sync.Mutex
	deaf     func()                           // ends that new messages are heard of, nil while stopped
	began    time.Time                        // when it was started
	lines    map[networkid.PortalID]*msn.Line // of the texts that are under way
	waits    map[networkid.PortalID]bool      // rooms that were told that their messages wait for the connection
	arrived  map[id.EventID]bool              // messages that the service has acknowledged, until that is told
	signedIn time.Time                        // when the first attempt to sign in had ended since, or was not waited for any more
}

// New returns an Outbox that is stopped. Call Use before Start.
func New(a *account.Account, session Session, work *background.Work) *Outbox {
	o := &Outbox{account: a, session: session, given: picture.NewGiven(a), sent: func(error) {}, arrived: make(map[id.EventID]bool)}
	o.absent = newAbsences(o, work)
	o.table = &table{query: a.DB.MatrixQueue, login: a.Login.ID, settled: []func(networkid.PortalID){o.absent.look}}
	o.loop = queue.New(queue.Config[networkid.PortalID, *database.QueuedEvent]{
		Store: o.table, Work: o, Window: window, Batch: batch, Parallel: parallel, Patience: patience,
	})
	return o
}

// Use names who knows whom messages are for.
func (o *Outbox) Use(chats Chats) { o.chats = chats }

// OnSettled has somebody told of each room in which a message is done with, or waits for its recipient: what is
// behind it may go out. It is to be called before Start.
func (o *Outbox) OnSettled(tell func(networkid.PortalID)) {
	o.table.settled = append(o.table.settled, tell)
}

// OnSent has somebody told what became of each text that was given to the service: nil for that it has
// acknowledged it. It is to be called before Start.
func (o *Outbox) OnSent(tell func(error)) { o.sent = tell }

// PutAgain is Put for a message that had an outcome and is sent again. It reports false when that is
// not its outcome any more, or the queue is not done with it. The error is msn.ErrClosed while the user logs out.
func (o *Outbox) PutAgain(ctx context.Context, e *database.QueuedEvent, outcome database.EventOutcome) (taken bool, err error) {
	err = o.puts.Pass(msn.ErrClosed, func() error {
		e.QueuedAt = time.Now()
		failed := false
		return insist(ctx, func(ctx context.Context) (err error) {
			if taken, err = o.account.DB.MatrixQueue.PutAgain(ctx, e, outcome); err == nil && !taken && failed {
				// Only the answer may have been lost.
				var waiting *database.QueuedEvent
				waiting, err = o.account.DB.MatrixQueue.Get(ctx, e.LoginID, e.EventID)
				if taken = waiting != nil; taken {
					o.loop.Wake(e.PortalID, 0)
				}
			}
			failed = failed || err != nil
			return err
		})
	})
	return taken && err == nil, err
}

// insist does something to the table until it works, for a while, or the table will never take
// it.
func insist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for waits := retry.Waits(); ; {
		err := do(ctx)
		if err == nil || database.Refuses(err) || ctx.Err() != nil || !retry.Sleep(ctx, waits.NextBackOff()) {
			return err
		}
		zerolog.Ctx(ctx).Err(err).Msg("Failed to note what a user wants of a message, trying again")
	}
}

// Start sends what is in the table, and what is put there by whatever Outbox of the login.
func (o *Outbox) Start(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.deaf == nil {
		o.began, o.signedIn = time.Now(), time.Time{}
		clear(o.arrived)
		o.deaf = o.account.DB.MatrixQueue.Listen(o.account.Login.ID, func(e *database.QueuedEvent) {
			row := *e
			o.loop.WakeWith(e.PortalID, queue.Entry[*database.QueuedEvent]{Row: &row, Position: e.Position})
		})
	}
	o.puts.Open()
	o.absent.start()
	o.loop.Start(ctx)
}

// Finish begins no message any more, takes back those of which nothing was sent, and waits for what becomes of those on the wire, until ctx ends.
func (o *Outbox) Finish(ctx context.Context, session *msn.Client) {
	over := o.loop.Finish()
	select {
	case <-over: // as nearly always
		return
	default:
	}
	session.Finish()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// Stop ends what Start began. What is half-way is noted for the next start.
func (o *Outbox) Stop() {
	o.mu.Lock()
	if o.deaf != nil {
		o.deaf()
		o.deaf = nil
	}
	o.mu.Unlock()
	o.loop.Stop()
	// What is stored in the name of the run that has ended is given back.
	if !o.puts.Wait(queue.PutsTimeout) {
		o.account.Login.Log.Warn().Msg("The database does not take messages: stopping all the same")
	}
}

// Idle reports whether surely nothing waits for a room.
func (o *Outbox) Idle(portal networkid.PortalID) bool { return o.loop.Idle(portal) }

// Farewell tells the fate of what is left when the user logs out: the login, and with it
// the table, will be gone.
func (o *Outbox) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	o.puts.Close()
	o.puts.Wait(queue.PutsTimeout)
	err := o.loop.Farewell(ctx, func(ctx context.Context, job *queue.Job[*database.QueuedEvent]) queue.Outcome {
		sent, err := o.isSent(ctx, job.Row)
		switch {
		case err == nil && sent:
			return queue.Tell(nil)
		case job.Earlier:
			fate, _ := o.begunBefore(ctx, job.Row)
			return queue.Tell(fate)
		}
		return queue.Tell(msn.ErrClosed)
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to tell what became of messages before the user logged out")
	}
}

// Begin implements queue.Work.
func (o *Outbox) Begin(ctx context.Context, job *queue.Job[*database.QueuedEvent]) queue.Outcome {
	e := job.Row
	sent, err := false, error(nil)
	if !e.New {
		sent, err = o.isSent(ctx, e)
	}
	switch {
	case err != nil:
		return queue.Retry(err) // it must not be sent a second time
	case sent:
		// The bridge did not get to forgetting it, or the homeserver repeats it.
		return queue.Tell(nil)
	case job.Earlier:
		fate, err := o.begunBefore(ctx, e)
		if err != nil {
			return queue.Retry(err)
		}
		return queue.Tell(fate)
	case o.expired(e):
		return queue.Tell(reason.ErrNotSeen)
	case job.Behind:
		return o.hold(e)
	}
	began := o.counts(ctx, job)
	if o.session.Current() == nil {
		// It can be changed while it waits.
		if err := job.Unclaim(ctx); errors.Is(err, queue.ErrLost) {
			return queue.Leave()
		} else if err != nil {
			return queue.Retry(err)
		}
	}
	connected, err := o.connected(ctx, began, e)
	if err != nil {
		return o.outcome(ctx, e, false, err)
	}
	session := o.session.Current()
	offline := session != nil && !isOnline(session, e.PortalID)
	sending, cancel := context.WithDeadline(ctx, connected.Add(sendTimeout))
	wait, err := o.handOver(sending, session, job)
	switch {
	case (errors.Is(err, msn.ErrNotConnected) || errors.Is(err, reason.ErrBridge)) && time.Since(began) < o.account.Config.Outage():
		cancel()
		// The connection went between the two, or the database does not take that the message is
		// sent now. It is nobody's yet.
		return queue.Retry(err)
	case errors.Is(err, queue.ErrLost):
		cancel()
		return queue.Leave()
	case err != nil:
		cancel()
		return o.outcome(ctx, e, offline, err)
	}
	return queue.Pending(func() queue.Outcome {
		defer cancel()
		err := wait()
		if errors.Is(err, msn.ErrBehind) {
			return queue.Follow() // nothing was done, and the one before it may be held
		}
		if errors.Is(err, msn.ErrFinishing) && !mayHaveArrived(err) {
			return queue.PutBack() // by Finish
		}
		if ctx.Err() == nil && cutOff(session, err) && time.Since(began) < o.account.Config.Outage() {
			zerolog.Ctx(ctx).Info().Err(err).Stringer("event_id", e.EventID).Msg("Message waits for the connection again: it had not gone out")
			o.breakLine(e.PortalID)
			return queue.PutBack()
		}
		o.sent(err)
		if err != nil {
			err = o.leave(sending, e, o.ended(e, err))
		} else {
			o.acknowledged(e)
		}
		return o.outcome(ctx, e, offline, err)
	})
}

// begunBefore returns the fate of a message that an earlier run had begun with. That may have ended between noting that the message did
// not arrive and taking it out of the queue: if its room was told so, it is told by the same transaction again, which shows nothing new.
func (o *Outbox) begunBefore(ctx context.Context, e *database.QueuedEvent) (fate, err error) {
	received, err := o.account.DB.Intake.Get(ctx, e.EventID)
	if err == nil && received != nil && received.Outcome == database.EventRefused {
		return reason.ErrNotTold, nil
	}
	return msn.ErrUncertain, err
}

// outcome is what becomes of a message that was sent, or failed with err. offline says that its recipient was not online when it was begun.
func (o *Outbox) outcome(ctx context.Context, e *database.QueuedEvent, offline bool, err error) queue.Outcome {
	switch {
	case err != nil && ctx.Err() != nil && mayHaveArrived(err):
		return queue.Leave() // the next start says that it is uncertain
	case err != nil && ctx.Err() != nil:
		return queue.PutBack()
	case o.isHeld(ctx, e, offline, err):
		return o.hold(e)
	}
	return queue.Tell(err)
}

// counts waits for the first attempt to sign in after a start, and returns from when on the
// time of a message counts.
func (o *Outbox) counts(ctx context.Context, job *queue.Job[*database.QueuedEvent]) time.Time {
	o.mu.Lock()
	starting, cancel := context.WithDeadline(ctx, o.began.Add(startWait))
	o.mu.Unlock()
	o.session.WaitForOutcome(starting)
	cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.signedIn.IsZero() {
		o.signedIn = time.Now()
	}
	latest := o.signedIn
	for _, at := range []time.Time{job.Since, job.Row.QueuedAt} {
		if at.After(latest) {
			latest = at
		}
	}
	return latest
}

// connected waits for the connection, from when the time of a message counts, and returns
// from when on it can be sent. The room is told once that its messages wait.
func (o *Outbox) connected(ctx context.Context, began time.Time, e *database.QueuedEvent) (since time.Time, err error) {
	if o.session.Current() != nil {
		return later(began, o.session.Since()), nil
	}
	limit := o.account.Config.Outage()
	ctx, cancel := context.WithDeadline(ctx, began.Add(limit))
	defer cancel()
	defer o.Waiting(ctx, e)()
	_, err = o.session.Wait(ctx)
	return later(began, o.session.Since()), err
}

// Waiting has the room of a message told that it waits for the connection, when that is not over soon; once for all
// that waits there. It is over when over is called.
func (o *Outbox) Waiting(ctx context.Context, e *database.QueuedEvent) (over func()) {
	stop := func() bool { return true }
	if limit := o.account.Config.Outage(); limit > sayWaitsAfter {
		stop = time.AfterFunc(sayWaitsAfter, func() { o.sayWaits(ctx, e, limit) }).Stop
	}
	return func() {
		stop()
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.waits, e.PortalID)
	}
}

// later returns the later of two times.
func later(one, other time.Time) time.Time {
	if other.After(one) {
		return other
	}
	return one
}

// handOver gives a message to its conversation; wait returns when the service has it, or
// not.
func (o *Outbox) handOver(sending context.Context, session *msn.Client, job *queue.Job[*database.QueuedEvent]) (wait func() error, err error) {
	e := job.Row
	to, ok := msnid.ParsePeer(e.PortalID)
	if !ok {
		return nil, reason.ErrNotAChat
	}
	if session == nil {
		return nil, reason.NotConnected{} // it has just gone
	}
	if sending.Err() != nil {
		return nil, sending.Err() // those before it took all the time
	}
	if blocks(session, to) {
		return nil, reason.ErrBlockedByUser
	}
	conversation, err := o.chats.Conversation(sending, session, to)
	if err != nil {
		return nil, err
	}
	emoticons := o.given.Prepare(sending, session, to, e.Emoticons)
	if err := job.Claim(sending); errors.Is(err, queue.ErrLost) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", reason.ErrBridge, err)
	}
	return conversation.StartTextWith(sending, o.line(job), emoticons, e.Body, e.Format), nil
}

// Emoticons has people given the emoticons of a text that goes out by other ways than this one, as picture.Given.Prepare.
func (o *Outbox) Emoticons(ctx context.Context, session *msn.Client, to msnid.Peer, emoticons database.Emoticons) []msn.Emoticon {
	return o.given.Prepare(ctx, session, to, emoticons)
}

// blocks reports whether the user blocks the contact of a room.
func blocks(session *msn.Client, to msnid.Peer) bool {
	contact, ok := session.Contact(to.Account)
	return ok && contact.Lists.Has(msn.ListBlock)
}

// ended returns why a text did not go out whose conversation was closed: the user may have blocked
// the contact meanwhile, which ends it.
func (o *Outbox) ended(e *database.QueuedEvent, err error) error {
	to, _ := msnid.ParsePeer(e.PortalID)
	if session := o.session.Current(); errors.Is(err, msn.ErrClosed) && session != nil && blocks(session, to) {
		return fmt.Errorf("%w: %w", reason.ErrBlockedByUser, err)
	}
	return err
}

// line returns the line that a text stands in, with those of its room that are under way: it must not
// overtake one of them that is held, though that is not known yet.
func (o *Outbox) line(job *queue.Job[*database.QueuedEvent]) *msn.Line {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lines == nil {
		o.lines = make(map[networkid.PortalID]*msn.Line)
	}
	line := o.lines[job.Row.PortalID]
	if line == nil || job.Alone && line.Broken() {
		line = new(msn.Line)
		o.lines[job.Row.PortalID] = line
	}
	return line
}

// breakLine keeps those of a room that are taken up behind a text which is put back from going out by the next connection before it.
func (o *Outbox) breakLine(portal networkid.PortalID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if line := o.lines[portal]; line != nil {
		line.Break()
	}
}

// isSent reports whether the framework knows a message as sent.
func (o *Outbox) isSent(ctx context.Context, e *database.QueuedEvent) (bool, error) {
	parts, err := o.account.Bridge.DB.Message.GetAllPartsByID(ctx, o.account.Login.ID, msnid.MakeSentMessageID(e.EventID))
	return len(parts) > 0, err
}

// cutOff reports whether a text failed only because the connection of its session has ended, before anything of it went out.
func cutOff(session *msn.Client, err error) bool {
	switch {
	case mayHaveArrived(err):
		return false
	case errors.Is(err, msn.ErrClosed), errors.Is(err, msn.ErrSwitchboard):
		return session != nil && session.Err() != nil // else it is the conversation alone that has ended
	}
	return errors.Is(err, msn.ErrNotConnected)
}

// mayHaveArrived reports whether a text that failed, or a part of it, can have
// reached the contact.
func mayHaveArrived(err error) bool {
	var parts *msn.PartsError
	return errors.Is(err, msn.ErrUncertain) || errors.As(err, &parts) && parts.Acknowledged > 0
}
