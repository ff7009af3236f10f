package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
)

// Messages to contacts who are offline wait, where the service keeps none for them,
// until the contact is seen online: they stay in the queue on disk, and the room says
// so.

// hold keeps a message that failed because its recipient is offline. It reports false
// when it is not to be kept.
func (o *outbox) hold(ctx context.Context, e *database.QueuedEvent, fate error) bool {
	account, ok := msnid.ParseDMPortalID(e.PortalID)
	limit := o.client.account.Config.KeepFor()
	if !ok || limit == 0 || !undeliveredOffline(fate) {
		return false
	}
	if to := o.client.account.Person(ctx, account); to.Online || !to.Listed {
		return false // waiting for them to be seen online would be in vain
	}
	since, first := e.HeldAt, e.HeldAt.IsZero()
	if first {
		since = time.Now()
	}
	if err := o.client.account.DB.MatrixQueue.Hold(context.WithoutCancel(ctx), e, since); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to keep a message for a contact who is offline")
		return false
	}
	e.HeldAt = since
	o.mu.Lock()
	o.held[e.PortalID] = append(o.held[e.PortalID], e.EventID)
	o.mu.Unlock()
	if o.client.account.Person(ctx, account).Online {
		o.Release(account) // came online meanwhile, when nothing waited yet
	}
	if first {
		o.sayKept(ctx, e, account, limit)
	}
	return true
}

// Release has what waits for a contact sent: they are online.
func (o *outbox) Release(account string) {
	o.releaseRoom(o.client.account.PortalKey(account).ID)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) releaseRoom(room networkid.PortalID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range o.held[room] {
		delete(o.active, id)
	}
	delete(o.held, room)
}

// sort decides, before a look at the queue, about what waits: whose time is over, and
// who is to be tried again because there is something new for them, which must not
// overtake it.
func (o *outbox) sort(queue []*database.QueuedEvent) {
	limit := o.client.account.Config.KeepFor()
	for _, e := range queue {
		o.mu.Lock()
		fresh := !o.active[e.EventID]
		o.mu.Unlock()
		if fresh || !e.HeldAt.IsZero() && time.Since(e.HeldAt) > limit {
			o.releaseRoom(e.PortalID)
		}
	}
}

// expired reports whether a message has waited for too long.
func (o *outbox) expired(e *database.QueuedEvent) bool {
	return !e.HeldAt.IsZero() && time.Since(e.HeldAt) > o.client.account.Config.KeepFor()
}

// sayKept tells the room that a message waits.
func (o *outbox) sayKept(ctx context.Context, e *database.QueuedEvent, account string, limit time.Duration) {
	c := o.client
	o.reply(ctx, e, fmt.Sprintf("%s is offline. The bridge keeps your message and sends it when they are seen online, within %s.",
		c.account.Person(ctx, account).Name, inDays(limit)))
}

// inDays writes a time for people.
func inDays(d time.Duration) string {
	switch days := int(d / (24 * time.Hour)); {
	case days == 1:
		return "a day"
	case days > 1:
		return fmt.Sprintf("%d days", days)
	}
	return d.Round(time.Minute).String()
}

// reply answers a message of the user's with a notice that nothing depends on.
func (o *outbox) reply(ctx context.Context, e *database.QueuedEvent, text string) {
	_, err := o.client.account.Bridge.Bot.SendMessage(ctx, e.RoomID, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{},
		RelatesTo: (&event.RelatesTo{}).SetReplyTo(e.EventID),
	}}, nil)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("event_id", e.EventID).Msg("Failed to tell what becomes of a message")
	}
}
