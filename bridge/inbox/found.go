package inbox

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/retry"
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
	if m.Replaces != "" {
		return false, nil // it comes twice without harm
	}
	if job.Attempt == 1 {
		if !b.left.first(m) {
			return false, nil
		}
		b.mu.Lock()
		settled := b.began.Add(b.settles)
		b.mu.Unlock()
		if !retry.Sleep(ctx, time.Until(settled)) {
			return false, ctx.Err()
		}
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

// left tells the messages that were there before the last Start from those that came after it,
// by their positions and not by times: the clock may have been set back between.
type left struct {
	mu     sync.Mutex
	since  map[networkid.PortalID]int64 // the first position of each room that came after it
	looked map[networkid.PortalID]int64 // the positions of which first has said yes
}

func (l *left) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.looked = make(map[networkid.PortalID]int64), make(map[networkid.PortalID]int64)
}

// isNew says that a message has just come.
func (l *left) isNew(portal networkid.PortalID, position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.since[portal]; !ok && l.since != nil {
		l.since[portal] = position
	}
}

// first reports whether a message is the first of its room that was there before.
func (l *left) first(m *database.QueuedMessage) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since, ok := l.since[m.PortalID]; ok && m.Position >= since {
		return false
	}
	first, looked := l.looked[m.PortalID]
	if !looked {
		l.looked[m.PortalID] = m.Position
	}
	return !looked || first == m.Position
}
