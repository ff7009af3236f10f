package chat

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/retry"
)

// lookPause is the shortest time between two looks at the whole contact list: people on no list can
// have it looked at as often as they like, and it can be long.
const lookPause = 200 * time.Millisecond

// updates is what contacts cause on the Matrix side that needs neither order nor safe
// keeping: new names, typing notes and members. The session's goroutine only notes them
// down; each room is written to by itself, so that one that is stuck holds up no other, and
// of many updates of one kind the last one counts.
type updates struct {
	chat *Chat

	limit renames

	mu      sync.Mutex
	renamed map[string]bool     // accounts whose names are to be looked at, and whether they have chosen them
	looked  time.Time           // when the contact list was looked at last
	unseen  map[string]struct{} // those whose names were shown to nobody: the user is in no room with them
}

// typist is somebody who writes, and where.
type typist struct {
	portal  networkid.PortalKey
	account string
}

func newUpdates(c *Chat) *updates {
	return &updates{chat: c, renamed: make(map[string]bool), unseen: make(map[string]struct{})}
}

// types has somebody shown as writing.
func (u *updates) types(who typist) {
	u.chat.work.Do("typing "+string(who.portal.ID)+" "+who.account, func(ctx context.Context) { u.showTyping(ctx, who) })
}

// members has the room of a group chat brought up to date with its members.
func (u *updates) members(group string) {
	u.chat.work.Do("members "+group, func(ctx context.Context) { u.showMembers(ctx, group) })
}

// maxUnseen is of how many people is remembered that their names were shown to nobody.
const maxUnseen = 1000

// rename has a contact shown by its present name, if it is not.
func (u *updates) rename(account string) { u.renameBy(account, false) }

// renameBy is rename, and says whether the contact has chosen the name.
func (u *updates) renameBy(account string, themselves bool) {
	u.mu.Lock()
	u.renamed[account] = u.renamed[account] || themselves
	u.mu.Unlock()
	u.chat.work.Try("names", u.showNames)
}

// renamedThemselves is rename for a name that a contact has chosen: it is shown so often, and the
// last one in any case.
func (u *updates) renamedThemselves(ctx context.Context, account, name string) {
	limit := strangerRenames
	if u.chat.account.OnList(ctx, account) {
		limit = contactRenames
	}
	if u.limit.allow(account, names.Clean(name), limit, func() { u.renameBy(account, true) }) {
		u.renameBy(account, true)
	}
}

// returned has a contact shown by its name whose room the user was not in before.
func (u *updates) returned(account string) {
	u.mu.Lock()
	_, unseen := u.unseen[account]
	delete(u.unseen, account)
	u.mu.Unlock()
	if unseen {
		u.rename(account)
	}
}

// note notes whether somebody was there to be shown a name.
func (u *updates) note(account string, seen bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if seen {
		delete(u.unseen, account)
		return
	}
	if len(u.unseen) >= maxUnseen {
		clear(u.unseen)
	}
	u.unseen[account] = struct{}{}
}

// showNames shows contacts by their names. They are held against each other by one look at
// the contact list, which can be long; the homeserver is asked for what has changed alone. It
// reports whether nothing is left of it: what a stop cuts off is for the next start.
func (u *updates) showNames(ctx context.Context) (done bool) {
	u.mu.Lock()
	pause := time.Until(u.looked.Add(lookPause))
	u.mu.Unlock()
	if pause > 0 && !retry.Sleep(ctx, pause) {
		return false
	}
	u.mu.Lock()
	u.looked = time.Now()
	renamed := u.renamed
	u.renamed = make(map[string]bool)
	u.mu.Unlock()
	if len(renamed) == 0 {
		return true
	}
	alike := u.chat.strangers.alike.look()
	for account := range renamed {
		if u.chat.account.OnList(ctx, account) {
			// A stranger may have had the name before.
			for _, stranger := range u.chat.strangers.alike.strangers(ctx) {
				if contact, _ := alike.of(ctx, stranger); contact != "" {
					if _, looked := renamed[stranger]; !looked {
						renamed[stranger] = false
					}
				}
			}
			break
		}
	}
	book := u.chat.account.Names(ctx)
	for account, themselves := range renamed {
		contact, mark := alike.of(ctx, account)
		u.sayAlike(account, contact, mark)
		shown, err := u.chat.account.Shows(ctx, account, book)
		switch {
		case ctx.Err() != nil:
			u.putBack(renamed)
			return false
		case err != nil:
			zerolog.Ctx(ctx).Err(err).Msg("Failed to look how a contact is called")
		case shown:
			continue
		case themselves && u.chat.account.OnList(ctx, account): // a new name: friends who share one are known
			contact, mark := alike.ofContact(ctx, account)
			u.sayAlike(account, contact, mark)
		}
		u.chat.work.Try("name "+account, func(ctx context.Context) bool {
			u.note(account, false) // before it is looked: the user may return meanwhile
			seen, err := u.showName(ctx, account, book)
			if seen {
				u.note(account, true)
			}
			if err != nil && ctx.Err() == nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to show a contact by its name")
			}
			return err == nil
		})
	}
	return true
}

// sayAlike has said for whom somebody can be taken, unless contact is "".
func (u *updates) sayAlike(account, contact, mark string) {
	if contact != "" {
		u.chat.work.Try("alike "+account, func(ctx context.Context) bool { return u.chat.strangers.alike.say(ctx, account, contact, mark) })
	}
}

// putBack has names looked at once more.
func (u *updates) putBack(renamed map[string]bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for account, themselves := range renamed {
		u.renamed[account] = u.renamed[account] || themselves
	}
}

// showName names a contact's ghost, and the room with the contact. That is done among the
// events of the room, because the framework does not expect it beside them; of a contact
// with whom there is none, in a group chat where it is a member. It reports whether the user
// is in such a room.
func (u *updates) showName(ctx context.Context, account string, book *names.Book) (seen bool, err error) {
	a := u.chat.account
	ghost, err := a.Bridge.GetExistingGhostByID(ctx, a.GhostID(account))
	if err != nil || ghost == nil {
		return true, err
	}
	seen, err = u.chat.rooms.Update(ctx, &simplevent.EventMeta{
		Type:      bridgev2.RemoteEventUnknown,
		PortalKey: a.PortalKey(account),
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			ghost.UpdateInfo(ctx, a.UserInfo(account))
			u.nameRoom(ctx, portal, u.chat.roomName(ctx, account, book))
		},
	})
	if err != nil || seen {
		return seen, err
	}
	groups, err := a.DB.Group.With(ctx, a.Login.ID, account)
	if err != nil {
		return false, err
	}
	for _, group := range groups {
		seen, err := u.chat.rooms.Update(ctx, &simplevent.EventMeta{
			Type: bridgev2.RemoteEventUnknown, PortalKey: a.GroupKey(group),
			PreHandleFunc: func(ctx context.Context, _ *bridgev2.Portal) { ghost.UpdateInfo(ctx, a.UserInfo(account)) },
		})
		if err != nil || seen {
			return seen, err
		}
	}
	return false, nil
}

// nameRoom gives the room with a contact its name, as Chat.roomName returns it.
func (u *updates) nameRoom(ctx context.Context, portal *bridgev2.Portal, name *string) {
	switch {
	case name == bridgev2.DefaultChatName && !portal.NameIsCustom || name != bridgev2.DefaultChatName && portal.NameIsCustom && portal.NameSet && portal.Name == *name:
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
	u.chat.rooms.TryUpdate(ctx, &simplevent.Typing{
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
	u.chat.rooms.TryUpdate(ctx, &simplevent.ChatInfoChange{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventChatInfoChange,
			PortalKey: u.chat.account.GroupKey(group),
		},
		ChatInfoChange: &bridgev2.ChatInfoChange{ChatInfo: info},
	})
}
