package inbox

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
)

// messageField is the field of an event's content that names the message from MSN.
const messageField = "com.github.matrix_msn.message_id"

// clocksDiffer is by how much the clocks of homeserver and bridge may differ.
const clocksDiffer = 5 * time.Minute

// found looks into the room of a message that was half-way before: when the bridge was
// killed, or when the homeserver's answer was lost. The homeserver may have it, and the
// database not know; homeservers forget the transaction ID of what they were interrupted in.
// It reports whether the message is there; the framework knows it then. Of those that an
// earlier run has left only the first of each room can have been half-way: they go one after
// the other.
func (b *Inbox) found(ctx context.Context, job *queue.Job[*database.QueuedMessage]) (bool, error) {
	m := job.Row
	if job.Attempt == 1 && !b.firstLeft(m) {
		return false, nil
	}
	key := b.account.KeyOf(m.PortalID)
	to, err := b.rooms.Stored(ctx, key)
	if err != nil || to == "" {
		return false, err
	}
	if known, err := b.account.Bridge.DB.Message.GetAllPartsByID(ctx, b.account.Login.ID, m.MessageID); err != nil || len(known) > 0 {
		return len(known) > 0, err
	}
	evt, err := b.rooms.Find(ctx, to, messageField, string(m.MessageID), m.At.Add(-clocksDiffer))
	if room.IsRefusal(err) {
		return false, nil // the bridge may not look there
	}
	if err != nil || evt == nil {
		return false, err
	}
	zerolog.Ctx(ctx).Info().Stringer("event_id", evt.ID).Str("message_id", string(m.MessageID)).
		Msg("A message that the bridge was stopped with is in its room already")
	sender := b.kindOf(m).Sender(m)
	if _, err := b.account.Bridge.GetGhostByID(ctx, sender.Sender); err != nil {
		return false, err // a message needs the row of its sender's ghost
	}
	return true, b.account.Bridge.DB.Message.Insert(ctx, &bridgedb.Message{
		ID: m.MessageID, MXID: evt.ID, Room: key, SenderID: sender.Sender, SenderMXID: evt.Sender, Timestamp: m.At,
	})
}

// firstLeft reports whether a message is the first of its room that an earlier run has left.
func (b *Inbox) firstLeft(m *database.QueuedMessage) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.Position >= b.began.UnixNano() {
		return false
	}
	first, looked := b.looked[m.PortalID]
	if !looked {
		b.looked[m.PortalID] = m.Position
	}
	return !looked || first == m.Position
}
