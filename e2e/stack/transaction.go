package stack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// InjectTyping tells the bridge that exactly these users are typing in the room, none if there are none, by a
// transaction in the form in which Synapse sends it. Where the homeserver does not do [TellsTyping], this is how a stack shows
// what the bridge does with them; it does not show that a homeserver sends them.
func (b *Bridge) InjectTyping(ctx context.Context, room id.RoomID, users ...id.UserID) error {
	if users == nil {
		users = []id.UserID{}
	}
	return b.injectEphemeral(ctx, map[string]any{
		"type":    event.EphemeralEventTyping.Type,
		"room_id": room,
		"content": event.TypingEventContent{UserIDs: users},
	})
}

// InjectPresence tells the bridge how Matrix shows a user, in the same way.
func (b *Bridge) InjectPresence(ctx context.Context, user id.UserID, content event.PresenceEventContent) error {
	return b.injectEphemeral(ctx, map[string]any{
		"type":    event.EphemeralEventPresence.Type,
		"sender":  user,
		"content": content,
	})
}

// injectEphemeral puts a transaction with one ephemeral event to the bridge, as the homeserver would.
func (b *Bridge) injectEphemeral(ctx context.Context, ephemeral map[string]any) error {
	target := b.URL + "/_matrix/app/v1/transactions/" + url.PathEscape("injected-"+newToken())
	err := requestJSON(ctx, http.MethodPut, target, b.hsToken, map[string]any{
		"events": []any{},
		// Both names of the field: Synapse sends the second, and the first since it became part of the specification.
		"ephemeral":                     []any{ephemeral},
		"de.sorunome.msc2409.ephemeral": []any{ephemeral},
	}, nil)
	if err != nil {
		return fmt.Errorf("tell the bridge %s: %w", ephemeral["type"], err)
	}
	return nil
}
