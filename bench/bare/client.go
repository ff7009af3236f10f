package main

import (
	"context"
	"fmt"
	"sync"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
)

// client is a bridgev2.NetworkAPI.
type client struct {
	connector *connector
	login     *bridgev2.UserLogin

	mu      sync.Mutex
	session *msn.Client
}

func (c *client) Connect(ctx context.Context) {
	session, err := c.connector.signIn(ctx, string(c.login.ID), c.login.Metadata.(*record).Password)
	if err != nil {
		c.login.Log.Err(err).Msg("Not signed in")
		return
	}
	c.mu.Lock()
	c.session = session
	c.mu.Unlock()
	connected(c.login)
	go func() {
		for evt := range session.Events() {
			if text, ok := evt.(msn.TextReceived); ok {
				c.heard(text)
			}
		}
	}()
}

func (c *client) current() *msn.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

func (c *client) Disconnect() {
	if session := c.current(); session != nil {
		_ = session.Close()
	}
}

func (c *client) IsLoggedIn() bool             { return c.current() != nil }
func (c *client) LogoutRemote(context.Context) { c.Disconnect() }

func (c *client) IsThisUser(_ context.Context, user networkid.UserID) bool {
	return string(user) == string(c.login.ID)
}

func (c *client) GetUserInfo(_ context.Context, ghost *bridgev2.Ghost) (*bridgev2.UserInfo, error) {
	return &bridgev2.UserInfo{Name: ptr.Ptr(string(ghost.ID))}, nil
}

func (c *client) GetChatInfo(_ context.Context, portal *bridgev2.Portal) (*bridgev2.ChatInfo, error) {
	other := networkid.UserID(portal.ID)
	return &bridgev2.ChatInfo{
		Type: ptr.Ptr(database.RoomTypeDM),
		Members: &bridgev2.ChatMemberList{IsFull: true, OtherUserID: other, Members: []bridgev2.ChatMember{
			{EventSender: bridgev2.EventSender{IsFromMe: true, SenderLogin: c.login.ID, Sender: networkid.UserID(c.login.ID)}},
			{EventSender: bridgev2.EventSender{Sender: other}},
		}},
	}, nil
}

func (c *client) GetCapabilities(context.Context, *bridgev2.Portal) *event.RoomFeatures {
	return &event.RoomFeatures{}
}

// HandleMatrixMessage sends a text, and returns when the service has it.
func (c *client) HandleMatrixMessage(ctx context.Context, m *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
	session := c.current()
	if session == nil {
		return nil, errNotConnected
	}
	if err := session.Conversation(string(m.Portal.ID)).SendText(ctx, m.Content.Body, ""); err != nil {
		return nil, err
	}
	return &bridgev2.MatrixMessageResponse{DB: &database.Message{ID: networkid.MessageID(m.Event.ID), SenderID: networkid.UserID(c.login.ID)}}, nil
}

// heard hands a text to the framework.
func (c *client) heard(text msn.TextReceived) {
	c.login.QueueRemoteEvent(&simplevent.Message[string]{
		EventMeta: simplevent.EventMeta{
			Type: bridgev2.RemoteEventMessage, CreatePortal: true, Timestamp: text.At,
			PortalKey: networkid.PortalKey{ID: networkid.PortalID(text.From), Receiver: c.login.ID},
			Sender:    bridgev2.EventSender{Sender: networkid.UserID(text.From)},
		},
		ID: networkid.MessageID(fmt.Sprintf("%s/%s/%d", text.Session, text.From, text.Seq)), Data: text.Text,
		ConvertMessageFunc: func(_ context.Context, _ *bridgev2.Portal, _ bridgev2.MatrixAPI, body string) (*bridgev2.ConvertedMessage, error) {
			return &bridgev2.ConvertedMessage{Parts: []*bridgev2.ConvertedMessagePart{{
				Type: event.EventMessage, Content: &event.MessageEventContent{MsgType: event.MsgText, Body: body},
			}}}, nil
		},
	})
}
