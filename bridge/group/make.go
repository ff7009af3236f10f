package group

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Calls are how the user brings people together in group chats, and leaves them.
type Calls struct {
	groups    chats
	account   *account.Account
	session   *session.Session
	rooms     *room.Rooms
	work      *background.Work
	strangers Strangers
	notes     Notes
	invited   gathered[networkid.PortalID, string] // into the rooms of contacts
	making    sync.Mutex                           // held by who looks for a group chat and makes it
}

// chats are the group chats into which people are called: Groups.
type chats interface {
	Conversation(ctx context.Context, client *msn.Client, group string) (*msn.Conversation, error)
	NoteMembers(ctx context.Context, conversation *msn.Conversation)
	Info(ctx context.Context, group string) (*bridgev2.ChatInfo, error)
	makeRoom(ctx context.Context, key networkid.PortalKey) error
	noteAnswered(group, account string)
}

// Create makes a group chat. Its members are called with the first message. The error
// is fit to be shown to the user.
func (c *Calls) Create(ctx context.Context, params *bridgev2.GroupCreateParams) (*bridgev2.CreateChatResponse, error) {
	made, err := c.create(ctx, params)
	if err == nil {
		return made, nil
	}
	return nil, c.account.Cannot(ctx, fmt.Errorf("%w: %w", reason.ErrGroup, err), reason.Request, "")
}

func (c *Calls) create(ctx context.Context, params *bridgev2.GroupCreateParams) (*bridgev2.CreateChatResponse, error) {
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
	case len(members) == 1:
		return nil, reason.ErrOneMember
	case len(members) > msn.MaxMembers:
		return nil, reason.ErrManyMembers
	}
	key, err := c.make(ctx, members)
	if err != nil {
		return nil, err
	}
	group, _ := msnid.ParseGroupPortalID(key.ID)
	info, err := c.groups.Info(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, member := range members { // the user asks for them, and nothing is said yet for which they could be in the way
		info.Members.MemberMap[c.account.GhostID(member)] = bridgev2.ChatMember{EventSender: c.account.SenderOf(member), UserInfo: c.account.UserInfo(member)}
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

// takeRoom makes a room that the user has made that of a group chat. Its name, its topic and its people
// stay theirs.
func (c *Calls) takeRoom(ctx context.Context, key networkid.PortalKey, into id.RoomID, info *bridgev2.ChatInfo) (*bridgev2.Portal, error) {
	portal, err := c.account.Bridge.GetPortalByKey(ctx, key)
	if err != nil {
		return nil, err
	}
	release := c.rooms.Hold(key)
	defer release()
	ctx = context.WithoutCancel(ctx) // its members come after the command was answered
	err = portal.UpdateMatrixRoomID(ctx, into, bridgev2.UpdateMatrixRoomIDParams{
		FailIfMXIDSet:  true,
		SyncDBMetadata: func() { account.Borrow(portal, into) },
		ChatInfoSource: c.account.Login,
	})
	if err == nil {
		release()
		// The framework would do that beside the events of the room.
		_, err = c.rooms.Queue(ctx, &simplevent.ChatResync{
			EventMeta: simplevent.EventMeta{Type: bridgev2.RemoteEventChatResync, PortalKey: key},
			ChatInfo:  account.OfBorrowed(info),
		})
	}
	return portal, err
}

// make stores a new group chat with these members.
func (c *Calls) make(ctx context.Context, members []string) (networkid.PortalKey, error) {
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

// callTimeout bounds calling somebody into a conversation.
const callTimeout = session.RequestTimeout

// CallInto calls contacts into the conversation of a room, and returns the sentences that say what
// came of it. The room of one contact stays theirs: then a group chat of all of them is made.
func (c *Calls) CallInto(ctx context.Context, client *msn.Client, room msnid.Peer, accounts ...string) string {
	if room.Group == "" {
		return c.start(ctx, append([]string{room.Account}, accounts...)...)
	}
	said := make([]string, len(accounts))
	var calls sync.WaitGroup
	for i, account := range accounts {
		calls.Go(func() {
			name := c.account.Person(ctx, account).Name
			said[i] = words.Text("group.is_a_contact_of_yours_and", name)
			if err := c.callIn(ctx, client, room.Group, account); err != nil {
				said[i] = reason.Of(err, reason.Call, c.account.About(name)).Sentence
				c.groups.noteAnswered(room.Group, account)
			}
		})
	}
	calls.Wait()
	return strings.Join(said, "\n")
}

// start makes a group chat with contacts, and its room. The first has a room already.
func (c *Calls) start(ctx context.Context, accounts ...string) string {
	var called []string
	for _, account := range accounts {
		called = append(called, c.account.Person(ctx, account).Name)
	}
	about := c.account.About(called[1])
	if len(accounts) > msn.MaxMembers {
		return reason.Of(reason.ErrManyMembers, reason.Call, about).Sentence
	}
	c.making.Lock()
	defer c.making.Unlock()
	key, there, err := c.of(ctx, accounts)
	kind := "group.new_room"
	switch {
	case err == nil && there:
		kind = "group.room_already"
		err = c.rooms.CallBack(ctx, key)
	case err == nil:
		if key, err = c.make(ctx, accounts); err == nil {
			err = c.groups.makeRoom(ctx, key)
		}
	}
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to make a group chat")
		return reason.Of(reason.ErrRoom, reason.Call, about).Sentence
	}
	made := words.Text(kind, strings.Join(called, ", "))
	if room, err := c.rooms.Stored(ctx, key); err == nil && room != "" {
		made += ": " + c.rooms.Link(room)
	}
	return made
}

// of returns the group chat of exactly these people that has a room, if there is one.
func (c *Calls) of(ctx context.Context, accounts []string) (key networkid.PortalKey, there bool, err error) {
	groups, err := c.account.DB.Group.GetAll(ctx, c.account.Login.ID)
	if err != nil {
		return key, false, err
	}
	wanted := slices.Sorted(slices.Values(accounts))
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if !slices.Equal(slices.Sorted(slices.Values(groups[group])), wanted) {
			continue
		}
		key = c.account.GroupKey(group)
		if room, err := c.rooms.Stored(ctx, key); err != nil || room != "" {
			return key, err == nil, err
		}
	}
	return key, false, nil
}
