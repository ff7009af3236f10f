package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// HandleMatrixMessage sends a message to the contact of its room. It returns when
// the message is on disk and stands in the order in which messages go out; the
// outbox tells the room what became of it.
func (c *Client) HandleMatrixMessage(ctx context.Context, msg *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
	account, ok := msnid.ParseDMPortalID(msg.Portal.ID)
	if !ok {
		return nil, fmt.Errorf("portal ID %q is none of this bridge", msg.Portal.ID)
	}
	if msg.Content == nil {
		return nil, refused(msn.ErrEmpty, recipient{})
	}
	c.typing.stop(account)
	unescapeCommand(msg.Content)
	text, format := msgconv.ToMSN(msg.Content)
	err := c.outbox.put(ctx, &database.QueuedEvent{
		LoginID:   c.login.ID,
		EventID:   msg.Event.ID,
		RoomID:    msg.Event.RoomID,
		Sender:    msg.Event.Sender,
		PortalID:  msg.Portal.ID,
		Body:      text,
		Format:    format,
		WrittenAt: time.UnixMilli(msg.Event.Timestamp),
	})
	if err != nil {
		return nil, refused(err, c.recipient(ctx, account))
	}
	return &bridgev2.MatrixMessageResponse{Pending: true}, nil
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

var errNotADM = errors.New("not a room with a contact")
