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
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
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
	account   *account.Account
	session   *session.Session
	rooms     *room.Rooms
	work      *background.Work
	inbox     Inbox
	names     Names
	strangers Strangers
	notes     Notes
}

// New returns the group chats of a login. work is done while the login is started.
func New(a *account.Account, s *session.Session, rooms *room.Rooms, work *background.Work, inbox Inbox, names Names, strangers Strangers, notes Notes) *Groups {
	return &Groups{account: a, session: s, rooms: rooms, work: work, inbox: inbox, names: names, strangers: strangers, notes: notes}
}

// Listen has what the session tells handled.
func (c *Groups) Listen(s *session.Session) {
	session.On(s, c.participantJoined)
	session.On(s, c.participantLeft)
	session.On(s, c.callFailed)
}

// Conversation returns the conversation of a group chat.
func (c *Groups) Conversation(ctx context.Context, client *msn.Client, group string) (*msn.Conversation, error) {
	members, err := c.account.DB.Group.Get(ctx, c.account.Login.ID, group)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", reason.ErrBridge, err)
	}
	return client.GroupChat(group, members...), nil
}

// NoteMembers stores who belongs to a group chat, and shows those who are new in its
// room.
func (c *Groups) NoteMembers(ctx context.Context, conversation *msn.Conversation) {
	var members []string
	for _, member := range conversation.Members() {
		if account, ok := msnid.FromServer(member); ok {
			members = append(members, account)
		}
	}
	added, err := c.account.DB.Group.Put(ctx, c.account.Login.ID, conversation.Group(), members...)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to store the members of a group chat")
	}
	if len(added) > 0 {
		c.showNewMembers(conversation.Group())
	}
}

// showNewMembers has the room of a group chat brought up to date with its members.
func (c *Groups) showNewMembers(group string) {
	c.work.Do("members "+group, func(ctx context.Context) { c.showMembers(ctx, group) })
}

// showMembers brings the room of a group chat up to date with its members.
func (c *Groups) showMembers(ctx context.Context, group string) {
	info, err := c.Info(ctx, group)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chat")
		return
	}
	c.rooms.TryUpdate(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventChatInfoChange,
			PortalKey: c.account.GroupKey(group),
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: info},
	})
}

// participantJoined notes that somebody came into a group chat.
func (c *Groups) participantJoined(ctx context.Context, evt msn.ParticipantJoined) {
	c.names.SaysName(ctx, evt.Account, evt.Name)
	if evt.Conversation.Group() != "" {
		c.NoteMembers(ctx, evt.Conversation)
	}
}

// participantLeft says in the room of a group chat that somebody has left. Who is gone
// because nothing was said any more is called in again by the next message.
func (c *Groups) participantLeft(ctx context.Context, evt msn.ParticipantLeft) {
	if !evt.Idle {
		c.note(ctx, evt.Conversation, evt.Account, func(name string) string { return name + " has left the conversation." })
	}
}

// callFailed says in the room of a group chat that somebody does not hear what is said.
func (c *Groups) callFailed(ctx context.Context, evt msn.CallFailed) {
	zerolog.Ctx(ctx).Info().Err(evt.Err).Msg("A member of a group chat does not come")
	c.note(ctx, evt.Conversation, evt.Account, func(name string) string {
		why := reason.Of(evt.Err, reason.Call, c.account.About(name)).Sentence
		return why
	})
}

// note puts a note about a member into the room of a group chat, if there is a
// room already. say makes it of the member's name.
func (c *Groups) note(ctx context.Context, conversation *msn.Conversation, member string, say func(name string) string) {
	account, ok := msnid.FromServer(member)
	if !ok || conversation.Group() == "" {
		return
	}
	key := c.account.GroupKey(conversation.Group())
	if room, err := c.rooms.Stored(ctx, key); err != nil || room == "" {
		return // nobody there to read it; an error shows with the next message
	}
	at := time.Now()
	if !c.notes.AllowMember(conversation.Group(), account, at) {
		return
	}
	body := say(c.account.Person(ctx, account).Name)
	c.inbox.Put(ctx, &database.QueuedMessage{
		LoginID:   c.account.Login.ID,
		MessageID: msnid.MakeNoticeMessageID("note", account, body, at.Format(time.RFC3339Nano)),
		PortalID:  key.ID,
		Sender:    account,
		At:        at,
		Body:      body,
		Kind:      database.QueuedNote,
	})
}

// Info describes the room of a group chat.
func (c *Groups) Info(ctx context.Context, group string) (*bridgev2.ChatInfo, error) {
	c.account.NameSelf(ctx)
	members, err := c.account.DB.Group.Get(ctx, c.account.Login.ID, group)
	if err != nil {
		return nil, fmt.Errorf("failed to read the members of a group chat: %w", err)
	}
	info := &bridgev2.ChatInfo{
		Type:    ptr.Ptr(bridgedb.RoomTypeGroupDM),
		Members: c.memberList(members),
	}
	// Asked of the database: the framework's own copy changes under its hands.
	portal, err := c.account.Bridge.DB.Portal.GetByKey(ctx, c.account.GroupKey(group))
	if err != nil {
		return nil, fmt.Errorf("failed to read the room of a group chat: %w", err)
	}
	if portal != nil && portal.Metadata.(*account.PortalMetadata).Named {
		return info, nil
	}
	book := c.account.Names(ctx)
	called := make([]string, 0, len(members))
	for _, account := range members {
		called = append(called, c.account.MatrixName(ctx, account, book))
	}
	info.Name = ptr.Ptr(names.Cut(strings.Join(called, ", "), maxGroupName))
	return info, nil
}

// maxGroupName is the longest name of the room of a group chat in characters.
const maxGroupName = 120

func (c *Groups) memberList(members []string) *bridgev2.ChatMemberList {
	list := &bridgev2.ChatMemberList{
		IsFull:           true,
		TotalMemberCount: len(members) + 1,
		MemberMap:        bridgev2.ChatMemberMap{c.account.UserID(): {EventSender: c.account.OwnSender()}},
	}
	for _, account := range members {
		list.MemberMap[c.account.GhostID(account)] = bridgev2.ChatMember{
			EventSender: c.account.SenderOf(account), UserInfo: c.account.UserInfo(account),
		}
	}
	return list
}

// Create makes a group chat. Its members are called with the first message. The error
// is fit to be shown to the user.
func (c *Groups) Create(ctx context.Context, params *bridgev2.GroupCreateParams) (*bridgev2.CreateChatResponse, error) {
	made, err := c.create(ctx, params)
	if err == nil {
		return made, nil
	}
	return nil, c.account.Cannot(ctx, fmt.Errorf("%w: %w", reason.ErrGroup, err), reason.Request, "")
}

func (c *Groups) create(ctx context.Context, params *bridgev2.GroupCreateParams) (*bridgev2.CreateChatResponse, error) {
	var members []string
	for _, user := range params.Participants {
		identity, ok := msnid.ParseUserID(user)
		if !ok || identity.Service != c.account.Identity.Service {
			return nil, fmt.Errorf("%w: %q", reason.ErrStranger, user)
		}
		if identity.Account != c.account.Identity.Account && !slices.Contains(members, identity.Account) {
			members = append(members, identity.Account)
		}
	}
	switch {
	case len(members) == 0:
		return nil, reason.ErrNoMembers
	case len(members) > msn.MaxMembers:
		return nil, reason.ErrManyMembers
	}
	key, err := c.make(ctx, members)
	if err != nil {
		return nil, err
	}
	group, _ := msnid.ParseGroupPortalID(key.ID)
	info, err := c.Info(ctx, group)
	if err != nil {
		return nil, err
	}
	if params.Name != nil && params.Name.Name != "" {
		info.Name = ptr.Ptr(params.Name.Name)
		info.ExtraUpdates = func(_ context.Context, portal *bridgev2.Portal) bool {
			portal.Metadata.(*account.PortalMetadata).Named = true
			return true
		}
	}
	made := &bridgev2.CreateChatResponse{PortalKey: key, PortalInfo: info}
	if params.RoomID != "" {
		made.Portal, err = c.takeRoom(ctx, key, params.RoomID, info)
	}
	return made, err
}

// takeRoom makes a room that the user has made that of a group chat. Its name is theirs.
func (c *Groups) takeRoom(ctx context.Context, key networkid.PortalKey, room id.RoomID, info *bridgev2.ChatInfo) (*bridgev2.Portal, error) {
	portal, err := c.account.Bridge.GetPortalByKey(ctx, key)
	if err != nil {
		return nil, err
	}
	// Its members come after the command was answered.
	return portal, portal.UpdateMatrixRoomID(context.WithoutCancel(ctx), room, bridgev2.UpdateMatrixRoomIDParams{
		FailIfMXIDSet:  true,
		SyncDBMetadata: func() { portal.Name, portal.NameSet, portal.RoomType = *info.Name, true, *info.Type },
		ChatInfo:       info,
		ChatInfoSource: c.account.Login,
	})
}

// make stores a new group chat with these members.
func (c *Groups) make(ctx context.Context, members []string) (networkid.PortalKey, error) {
	group := msn.NewMachineGUID()
	if _, err := c.account.DB.Group.Put(ctx, c.account.Login.ID, group, members...); err != nil {
		return networkid.PortalKey{}, fmt.Errorf("failed to store the group chat: %w", err)
	}
	c.strangers.Welcome(group)
	if client := c.session.Current(); client != nil {
		client.GroupChat(group, members...)
	}
	return c.account.GroupKey(group), nil
}

// CallInto calls a contact into the conversation of a room, and returns the sentence
// that says what came of it. The room of one contact stays theirs: then a group chat
// of the two is made.
func (c *Groups) CallInto(ctx context.Context, client *msn.Client, room msnid.Peer, account string) string {
	name := c.account.Person(ctx, account).Name
	if room.Group == "" {
		return c.start(ctx, room.Account, account)
	}
	conversation, err := c.Conversation(ctx, client, room.Group)
	if err == nil {
		calling, cancel := context.WithTimeout(ctx, session.RequestTimeout)
		defer cancel()
		err = conversation.Invite(calling, account)
	}
	if err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Contact does not come into a group chat")
		why := reason.Of(err, reason.Call, c.account.About(name)).Sentence
		return why
	}
	c.NoteMembers(ctx, conversation)
	return fmt.Sprintf("%s is a contact of yours and has been called: they are in the conversation now.", name)
}

// start makes a group chat with two contacts, and its room.
func (c *Groups) start(ctx context.Context, first, second string) string {
	key, err := c.make(ctx, []string{first, second})
	if err == nil {
		err = c.makeRoom(ctx, key)
	}
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to make a group chat")
		return reason.Of(reason.ErrRoom, reason.Call, c.account.About(second)).Sentence
	}
	return fmt.Sprintf("%s is a contact of yours. There is a new room for them, %s and you: both are called with the first message that you write there.",
		c.account.Person(ctx, second).Name, c.account.Person(ctx, first).Name)
}

func (c *Groups) makeRoom(ctx context.Context, key networkid.PortalKey) error {
	_, err := c.rooms.Ensure(ctx, key, func(ctx context.Context) (*bridgev2.ChatInfo, error) {
		group, _ := msnid.ParseGroupPortalID(key.ID)
		return c.Info(ctx, group)
	})
	return err
}

// StillTogether says that somebody who was blocked still hears the user, or "" when they do not:
// a conversation of several people goes on.
func (c *Groups) StillTogether(ctx context.Context, client *msn.Client, account string) string {
	groups, err := c.account.DB.Group.With(ctx, c.account.Login.ID, account)
	if err != nil { // it is said less
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chats")
	}
	for _, group := range groups {
		conversation, err := c.Conversation(ctx, client, group)
		if err == nil && slices.Contains(conversation.Participants(), account) {
			return "You are still together in a conversation of several people: there both of you go on reading what the other writes, until one of you leaves it."
		}
	}
	return ""
}
