package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
)

// maxUpdates is how many updates of a login ask the homeserver for something at the same
// time.
const maxUpdates = 8

// updates is what contacts cause on the Matrix side that needs neither order nor safe
// keeping: new names, typing notes and members. The session's goroutine only notes them
// down; each room is written to by itself, so that one that is stuck holds up no other, and
// of many updates of one kind the last one counts.
type updates struct {
	chat   *Chat
	asking chan struct{} // a token for each update that asks the homeserver

	mu      sync.Mutex
	renamed map[string]string // what they have told of their names, by account
}

// typist is somebody who writes, and where.
type typist struct {
	portal  networkid.PortalKey
	account string
}

func newUpdates(c *Chat) *updates {
	return &updates{chat: c, asking: make(chan struct{}, maxUpdates), renamed: make(map[string]string)}
}

// types has somebody shown as writing.
func (u *updates) types(who typist) {
	u.chat.work.do("typing "+string(who.portal.ID)+" "+who.account, func(ctx context.Context) { u.showTyping(ctx, who) })
}

// members has the room of a group chat brought up to date with its members.
func (u *updates) members(group string) {
	u.chat.work.do("members "+group, func(ctx context.Context) { u.showMembers(ctx, group) })
}

// rename has a contact shown by its present name: told is what it has just told of itself,
// or "".
func (u *updates) rename(account, told string) {
	u.mu.Lock()
	if before := u.renamed[account]; told == "" {
		told = before
	}
	u.renamed[account] = told
	u.mu.Unlock()
	u.chat.work.do("names", u.showNames)
}

// showNames shows contacts by their names. All of them are told apart by one look at the
// contact list, which can be long.
func (u *updates) showNames(ctx context.Context) {
	u.mu.Lock()
	renamed := u.renamed
	u.renamed = make(map[string]string)
	u.mu.Unlock()
	if len(renamed) == 0 {
		return
	}
	book := u.chat.account.Names(ctx)
	for account, told := range renamed {
		ghost, err := u.chat.account.Bridge.GetExistingGhostByID(ctx, u.chat.account.GhostID(account))
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to get ghost")
		} else if ghost != nil {
			u.chat.work.do("name "+account, func(ctx context.Context) { u.showName(ctx, ghost, account, told, book) })
		}
	}
}

// showName names a contact's ghost, and the room with the contact. That is done among the
// events of the room, because the framework does not expect it beside them; of a contact
// with whom there is none, in a group chat where it is a member.
func (u *updates) showName(ctx context.Context, ghost *bridgev2.Ghost, account, told string, book *names.Book) {
	a := u.chat.account
	info := a.UserInfo(account)
	if told != "" {
		info = a.UserInfoTold(account, told)
	}
	named := u.queue(ctx, &simplevent.EventMeta{
		Type:      bridgev2.RemoteEventUnknown,
		PortalKey: a.PortalKey(account),
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			ghost.UpdateInfo(ctx, info)
			u.nameRoom(ctx, portal, u.chat.roomName(ctx, account, book))
		},
	})
	if named {
		return
	}
	groups, err := a.DB.Group.GetAll(ctx, a.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chats")
	}
	for group, members := range groups {
		if slices.Contains(members, account) && u.queue(ctx, &simplevent.EventMeta{
			Type: bridgev2.RemoteEventUnknown, PortalKey: a.GroupKey(group),
			PreHandleFunc: func(ctx context.Context, _ *bridgev2.Portal) { ghost.UpdateInfo(ctx, info) },
		}) {
			return
		}
	}
}

// nameRoom gives the room with a contact its name, as Chat.roomName returns it.
func (u *updates) nameRoom(ctx context.Context, portal *bridgev2.Portal, name *string) {
	switch {
	case name == bridgev2.DefaultChatName && !portal.NameIsCustom || name != bridgev2.DefaultChatName && portal.NameIsCustom && portal.Name == *name:
	case name == bridgev2.DefaultChatName || !portal.NameIsCustom:
		portal.UpdateInfo(ctx, &bridgev2.ChatInfo{Name: name}, u.chat.account.Login, nil, time.Time{})
	case setName(ctx, portal, *name):
		portal.UpdateBridgeInfo(ctx)
		if err := portal.Save(ctx); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to store the name of a room")
		}
	}
}

// setName gives a room that has a name of its own another one, and reports whether that is
// new. It is not done by the framework's UpdateInfo, which writes what the framework reads
// beside the events of the room when a ghost has a new name.
func setName(ctx context.Context, portal *bridgev2.Portal, name string) (changed bool) {
	//lint:ignore SA1019 there is no other way to change the name alone
	return portal.Internal().UpdateName(ctx, name, nil, time.Time{}, false)
}

// showTyping shows a contact as writing.
func (u *updates) showTyping(ctx context.Context, who typist) {
	u.queue(ctx, &simplevent.Typing{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventTyping,
			PortalKey: who.portal,
			Sender:    u.chat.account.SenderOf(who.account),
		},
		Timeout: typingShown,
	})
}

// showMembers brings the room of a group chat up to date with its members.
func (u *updates) showMembers(ctx context.Context, group string) {
	info, err := u.chat.groupInfo(ctx, group)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read group chat")
		return
	}
	u.queue(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventChatInfoChange,
			PortalKey: u.chat.account.GroupKey(group),
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: info},
	})
}

// queue puts an event among those of a room, if there is one that the user has not left:
// neither a name nor a note nor a new member makes a room, or calls back a user who left.
// The framework invites the user to the room of whatever is queued, be they mentioned in
// it or not. It reports whether the event is among them.
func (u *updates) queue(ctx context.Context, evt bridgev2.RemoteEvent) bool {
	own, ok := u.isIn(ctx, evt.GetPortalKey())
	if !ok {
		return false
	}
	if change, ok := evt.(*simplevent.ChatInfoChange); ok && own != "" {
		change.ChatInfoChange.ChatInfo.Members.MemberMap[u.chat.account.UserID()] = u.stayingAway()
	}
	_, err := u.chat.rooms.Queue(ctx, evt)
	return err == nil
}

// isIn returns what the user is to the room of a portal, and reports whether there is one
// that they have not left.
func (u *updates) isIn(ctx context.Context, key networkid.PortalKey) (own event.Membership, ok bool) {
	stored, err := u.chat.rooms.Stored(ctx, key)
	if err == nil && stored != "" {
		select {
		case u.asking <- struct{}{}:
			own, err = u.chat.rooms.Membership(ctx, stored)
			<-u.asking
		case <-ctx.Done():
			return "", false
		}
	}
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to look whether the user is in a room")
	}
	return own, err == nil && stored != "" && !room.HasLeft(own)
}

// stayingAway is the user among the members of a room to which they were invited before:
// neither are they put out of it, nor invited when they leave before that is handled.
func (u *updates) stayingAway() bridgev2.ChatMember {
	return bridgev2.ChatMember{EventSender: u.chat.account.OwnSender(), PrevMembership: event.MembershipJoin}
}
