package bridge

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
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
)

// circleRetry is how long a room that could not be made is waited with.
const circleRetry = time.Minute

// carriesCircles reports whether a session carries what is said in circles.
func carriesCircles(session *msn.Client) bool { return session.Dialect() >= wire.FirstPrefixed }

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
	circle, known := c.findCircle(id)
	if !known {
		return info
	}
	info.Name = ptr.Ptr(circleName(circle))
	info.Members.IsFull = len(circle.Members) > 0
	book := c.nameBook(ctx)
	add := func(account, name string) {
		account, ok := msnid.FromServer(account)
		if !ok || account == c.identity.Account {
			return
		}
		info.Members.MemberMap[c.ghostID(account)] = bridgev2.ChatMember{
			EventSender: c.senderOf(account), UserInfo: c.userInfoAmong(ctx, account, book.with(account, name)),
		}
	}
	for _, account := range circle.Present {
		add(account, "")
	}
	for _, member := range circle.Members {
		if !member.Invited {
			add(member.Account, member.Name)
		}
	}
	info.Members.TotalMemberCount = len(info.Members.MemberMap)
	return info
}

// showCircles brings the rooms of the circles up to date, makes those of new ones, and
// tells of invitations and of circles that the user belongs to no more.
func (h *chores) showCircles(ctx context.Context) {
	c := h.client
	session := c.current()
	if session == nil || !carriesCircles(session) {
		return
	}
	before := c.meta().get().Circles
	now := make(map[string]circleState)
	for _, circle := range session.Circles() {
		was := before[circle.ID]
		switch {
		case !circle.Member:
			if now[circle.ID] = circleInvited; was != circleInvited {
				c.circleInvitation(ctx, circle)
			}
		case was == circleMember || h.makeCircleRoom(ctx, circle):
			now[circle.ID] = circleMember
			h.queue(ctx, &simplevent.ChatInfoChange{
				EventMeta: simplevent.EventMeta{
					Type:      bridgev2.RemoteEventChatInfoChange,
					PortalKey: msnid.MakeCirclePortalKey(c.login.ID, circle.ID),
				},
				ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: c.circleInfo(ctx, circle.ID)},
			})
		case was != "":
			now[circle.ID] = was
		}
	}
	for id, was := range before {
		if now[id] != circleMember && was == circleMember {
			c.circleLost(ctx, id)
		}
	}
	if maps.Equal(before, now) {
		return
	}
	_ = c.remember(ctx, func(kept *loginRecord) { kept.Circles = now })
}

// makeCircleRoom makes the room of a circle. It is tried again later when it fails.
func (h *chores) makeCircleRoom(ctx context.Context, circle msn.Circle) bool {
	c := h.client
	err := c.ensureRoom(ctx, msnid.MakeCirclePortalKey(c.login.ID, circle.ID), func(ctx context.Context) (*bridgev2.ChatInfo, error) {
		return c.circleInfo(ctx, circle.ID), nil
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to make the room of a circle")
		time.AfterFunc(circleRetry, h.recircle)
	}
	return err == nil
}

// circleInvitation tells the user that they are invited into a circle.
func (c *Client) circleInvitation(ctx context.Context, circle msn.Circle) {
	now := time.Now()
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("circle", circle.ID, now.Format(time.RFC3339Nano)),
		ReceivedAt: now,
		Kind:       database.AlertKindSystem,
		Text: "You are invited into the circle " + circleName(circle) + " at " + c.serviceOrUnknown().name +
			". Write !circles to see it; !circles accept, with its number there, lets you in, and !circles decline does not.",
	})
}

// circleLost says in the room of a circle that the user belongs to it no more. Nothing
// depends on that being seen: who writes there is told.
func (c *Client) circleLost(ctx context.Context, id string) {
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
}

// inviteIntoCircle invites a contact into the circle of a room and returns the sentence
// that says what became of it.
func (c *Client) inviteIntoCircle(ctx context.Context, session *msn.Client, id, account string) string {
	name := c.recipient(ctx, account).name
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := session.InviteToCircle(asking, id, account, ""); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Contact was not invited into a circle")
		_, why := explain(err, circleFailures, c.subject(name))
		return why
	}
	return name + " is invited into this circle, and comes in when they accept."
}

// circleOrder is how circles are listed and numbered.
func circleOrder(circles []msn.Circle) []msn.Circle {
	slices.SortFunc(circles, func(a, b msn.Circle) int { return strings.Compare(a.ID, b.ID) })
	return circles
}
