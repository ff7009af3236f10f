package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// HandleMatrixMessage sends a message to the contact of its room. It returns when
// the message stands in the order in which messages go out; what became of it is
// told later, by tell.
func (c *Client) HandleMatrixMessage(_ context.Context, msg *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
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
	sent := &database.Message{
		ID:        msnid.MakeSentMessageID(msg.Event.ID),
		SenderID:  c.GetUserID(),
		Timestamp: time.UnixMilli(msg.Event.Timestamp),
	}
	var fate error
	txn := networkid.TransactionID(sent.ID)
	msg.AddPendingToSave(sent, txn, func(bridgev2.RemoteMessage, *database.Message) (bool, error) {
		return fate == nil, fate
	})
	accepted := c.outbox.put(&outgoing{
		account: account, text: text, format: format, arrived: time.Now(),
		done: func(err error) {
			if err != nil {
				fate = refused(err, c.recipient(c.login.Log.WithContext(c.connector.br.BackgroundCtx), account))
			}
			c.tell(msg.Portal.PortalKey, sent.ID, txn)
		},
	})
	if !accepted {
		msg.RemovePending(txn)
		return nil, refused(c.whyNotConnected(), recipient{name: account, service: c.serviceOrUnknown().name})
	}
	return &bridgev2.MatrixMessageResponse{Pending: true}, nil
}

// tell has the framework look at a message that was pending, in the order of its
// portal's events.
func (c *Client) tell(portal networkid.PortalKey, message networkid.MessageID, txn networkid.TransactionID) {
	c.login.QueueRemoteEvent(&simplevent.Message[struct{}]{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventMessage,
			PortalKey: portal,
			Sender:    c.ownSender(),
		},
		ID:            message,
		TransactionID: txn,
		ConvertMessageFunc: func(context.Context, *bridgev2.Portal, bridgev2.MatrixAPI, struct{}) (*bridgev2.ConvertedMessage, error) {
			return nil, bridgev2.ErrIgnoringRemoteEvent
		},
	})
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
