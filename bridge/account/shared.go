package account

import (
	"context"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

// What the user calls a contact is theirs: only they see it. Where others read along, in a room that
// they are in or on MSN, people are called by the names that they give themselves.

// amongOthers is the key of a context for what others read.
type amongOthers struct{}

// AmongOthers returns a context in which people are called by the names that they give themselves:
// others than the user read what is made of them.
func AmongOthers(ctx context.Context) context.Context {
	return context.WithValue(ctx, amongOthers{}, true)
}

func isAmongOthers(ctx context.Context) bool { return ctx.Value(amongOthers{}) != nil }

// InRoom returns the context for the name and the topic of the room of a portal.
func (a *Account) InRoom(ctx context.Context, key networkid.PortalKey) context.Context {
	// Asked of the database: the framework's own copy changes under its hands.
	portal, err := a.Bridge.DB.Portal.GetByKey(ctx, key)
	if err == nil && portal != nil && !portal.Metadata.(*PortalMetadata).Shared {
		return ctx
	}
	if err == nil && portal == nil {
		return ctx // there is no room yet
	}
	return AmongOthers(ctx)
}
