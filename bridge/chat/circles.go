package chat

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Circles are the persistent groups of MSNP18. Each that the user belongs to has a room,
// made when the bridge first sees it, and again by what is said there when the user has
// left it. What the bridge knows of them is kept with the login, so that an invitation
// is told once.

const (
	circleInvited account.CircleState = "invited"
	circleMember  account.CircleState = "member"
	// circleTelling stands before the mark of an invitation that may be told already.
	circleTelling = "telling "
)

// findCircle returns one of the user's circles, as the session knows it.
func (c *Chat) findCircle(id string) (msn.Circle, bool) {
	if session := c.session.Current(); session != nil {
		for _, circle := range session.Circles() {
			if circle.ID == id {
				return circle, true
			}
		}
	}
	return msn.Circle{}, false
}

// CircleInfo describes the room of a circle. Of one that the session does not know, or
// without a session, nothing is told but that the user is there.
func (c *Chat) CircleInfo(ctx context.Context, id string) *bridgev2.ChatInfo {
	c.account.NameSelf(ctx)
	info := &bridgev2.ChatInfo{
		Type: ptr.Ptr(bridgedb.RoomTypeDefault),
		Members: &bridgev2.ChatMemberList{
			MemberMap: bridgev2.ChatMemberMap{c.account.UserID(): {EventSender: c.account.OwnSender()}},
		},
	}
	if circle, known := c.findCircle(id); known {
		c.describe(ctx, circle, info)
	}
	return info
}

// describe adds to the info of a circle's room what the session knows.
func (c *Chat) describe(ctx context.Context, circle msn.Circle, info *bridgev2.ChatInfo) {
	book := c.account.Names(ctx)
	info.Name = ptr.Ptr(c.circleRoomName(ctx, circle, book))
	info.Members.IsFull = circle.Complete
	add := func(account, name string) {
		account, ok := msnid.FromServer(account)
		if !ok || account == c.account.Identity.Account {
			return
		}
		c.people.Roster.Hears(account, name)
		info.Members.MemberMap[c.account.GhostID(account)] = bridgev2.ChatMember{
			EventSender: c.account.SenderOf(account), UserInfo: c.account.UserInfo(account),
		}
	}
	if !circle.Complete {
		for _, account := range circle.Present {
			add(account, "")
		}
	}
	for _, member := range circle.Members {
		if !member.Invited {
			add(member.Account, member.Name)
		}
	}
	info.Members.TotalMemberCount = len(info.Members.MemberMap)
}

// circleRoomName is what the room of a circle is called. One whose name is that of a
// contact or of a room of the bridge's, or looks so, is marked.
func (c *Chat) circleRoomName(ctx context.Context, circle msn.Circle, book *names.Book) string {
	name := names.Circle(circle)
	own := names.Skeleton(name)
	taken := book.Reserved(name) || book.Bearers(name) > 0
	for account := range book.Accounts() {
		taken = taken || own == names.Skeleton(account) || own == names.Skeleton(c.account.MatrixName(ctx, account, book))
	}
	if taken {
		name += " (circle)"
	}
	return name
}

// noteCircle keeps what the user is to a circle, or forgets it: "".
func (c *Chat) noteCircle(ctx context.Context, id string, state account.CircleState) {
	if c.account.Stored().Circles[id] == state {
		return
	}
	_ = c.account.Remember(ctx, func(kept *account.Record) {
		now := maps.Clone(kept.Circles)
		if now == nil {
			now = make(map[string]account.CircleState)
		}
		if now[id] = state; state == "" {
			delete(now, id)
		}
		kept.Circles = now
	})
}

// circleInvitation tells the user that they are invited into a circle, unless it did. was
// is what is kept of it: the mark by which the notice is known is, before it is told, so
// that a crash between the two has it told once all the same.
func (c *Chat) circleInvitation(ctx context.Context, circle msn.Circle, was account.CircleState) {
	if was == circleInvited {
		return
	}
	now := time.Now()
	if !c.people.Notes.AllowCircle(circle.ID, now) {
		return // a flood of them: `!circles` shows those that are left
	}
	mark, begun := strings.CutPrefix(string(was), circleTelling)
	if !begun {
		mark = now.UTC().Format(time.RFC3339Nano)
		c.noteCircle(ctx, circle.ID, account.CircleState(circleTelling+mark))
	}
	c.notices.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("circle", circle.ID, mark),
		ReceivedAt: now,
		Kind:       database.AlertKindSystem,
		Text: "You are invited into the circle " + names.Quoted(names.Circle(circle)) + " at " + c.account.Service.Name +
			". Write !circles to see it; !circles accept, with its number there, lets you in, and !circles decline does not.",
	})
	c.noteCircle(ctx, circle.ID, circleInvited)
}

// circleLost says in the room of a circle that the user belongs to it no more, and reports
// whether that is said, or cannot be.
func (c *Chat) circleLost(ctx context.Context, id string) (told bool) {
	room, err := c.rooms.Stored(ctx, c.account.CircleKey(id))
	if err == nil && room != "" {
		_, err = c.account.Bridge.Bot.SendMessage(ctx, room, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgNotice, Mentions: &event.Mentions{},
			Body: "You do not belong to this circle any more. What was said stays here; nothing new comes.",
		}}, nil)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to tell of a circle that was left")
	}
	return err == nil || errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound)
}

// InviteIntoCircle invites a contact into the circle of a room, with a text unless it is
// "", and returns the sentence that says what became of it.
func (c *Chat) InviteIntoCircle(ctx context.Context, client *msn.Client, id, account, text string) string {
	name := c.account.Person(ctx, account).Name
	circle, known := c.findCircle(id)
	asking, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	if err := client.InviteToCircle(asking, id, account, text); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Contact was not invited into a circle")
		if known && !circle.Admin {
			err = fmt.Errorf("%w: %w", reason.ErrNotAdmin, err)
		}
		why := reason.Of(err, reason.Circle, c.account.About(name)).Sentence
		return why
	}
	with := ""
	if text != "" {
		with = ", with your text"
	}
	return name + " is invited into this circle" + with + ", and comes in when they accept."
}
