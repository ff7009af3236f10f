package people

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/look"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
)

// Names shows people by their names, which needs neither order nor safe keeping. The session's
// goroutine only notes them down; each room is written to by itself, so that one that is stuck
// holds up no other, and of many names of one person the last one counts.
type Names struct {
	account *account.Account
	rooms   *room.Rooms
	work    *background.Work
	looks   *look.Looks
	alike   *Alike

	limit renames

	mu      sync.Mutex
	renamed map[string]bool     // accounts whose names are to be looked at, and whether they have chosen them
	unseen  map[string]struct{} // those whose names were shown to nobody: the user is in no room with them
}

// maxUnseen is of how many people is remembered that their names were shown to nobody.
const maxUnseen = 1000

// rename has a contact shown by its present name, if it is not.
func (n *Names) rename(account string) { n.renameBy(account, false) }

// renameBy is rename, and says whether the contact has chosen the name.
func (n *Names) renameBy(account string, themselves bool) {
	n.mu.Lock()
	lazy.Put(&n.renamed, account, n.renamed[account] || themselves)
	n.mu.Unlock()
	n.looks.Want()
}

// renamedThemselves is rename for a name that a contact has chosen: it is shown so often, and the
// last one in any case. listed says whether they are on the contact list.
func (n *Names) renamedThemselves(account, name string, listed bool) {
	limit := strangerRenames
	if listed {
		limit = contactRenames
	}
	if n.limit.allow(account, names.Clean(name), limit, func() { n.renameBy(account, true) }) {
		n.renameBy(account, true)
	}
}

// returned has a contact shown by its name whose room the user was not in before.
func (n *Names) returned(account string) {
	n.mu.Lock()
	_, unseen := n.unseen[account]
	delete(n.unseen, account)
	n.mu.Unlock()
	if unseen {
		n.rename(account)
	}
}

// note notes whether somebody was there to be shown a name.
func (n *Names) note(account string, seen bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if seen {
		delete(n.unseen, account)
		return
	}
	if len(n.unseen) >= maxUnseen {
		clear(n.unseen)
	}
	lazy.Put(&n.unseen, account, struct{}{})
}

// asks says whose names are to be looked at.
func (n *Names) asks(ctx context.Context) look.Question {
	n.mu.Lock()
	renamed := n.renamed
	n.renamed = nil
	n.mu.Unlock()
	if len(renamed) == 0 {
		return look.Question{}
	}
	alike := n.alike.look()
	for account := range renamed {
		if n.account.OnList(ctx, account) {
			// A stranger may have had the name before.
			for _, stranger := range n.alike.strangers(ctx) {
				if contact, _ := alike.of(ctx, stranger); contact != "" {
					if _, looked := renamed[stranger]; !looked {
						renamed[stranger] = false
					}
				}
			}
			break
		}
	}
	return look.Question{
		Accounts: slices.Collect(maps.Keys(renamed)),
		Answer: func(ctx context.Context, shown map[string]*database.Shown, err error) (done bool) {
			if err != nil {
				n.putBack(renamed)
				return false
			}
			return n.showNames(ctx, renamed, alike, shown)
		},
	}
}

// showNames shows contacts by their names. They are held against each other by one look at
// the contact list, which can be long; the homeserver is asked for what has changed alone. It
// reports whether nothing is left of it: what a stop cuts off is for the next start.
func (n *Names) showNames(ctx context.Context, renamed map[string]bool, alike *lookalikes, all map[string]*database.Shown) (done bool) {
	// Of most contacts nothing is shown.
	book := sync.OnceValue(func() *names.Book { return n.account.Names(ctx) })
	for account, themselves := range renamed {
		contact, mark := alike.of(ctx, account)
		n.sayAlike(account, contact, mark)
		with := all[account]
		if with == nil {
			continue
		}
		shown, err := n.account.Shows(ctx, account, with, book)
		switch {
		case ctx.Err() != nil:
			n.putBack(renamed)
			return false
		case err != nil:
			zerolog.Ctx(ctx).Err(err).Msg("Failed to look how a contact is called")
		case shown:
			continue
		case themselves && n.account.OnList(ctx, account): // a new name: friends who share one are known
			contact, mark := alike.ofContact(ctx, account)
			n.sayAlike(account, contact, mark)
		}
		n.work.Try("name "+account, func(ctx context.Context) bool {
			n.note(account, false) // before it is looked: the user may return meanwhile
			seen, err := n.showName(ctx, account, book())
			if seen {
				n.note(account, true)
			}
			if err != nil && ctx.Err() == nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to show a contact by its name")
			}
			return err == nil
		})
	}
	return true
}

// Shared has the room with a contact called as it is to be now that others read along there, or do not
// any more. That is done at once.
func (n *Names) Shared(account string) {
	n.work.Try("name "+account, func(ctx context.Context) bool {
		_, err := n.showName(ctx, account, n.account.Names(ctx))
		if err != nil && ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to name a room in which others read along")
		}
		return err == nil
	})
}

// sayAlike has said for whom somebody can be taken, unless contact is "".
func (n *Names) sayAlike(account, contact, mark string) {
	if contact != "" {
		n.work.Try("alike "+account, func(ctx context.Context) bool { return n.alike.say(ctx, account, contact, mark) })
	}
}

// putBack has names looked at once more.
func (n *Names) putBack(renamed map[string]bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for account, themselves := range renamed {
		lazy.Put(&n.renamed, account, n.renamed[account] || themselves)
	}
}

// showName names a contact's ghost, and the room with the contact. That is done among the
// events of the room, because the framework does not expect it beside them; of a contact
// with whom there is none, in a group chat where it is a member. It reports whether the user
// is in such a room.
func (n *Names) showName(ctx context.Context, account string, book *names.Book) (seen bool, err error) {
	a := n.account
	ghost, err := a.Bridge.GetExistingGhostByID(ctx, a.GhostID(account))
	if err != nil || ghost == nil {
		return true, err
	}
	key, seen, err := n.rooms.SeenIn(ctx, account)
	switch {
	case err != nil || !seen:
		return false, err
	case key != a.PortalKey(account):
		return true, n.rooms.Describe(ctx, key, ghost, a.UserInfo(account))
	}
	return n.rooms.Update(ctx, &simplevent.EventMeta{
		Type:      bridgev2.RemoteEventUnknown,
		PortalKey: key,
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			ghost.UpdateInfo(ctx, a.UserInfo(account))
			n.nameRoom(ctx, portal, n.roomName(ctx, account, book))
		},
	})
}

// nameRoom gives the room with a contact its name, as roomName returns it.
func (n *Names) nameRoom(ctx context.Context, portal *bridgev2.Portal, name *string) {
	switch {
	case account.Borrows(portal):
	case name == bridgev2.DefaultChatName && !portal.NameIsCustom || name != bridgev2.DefaultChatName && portal.NameIsCustom && portal.NameSet && portal.Name == *name:
	case name == bridgev2.DefaultChatName || !portal.NameIsCustom:
		portal.UpdateInfo(ctx, &bridgev2.ChatInfo{Name: name}, n.account.Login, nil, time.Time{})
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
