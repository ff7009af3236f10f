package bridge

import (
	"context"
	"fmt"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

var _ bridgev2.EditHandlingNetworkAPI = (*Client)(nil)

// HandleMatrixMessage sends a message to the contact of its room. It returns when
// the message is on disk and stands in the order in which messages go out; the
// outbox tells the room what became of it.
func (c *Client) HandleMatrixMessage(ctx context.Context, msg *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
	if msg.Content == nil {
		return nil, refused(msn.ErrEmpty, recipient{})
	}
	unescapeCommand(msg.Content)
	text, format := msgconv.ToMSN(msg.Content)
	if err := c.write(ctx, msg.Portal, msg.Event, text, format); err != nil {
		return nil, err
	}
	return &bridgev2.MatrixMessageResponse{Pending: true}, nil
}

// correctionMark stands before the new text of a message that was edited: MSN has
// no edits, and this is how people mark a correction in chats without.
const correctionMark = "* "

// HandleMatrixEdit sends the new text as a correction.
func (c *Client) HandleMatrixEdit(ctx context.Context, edit *bridgev2.MatrixEdit) error {
	text, format := msgconv.ToMSN(edit.Content)
	return c.write(ctx, edit.Portal, edit.Event, correctionMark+text, format)
}

// write puts a text for the contact of a room into the outbox.
func (c *Client) write(ctx context.Context, portal *bridgev2.Portal, evt *event.Event, text, format string) error {
	if msnid.IsAlertsPortalID(portal.ID) {
		return refused(errAlertsRoom, recipient{service: c.serviceOrUnknown().name})
	}
	to, ok := parseChat(portal.ID)
	if !ok {
		return fmt.Errorf("portal ID %q: %w", portal.ID, errNotADM)
	}
	c.typing.stop(portal.ID)
	err := c.outbox.put(ctx, &database.QueuedEvent{
		LoginID:   c.login.ID,
		EventID:   evt.ID,
		RoomID:    evt.RoomID,
		Sender:    evt.Sender,
		PortalID:  portal.ID,
		Body:      text,
		Format:    format,
		WrittenAt: time.UnixMilli(evt.Timestamp),
	})
	if err != nil {
		return refused(fmt.Errorf("%w: %w", errBridge, err), c.recipients(ctx, to))
	}
	return nil
}

// recipients is recipient for everybody in a room.
func (c *Client) recipients(ctx context.Context, to chat) recipient {
	if to.account != "" {
		return c.recipient(ctx, to.account)
	}
	return recipient{name: "everybody else in this conversation", service: c.serviceOrUnknown().name, listed: true}
}

// recipient collects what can be said of a contact to whom nothing could be sent.
func (c *Client) recipient(ctx context.Context, account string) recipient {
	r := recipient{name: account, service: c.serviceOrUnknown().name}
	if name := c.displayNameOf(ctx, account); name != "" && name != account {
		r.name = fmt.Sprintf("%s (%s)", name, account)
	}
	if session := c.current(); session != nil {
		if contact, ok := session.Contact(account); ok {
			r.online = contact.Status != msn.Offline && contact.Status != ""
			r.listed = contact.Lists.Has(msn.ListForward)
		}
	}
	return r
}
