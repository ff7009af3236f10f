package group

import (
	"context"
	"errors"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Who is in a group chat is shown in its room beside the texts, by one work for each group that looks
// what is to be seen now: no text waits for it, and of who has come and gone meanwhile nothing is shown.
// It is not done by the framework, which does all of it among the texts.

// maxShown is how many people are shown in a room for being in its group chat: its members. Others
// are shown when they write something, until they leave.
const maxShown = msn.MaxMembers

// fullRooms are the group chats whose rooms were told that no more people are shown. The zero value is empty.
type fullRooms struct {
	mu   sync.Mutex
	full map[string]bool
}

// firstFull reports whether a room was not told yet that no more people are shown.
func (c *fullRooms) firstFull(group string) bool {
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
	if err := g.account.DB.GroupChange.Put(ctx, g.change(group, m.Sender, m.Kind == database.QueuedLeft, m.Body)); err != nil {
		return false, err
	}
	g.showPeople(group)
	return true, nil
}

func (g *Groups) change(group, account string, left bool, why string) *database.GroupChange {
	return &database.GroupChange{LoginID: g.account.Login.ID, GroupID: group, Account: account, Left: left, Reason: why}
}

// showWaiting shows what an earlier run of the bridge has not shown any more.
func (g *Groups) showWaiting(ctx context.Context, _ *msn.Client) {
	groups, err := g.account.DB.GroupChange.Groups(ctx, g.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read who has left group chats: their rooms show it with the next change")
	}
	for _, group := range groups {
		g.showPeople(group)
	}
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
	if err == nil && stored == "" {
		err = g.account.DB.GroupChange.Forget(ctx, g.account.Login.ID, group)
	}
	if err != nil || stored == "" {
		return err == nil
	}
	all, err := g.account.DB.GroupChange.Get(ctx, g.account.Login.ID, group)
	for _, c := range all {
		failed := g.showChange(ctx, stored, c)
		if failed == nil {
			failed = g.account.DB.GroupChange.Done(ctx, c)
		}
		if failed != nil {
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
func (g *Groups) showChange(ctx context.Context, in id.RoomID, c *database.GroupChange) error {
	if !c.Left && g.absent.of(c.GroupID)[c.Account].left {
		return nil // they have gone again
	}
	ghost, err := g.account.Bridge.GetExistingGhostByID(ctx, g.account.GhostID(c.Account))
	switch {
	case err != nil || ghost == nil: // who was never shown has nothing to leave
	case c.Left:
		err = g.rooms.Exit(ctx, in, ghost, c.Reason)
	default:
		err = g.rooms.Enter(ctx, in, ghost, c.Reason)
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
		back := g.change(group, account, false, "")
		if err := g.showChange(ctx, in, back); err != nil {
			return errors.Join(err, g.account.DB.GroupChange.PutNew(ctx, back)) // perhaps they are invited now
		}
	}
	return nil
}

// sayFull says in the room of a group chat, once, that those who come now are shown no more.
func (g *Groups) sayFull(ctx context.Context, group string) {
	key := g.account.GroupKey(group)
	if stored, err := g.rooms.Stored(ctx, key); err != nil || stored == "" || !g.full.firstFull(group) {
		return
	}
	g.work.Do("full "+group, func(ctx context.Context) {
		stored, err := g.rooms.Stored(ctx, key)
		if err == nil && stored != "" {
			err = g.rooms.Notice(ctx, stored, words.Text("group.more_than_people_have_come_into", maxShown), "")
		}
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that no more people are shown in a group chat")
		}
	})
}
