package file

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/reason"
	"matrix-msn/database"
)

// errWithdrawn says that the user has deleted a file.
var errWithdrawn = errors.New("the user has deleted the file")

// Withdraw stops a file that the user has deleted, be it under way or not. One that is not there is
// none of the bridge's.
func (g *Going) Withdraw(ctx context.Context, evt id.EventID) error {
	if g.stop(evt) {
		return nil
	}
	db, login := g.account.DB, g.account.Login.ID
	waiting, err := db.FileQueue.Get(ctx, login, evt)
	if err != nil || waiting == nil {
		return err
	}
	withdrawn, err := db.FileQueue.Withdraw(ctx, login, evt)
	if withdrawn {
		return g.noteRemoved(ctx, waiting)
	}
	g.stop(evt) // it was begun meanwhile
	return err
}

func (g *Going) stop(evt id.EventID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	of, known := g.ends[evt]
	if known {
		of.end(errWithdrawn)
	}
	return known
}

// blocked ends what is under way to somebody whom the user has just blocked.
func (g *Going) blocked(account string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, of := range g.ends {
		if to, alone := msnid.ParseDMPortalID(of.to); alone && to == account {
			of.end(reason.ErrBlockedByUser)
		}
	}
}

// withdrawn notes that a file was stopped by the user.
func (g *Going) withdrawn(ctx context.Context, f *database.QueuedFile) queue.Outcome {
	if err := g.noteRemoved(ctx, f); err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", f.EventID).Msg("Failed to note that a file was deleted")
	}
	return queue.Done()
}

func (g *Going) noteRemoved(ctx context.Context, f *database.QueuedFile) error {
	zerolog.Ctx(ctx).Info().Stringer("event_id", f.EventID).Msg("A file was deleted before the contact had it")
	return g.account.DB.Intake.SetOutcome(ctx, database.Received{
		EventID: f.EventID, RoomID: f.RoomID, Sender: f.Sender, Outcome: database.EventRemoved, At: time.Now(),
	})
}
