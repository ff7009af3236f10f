package chat

import (
	"context"
	"slices"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// Who is blocked cannot call the user any more, but a conversation that is open goes on: it is
// for the client to leave it. What comes all the same is not shown. In a conversation of several
// people nothing is hidden, as in Messenger: the others answer it.

// alone reports whether a conversation is with one contact.
func alone(conversation *msn.Conversation) bool {
	return conversation.Group() == "" && conversation.Circle() == ""
}

// StillTogether says that somebody who was blocked still hears the user, or "" when they do not:
// a conversation of several people goes on.
func (c *Chat) StillTogether(ctx context.Context, client *msn.Client, account string) string {
	groups, err := c.account.DB.Group.With(ctx, c.account.Login.ID, account)
	if err != nil { // it is said less
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chats")
	}
	for _, group := range groups {
		conversation, err := c.Conversation(ctx, client, msnid.Peer{Group: group})
		if err == nil && slices.Contains(conversation.Participants(), account) {
			return "You are still together in a conversation of several people: there both of you go on reading what the other writes, until one of you leaves it."
		}
	}
	return ""
}

// unwanted reports whether somebody is blocked who says something in a conversation with the
// user alone.
func (c *Chat) unwanted(ctx context.Context, conversation *msn.Conversation, account string) bool {
	return alone(conversation) && c.account.KeepsOut(ctx, account)
}
