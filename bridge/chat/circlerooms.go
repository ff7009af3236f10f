package chat

import (
	"context"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/room"
)

// circles keeps the rooms of the circles as the service has them. What fails is tried
// again, less and less often, and when circles change.
type circles struct {
	chat *Chat
	// show does what is to be done, and reports whether nothing is left of it.
	show func(context.Context) bool
}

func newCircles(c *Chat) *circles {
	r := &circles{chat: c}
	r.show = r.showAll
	return r
}

// look has the circles looked at again. It does not wait for that: a homeserver can take
// minutes for a room.
func (r *circles) look() { r.chat.work.Try("circles", r.show) }

// showAll brings the rooms of the circles up to date, tells of invitations and of circles
// that the user belongs to no more, and makes the rooms of new ones, which can take long.
// It reports whether all of that worked.
func (r *circles) showAll(ctx context.Context) (done bool) {
	c := r.chat
	client := c.session.Current()
	if client == nil || !client.CarriesCircles() {
		return true // the next session tells again
	}
	before := c.account.Stored().Circles
	list := client.Circles()
	member := make(map[string]bool)
	for _, circle := range list {
		if member[circle.ID] = circle.Member; circle.Member && before[circle.ID] == circleMember {
			r.update(ctx, circle.ID)
		}
	}
	done = true
	for id, was := range before {
		_, listed := member[id]
		switch {
		case was == circleMember && !member[id] && !c.circleLost(ctx, id):
			done = false // it stays noted down until it is told
		case was == circleMember && !member[id], !listed:
			c.noteCircle(ctx, id, "")
		}
	}
	for _, circle := range list {
		if was := c.account.Stored().Circles[circle.ID]; !circle.Member && was != circleMember {
			c.circleInvitation(ctx, circle, was)
		}
	}
	for _, circle := range list {
		if !circle.Member || before[circle.ID] == circleMember {
			continue
		}
		if r.makeRoom(ctx, circle.ID) {
			r.update(ctx, circle.ID) // perhaps somebody else made it, from less
			c.noteCircle(ctx, circle.ID, circleMember)
		} else {
			done = false
		}
	}
	return done
}

// update brings the room of a circle up to date, and waits for that: rooms that share
// members are written to one after the other, because the framework expects nobody else to
// change a ghost.
func (r *circles) update(ctx context.Context, id string) {
	c := r.chat
	ctx, cancel := context.WithTimeout(ctx, room.CreateTimeout)
	defer cancel()
	handled := make(chan struct{})
	queued := c.rooms.TryUpdate(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:           bridgev2.RemoteEventChatInfoChange,
			PortalKey:      c.account.CircleKey(id),
			PostHandleFunc: func(context.Context, *bridgev2.Portal) { close(handled) },
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: c.CircleInfo(ctx, id)},
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
func (r *circles) makeRoom(ctx context.Context, id string) bool {
	c := r.chat
	if ctx.Err() != nil {
		return false
	}
	making, cancel := room.Settling(ctx)
	defer cancel()
	_, err := c.rooms.Ensure(making, c.account.CircleKey(id), func(ctx context.Context) (*bridgev2.ChatInfo, error) {
		return c.CircleInfo(ctx, id), nil
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to make the room of a circle")
	}
	return err == nil
}
