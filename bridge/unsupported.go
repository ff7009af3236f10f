package bridge

import (
	"context"
	"errors"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"
)

// What MSN does not have is refused in the room: without these methods the
// framework would keep it to itself.
var (
	_ bridgev2.ReactionHandlingNetworkAPI  = (*Client)(nil)
	_ bridgev2.RedactionHandlingNetworkAPI = (*Client)(nil)
)

func unsupported(text string) error {
	return bridgev2.WrapErrorInStatus(errors.New("msn-unsupported")).
		WithMessage(text).
		WithStatus(event.MessageStatusFail).
		WithErrorReason(event.MessageStatusUnsupported).
		WithIsCertain(true).
		WithSendNotice(true)
}

var (
	errReactions  = unsupported("MSN has no reactions: your contact does not see it.")
	errRedactions = unsupported("MSN has no deletion: your contact keeps the message.")
)

// PreHandleMatrixReaction refuses a reaction.
func (c *Client) PreHandleMatrixReaction(context.Context, *bridgev2.MatrixReaction) (bridgev2.MatrixReactionPreResponse, error) {
	return bridgev2.MatrixReactionPreResponse{}, errReactions
}

// HandleMatrixReaction is not called: PreHandleMatrixReaction refuses them all.
func (c *Client) HandleMatrixReaction(context.Context, *bridgev2.MatrixReaction) (*database.Reaction, error) {
	return nil, errReactions
}

// HandleMatrixReactionRemove refuses to remove a reaction, of which there are none.
func (c *Client) HandleMatrixReactionRemove(context.Context, *bridgev2.MatrixReactionRemove) error {
	return errReactions
}

// HandleMatrixMessageRemove refuses to delete a message.
func (c *Client) HandleMatrixMessageRemove(context.Context, *bridgev2.MatrixMessageRemove) error {
	return errRedactions
}
