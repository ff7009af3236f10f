package chat

import (
	"context"

	"matrix-msn/msn"
)

// Who is blocked cannot call the user any more, but a conversation that is open goes on: it is
// for the client to leave it. What comes all the same is not shown. In a conversation of several
// people nothing is hidden, as in Messenger: the others answer it.

// alone reports whether a conversation is with one contact.
func alone(conversation *msn.Conversation) bool {
	return conversation.Group() == "" && conversation.Circle() == ""
}

// unwanted reports whether somebody is blocked who says something in a conversation with the
// user alone.
func (h *Heard) unwanted(ctx context.Context, conversation *msn.Conversation, account string) bool {
	return alone(conversation) && h.account.KeepsOut(ctx, account)
}
