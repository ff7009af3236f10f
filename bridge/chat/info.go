package chat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Info describes the room of a portal.
func (c *Chat) Info(ctx context.Context, portal networkid.PortalID) (*bridgev2.ChatInfo, error) {
	with, ok := msnid.ParsePeer(portal)
	switch {
	case !ok:
		return nil, fmt.Errorf("portal ID %q does not belong to this bridge", portal)
	case with.Group != "":
		return c.groupInfo(ctx, with.Group)
	case with.Circle != "":
		return c.circleInfo(ctx, with.Circle), nil
	}
	return c.dmInfo(ctx, with.Account), nil
}

// RoomInfo describes the room that is to be made for a message.
func (c *Chat) RoomInfo(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ChatInfo, error) {
	return c.Info(ctx, m.PortalID)
}

// dmInfo describes the room with one contact.
func (c *Chat) dmInfo(ctx context.Context, account string) *bridgev2.ChatInfo {
	c.account.NameSelf(ctx)
	other := c.account.GhostID(account)
	return &bridgev2.ChatInfo{
		Name: c.roomName(ctx, account, c.account.Names(ctx)),
		Type: ptr.Ptr(bridgedb.RoomTypeDM),
		Members: &bridgev2.ChatMemberList{
			IsFull:           true,
			TotalMemberCount: 2,
			OtherUserID:      other,
			MemberMap: bridgev2.ChatMemberMap{
				other:              {EventSender: c.account.SenderOf(account), UserInfo: c.account.UserInfo(account)},
				c.account.UserID(): {EventSender: c.account.OwnSender()},
			},
		},
		ExtraUpdates: func(ctx context.Context, portal *bridgev2.Portal) bool {
			// They may have told their name since this was asked for.
			name := c.roomName(ctx, account, c.account.Names(ctx))
			return name != bridgev2.DefaultChatName && setName(ctx, portal, *name)
		},
	}
}

// roomName returns what the room with one contact is called: what the user calls the
// contact. An admin can have rooms without names of their own; then only those have one
// whose contacts this user calls otherwise than they call themselves.
func (c *Chat) roomName(ctx context.Context, account string, book *names.Book) *string {
	name, own := c.account.RoomName(ctx, account, book)
	if !own && !c.account.Bridge.Config.PrivateChatPortalMeta {
		return bridgev2.DefaultChatName
	}
	return &name
}

// Resolve finds the contact that a user names: by e-mail address, or
// by the ID of its ghost. Anybody with an account can be named, also people who
// are on no list: whether they can be reached shows with the first message.
func (c *Chat) Resolve(ctx context.Context, identifier string, createChat bool) (*bridgev2.ResolveIdentifierResponse, error) {
	account := identifier
	if identity, ok := msnid.ParseUserID(networkid.UserID(identifier)); ok {
		if identity.Service != c.account.Identity.Service {
			return nil, c.notFound(ctx, fmt.Errorf("%w: %w", bridgev2.ErrResolveIdentifierTryNext, reason.ErrOtherService), identity.Account)
		}
		account = identity.Account
	}
	account, err := msnid.ParseAccount(account)
	if err != nil {
		return nil, c.notFound(ctx, err, identifier)
	}
	if account == c.account.Identity.Account {
		return nil, c.notFound(ctx, reason.ErrOwnAccount, account)
	}
	if err := c.known(ctx, account, createChat); err != nil {
		return nil, c.notFound(ctx, err, account)
	}
	ghost, err := c.account.Bridge.GetGhostByID(ctx, c.account.GhostID(account))
	if err != nil {
		return nil, c.notFound(ctx, fmt.Errorf("failed to get ghost: %w", err), account)
	}
	response := &bridgev2.ResolveIdentifierResponse{
		Ghost:    ghost,
		UserID:   ghost.ID,
		UserInfo: c.account.UserInfo(account),
	}
	if !createChat {
		return response, nil
	}
	key, info := c.account.PortalKey(account), c.dmInfo(ctx, account)
	if err := c.rooms.CallBack(ctx, key); err != nil {
		return nil, c.notFound(ctx, err, account)
	}
	c.updates.returned(account)
	update, introduce := info.ExtraUpdates, c.introduction(ctx, account)
	info.ExtraUpdates = func(ctx context.Context, portal *bridgev2.Portal) bool {
		c.strangers.expectWhenMade(account)
		introduce()
		return update(ctx, portal)
	}
	response.Chat = &bridgev2.CreateChatResponse{PortalKey: key, PortalInfo: info}
	return response, nil
}

// knownTimeout is how long the service is asked for somebody who is on no list.
const knownTimeout = 10 * time.Second

// known returns msn.ErrNoSuchContact when the service says that there is no such account.
// Where it cannot say, that is found out with call set by calling them into a conversation, which
// takes them to be online: reason.ErrUnseen says that it was not. Who was heard of counts as
// known, and so does everybody while the service has trouble.
func (c *Chat) known(ctx context.Context, account string, call bool) error {
	client := c.session.Current()
	if client == nil {
		return nil
	}
	if contact, listed := client.Contact(account); listed && contact.Lists != 0 {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, knownTimeout)
	defer cancel()
	err := client.Known(asking, account)
	if errors.Is(err, msn.ErrDialect) && call && !c.met(ctx, account) {
		err = client.Conversation(account).Reach(asking)
		switch {
		case errors.Is(err, msn.ErrHidden):
			return err
		case errors.Is(err, msn.ErrOffline):
			return fmt.Errorf("%w: %w", reason.ErrUnseen, err)
		}
	}
	if errors.Is(err, msn.ErrNoSuchContact) {
		return err
	}
	if err != nil && !errors.Is(err, msn.ErrDialect) {
		zerolog.Ctx(ctx).Debug().Err(err).Msg("The service does not say whether it knows an account")
	}
	return nil
}

// met reports whether somebody has a room already, has told their name, or has written what
// waits for a room. An error of the database counts as yes.
func (c *Chat) met(ctx context.Context, account string) bool {
	key := c.account.PortalKey(account)
	room, err := c.rooms.Stored(ctx, key)
	if err != nil || room != "" || c.account.DisplayName(ctx, account) != "" {
		return true
	}
	waiting, err := c.account.DB.MSNQueue.Count(ctx, c.account.Login.ID, key.ID)
	return err != nil || waiting > 0
}

// notFound is what the framework tells the user who named somebody.
func (c *Chat) notFound(ctx context.Context, err error, named string) error {
	return c.account.Cannot(ctx, err, reason.Lookup, names.Clean(named))
}

// ContactList returns the people on the user's contact list.
func (c *Chat) ContactList(ctx context.Context) ([]*bridgev2.ResolveIdentifierResponse, error) {
	contacts, err := c.account.Contacts(ctx)
	if err != nil {
		return nil, c.notFound(ctx, fmt.Errorf("%w: %w", reason.ErrContacts, err), "")
	}
	book := c.account.NamesOf(contacts)
	var list []*bridgev2.ResolveIdentifierResponse
	for _, contact := range contacts {
		if !account.Listed(contact) {
			continue
		}
		name := c.account.MatrixName(ctx, contact.Account, book)
		list = append(list, &bridgev2.ResolveIdentifierResponse{
			UserID:   c.account.GhostID(contact.Account),
			UserInfo: &bridgev2.UserInfo{Name: &name, Identifiers: []string{"mailto:" + contact.Account}}, // for this user, not for the ghost
			Chat:     &bridgev2.CreateChatResponse{PortalKey: c.account.PortalKey(contact.Account)},
		})
	}
	return list, nil
}
