package bridge

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
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Circles are the persistent groups of MSNP18. Each that the user belongs to has a room,
// made when the bridge first sees it, and again by what is said there when the user has
// left it. What the bridge knows of them is kept with the login, so that an invitation
// is told once.

// circleState is what the user is to a circle, as it is kept.
type circleState string

const (
	circleInvited circleState = "invited"
	circleMember  circleState = "member"
	// circleTelling stands before the mark of an invitation that may be told already.
	circleTelling = "telling "
)

// circleName is what a circle is called.
func circleName(circle msn.Circle) string {
	if name := cleanName(circle.Name); name != "" {
		return name
	}
	return "Circle " + circle.ID
}

// findCircle returns one of the user's circles, as the session knows it.
func (c *Client) findCircle(id string) (msn.Circle, bool) {
	if session := c.current(); session != nil {
		for _, circle := range session.Circles() {
			if circle.ID == id {
				return circle, true
			}
		}
	}
	return msn.Circle{}, false
}

// circleInfo describes the room of a circle. Of one that the session does not know, or
// without a session, nothing is told but that the user is there.
func (c *Client) circleInfo(ctx context.Context, id string) *bridgev2.ChatInfo {
	info := &bridgev2.ChatInfo{
		Type: ptr.Ptr(bridgedb.RoomTypeDefault),
		Members: &bridgev2.ChatMemberList{
			MemberMap: bridgev2.ChatMemberMap{c.GetUserID(): {EventSender: c.ownSender()}},
		},
	}
	if circle, known := c.findCircle(id); known {
		c.describe(ctx, circle, info)
	}
	return info
}

// describe adds to the info of a circle's room what the session knows.
func (c *Client) describe(ctx context.Context, circle msn.Circle, info *bridgev2.ChatInfo) {
	book := c.nameBook(ctx)
	info.Name = ptr.Ptr(c.circleRoomName(ctx, circle, book))
	info.Members.IsFull = circle.Complete
	var accounts []string
	add := func(account, name string) {
		if account, ok := msnid.FromServer(account); ok && account != c.identity.Account {
			accounts, book = append(accounts, account), book.with(account, name)
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
	// When the book has everybody's name: who comes first has it no more than others.
	for _, account := range accounts {
		info.Members.MemberMap[c.ghostID(account)] = bridgev2.ChatMember{
			EventSender: c.senderOf(account), UserInfo: c.userInfoAmong(ctx, account, book),
		}
	}
	info.Members.TotalMemberCount = len(info.Members.MemberMap)
}

// circleRoomName is what the room of a circle is called. One whose name is that of a
// contact or of a room of the bridge's, or looks so, is marked.
func (c *Client) circleRoomName(ctx context.Context, circle msn.Circle, book nameBook) string {
	name := circleName(circle)
	own := look(name)
	taken := c.isReserved(own) || book.looks[own] > 0
	for account := range book.names {
		taken = taken || own == look(account) || own == look(c.nameAmong(ctx, account, book))
	}
	if taken {
		name += " (circle)"
	}
	return name
}

// quoted puts a name that somebody chose among the bridge's own words: so that its end is
// seen, and that nothing in it becomes a link.
func quoted(name string) string { return "“" + unlinked.Replace(name) + "”" }

// unlinked breaks addresses by a character that is not seen.
var unlinked = strings.NewReplacer("“", `"`, "”", `"`,
	".", ".\u2060", ":", ":\u2060", "/", "/\u2060", "@", "@\u2060", "#", "#\u2060")

// circles keeps the rooms of the circles as the service has them. It has a goroutine of
// its own, because a homeserver can take minutes for a room.
type circles struct {
	client *Client
	again  chan struct{} // one token: circles are others than before
	// show does what is to be done, and reports whether nothing is left of it.
	show func(context.Context) bool
	// after starts the timer of the next attempt.
	after func(time.Duration) (fires <-chan time.Time, stop func() bool)
}

func newCircles(c *Client) *circles {
	r := &circles{client: c, again: make(chan struct{}, 1), after: func(d time.Duration) (<-chan time.Time, func() bool) {
		timer := time.NewTimer(d)
		return timer.C, timer.Stop
	}}
	r.show = r.showAll
	return r
}

// look has the circles looked at again.
func (r *circles) look() {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

// run keeps the rooms until ctx ends. What fails is tried again, less and less often, and
// when circles change.
func (r *circles) run(ctx context.Context) {
	waits := newWaits()
	var fires <-chan time.Time
	stop := func() bool { return true }
	defer func() { stop() }()
	for {
		select {
		case <-r.again:
		case <-fires:
		case <-ctx.Done():
			return
		}
		stop()
		if fires = nil; r.show(ctx) {
			waits.Reset()
		} else {
			fires, stop = r.after(waits.NextBackOff())
		}
	}
}

// showAll brings the rooms of the circles up to date, tells of invitations and of circles
// that the user belongs to no more, and makes the rooms of new ones, which can take long.
// It reports whether all of that worked.
func (r *circles) showAll(ctx context.Context) (done bool) {
	c := r.client
	session := c.current()
	if session == nil || !session.CarriesCircles() {
		return true // the next session tells again
	}
	before := c.meta().get().Circles
	list := session.Circles()
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
		if was := c.meta().get().Circles[circle.ID]; !circle.Member && was != circleMember {
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
	c := r.client
	handled := make(chan struct{})
	queued := c.chores.queue(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:           bridgev2.RemoteEventChatInfoChange,
			PortalKey:      msnid.MakeCirclePortalKey(c.login.ID, id),
			PostHandleFunc: func(context.Context, *bridgev2.Portal) { close(handled) },
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: c.circleInfo(ctx, id)},
	})
	if !queued {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	select {
	case <-handled:
	case <-ctx.Done():
	}
}

// makeRoom makes the room of a circle, and reports whether there is one.
func (r *circles) makeRoom(ctx context.Context, id string) bool {
	c := r.client
	if ctx.Err() != nil {
		return false
	}
	making, cancel := settling(ctx)
	defer cancel()
	err := c.ensureRoom(making, msnid.MakeCirclePortalKey(c.login.ID, id), func(ctx context.Context) (*bridgev2.ChatInfo, error) {
		return c.circleInfo(ctx, id), nil
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to make the room of a circle")
	}
	return err == nil
}

// noteCircle keeps what the user is to a circle, or forgets it: "".
func (c *Client) noteCircle(ctx context.Context, id string, state circleState) {
	if c.meta().get().Circles[id] == state {
		return
	}
	_ = c.remember(ctx, func(kept *loginRecord) {
		now := maps.Clone(kept.Circles)
		if now == nil {
			now = make(map[string]circleState)
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
func (c *Client) circleInvitation(ctx context.Context, circle msn.Circle, was circleState) {
	if was == circleInvited {
		return
	}
	now := time.Now()
	if !c.notes.allow("circle invitations", circle.ID, now) {
		return // a flood of them: `!circles` shows those that are left
	}
	mark, begun := strings.CutPrefix(string(was), circleTelling)
	if !begun {
		mark = now.UTC().Format(time.RFC3339Nano)
		c.noteCircle(ctx, circle.ID, circleState(circleTelling+mark))
	}
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("circle", circle.ID, mark),
		ReceivedAt: now,
		Kind:       database.AlertKindSystem,
		Text: "You are invited into the circle " + quoted(circleName(circle)) + " at " + c.serviceOrUnknown().name +
			". Write !circles to see it; !circles accept, with its number there, lets you in, and !circles decline does not.",
	})
	c.noteCircle(ctx, circle.ID, circleInvited)
}

// circleLost says in the room of a circle that the user belongs to it no more, and reports
// whether that is said, or cannot be.
func (c *Client) circleLost(ctx context.Context, id string) (told bool) {
	room, err := c.storedRoom(ctx, msnid.MakeCirclePortalKey(c.login.ID, id))
	if err == nil && room != "" {
		_, err = c.connector.br.Bot.SendMessage(ctx, room, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgNotice, Mentions: &event.Mentions{},
			Body: "You do not belong to this circle any more. What was said stays here; nothing new comes.",
		}}, nil)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to tell of a circle that was left")
	}
	return err == nil || errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound)
}

// inviteIntoCircle invites a contact into the circle of a room, with a text unless it is
// "", and returns the sentence that says what became of it.
func (c *Client) inviteIntoCircle(ctx context.Context, session *msn.Client, id, account, text string) string {
	name := c.recipient(ctx, account).name
	circle, known := c.findCircle(id)
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := session.InviteToCircle(asking, id, account, text); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Contact was not invited into a circle")
		if known && !circle.Admin && errors.Is(err, msn.ErrBusy) {
			return fmt.Sprintf("%s was not invited: only the administrators of a circle can invite, and you are none of this one.", name)
		}
		_, why := explain(err, circleFailures, c.subject(name))
		return why
	}
	with := ""
	if text != "" {
		with = ", with your text"
	}
	return name + " is invited into this circle" + with + ", and comes in when they accept."
}
