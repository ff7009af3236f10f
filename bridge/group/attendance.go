package group

import (
	"context"
	"errors"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Who is in a group chat is shown in its room beside the texts, by one work for each group that looks
// what is to be seen now: no text waits for it, and of who has come and gone meanwhile nothing is shown.
// It is not done by the framework, which does all of it among the texts.

// Attendance is who is in the group chats of a login, as their rooms show it.
type Attendance struct {
	account *account.Account
	rooms   *room.Rooms
	work    *background.Work
	absent  *absences
	full    fullRooms
}

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
func (a *Attendance) ShowMembership(ctx context.Context, m *database.QueuedMessage) (shown bool, err error) {
	group, ok := msnid.ParseGroupPortalID(m.PortalID)
	if !ok {
		return true, nil
	}
	if err := a.account.DB.GroupChange.Put(ctx, a.change(group, m.Sender, m.Kind == database.QueuedLeft, m.Body)); err != nil {
		return false, err
	}
	a.showPeople(group)
	return true, nil
}

func (a *Attendance) change(group, account string, left bool, why string) *database.GroupChange {
	return &database.GroupChange{LoginID: a.account.Login.ID, GroupID: group, Account: account, Left: left, Reason: why}
}

// showWaiting shows what an earlier run of the bridge has not shown any more.
func (a *Attendance) showWaiting(ctx context.Context, _ *msn.Client) {
	groups, err := a.account.DB.GroupChange.Groups(ctx, a.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read who has left group chats: their rooms show it with the next change")
	}
	for _, group := range groups {
		a.showPeople(group)
	}
}

// MembershipRoom returns the room in which ShowMembership shows a message.
func (a *Attendance) MembershipRoom(ctx context.Context, m *database.QueuedMessage) (room id.RoomID, elsewhere bool, err error) {
	room, err = a.rooms.Stored(ctx, a.account.KeyOf(m.PortalID))
	return room, true, err
}

// RoomMade has the people of a group chat shown in its room, which was made for a message.
func (a *Attendance) RoomMade(m *database.QueuedMessage) {
	if group, ok := msnid.ParseGroupPortalID(m.PortalID); ok {
		a.showPeople(group)
	}
}

// showPeople has the room of a group chat show who is in it.
func (a *Attendance) showPeople(group string) {
	a.work.Try("people "+group, func(ctx context.Context) bool { return a.showAll(ctx, group) })
}

// showAll shows who is in a group chat, and reports whether nothing is left to be shown.
func (a *Attendance) showAll(ctx context.Context, group string) (done bool) {
	stored, err := a.rooms.Stored(ctx, a.account.GroupKey(group))
	if err == nil && stored == "" {
		err = a.account.DB.GroupChange.Forget(ctx, a.account.Login.ID, group)
	}
	if err != nil || stored == "" {
		return err == nil
	}
	all, err := a.account.DB.GroupChange.Get(ctx, a.account.Login.ID, group)
	for _, c := range all {
		failed := a.showChange(ctx, stored, c)
		if failed == nil {
			failed = a.account.DB.GroupChange.Done(ctx, c)
		}
		if failed != nil {
			err = failed
		}
	}
	if err == nil {
		err = a.showMissingMembers(ctx, group, stored)
	}
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to show who is in a group chat")
	}
	return err == nil
}

// showChange has somebody leave a room or come back. What the homeserver refuses is not tried again.
func (a *Attendance) showChange(ctx context.Context, in id.RoomID, c *database.GroupChange) error {
	if !c.Left && a.absent.of(c.GroupID)[c.Account].left {
		return nil // they have gone again
	}
	ghost, err := a.account.Bridge.GetExistingGhostByID(ctx, a.account.GhostID(c.Account))
	switch {
	case err != nil || ghost == nil: // who was never shown has nothing to leave
	case c.Left:
		err = a.rooms.Exit(ctx, in, ghost, c.Reason)
	default:
		err = a.rooms.Enter(ctx, in, ghost, c.Reason)
	}
	if room.IsRefusal(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("The homeserver does not let a member of a group chat come or go")
		return nil
	}
	return err
}

// showMissingMembers brings the ghosts of members into a room that have never been there. Who has left it
// comes back by a change, also when an earlier run of the bridge has shown that.
func (a *Attendance) showMissingMembers(ctx context.Context, group string, in id.RoomID) error {
	own, err := a.rooms.Membership(ctx, in)
	if err != nil || room.HasLeft(own) {
		return err // the user comes back to what is said, and not to who is there
	}
	members, err := a.account.DB.Group.Get(ctx, a.account.Login.ID, group)
	if err != nil {
		return err
	}
	there, err := a.account.Bridge.Matrix.GetMembers(ctx, in)
	if err != nil {
		return err
	}
	for _, account := range members[:min(len(members), maxShown)] {
		if a.absent.of(group)[account].left { // asked for each: who is next may have gone meanwhile
			continue
		}
		if known := there[a.account.Bridge.Matrix.GhostIntent(a.account.GhostID(account)).GetMXID()]; known != nil && known.Membership != "" {
			continue // also who is invited: it is seen then whether they come
		}
		ghost, err := a.account.Bridge.GetGhostByID(ctx, a.account.GhostID(account))
		if err != nil {
			return err
		}
		if err := a.rooms.Describe(ctx, a.account.GroupKey(group), ghost, a.account.UserInfo(account)); err != nil {
			return err
		}
		back := a.change(group, account, false, "")
		if err := a.showChange(ctx, in, back); err != nil {
			return errors.Join(err, a.account.DB.GroupChange.PutNew(ctx, back)) // perhaps they are invited now
		}
	}
	return nil
}

// sayFull says in the room of a group chat, once, that those who come now are shown no more.
func (a *Attendance) sayFull(ctx context.Context, group string) {
	key := a.account.GroupKey(group)
	if stored, err := a.rooms.Stored(ctx, key); err != nil || stored == "" || !a.full.firstFull(group) {
		return
	}
	a.work.Do("full "+group, func(ctx context.Context) {
		stored, err := a.rooms.Stored(ctx, key)
		if err == nil && stored != "" {
			err = a.rooms.Notice(ctx, stored, words.Text("group.more_than_people_have_come_into", maxShown), "")
		}
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that no more people are shown in a group chat")
		}
	})
}

// hasLeft reports whether somebody has left the room of a group chat.
func (a *Attendance) hasLeft(ctx context.Context, group, account string) bool {
	stored, err := a.rooms.Stored(ctx, a.account.GroupKey(group))
	if err != nil || stored == "" {
		return false
	}
	member, err := a.account.Bridge.Matrix.GetMemberInfo(ctx, stored, a.account.Bridge.Matrix.GhostIntent(a.account.GhostID(account)).GetMXID())
	return err == nil && member != nil && member.Membership == event.MembershipLeave
}
