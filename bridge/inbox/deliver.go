package inbox

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
)

// handleTimeout is how long the framework may take for one message. It handles
// what takes longer than 5 minutes in the background.
const handleTimeout = 15 * time.Minute

var errNotInMatrix = errors.New("the message did not get into the room")

// deliver brings one message into its room and returns nil when it is there.
// When ctx ends, what is half-way gets a moment to come to its end: a message that
// the homeserver took but the database does not know of would come a second time.
func (b *Inbox) deliver(ctx context.Context, m *database.QueuedMessage) error {
	settling, cancel := room.Settling(ctx)
	defer cancel()
	return b.bring(settling, m)
}

// bring is deliver for what gets no such moment.
func (b *Inbox) bring(ctx context.Context, m *database.QueuedMessage) error {
	handing, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()
	kind := b.kindOf(m)
	if m.Replaces != "" {
		return b.replace(handing, m, kind)
	}
	if kind.Show != nil {
		if shown, err := kind.Show(handing, m); err != nil || shown {
			return err
		}
	}
	return b.handOver(handing, m, kind)
}

// Room returns the room of a message that is not in the queue yet: it is made as if the message came into it.
func (b *Inbox) Room(ctx context.Context, m *database.QueuedMessage) (id.RoomID, error) {
	if _, err := b.ensure(ctx, m); err != nil {
		return "", err
	}
	return b.rooms.Stored(ctx, b.account.KeyOf(m.PortalID))
}

// ensure makes the room of a message, and returns it if there is one already.
func (b *Inbox) ensure(ctx context.Context, m *database.QueuedMessage) (existing id.RoomID, err error) {
	kind := b.kindOf(m)
	existing, err = b.rooms.Ensure(ctx, b.account.KeyOf(m.PortalID), func(ctx context.Context) (*bridgev2.ChatInfo, error) { return kind.RoomInfo(ctx, m) })
	if err == nil && existing == "" && kind.RoomMade != nil {
		kind.RoomMade(ctx, m)
	}
	return existing, err
}

// handOver gives one message to the framework and waits until it is done with.
// The framework knows messages by their IDs: one that is there is not sent again.
func (b *Inbox) handOver(ctx context.Context, m *database.QueuedMessage, kind Kind) error {
	converted, err := kind.Convert(ctx, m)
	if err != nil {
		return err
	}
	if converted.Extra == nil {
		converted.Extra = make(map[string]any)
	}
	converted.Extra[messageField] = string(m.MessageID)
	key, queued := b.account.KeyOf(m.PortalID), *m // as it is now: who waits for the framework may give up, and go on with m
	// Made here and not by the message, because the framework does not tell when
	// that fails.
	existing, err := b.ensure(ctx, m)
	switch {
	case err != nil:
		return err
	case existing != "":
		away, err := b.rooms.Return(ctx, key, existing, func() bool { return kind.CallsBack == nil || kind.CallsBack(ctx, m) })
		if err == nil && kind.Away != nil {
			kind.Away(ctx, m, away)
		}
	}
	if kind.Attach != nil {
		room, err := b.rooms.Stored(ctx, key)
		if err != nil {
			return err
		}
		if err := kind.Attach(ctx, m, room, converted); err != nil {
			return err
		}
	}
	sender := kind.Sender(m)
	var sent, noted bool
	var failed error
	if err := b.handled(ctx, func(meta simplevent.EventMeta) bridgev2.RemoteEvent {
		meta.Type, meta.PortalKey, meta.Sender, meta.CreatePortal, meta.Timestamp = bridgev2.RemoteEventMessage, key, sender, true, m.At
		return &simplevent.Message[*bridgev2.ConvertedMessagePart]{
			EventMeta: meta, ID: m.MessageID, Data: converted,
			ConvertMessageFunc: func(ctx context.Context, portal *bridgev2.Portal, intent bridgev2.MatrixAPI, part *bridgev2.ConvertedMessagePart) (*bridgev2.ConvertedMessage, error) {
				sent, noted, failed = b.send(ctx, &queued, portal, intent, sender.Sender, part)
				return new(bridgev2.ConvertedMessage), nil // nothing is left to be sent
			},
		}
	}); err != nil {
		return err
	}
	switch {
	case noted:
		m.Removed = true
		return nil
	case failed != nil && !sent:
		return failed
	}
	return b.shown(ctx, m)
}

// send brings a message into its room, and notes that in the transaction that takes it out of the queue: the framework would note each by
// a statement of its own. noted says that both is done, sent that the homeserver has it.
func (b *Inbox) send(ctx context.Context, m *database.QueuedMessage, portal *bridgev2.Portal, intent bridgev2.MatrixAPI, sender networkid.UserID, part *bridgev2.ConvertedMessagePart) (sent, noted bool, err error) {
	as := &bridgedb.Message{
		ID: m.MessageID, PartID: part.ID, Room: portal.PortalKey, SenderID: sender, SenderMXID: intent.GetMXID(), Timestamp: m.At,
		IsDoublePuppeted: intent.IsDoublePuppet(), Metadata: part.DBMetadata,
	}
	if as.Metadata == nil {
		as.Metadata = b.account.Bridge.DB.Message.MetaType()
	}
	answer, err := intent.SendMessage(ctx, portal.MXID, part.Type, &event.Content{Parsed: part.Content, Raw: part.Extra}, &bridgev2.MatrixSendExtra{Timestamp: m.At, MessageMeta: as})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to send a message to Matrix")
		return false, false, err
	}
	as.MXID = answer.EventID
	noted, err = b.account.DB.MSNQueue.NoteShown(ctx, m, as)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", as.MXID).Msg("Failed to note that a message is in its room")
	}
	return true, noted, err
}

// shown takes a message out of the queue that is in its room now, in the one statement that looks whether it is. The error
// says that it is not.
func (b *Inbox) shown(ctx context.Context, m *database.QueuedMessage) error {
	removed, err := b.account.DB.MSNQueue.RemoveShown(ctx, m)
	if removed {
		return nil
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to take a message out of the queue that is in its room, trying again")
	}
	parts, err := b.account.Bridge.DB.Message.GetAllPartsByID(ctx, b.account.Login.ID, m.MessageID)
	if err == nil && len(parts) == 0 {
		err = errNotInMatrix
	}
	return err
}

// handled gives an event to the framework and waits until it is done with. It says nothing of how well.
func (b *Inbox) handled(ctx context.Context, event func(simplevent.EventMeta) bridgev2.RemoteEvent) error {
	handled := make(chan struct{})
	queued, err := b.rooms.Queue(ctx, event(simplevent.EventMeta{
		PostHandleFunc: func(context.Context, *bridgev2.Portal) { close(handled) },
	}))
	if err != nil {
		return err
	}
	if !queued.Queued && queued.Error != nil {
		return queued.Error
	}
	select {
	case <-handled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// giveUp says in the room that a message could not be brought into it. The error
// says that the room takes nothing at all, or that the homeserver does not answer: then
// it is not the message's fault. Of a message that is kept elsewhere the room is told once.
func (b *Inbox) giveUp(ctx context.Context, m *database.QueuedMessage) error {
	kind := b.kindOf(m)
	if kind.Keeper != nil && kind.Keeper.Told(m) {
		err := b.answers(ctx, m)
		if err == nil {
			kind.Keeper.NoteRefused(ctx, m)
		}
		return err
	}
	to, err := b.roomOf(ctx, m)
	if err != nil {
		return err
	}
	what := kind.Named(m) + " at " + m.At.UTC().Format(room.TimeFormat)
	text := reason.Of(nil, reason.Delivery, reason.Subject{Name: what}).Sentence
	if kind.Keeper != nil {
		text += " " + kind.Keeper.Sentence()
	}
	if err := b.rooms.Notice(ctx, to, text, ""); err != nil {
		return err
	}
	zerolog.Ctx(ctx).Error().Str("message_id", string(m.MessageID)).Msg("Gave up an incoming message that the homeserver refuses")
	if kind.Keeper != nil {
		kind.Keeper.NoteRefused(ctx, m)
	}
	return nil
}

// answers asks the homeserver whether it is there, when there is a room for a message, and
// returns why it did not answer.
func (b *Inbox) answers(ctx context.Context, m *database.QueuedMessage) error {
	if _, err := b.roomOf(ctx, m); err != nil {
		return err
	}
	return b.rooms.Answers(ctx)
}

// roomOf returns the room that a message goes to, if there is one.
func (b *Inbox) roomOf(ctx context.Context, m *database.QueuedMessage) (id.RoomID, error) {
	if kind := b.kindOf(m); kind.Room != nil {
		if found, elsewhere, err := kind.Room(ctx, m); err != nil || elsewhere {
			return found, err
		}
	}
	stored, err := b.rooms.Stored(ctx, b.account.KeyOf(m.PortalID))
	if err == nil && stored == "" {
		err = errNotInMatrix
	}
	return stored, err
}
