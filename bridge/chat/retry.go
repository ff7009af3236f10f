package chat

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/database"
)

// maxAgain is how much is shown of a text that is sent again, in characters.
const maxAgain = 60

// Retry sends the latest text again of those that somebody has written in a room and that have
// failed, and returns its beginning. One of which it is not certain whether it arrived is sent only
// with uncertain. Other errors than of the bridge are those of a message.
func (c *Chat) Retry(ctx context.Context, portal *bridgev2.Portal, room id.RoomID, sender id.UserID, uncertain bool) (text string, err error) {
	intake := c.account.DB.Intake
	failed, err := intake.LatestFailed(ctx, room, sender)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", reason.ErrBridge, err)
	case failed == nil:
		return "", reason.ErrNothingFailed
	}
	evt, err := c.written(ctx, room, failed.EventID)
	if err != nil {
		return "", fmt.Errorf("%w: %w", reason.ErrNotRead, err)
	}
	content := asText(evt)
	if content == nil || evt.Sender != sender {
		return "", reason.ErrNotRead
	}
	text, _ = msgconv.ToMSN(msgconv.InWords(content, evt.Content.Raw), msgconv.Options{})
	text = names.Cut(names.OneLine(text), maxAgain)
	if failed.Outcome == database.EventUncertain && !uncertain {
		return text, reason.ErrMayHaveArrived
	}
	msg := &bridgev2.MatrixMessage{MatrixEventBase: bridgev2.MatrixEventBase[*event.MessageEventContent]{Event: evt, Content: content, Portal: portal}}
	// It has failed as before until it waits again, and is nobody's then who asks for it once more.
	waits := false
	taken := func(is bool, err error) error {
		if waits = is; err == nil && !is {
			return reason.ErrNotDone
		}
		return err
	}
	_, err = c.sendBy(ctx, msg, store{
		text: func(ctx context.Context, e *database.QueuedEvent) error {
			return taken(c.outbox.PutAgain(ctx, e, failed.Outcome))
		},
		file: func(ctx context.Context, f *database.QueuedFile) error {
			return taken(c.files.PutAgain(ctx, f, failed.Outcome))
		},
	})
	if err != nil {
		return "", err
	}
	if !waits { // it has become part of a message that waits
		again := *failed
		again.Outcome = database.EventReplaced
		if err := intake.SetOutcome(ctx, again); err != nil {
			zerolog.Ctx(ctx).Err(err).Stringer("event_id", failed.EventID).Msg("Failed to note that an edit that had failed is done")
		}
	}
	return text, nil
}

// written returns a message as the homeserver has it, as one that Send takes: an edit as what it
// replaces.
func (c *Chat) written(ctx context.Context, room id.RoomID, written id.EventID) (*event.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, quoteTimeout)
	defer cancel()
	found, err := c.rooms.Event(ctx, room, written)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("the homeserver does not know it")
	}
	evt := *found
	evt.ID, evt.RoomID = written, room
	AsMessage(&evt, c.account.Bridge.Config.CommandPrefix)
	return &evt, nil
}

// superseded notes that an edit is sent in the place of a message that had failed, which is not sent
// again then, or is after all.
func (c *Chat) superseded(ctx context.Context, edit *event.Event, replaced id.EventID, outcome database.EventOutcome) {
	err := c.account.DB.Intake.SetOutcome(ctx, database.Received{EventID: replaced, RoomID: edit.RoomID, Sender: edit.Sender, Outcome: outcome})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", replaced).Msg("Failed to note whether an edit is sent in the place of a message")
	}
}
