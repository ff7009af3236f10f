package circle

import (
	"context"
	"slices"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/room"
	"matrix-msn/msn"
)

// look has the circles looked at again. It does not wait for that: a homeserver can take
// minutes for a room.
func (c *Circles) look() { c.work.Try("circles", c.show) }

// showAll brings the rooms of the circles up to date, tells of invitations and of circles
// that the user belongs to no more, and makes the rooms of new ones, which can take long.
// It reports whether all of that worked.
func (c *Circles) showAll(ctx context.Context) (done bool) {
	client := c.session.Current()
	if client == nil || !client.CarriesCircles() {
		return true // the next session tells again
	}
	list := c.without(client.Circles())
	before := c.account.Stored().Circles // after the list: of one that the user has left nothing is noted any more
	belongs := make(map[string]bool)
	for _, circle := range list {
		if belongs[circle.ID] = circle.Member; circle.Member && before[circle.ID] == member {
			c.update(ctx, circle.ID)
		}
	}
	done = true
	for id, was := range before {
		_, listed := belongs[id]
		_, leaves := c.leaving.Load(id)
		switch {
		case leaves:
		case was == member && !belongs[id] && !c.tellLost(ctx, id):
			done = false // it stays noted down until it is told
		case was == member && !belongs[id], !listed:
			c.note(ctx, id, "")
		}
	}
	for _, circle := range list {
		if was := c.account.Stored().Circles[circle.ID]; !circle.Member && was != member {
			c.tellInvitation(ctx, circle, was)
		}
	}
	for _, circle := range list {
		if !circle.Member || before[circle.ID] == member {
			continue
		}
		if c.makeRoom(ctx, circle.ID) {
			c.update(ctx, circle.ID) // perhaps somebody else made it, from less
			c.noteMember(ctx, circle.ID)
		} else {
			done = false
		}
	}
	return done
}

// without leaves out the circles that the user is leaving.
func (c *Circles) without(list []msn.Circle) []msn.Circle {
	belongs := make(map[string]bool)
	for _, circle := range list {
		belongs[circle.ID] = circle.Member
	}
	c.leaving.Range(func(id, _ any) bool {
		if !belongs[id.(string)] {
			c.leaving.Delete(id)
		}
		return true
	})
	return slices.DeleteFunc(list, func(circle msn.Circle) bool {
		_, leaves := c.leaving.Load(circle.ID)
		return leaves && circle.Member
	})
}

// update brings the room of a circle up to date, and waits for that: rooms that share
// members are written to one after the other, because the framework expects nobody else to
// change a ghost.
func (c *Circles) update(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, room.CreateTimeout)
	defer cancel()
	handled := make(chan struct{})
	queued := c.rooms.TryUpdate(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:           bridgev2.RemoteEventChatInfoChange,
			PortalKey:      c.account.CircleKey(id),
			PostHandleFunc: func(context.Context, *bridgev2.Portal) { close(handled) },
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: c.Info(ctx, id)},
	})
	if !queued {
		return
	}
	select {
	case <-handled:
	case <-ctx.Done():
	}
}

// makeRoom makes the room of a circle, and reports whether there is one.
func (c *Circles) makeRoom(ctx context.Context, id string) bool {
	if ctx.Err() != nil {
		return false
	}
	making, cancel := room.Settling(ctx)
	defer cancel()
	_, err := c.rooms.Ensure(making, c.account.CircleKey(id), func(ctx context.Context) (*bridgev2.ChatInfo, error) {
		return c.Info(ctx, id), nil
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to make the room of a circle")
	}
	return err == nil
}
