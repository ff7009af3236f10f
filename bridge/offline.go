package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// inMatrix is called when the homeserver has a message: an offline message of which
// this was the last part need not be kept by the service any more, unless another part
// of it was refused.
func (c *Client) inMatrix(ctx context.Context, m *database.QueuedMessage) {
	if m.Kind != database.QueuedOffline {
		return
	}
	if slices.Contains(c.account.Stored().Refused, m.MessageID) {
		c.updateRefused(ctx, func(refused []networkid.MessageID) []networkid.MessageID {
			return slices.DeleteFunc(refused, func(other networkid.MessageID) bool { return other == m.MessageID })
		})
	}
	if id, left, ok := msnid.ParseOfflineMessageID(m.MessageID); ok && left == 0 && !c.knownRefused(m) {
		c.chat.Removals().Remove(id)
	}
}

// maxRefused is how many refused parts of offline messages are remembered. A room is
// told again of what is forgotten.
const maxRefused = 100

// attempts is how often a message is offered to a room that does not take it. One that
// was refused before, and waits with the service, does not hold up the others again. Only
// attempts at which the homeserver answers count for that: see serveRoom.
func (c *Client) attempts(m *database.QueuedMessage) int {
	if m.Kind == database.QueuedOffline && slices.Contains(c.account.Stored().Refused, m.MessageID) {
		return 1
	}
	return maxAttempts
}

// knownRefused reports whether the homeserver has refused a part of the offline message
// that m belongs to, which the room was told.
func (c *Client) knownRefused(m *database.QueuedMessage) bool {
	id, _, ok := msnid.ParseOfflineMessageID(m.MessageID)
	return ok && m.Kind == database.QueuedOffline && slices.ContainsFunc(c.account.Stored().Refused, func(part networkid.MessageID) bool {
		other, _, _ := msnid.ParseOfflineMessageID(part)
		return other == id
	})
}

// noteRefused remembers that the homeserver does not take a part of an offline message.
// The service keeps the message, so that the next sign-in brings it again.
func (c *Client) noteRefused(ctx context.Context, m *database.QueuedMessage) {
	if m.Kind != database.QueuedOffline || slices.Contains(c.account.Stored().Refused, m.MessageID) {
		return
	}
	c.updateRefused(ctx, func(refused []networkid.MessageID) []networkid.MessageID {
		refused = append(refused, m.MessageID)
		return refused[max(0, len(refused)-maxRefused):]
	})
}

// updateRefused changes a copy of what was refused and stores it.
func (c *Client) updateRefused(ctx context.Context, change func([]networkid.MessageID) []networkid.MessageID) {
	_ = c.account.Remember(ctx, func(kept *account.Record) { kept.Refused = change(slices.Clone(kept.Refused)) })
}

// leave leaves a text that could not be delivered because the contact is offline with
// the service, where that has a place for it. The error is fate when it has none.
func (o *outbox) leave(ctx context.Context, e *database.QueuedEvent, fate error) error {
	to, ok := chat.ParsePeer(e.PortalID)
	session := o.client.session.Current()
	if !ok || to.Account == "" || session == nil || !undeliveredOffline(fate) || !session.OfflineMessages() {
		return fate
	}
	if err := inOrder(msgconv.SplitAt(e.Body, msn.MaxOfflineText), func(part string) error {
		return session.SendOffline(ctx, to.Account, part, e.Format)
	}); err != nil {
		return err
	}
	o.reply(ctx, e, fmt.Sprintf("%s is offline. %s keeps your message for them.",
		o.client.account.Person(ctx, to.Account).Name, o.client.account.Service.Name))
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
