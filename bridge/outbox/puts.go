package outbox

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/queue"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// maxMaybeStored is of how many messages it is known that they may have been stored. Of those beyond, a stop makes uncertain ones.
const maxMaybeStored = 1024

// puts are the messages that are being stored. It holds no memory while there are none.
type puts struct {
	queue.Gate // closed while the user logs out

	mu    sync.Mutex
	maybe map[id.EventID]string // messages whose Put has failed, which may be stored all the same, and for which run they are claimed then
}

// note notes whether a message may have been stored though storing it has failed, and for which run it is claimed then, "" for none.
func (p *puts) note(evt id.EventID, claimant string, maybeStored bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !maybeStored:
		if delete(p.maybe, evt); len(p.maybe) == 0 {
			p.maybe = nil
		}
	case p.maybe == nil:
		p.maybe = map[id.EventID]string{evt: claimant}
	case len(p.maybe) < maxMaybeStored:
		p.maybe[evt] = claimant
	}
}

// maybeStored returns what note has noted of a message.
func (p *puts) maybeStored(evt id.EventID) (claimant string, maybe bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	claimant, maybe = p.maybe[evt]
	return claimant, maybe
}

// Put stores a message, also while the login is stopped. One that is there already,
// because the homeserver has repeated it, is not stored again. While the user logs out nothing is: the login, and with it the table,
// will be gone, and what is left was told already. The error is msn.ErrClosed then.
func (o *Outbox) Put(ctx context.Context, e *database.QueuedEvent) error {
	return o.puts.Pass(msn.ErrClosed, func() error {
		e.QueuedAt = time.Now()
		claimant, failed := o.puts.maybeStored(e.EventID)
		err := insist(ctx, func(ctx context.Context) error {
			if e.Owner = ""; o.session.Current() != nil {
				e.Owner = o.loop.ClaimOwner(e.PortalID)
			}
			// What is begun is brought to its end: that the message is claimed must not be unknown for a stop.
			storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), oneTimeout)
			added, err := o.account.DB.MatrixQueue.Put(storing, e)
			cancel()
			switch {
			case err == nil && added && e.Owner != "":
				o.handIn(ctx, e)
			case err == nil && !added && failed:
				err = o.takeUpStored(ctx, e, claimant)
			case err != nil:
				failed, claimant = true, cmp.Or(e.Owner, claimant)
			}
			return err
		})
		o.puts.note(e.EventID, claimant, err != nil && !database.Refuses(err))
		return err
	})
}

// takeUpStored is for a message that had been stored though the database did not say so: nobody was told. claimant is the run for which it may
// be claimed.
func (o *Outbox) takeUpStored(ctx context.Context, e *database.QueuedEvent, claimant string) error {
	stored, err := o.account.DB.MatrixQueue.Get(ctx, e.LoginID, e.EventID)
	switch {
	case err != nil || stored == nil:
		return err
	case claimant != "" && stored.Owner == claimant:
		o.handIn(ctx, stored)
	default:
		o.loop.Wake(e.PortalID, 0)
	}
	return nil
}

// handIn gives the loop a message that was put into the queue in the name of its run. When that has ended meanwhile the message is
// nobody's, like those that come while there is none.
func (o *Outbox) handIn(ctx context.Context, e *database.QueuedEvent) {
	row := *e
	if o.loop.WakeWith(e.PortalID, queue.Entry[*database.QueuedEvent]{Row: &row, Position: e.Position, Owner: e.Owner}) {
		return
	}
	given := false
	err := insist(context.WithoutCancel(ctx), func(ctx context.Context) (err error) {
		given, err = o.account.DB.MatrixQueue.SetOwner(ctx, e, "")
		return err
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", e.EventID).Msg("Failed to note that a message was not sent: it will be told as uncertain")
	}
	if given {
		o.account.DB.MatrixQueue.Announce(e)
	}
}
