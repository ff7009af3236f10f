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

// maxUnsure is of how many messages it is known that they may have been stored. Of those beyond, a stop makes uncertain ones.
const maxUnsure = 1024

// puts are the messages that are being stored. It holds no memory while there are none.
type puts struct {
	queue.Gate // closed while the user logs out

	mu     sync.Mutex
	stored map[id.EventID]string // messages whose Put has failed, and in the name of which run they may be in the table all the same
}

// note notes whether a message may have been stored though storing it has failed, and in the name of which run, "" for none.
func (p *puts) note(evt id.EventID, ahead string, unsure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !unsure:
		if delete(p.stored, evt); len(p.stored) == 0 {
			p.stored = nil
		}
	case p.stored == nil:
		p.stored = map[id.EventID]string{evt: ahead}
	case len(p.stored) < maxUnsure:
		p.stored[evt] = ahead
	}
}

// unsure returns what note has noted of a message.
func (p *puts) unsure(evt id.EventID) (ahead string, unsure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ahead, unsure = p.stored[evt]
	return ahead, unsure
}

// Put stores a message, also while the login is stopped. One that is there already,
// because the homeserver has repeated it, is not stored again. While the user logs out nothing is: the login, and with it the table,
// will be gone, and what is left was told already. The error is msn.ErrClosed then.
func (o *Outbox) Put(ctx context.Context, e *database.QueuedEvent) error {
	leave := o.puts.Enter()
	if leave == nil {
		return msn.ErrClosed
	}
	defer leave()
	e.QueuedAt = time.Now()
	ahead, failed := o.puts.unsure(e.EventID)
	err := insist(ctx, func(ctx context.Context) error {
		if e.Owner = ""; o.session.Current() != nil {
			e.Owner = o.loop.OwnerAhead(e.PortalID)
		}
		// What is begun is brought to its end: that the message is claimed must not be unknown for a stop.
		storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), oneTimeout)
		added, err := o.account.DB.MatrixQueue.Put(storing, e)
		cancel()
		switch {
		case err == nil && added && e.Owner != "":
			o.handIn(ctx, e)
		case err == nil && !added && failed:
			err = o.found(ctx, e, ahead)
		case err != nil:
			failed, ahead = true, cmp.Or(e.Owner, ahead)
		}
		return err
	})
	o.puts.note(e.EventID, ahead, err != nil && !database.Refuses(err))
	return err
}

// found is for a message that had been stored though the database did not say so: nobody was told. ahead is the run in whose name it may be.
func (o *Outbox) found(ctx context.Context, e *database.QueuedEvent, ahead string) error {
	stored, err := o.account.DB.MatrixQueue.Get(ctx, e.LoginID, e.EventID)
	switch {
	case err != nil || stored == nil:
		return err
	case ahead != "" && stored.Owner == ahead:
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
