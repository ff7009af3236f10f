package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Messages to contacts who are offline wait, where the service keeps none for them,
// until the contact is seen online: they stay in the queue on disk, and the room says
// so.

// isHeld reports whether a message is to be held that failed with fate. Whoever was offline when it was begun may have come online since: it is
// released then, or was already while it was under way.
func (o *Outbox) isHeld(ctx context.Context, e *database.QueuedEvent, offline bool, fate error) bool {
	account, ok := msnid.ParseDMPortalID(e.PortalID)
	if !ok || o.isNote(e) || o.account.Config.KeepFor() == 0 || !undeliveredOffline(fate) {
		return false
	}
	to := o.account.Person(ctx, account)
	return (offline || !to.Online) && to.Listed // else waiting for them to be seen online would be in vain
}

// hold holds a message until the contact is seen online, or for too long. Its writer is told
// the first time.
func (o *Outbox) hold(e *database.QueuedEvent) queue.Outcome {
	limit := o.account.Config.KeepFor()
	switch {
	case e.HeldAt.IsZero():
		o.account.Metrics.Message(metrics.ToMSN, metrics.Kept)
		return queue.Hold(time.Now().Add(limit)).Then(func(ctx context.Context) { o.showKept(ctx, e) })
	case e.Owner == "":
		return queue.StillHeld(e.HeldAt.Add(limit))
	}
	return queue.Hold(e.HeldAt.Add(limit))
}

// Release has what waits for a contact sent: they are online. It costs nothing when
// nothing does.
func (o *Outbox) Release(account string) {
	portal := o.account.PortalKey(account).ID
	o.loop.Release(portal)
	o.absent.seen(portal)
}

// ReleaseOnline is Release for everybody who is online at a sign-in.
func (o *Outbox) ReleaseOnline(session *msn.Client) {
	for _, portal := range o.loop.Held() {
		if isOnline(session, portal) {
			o.loop.Release(portal)
		}
	}
	o.absent.seenAmong(session)
}

// isOnline reports whether the contact of a room is online.
func isOnline(session *msn.Client, portal networkid.PortalID) bool {
	account, ok := msnid.ParseDMPortalID(portal)
	if !ok {
		return false
	}
	contact, ok := session.Contact(account)
	return ok && contact.Status != msn.Offline && contact.Status != ""
}

// expired reports whether a message has waited for too long.
func (o *Outbox) expired(e *database.QueuedEvent) bool {
	return !e.HeldAt.IsZero() && time.Since(e.HeldAt) >= o.account.Config.KeepFor()
}

// leave leaves a text that could not be delivered because the contact is offline with
// the service, where that has a place for it. The error is fate when it has none.
func (o *Outbox) leave(ctx context.Context, e *database.QueuedEvent, fate error) error {
	to, ok := msnid.ParsePeer(e.PortalID)
	session := o.session.Current()
	if !ok || o.isNote(e) || to.Account == "" || session == nil || !undeliveredOffline(fate) || !session.OfflineMessages() {
		return fate
	}
	if err := inOrder(msgconv.SplitAt(e.Body, msn.MaxOfflineText), func(part string) error {
		return session.SendOffline(ctx, to.Account, part, e.Format)
	}); err != nil {
		return err
	}
	if err := o.account.DB.Absence.Given(context.WithoutCancel(ctx), e, time.Now()); err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", e.EventID).Msg("Failed to note that the service keeps a message")
		o.reply(ctx, e, o.sayLeft(o.amongReaders(ctx, e.RoomID), session, to.Account))
		return nil
	}
	o.absent.begin(e.PortalID)
	if isOnline(session, e.PortalID) {
		o.absent.seen(e.PortalID) // they came while the service was given the message
	}
	return nil
}

// sayLeft says that a message is left with the service, and what is known of whether it
// arrives.
func (o *Outbox) sayLeft(ctx context.Context, session *msn.Client, account string) string {
	who, service := o.account.Person(ctx, account).Name, o.account.Service.Name
	contact, _ := session.Contact(account)
	switch confirmed := session.OfflineConfirmed(); {
	case confirmed && contact.Reverse():
		return words.Text("outbox.service_keeps", who, service)
	case confirmed:
		return words.Text("outbox.service_keeps_for_stranger", who, service)
	case contact.Reverse():
		return words.Text("outbox.left_with_service", who, service)
	}
	return words.Text("outbox.left_with_service_for_stranger", who, service)
}

// undeliveredOffline reports whether a text failed because its recipient is offline,
// and nothing of it can have reached them.
func undeliveredOffline(fate error) bool {
	return errors.Is(fate, msn.ErrOffline) && !mayHaveArrived(fate)
}

// inOrder sends the parts of a text. The error is a msn.PartsError when some are gone:
// those are not to be sent again.
func inOrder(parts []string, send func(part string) error) error {
	for i, part := range parts {
		if err := send(part); err != nil {
			if i > 0 {
				err = fmt.Errorf("%w: %w", &msn.PartsError{
					Parts: len(parts), Acknowledged: i, Characters: characters(parts), First: characters(parts[:i]),
				}, err)
			}
			return err
		}
	}
	return nil
}

// characters returns how many characters parts of a text have.
func characters(parts []string) int { return utf8.RuneCountInString(strings.Join(parts, "")) }
