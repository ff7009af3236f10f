package people

import (
	"context"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
)

// Info describes the room with one contact.
func (n *Names) Info(ctx context.Context, account string) *bridgev2.ChatInfo {
	n.account.NameSelf(ctx)
	other := n.account.GhostID(account)
	return &bridgev2.ChatInfo{
		Name:   n.roomName(ctx, account, n.account.Names(ctx)),
		Avatar: n.account.Face(ctx, account),
		Type:   ptr.Ptr(bridgedb.RoomTypeDM),
		// Of the rooms with one person by two accounts it tells which is which.
		Topic: ptr.Ptr(words.Text("people.in_your_account", account, n.account.AtService())),
		Members: &bridgev2.ChatMemberList{
			IsFull:           true,
			TotalMemberCount: 2,
			OtherUserID:      other,
			MemberMap: bridgev2.ChatMemberMap{
				other:              {EventSender: n.account.SenderOf(account), UserInfo: n.account.UserInfo(account)},
				n.account.UserID(): {EventSender: n.account.OwnSender()},
			},
		},
		ExtraUpdates: func(ctx context.Context, portal *bridgev2.Portal) bool {
			// They may have told their name since this was asked for.
			name := n.roomName(ctx, account, n.account.Names(ctx))
			return name != bridgev2.DefaultChatName && setName(ctx, portal, *name)
		},
	}
}

// roomName returns what the room with one contact is called: what the user calls the
// contact. An admin can have rooms without names of their own; then only those have one
// whose contacts this user calls otherwise than they call themselves.
func (n *Names) roomName(ctx context.Context, account string, book *names.Book) *string {
	name, own := n.account.RoomName(n.account.InRoom(ctx, n.account.PortalKey(account)), account, book)
	if !own && !n.account.Bridge.Config.PrivateChatPortalMeta {
		return bridgev2.DefaultChatName
	}
	return &name
}
