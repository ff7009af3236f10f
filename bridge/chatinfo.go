package bridge

import (
	"context"
	"fmt"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msnid"
)

var (
	_ bridgev2.IdentifierResolvingNetworkAPI = (*Client)(nil)
	_ bridgev2.ContactListingNetworkAPI      = (*Client)(nil)
)

// GetChatInfo describes a portal.
func (c *Client) GetChatInfo(ctx context.Context, portal *bridgev2.Portal) (*bridgev2.ChatInfo, error) {
	if msnid.IsAlertsPortalID(portal.ID) {
		return c.alertsInfo(), nil
	}
	with, ok := parseChat(portal.ID)
	switch {
	case !ok:
		return nil, fmt.Errorf("portal ID %q is none of this bridge", portal.ID)
	case with.group != "":
		return c.groupInfo(ctx, with.group)
	case with.circle != "":
		return c.circleInfo(ctx, with.circle), nil
	}
	return c.dmInfo(ctx, with.account), nil
}

// dmInfo describes the room with one contact.
func (c *Client) dmInfo(ctx context.Context, account string) *bridgev2.ChatInfo {
	other := c.ghostID(account)
	return &bridgev2.ChatInfo{
		Type: ptr.Ptr(bridgedb.RoomTypeDM),
		Members: &bridgev2.ChatMemberList{
			IsFull:           true,
			TotalMemberCount: 2,
			OtherUserID:      other,
			MemberMap: bridgev2.ChatMemberMap{
				other:         {EventSender: c.senderOf(account), UserInfo: c.userInfo(ctx, account)},
				c.GetUserID(): {EventSender: c.ownSender()},
			},
		},
	}
}

func (c *Client) ghostID(account string) networkid.UserID {
	return msnid.MakeUserID(msnid.Identity{Service: c.identity.Service, Account: account})
}

func (c *Client) portalKey(account string) networkid.PortalKey {
	return msnid.MakeDMPortalKey(c.login.ID, account)
}

func (c *Client) senderOf(account string) bridgev2.EventSender {
	return bridgev2.EventSender{Sender: c.ghostID(account)}
}

func (c *Client) ownSender() bridgev2.EventSender {
	return bridgev2.EventSender{IsFromMe: true, Sender: c.GetUserID(), SenderLogin: c.login.ID}
}

// ResolveIdentifier finds the contact that a user names: by e-mail address, or
// by the ID of its ghost. Anybody with an account can be named, also people who
// are on no list: whether they can be reached shows with the first message.
func (c *Client) ResolveIdentifier(ctx context.Context, identifier string, createChat bool) (*bridgev2.ResolveIdentifierResponse, error) {
	account := identifier
	if identity, ok := msnid.ParseUserID(networkid.UserID(identifier)); ok {
		if identity.Service != c.identity.Service {
			return nil, fmt.Errorf("%w: it belongs to the service %s", bridgev2.ErrResolveIdentifierTryNext, identity.Service)
		}
		account = identity.Account
	}
	account, err := msnid.ParseAccount(account)
	if err != nil {
		return nil, err
	}
	if account == c.identity.Account {
		return nil, fmt.Errorf("%s is your own account", account)
	}
	ghost, err := c.connector.br.GetGhostByID(ctx, c.ghostID(account))
	if err != nil {
		return nil, fmt.Errorf("failed to get ghost: %w", err)
	}
	response := &bridgev2.ResolveIdentifierResponse{
		Ghost:    ghost,
		UserID:   ghost.ID,
		UserInfo: c.userInfo(ctx, account),
	}
	if createChat {
		response.Chat = &bridgev2.CreateChatResponse{
			PortalKey:  c.portalKey(account),
			PortalInfo: c.dmInfo(ctx, account),
		}
	}
	return response, nil
}

// GetContactList returns the people on the user's contact list.
func (c *Client) GetContactList(ctx context.Context) ([]*bridgev2.ResolveIdentifierResponse, error) {
	contacts, err := c.knownContacts(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to read contacts: %w", err)
	}
	book := newNameBook(contacts)
	var list []*bridgev2.ResolveIdentifierResponse
	for _, contact := range contacts {
		if !onContactList(contact) {
			continue
		}
		list = append(list, &bridgev2.ResolveIdentifierResponse{
			UserID:   c.ghostID(contact.Account),
			UserInfo: c.userInfoAmong(ctx, contact.Account, book),
			Chat:     &bridgev2.CreateChatResponse{PortalKey: c.portalKey(contact.Account)},
		})
	}
	return list, nil
}
