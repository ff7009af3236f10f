package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// deleteTimeout bounds the removal of offline messages from the service.
const deleteTimeout = time.Minute

// offlineReceived puts a message that was written while the user was offline into the
// queue, with the time at which it was written. The service keeps it until Matrix has
// it: what comes a second time has the same ID.
func (c *Client) offlineReceived(ctx context.Context, evt msn.OfflineReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok || account == c.identity.Account {
		c.chores.forget(evt.ID) // nobody to show it as; it would be fetched at every sign-in
		return
	}
	text := msgconv.Clean(evt.Text)
	if strings.TrimSpace(text) == "" {
		c.chores.forget(evt.ID)
		return
	}
	parts := msgconv.Split(text)
	for i, part := range parts {
		// The number of parts still to come, so that the last one is known by it.
		c.inbox.put(ctx, &database.QueuedMessage{
			LoginID:   c.login.ID,
			MessageID: msnid.MakeOfflineMessageID(evt.ID, len(parts)-1-i),
			PortalID:  c.portalKey(account).ID,
			Sender:    account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: 1,
			Kind:      database.QueuedOffline,
		})
	}
}

// inMatrix is called when the homeserver has a message: an offline message of which
// this was the last part need not be kept by the service any more, unless another part
// of it was refused.
func (c *Client) inMatrix(ctx context.Context, m *database.QueuedMessage) {
	if m.Kind != database.QueuedOffline {
		return
	}
	if slices.Contains(c.meta().get().Refused, m.MessageID) {
		c.updateRefused(ctx, func(refused []networkid.MessageID) []networkid.MessageID {
			return slices.DeleteFunc(refused, func(other networkid.MessageID) bool { return other == m.MessageID })
		})
	}
	if id, left, ok := msnid.ParseOfflineMessageID(m.MessageID); ok && left == 0 && !c.knownRefused(m) {
		c.chores.forget(id)
	}
}

// maxRefused is how many refused parts of offline messages are remembered. A room is
// told again of what is forgotten.
const maxRefused = 100

// attempts is how often a message is offered to a room that does not take it. One that
// was refused before, and waits with the service, does not hold up the others again. Only
// attempts at which the homeserver answers count for that: see serveRoom.
func (c *Client) attempts(m *database.QueuedMessage) int {
	if m.Kind == database.QueuedOffline && slices.Contains(c.meta().get().Refused, m.MessageID) {
		return 1
	}
	return maxAttempts
}

// knownRefused reports whether the homeserver has refused a part of the offline message
// that m belongs to, which the room was told.
func (c *Client) knownRefused(m *database.QueuedMessage) bool {
	id, _, ok := msnid.ParseOfflineMessageID(m.MessageID)
	return ok && m.Kind == database.QueuedOffline && slices.ContainsFunc(c.meta().get().Refused, func(part networkid.MessageID) bool {
		other, _, _ := msnid.ParseOfflineMessageID(part)
		return other == id
	})
}

// noteRefused remembers that the homeserver does not take a part of an offline message.
// The service keeps the message, so that the next sign-in brings it again.
func (c *Client) noteRefused(ctx context.Context, m *database.QueuedMessage) {
	if m.Kind != database.QueuedOffline || slices.Contains(c.meta().get().Refused, m.MessageID) {
		return
	}
	c.updateRefused(ctx, func(refused []networkid.MessageID) []networkid.MessageID {
		refused = append(refused, m.MessageID)
		return refused[max(0, len(refused)-maxRefused):]
	})
}

// updateRefused changes a copy of what was refused and stores it.
func (c *Client) updateRefused(ctx context.Context, change func([]networkid.MessageID) []networkid.MessageID) {
	_ = c.remember(ctx, func(kept *loginRecord) { kept.Refused = change(slices.Clone(kept.Refused)) })
}

// deleteOffline has the service forget messages. What is not removed now is listed by
// the next sign-in again, and removed then: Matrix has it. One that the service does not
// know keeps it from none of the others.
func (h *chores) deleteOffline(ctx context.Context, ids []string) {
	session := h.client.current()
	if session == nil || len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	if err := session.DeleteOffline(ctx, ids...); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Int("messages", len(ids)).Msg("Offline messages that Matrix has were not removed from the service")
	}
}

// leave leaves a text that could not be delivered because the contact is offline with
// the service, where that has a place for it. The error is fate when it has none.
func (o *outbox) leave(ctx context.Context, e *database.QueuedEvent, fate error) error {
	to, ok := parseChat(e.PortalID)
	session := o.client.current()
	if !ok || to.account == "" || session == nil || !undeliveredOffline(fate) || !session.OfflineMessages() {
		return fate
	}
	if err := inOrder(msgconv.SplitAt(e.Body, msn.MaxOfflineText), func(part string) error {
		return session.SendOffline(ctx, to.account, part, e.Format)
	}); err != nil {
		return err
	}
	o.reply(ctx, e, fmt.Sprintf("%s is offline. %s keeps your message for them.",
		o.client.recipient(ctx, to.account).name, o.client.serviceOrUnknown().name))
	return nil
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
				err = fmt.Errorf("%w: %w", &msn.PartsError{Parts: len(parts), Acknowledged: i}, err)
			}
			return err
		}
	}
	return nil
}
