package bridge

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
)

// The homeserver pushes what is written in a room when somebody of the bridge is in it. Clients make a room, invite a contact, and send the
// first text at once: it is written before the contact's ghost has joined, and comes to no bridge. So the room is read once
// when the invitation is handled.

const (
	// unpushedTimeout is how long it is tried to read what was written behind an invitation. What its sender writes next waits for that.
	unpushedTimeout = 30 * time.Second
	// maxReading is how many rooms are read at a time.
	maxReading = 8
)

// invitationHandled is to be called when a membership was handled: behind an invitation something may have been written that was not pushed.
func (c *Connector) invitationHandled(ctx context.Context, evt *event.Event) {
	if !c.intake.Invites(evt.ID) {
		return
	}
	if !c.missesTexts(ctx, evt) {
		c.intake.Invited(ctx, evt)
		return
	}
	// When the bridge stops before it is handled, the next start does so once more.
	if !c.invites.read(ctx, func(ctx context.Context) {
		done := false
		defer func() {
			if broken := recover(); broken != nil { // what stands in the room is others'
				done = true
				zerolog.Ctx(ctx).Error().Any("panic", broken).Stringer("event_id", evt.ID).Bytes(zerolog.ErrorStackFieldName, debug.Stack()).
					Msg("Reading what was written behind an invitation broke down")
			}
			if done {
				c.intake.Invited(ctx, evt)
			}
		}()
		done = c.readUnpushed(ctx, evt)
	}) {
		zerolog.Ctx(ctx).Warn().Stringer("room_id", evt.RoomID).Stringer("sender", evt.Sender).
			Msg("Too many rooms wait to be read: what was written behind an invitation reaches nobody if the homeserver has not pushed it")
		c.intake.Invited(ctx, evt)
	}
}

// missesTexts reports whether something can have been written behind an invitation that nobody of the bridge was pushed: by a user whom the
// bridge serves, to its bot, or in a room that has become the chat with a ghost.
func (c *Connector) missesTexts(ctx context.Context, evt *event.Event) bool {
	may, who := c.br.Config.Permissions.Get(evt.Sender), id.UserID(evt.GetStateKey())
	if c.Homeserver == nil || !may.SendEvents || !may.Commands {
		return false
	}
	if who == c.br.Bot.GetMXID() {
		return true
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	return err != nil || portal != nil
}

// readUnpushed takes what was written behind an invitation and was not pushed. It reports false when the bridge stops meanwhile.
func (c *Connector) readUnpushed(ctx context.Context, evt *event.Event) bool {
	trying, cancel := context.WithTimeout(ctx, unpushedTimeout)
	defer cancel()
	for waits := retry.Waits(); ; {
		written, err := c.Homeserver.Since(trying, id.UserID(evt.GetStateKey()), evt.RoomID, evt.ID)
		if err == nil {
			err = c.intake.Unpushed(trying, evt, written)
		}
		if err == nil {
			return true
		}
		log := zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", evt.RoomID).Stringer("event_id", evt.ID)
		if room.IsRefusal(err) || !retry.Sleep(trying, waits.NextBackOff()) {
			log.Msg("Failed to read what was written behind an invitation: if the homeserver has not pushed it, it reaches nobody")
			return ctx.Err() == nil
		}
		log.Msg("Failed to read what was written behind an invitation, trying again")
	}
}
