package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// Who writes a message learns within a minute whether it went out.
const (
	// sendTimeout bounds sending as a whole, waiting for the connection included.
	sendTimeout = 50 * time.Second
	// reconnectWait is how much of it is spent on waiting for the connection.
	reconnectWait = 20 * time.Second
)

// HandleMatrixMessage sends a message to the contact of its room and returns when
// the service has confirmed it.
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
	if err := c.sendText(ctx, account, text, format); err != nil {
		return nil, refused(err, c.recipient(ctx, account))
	}
	return &bridgev2.MatrixMessageResponse{
		DB: &database.Message{
			ID:        msnid.MakeSentMessageID(msg.Event.ID),
			SenderID:  c.GetUserID(),
			Timestamp: time.UnixMilli(msg.Event.Timestamp),
		},
	}, nil
}

func (c *Client) sendText(ctx context.Context, account, text, format string) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	waiting, stopWaiting := context.WithTimeout(ctx, reconnectWait)
	defer stopWaiting()
	session, err := c.waitForSession(waiting)
	if err != nil {
		return err
	}
	if contact, ok := session.Contact(account); ok && contact.Lists.Has(msn.ListBlock) {
		return errBlockedByUser
	}
	return session.Conversation(account).SendText(ctx, text, format)
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
