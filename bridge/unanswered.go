package bridge

import (
	"errors"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
)

// The framework asks the database before it hands an event to the login, and drops the event when the database
// does not answer. Then the homeserver was answered already, and the sender mostly cannot be told: that needs the database, too.

// noLogin is what the framework says when the database does not answer whose login an event is for.
const noLogin = "Failed to get login to handle event"

// LeavesForLater reports whether what the framework says has become of an event is not to be told, since it failed by the database
// alone and nothing was done: the event is handed on again after a while, in its order, until it was often enough.
func (c *Connector) LeavesForLater(status *bridgev2.MessageStatus, about *bridgev2.MessageStatusEventInfo) bool {
	if status == nil || about == nil || status.Status == event.MessageStatusSuccess || status.Status == event.MessageStatusPending {
		return false
	}
	unanswered := errors.Is(status.InternalError, bridgev2.ErrDatabaseError) ||
		status.Message == noLogin && !errors.Is(status.InternalError, bridgev2.ErrNotLoggedIn)
	return unanswered && c.intake.Leave(about.SourceEventID)
}
