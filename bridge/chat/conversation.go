package chat

import (
	"context"

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
