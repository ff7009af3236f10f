// Package circle is the circles of MSNP18: persistent groups, each of which has a room when the
// user belongs to it. It is made when the bridge first sees the circle, and again by what is said
// there when the user has left it. What the bridge knows of them is kept with the login, so that an
// invitation is told once.
package circle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/exsync"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/icon"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

const (
	invited account.CircleState = "invited"
	member  account.CircleState = "member"
	// telling stands before the mark of an invitation that may be told already.
	telling = "telling "
)

// Names are what people are called.
type Names interface {
	// Hears notes what somebody is called where they are shown anyway.
	Hears(account, name string)
}

// Notes are counted, so that nobody fills a room with them.
type Notes interface {
	// AllowCircle reports whether there may be another note about an invitation into a circle,
	// and counts it.
	AllowCircle(circle string, now time.Time) bool
}

// Notices are shown among the alerts.
type Notices interface {
	Notice(context.Context, database.Alert)
}

// Circles keeps the rooms of the circles of a login as the service has them. What fails is tried
// again, less and less often, and when circles change.
type Circles struct {
	account *account.Account
	session *session.Session
	rooms   *room.Rooms
	work    *background.Work
	names   Names
	notes   Notes
	notices Notices
	// leaving are the circles, by their IDs, that the user leaves by a command, until the service does not name them any
	// more: nothing is shown or told of them meanwhile.
	leaving sync.Map
	// noting is held by who notes that the user belongs to a circle, or begins to leave one.
	noting sync.Mutex
	// answering is held, by the ID of a circle, by who answers an order.
	answering exsync.KeyedMutex[string]
	// show does what is to be done, and reports whether nothing is left of it.
	show func(context.Context) bool
}

// New returns the circles of a login. work is done while the login is started.
func New(a *account.Account, s *session.Session, rooms *room.Rooms, work *background.Work, names Names, notes Notes, notices Notices) *Circles {
	c := &Circles{account: a, session: s, rooms: rooms, work: work, names: names, notes: notes, notices: notices}
	c.show = c.showAll
	return c
}

// Listen has what the session tells handled.
func (c *Circles) Listen(s *session.Session) { session.Listen(s, c, hearing) }

var hearing = session.Hears(
	session.OnReady(func(c *Circles, _ context.Context, client *msn.Client) {
		if client.CarriesCircles() { // else there is nothing to be told of them
			c.look()
		}
	}),
	session.On(func(c *Circles, _ context.Context, _ msn.CirclesChanged) { c.look() }),
)

// find returns one of the user's circles, as the session knows it.
func (c *Circles) find(id string) (msn.Circle, bool) {
	if session := c.session.Current(); session != nil {
		for _, circle := range session.Circles() {
			if circle.ID == id {
				return circle, true
			}
		}
	}
	return msn.Circle{}, false
}

// Info describes the room of a circle. Of one that the session does not know, or
// without a session, nothing is told but that the user is there.
func (c *Circles) Info(ctx context.Context, id string) *bridgev2.ChatInfo {
	c.account.NameSelf(ctx)
	info := &bridgev2.ChatInfo{
		Type:   ptr.Ptr(bridgedb.RoomTypeDefault),
		Avatar: c.account.Icons.Avatar(icon.Circle),
		Members: &bridgev2.ChatMemberList{
			MemberMap: bridgev2.ChatMemberMap{c.account.UserID(): {EventSender: c.account.OwnSender()}},
		},
	}
	if circle, known := c.find(id); known {
		c.describe(ctx, circle, info)
	}
	return info
}

// describe adds to the info of a circle's room what the session knows.
func (c *Circles) describe(ctx context.Context, circle msn.Circle, info *bridgev2.ChatInfo) {
	book := c.account.Names(ctx)
	info.Name = ptr.Ptr(c.roomName(ctx, circle, book))
	info.Members.IsFull = circle.Complete
	add := func(account, name string) {
		account, ok := msnid.FromServer(account)
		if !ok || account == c.account.Identity.Account {
			return
		}
		c.names.Hears(account, name)
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

// roomName is what the room of a circle is called. One whose name is that of a
// contact or of a room of the bridge's, or looks so, is marked.
func (c *Circles) roomName(ctx context.Context, circle msn.Circle, book *names.Book) string {
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

// noteMember notes that the user belongs to a circle, unless they are leaving it.
func (c *Circles) noteMember(ctx context.Context, id string) {
	c.noting.Lock()
	defer c.noting.Unlock()
	if _, leaves := c.leaving.Load(id); !leaves {
		c.note(ctx, id, member)
	}
}

// noteLeaving notes that the user leaves a circle by a command, of which they need not be told in its room.
func (c *Circles) noteLeaving(ctx context.Context, id string) {
	c.noting.Lock()
	defer c.noting.Unlock()
	c.leaving.Store(id, nil)
	c.note(ctx, id, "")
}

// note keeps what the user is to a circle, or forgets it: "".
func (c *Circles) note(ctx context.Context, id string, state account.CircleState) {
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

// tellInvitation tells the user that they are invited into a circle, unless it did. was
// is what is kept of it: the mark by which the notice is known is, before it is told, so
// that a crash between the two has it told once all the same.
func (c *Circles) tellInvitation(ctx context.Context, circle msn.Circle, was account.CircleState) {
	if was == invited {
		return
	}
	now := time.Now()
	if !c.notes.AllowCircle(circle.ID, now) {
		return // a flood of them: `!circles` shows those that are left
	}
	mark, begun := strings.CutPrefix(string(was), telling)
	if !begun {
		mark = now.UTC().Format(time.RFC3339Nano)
		c.note(ctx, circle.ID, account.CircleState(telling+mark))
	}
	c.notices.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("circle", circle.ID, mark),
		ReceivedAt: now,
		Kind:       database.AlertKindSystem,
		Text:       words.Text("circle.you_are_invited_into_the_circle", names.Quoted(names.Circle(circle)), c.account.Service.Name),
	})
	c.note(ctx, circle.ID, invited)
}

// tellLost says in the room of a circle that the user belongs to it no more, and reports
// whether that is said, or cannot be.
func (c *Circles) tellLost(ctx context.Context, id string) (told bool) {
	room, err := c.rooms.Stored(ctx, c.account.CircleKey(id))
	if err == nil && room != "" {
		_, err = c.account.Bridge.Bot.SendMessage(ctx, room, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgNotice, Mentions: &event.Mentions{},
			Body: words.Text("circle.you_do_not_belong_to_this"),
		}}, nil)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to tell of a circle that was left")
	}
	return err == nil || errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound)
}

// Invite invites a contact into the circle of a room, with a text unless it is
// "", and returns the sentence that says what became of it.
func (c *Circles) Invite(ctx context.Context, client *msn.Client, id, account, text string) string {
	name := c.account.Person(ctx, account).Name
	circle, known := c.find(id)
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
	if text != "" {
		return words.Text("circle.invited_with_text", name)
	}
	return words.Text("circle.invited", name)
}
