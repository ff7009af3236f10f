package chat

import (
	"context"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// Conversation returns the conversation that a room stands for.
func (c *Chat) Conversation(ctx context.Context, client *msn.Client, to msnid.Peer) (*msn.Conversation, error) {
	switch {
	case to.Circle != "":
		return client.CircleChat(to.Circle), nil
	case to.Group == "":
		return client.Conversation(to.Account), nil
	}
	return c.groups.Conversation(ctx, client, to.Group)
}

// portalOf returns the key of the room that a conversation belongs to, in which
// account has said something.
func (c *Chat) portalOf(conversation *msn.Conversation, account string) networkid.PortalKey {
	if group := conversation.Group(); group != "" {
		return c.account.GroupKey(group)
	}
	if circle := conversation.Circle(); circle != "" {
		return c.account.CircleKey(circle)
	}
	return c.account.PortalKey(account)
}
