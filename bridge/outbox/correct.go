package outbox

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
)

// Correct gives a message of a sender's a new text while it waits, which edit says, and returns
// what became of it otherwise.
func (o *Outbox) Correct(ctx context.Context, evt, edit id.EventID, sender id.UserID, body, format string, emoticons database.Emoticons) (chat.Fate, error) {
	db, login := o.account.DB, o.account.Login.ID
	changed, failed := false, false
	err := insist(ctx, func(ctx context.Context) error {
		if failed {
			// Only the answer may have been lost: the edit is finished with the correction.
			done, err := db.Intake.Get(ctx, edit)
			if changed = err == nil && done != nil && done.State == database.ReceivedFinished; err != nil || changed {
				return err
			}
		}
		var err error
		changed, err = db.MatrixQueue.Correct(ctx, login, evt, edit, sender, body, format, emoticons)
		failed = err != nil
		return err
	})
	if err != nil || changed {
		return chat.Corrected, err
	}
	// What became of it is noted before it leaves the queue.
	received, err := db.Intake.Get(ctx, evt)
	switch {
	case err != nil:
		return chat.Gone, err
	case received == nil, received.Outcome == database.EventDelivered:
	case received.Outcome == database.EventRemoved:
		return chat.Corrected, nil // there is nothing left to correct
	case received.Outcome == database.EventUncertain:
		return chat.Uncertain, nil
	case received.Outcome == database.EventRefused, received.Outcome == database.EventReplaced:
		return chat.Refused, nil
	}
	if waiting, err := db.MatrixQueue.Get(ctx, login, evt); err != nil || waiting != nil {
		return chat.Gone, err
	}
	if file, err := db.FileQueue.Get(ctx, login, evt); err != nil || file != nil {
		return chat.Gone, err // what is said of it goes out with it
	}
	if sent, err := o.isSent(ctx, &database.QueuedEvent{EventID: evt}); err != nil || sent {
		return chat.Gone, err
	}
	if received != nil && received.Outcome == "" {
		return chat.Refused, nil // it did not get as far as the queue
	}
	return chat.Gone, nil // it is older than what the bridge remembers
}

// Withdraw takes a message out that waits, since the user has deleted it. One that is on its
// way already cannot be called back, which the room is told.
func (o *Outbox) Withdraw(ctx context.Context, evt id.EventID) error {
	db, login := o.account.DB, o.account.Login.ID
	waiting, err := db.MatrixQueue.Get(ctx, login, evt)
	if err != nil || waiting == nil {
		return err
	}
	withdrawn, err := db.MatrixQueue.Withdraw(ctx, login, evt)
	switch {
	case withdrawn:
		zerolog.Ctx(ctx).Info().Stringer("event_id", evt).Msg("A message was deleted before it was sent")
		o.table.tell(waiting.PortalID)
		return o.setOutcome(ctx, waiting, database.EventRemoved)
	case err == nil:
		o.reply(ctx, waiting, reason.Of(reason.ErrRedaction, reason.Message, reason.Subject{}).Sentence)
	}
	return err
}

// SayNotWithdrawn tells a room that a message could not be taken out that was deleted.
func (o *Outbox) SayNotWithdrawn(ctx context.Context, chat id.RoomID, deleted id.EventID) error {
	_, err := o.account.Bridge.Bot.SendMessage(ctx, chat, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Mentions: &event.Mentions{},
		Body:      reason.Of(reason.ErrNotWithdrawn, reason.Message, reason.Subject{}).Sentence,
		RelatesTo: (&event.RelatesTo{}).SetReplyTo(deleted),
	}}, nil)
	if room.TakesNothing(err) {
		return nil
	}
	return err
}

// remember notes what became of a message that was not delivered, for those that correct it and for
// events that the homeserver repeats.
func (o *Outbox) remember(ctx context.Context, e *database.QueuedEvent, fate error) error {
	outcome := database.EventRefused
	if mayHaveArrived(fate) || !reason.Of(fate, reason.Message, reason.Subject{}).Certain {
		outcome = database.EventUncertain
	}
	return o.setOutcome(ctx, e, outcome)
}

func (o *Outbox) setOutcome(ctx context.Context, e *database.QueuedEvent, outcome database.EventOutcome) error {
	return o.account.DB.Intake.SetOutcome(ctx, outcomeOf(e, outcome))
}

// outcomeOf returns what is noted of a message whose outcome is known.
func outcomeOf(e *database.QueuedEvent, outcome database.EventOutcome) database.Received {
	return database.Received{EventID: e.EventID, RoomID: e.RoomID, Sender: e.Sender, Outcome: outcome, At: time.Now()}
}
