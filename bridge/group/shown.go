package group

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Who is in a group chat is shown in its room beside the texts, by one work for each group that looks
// what is to be seen now: no text waits for it, and of who has come and gone meanwhile nothing is shown.
// It is not done by the framework, which does all of it among the texts.

// maxShown is how many people are shown in a room for being in its group chat: its members. Others
// are shown when they write something, until they leave.
const maxShown = msn.MaxMembers

// change is what is to be seen of somebody besides being a member.
type change struct {
	to     event.Membership // leave, or join of who has left before
	reason string
}

// changes are those that are to be shown, by group chat and account: the last of each counts. The zero
// value is empty.
type changes struct {
	mu     sync.Mutex
	groups map[string]map[string]change
	full   map[string]bool // group chats whose rooms were told that no more people are shown
}

// set has a change shown.
func (c *changes) set(group, account string, what change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(group, account, what)
}

func (c *changes) put(group, account string, what change) {
	if c.groups == nil {
		c.groups = make(map[string]map[string]change)
	}
	if c.groups[group] == nil {
		c.groups[group] = make(map[string]change)
	}
	c.groups[group][account] = what
}

// take returns all changes of a group chat, which are to be shown no more.
func (c *changes) take(group string) map[string]change {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.groups[group]
	delete(c.groups, group)
	return all
}

// putBack has a change shown that was not, unless there is a later one.
func (c *changes) putBack(group, account string, what change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, later := c.groups[group][account]; !later {
		c.put(group, account, what)
	}
}

// firstFull reports whether a room was not told yet that no more people are shown.
func (c *changes) firstFull(group string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full[group] {
		return false
	}
	if c.full == nil || len(c.full) >= maxLooked {
		c.full = make(map[string]bool)
	}
	c.full[group] = true
	return true
}

// ShowMembership has somebody leave the room of a group chat or come back, as m says, soon after what was
// said before. It is how messages of the kinds QueuedLeft and QueuedBack are shown.
func (g *Groups) ShowMembership(ctx context.Context, m *database.QueuedMessage) (shown bool, err error) {
	group, ok := msnid.ParseGroupPortalID(m.PortalID)
	if !ok {
		return true, nil
	}
	what := change{event.MembershipJoin, m.Body}
	if m.Kind == database.QueuedLeft {
		what.to = event.MembershipLeave
	}
	g.changes.set(group, m.Sender, what)
	g.showPeople(group)
	return true, nil
}

// MembershipRoom returns the room in which ShowMembership shows a message.
func (g *Groups) MembershipRoom(ctx context.Context, m *database.QueuedMessage) (room id.RoomID, elsewhere bool, err error) {
	room, err = g.rooms.Stored(ctx, g.account.KeyOf(m.PortalID))
	return room, true, err
}

// RoomMade has the people of a group chat shown in its room, which was made for a message.
func (g *Groups) RoomMade(m *database.QueuedMessage) {
	if group, ok := msnid.ParseGroupPortalID(m.PortalID); ok {
		g.showPeople(group)
	}
}

// showPeople has the room of a group chat show who is in it.
func (g *Groups) showPeople(group string) {
	g.work.Try("people "+group, func(ctx context.Context) bool { return g.showAll(ctx, group) })
}

// showAll shows who is in a group chat, and reports whether nothing is left to be shown.
func (g *Groups) showAll(ctx context.Context, group string) (done bool) {
	stored, err := g.rooms.Stored(ctx, g.account.GroupKey(group))
	if err != nil || stored == "" {
		return err == nil
	}
	all := g.changes.take(group)
	for _, account := range slices.Sorted(maps.Keys(all)) {
		if failed := g.showChange(ctx, group, stored, account, all[account]); failed != nil {
			g.changes.putBack(group, account, all[account])
			err = failed
		}
	}
	if err == nil {
		err = g.showMissingMembers(ctx, group, stored)
	}
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to show who is in a group chat")
	}
	return err == nil
}

// showChange has somebody leave a room or come back. What the homeserver refuses is not tried again.
func (g *Groups) showChange(ctx context.Context, group string, in id.RoomID, account string, what change) error {
	if what.to == event.MembershipJoin && g.absent.of(group)[account].left {
		return nil // they have gone again
	}
	ghost, err := g.account.Bridge.GetExistingGhostByID(ctx, g.account.GhostID(account))
	switch {
	case err != nil || ghost == nil: // who was never shown has nothing to leave
	case what.to == event.MembershipJoin:
		err = g.rooms.Enter(ctx, in, ghost, what.reason)
	default:
		err = g.rooms.Exit(ctx, in, ghost, what.reason)
	}
	if room.IsRefusal(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("The homeserver does not let a member of a group chat come or go")
		return nil
	}
	return err
}

// showMissingMembers brings the ghosts of members into a room that have never been there. Who has left it
// comes back by a change, also when an earlier run of the bridge has shown that.
func (g *Groups) showMissingMembers(ctx context.Context, group string, in id.RoomID) error {
	own, err := g.rooms.Membership(ctx, in)
	if err != nil || room.HasLeft(own) {
		return err // the user comes back to what is said, and not to who is there
	}
	members, err := g.account.DB.Group.Get(ctx, g.account.Login.ID, group)
	if err != nil {
		return err
	}
	there, err := g.account.Bridge.Matrix.GetMembers(ctx, in)
	if err != nil {
		return err
	}
	for _, account := range members[:min(len(members), maxShown)] {
		if g.absent.of(group)[account].left { // asked for each: who is next may have gone meanwhile
			continue
		}
		if known := there[g.account.Bridge.Matrix.GhostIntent(g.account.GhostID(account)).GetMXID()]; known != nil && known.Membership != "" {
			continue // also who is invited: it is seen then whether they come
		}
		ghost, err := g.account.Bridge.GetGhostByID(ctx, g.account.GhostID(account))
		if err != nil {
			return err
		}
		if err := g.rooms.Describe(ctx, g.account.GroupKey(group), ghost, g.account.UserInfo(account)); err != nil {
			return err
		}
		if err := g.showChange(ctx, group, in, account, change{to: event.MembershipJoin}); err != nil {
			g.changes.putBack(group, account, change{to: event.MembershipJoin}) // perhaps they are invited now
			return err
		}
	}
	return nil
}

// sayFull says in the room of a group chat, once, that those who come now are shown no more.
func (g *Groups) sayFull(ctx context.Context, group string) {
	key := g.account.GroupKey(group)
	if stored, err := g.rooms.Stored(ctx, key); err != nil || stored == "" || !g.changes.firstFull(group) {
		return
	}
	g.work.Do("full "+group, func(ctx context.Context) {
		stored, err := g.rooms.Stored(ctx, key)
		if err == nil && stored != "" {
			err = g.rooms.Notice(ctx, stored, fmt.Sprintf("More than %d people have come into this conversation. Who comes from now on is shown here only when they write, "+
				"and is not called in again when you write later.", maxShown), "")
		}
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that no more people are shown in a group chat")
		}
	})
}
