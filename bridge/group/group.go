// Package group is group chats: who is in them, how they are made, and who is called in.
package group

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Inbox brings what was said on MSN into Matrix.
type Inbox interface {
	// Put stores the parts of a message at the end of the queue, all or none.
	Put(ctx context.Context, parts ...*database.QueuedMessage)
}

// Names are what people are called.
type Names interface {
	// SaysName shows somebody by the name under which they come or say something.
	SaysName(ctx context.Context, account, name string)
}

// Strangers decides whether there is a room for what people write who are no contacts.
type Strangers interface {
	// Welcome notes a group chat that the user begins: whoever is in it, they want to hear of it.
	Welcome(group string)
}

// Notes are counted, so that nobody fills a room with them.
type Notes interface {
	// AllowMember reports whether there may be another note about who comes and goes in a group
	// chat, and counts it.
	AllowMember(group, account string, now time.Time) bool
}

// Groups are the group chats of a login.
type Groups struct {
	Attendance *Attendance
	Calls      *Calls

	account  *account.Account
	rooms    *room.Rooms
	work     *background.Work
	inbox    Inbox
	names    Names
	notes    Notes
	absent   absences
	coming   gathered[string, absentee] // who does not come, by group
	answered gathered[string, answered] // of whom a command was answered that they do not come, by group
}

// New returns the group chats of a login. work is done while the login is started.
func New(a *account.Account, s *session.Session, rooms *room.Rooms, work *background.Work, inbox Inbox, names Names, strangers Strangers, notes Notes) *Groups {
	g := &Groups{account: a, rooms: rooms, work: work, inbox: inbox, names: names, notes: notes}
	g.Attendance = &Attendance{account: a, rooms: rooms, work: work, absent: &g.absent}
	g.Calls = &Calls{groups: g, account: a, session: s, rooms: rooms, work: work, strangers: strangers, notes: notes}
	return g
}

// Listen has what the session tells handled.
func (g *Groups) Listen(s *session.Session) { session.Listen(s, g, hearing) }

var hearing = session.Hears(
	session.On((*Groups).participantJoined),
	session.On((*Groups).participantLeft),
	session.On((*Groups).callFailed),
	session.On((*Groups).becameGroup),
	session.OnReady((*Groups).clearTopics),
	session.OnReady(func(g *Groups, ctx context.Context, client *msn.Client) { g.Attendance.showWaiting(ctx, client) }),
)

// Conversation returns the conversation of a group chat.
func (g *Groups) Conversation(ctx context.Context, client *msn.Client, group string) (*msn.Conversation, error) {
	members, err := g.account.DB.Group.Get(ctx, g.account.Login.ID, group)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", reason.ErrBridge, err)
	}
	return client.GroupChat(group, members...), nil
}

// NoteMembers stores who belongs to a group chat, and shows those who are new in its
// room.
func (g *Groups) NoteMembers(ctx context.Context, conversation *msn.Conversation) {
	var members []string
	for _, member := range conversation.Members() {
		if account, ok := msnid.FromServer(member); ok {
			members = append(members, account)
		}
	}
	added, err := g.account.DB.Group.Put(ctx, g.account.Login.ID, conversation.Group(), members...)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to store the members of a group chat")
	}
	if len(added) > 0 {
		g.showNewMembers(conversation.Group())
	}
	// Who was there before the user came was told before anybody knew that it is this group chat.
	look := g.absent.firstLook(conversation.Group())
	for _, there := range conversation.Participants() {
		g.isThere(ctx, conversation, there, look)
	}
}

// Shared has the room of a group chat called as it is to be now that others read along there, or do not
// any more.
func (g *Groups) Shared(group string) { g.showNewMembers(group) }

// showNewMembers has the room of a group chat brought up to date with its members.
func (g *Groups) showNewMembers(group string) {
	g.Attendance.showPeople(group)
	g.work.Do("members "+group, func(ctx context.Context) { g.showMembers(ctx, group) })
}

// showMembers brings the room of a group chat up to date with its members.
func (g *Groups) showMembers(ctx context.Context, group string) {
	info, err := g.Info(ctx, group)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chat")
		return
	}
	g.rooms.TryUpdate(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventChatInfoChange,
			PortalKey: g.account.GroupKey(group),
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: info},
	})
}

// participantJoined notes that somebody came into a group chat.
func (g *Groups) participantJoined(ctx context.Context, evt msn.ParticipantJoined) {
	g.names.SaysName(ctx, evt.Account, evt.Name)
	if evt.Conversation.Group() != "" {
		g.NoteMembers(ctx, evt.Conversation)
		g.isThere(ctx, evt.Conversation, evt.Account, true)
		if !slices.Contains(evt.Conversation.Members(), evt.Account) {
			g.Attendance.sayFull(ctx, evt.Conversation.Group())
		}
	}
}

// participantLeft has somebody leave the room of a group chat who has left the conversation. Who is
// gone because nothing was said any more is called in again by the next message.
func (g *Groups) participantLeft(ctx context.Context, evt msn.ParticipantLeft) {
	if evt.Idle || evt.Conversation.Group() == "" {
		return
	}
	counted := evt.Conversation.Group()
	if slices.Contains(evt.Conversation.Members(), evt.Account) {
		g.isAbsent(evt.Conversation, evt.Account, absence{left: true, why: "group.who.has_left"})
	} else {
		counted += " others" // however many they are, members are seen to leave
	}
	g.noteLeft(ctx, evt.Conversation, evt.Account, counted)
}

// noteLeft has a member leave the room of a group chat behind what they have said, if there is a room
// already, and those who are counted together do not come and go all the time.
func (g *Groups) noteLeft(ctx context.Context, conversation *msn.Conversation, member, counted string) {
	account, ok := msnid.FromServer(member)
	if !ok {
		return
	}
	key := g.account.GroupKey(conversation.Group())
	if room, err := g.rooms.Stored(ctx, key); err != nil || room == "" {
		return // nobody there to read it; an error shows with the next message
	}
	if at := time.Now(); g.notes.AllowMember(counted, account, at) {
		g.put(ctx, key.ID, account, database.QueuedLeft, hasLeft, at)
	}
}

// put has something shown behind what was said in a room before.
func (g *Groups) put(ctx context.Context, portal networkid.PortalID, account string, kind database.QueuedKind, body string, at time.Time) {
	g.inbox.Put(ctx, &database.QueuedMessage{
		LoginID:   g.account.Login.ID,
		MessageID: msnid.MakeNoticeMessageID("note", account, body, at.Format(time.RFC3339Nano)),
		PortalID:  portal,
		Sender:    account,
		At:        at,
		Body:      body,
		Kind:      kind,
	})
}

// makeRoom makes the room of a group chat, if there is none.
func (g *Groups) makeRoom(ctx context.Context, key networkid.PortalKey) error {
	_, err := g.rooms.Ensure(ctx, key, func(ctx context.Context) (*bridgev2.ChatInfo, error) {
		group, _ := msnid.ParseGroupPortalID(key.ID)
		return g.Info(ctx, group)
	})
	if group, ok := msnid.ParseGroupPortalID(key.ID); ok && err == nil {
		g.Attendance.showPeople(group)
	}
	return err
}

// Info describes the room of a group chat.
func (g *Groups) Info(ctx context.Context, group string) (*bridgev2.ChatInfo, error) {
	g.account.NameSelf(ctx)
	members, err := g.account.DB.Group.Get(ctx, g.account.Login.ID, group)
	if err != nil {
		return nil, fmt.Errorf("failed to read the members of a group chat: %w", err)
	}
	ctx = g.account.InRoom(ctx, g.account.GroupKey(group))
	info := &bridgev2.ChatInfo{
		Type:    ptr.Ptr(bridgedb.RoomTypeGroupDM),
		Members: g.memberList(members),
		Topic:   ptr.Ptr(g.topic(ctx, group)),
	}
	// Asked of the database: the framework's own copy changes under its hands.
	portal, err := g.account.Bridge.DB.Portal.GetByKey(ctx, g.account.GroupKey(group))
	if err != nil {
		return nil, fmt.Errorf("failed to read the room of a group chat: %w", err)
	}
	if portal != nil && portal.Metadata.(*account.PortalMetadata).Named {
		return info, nil
	}
	book := g.account.Names(ctx)
	called := make([]string, 0, len(members))
	for _, account := range members {
		called = append(called, g.account.MatrixName(ctx, account, book))
	}
	info.Name = ptr.Ptr(names.Cut(strings.Join(called, ", "), maxGroupName))
	return info, nil
}

// maxGroupName is the longest name of the room of a group chat in characters.
const maxGroupName = 120

// memberList describes who is in the room of a group chat when it is made for the user: the members come
// beside that, see showPeople.
func (g *Groups) memberList(members []string) *bridgev2.ChatMemberList {
	return &bridgev2.ChatMemberList{
		TotalMemberCount: len(members) + 1,
		MemberMap:        bridgev2.ChatMemberMap{g.account.UserID(): {EventSender: g.account.OwnSender()}},
	}
}

// StillTogether says that somebody who was blocked still hears the user, or "" when they do not:
// a conversation of several people goes on.
func (g *Groups) StillTogether(ctx context.Context, client *msn.Client, account string) string {
	groups, err := g.account.DB.Group.With(ctx, g.account.Login.ID, account)
	if err != nil { // it is said less
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chats")
	}
	for _, group := range groups {
		conversation, err := g.Conversation(ctx, client, group)
		if err == nil && slices.Contains(conversation.Participants(), account) {
			return words.Text("group.you_are_still_together_in_a")
		}
	}
	return ""
}
