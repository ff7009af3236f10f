package chat

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
)

// A stranger can call themselves what the user calls a friend, or what the friend does. The name
// of their room tells them apart, but not who is shown as the sender: that name is the same for
// all users of the bridge, who call their friends otherwise. So it is said in the room.

// maxAlike is how many such strangers are remembered. Of the one that is forgotten it is said
// again.
const maxAlike = 200

// alike says it.
type alike struct {
	account *account.Account
	rooms   *room.Rooms
	saying  sync.Mutex // held by who says it, so that it is said once
}

// look begins a look at people.
func (a *alike) look() *lookalikes { return &lookalikes{account: a.account} }

// lookalikes finds the strangers among people whose names were to be looked at. It reads the
// contact list when the first of them comes.
type lookalikes struct {
	account *account.Account
	looks   map[string]string
}

// of returns the contact for whom a stranger can be taken, and a mark of the two, or "".
func (l *lookalikes) of(ctx context.Context, stranger string) (contact, mark string) {
	a := l.account
	if stranger == a.Identity.Account || a.OnList(ctx, stranger) {
		return "", ""
	}
	name := a.DisplayName(ctx, stranger)
	if name == "" || name == stranger {
		return "", ""
	}
	if l.looks == nil {
		l.looks = a.Looks(ctx)
	}
	look := names.Skeleton(name)
	return l.looks[look], stranger + " " + look
}

// say says in the room with a stranger, once for each name, for whom they could be taken. It
// reports whether that is said, or need not be.
func (a *alike) say(ctx context.Context, stranger, contact, mark string) (done bool) {
	a.saying.Lock()
	defer a.saying.Unlock()
	if contact == "" || slices.Contains(a.account.Stored().Alike, mark) {
		return true
	}
	room, err := a.rooms.Stored(ctx, a.account.PortalKey(stranger))
	if err == nil && room == "" {
		return true // it is said when there is one
	}
	if err == nil {
		err = a.rooms.Notice(ctx, room, fmt.Sprintf("Take care: %s bears the name of %s, who is on your contact list, or one that looks like it. They are two accounts.",
			stranger, contact), "")
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that a stranger bears the name of a contact")
		return false
	}
	_ = a.account.Remember(ctx, func(kept *account.Record) {
		alike := append(slices.Clone(kept.Alike), mark)
		kept.Alike = alike[max(0, len(alike)-maxAlike):]
	})
	return true
}

// strangers returns the people on no list with whom the user has rooms.
func (a *alike) strangers(ctx context.Context) (strangers []string) {
	ghosts, err := a.account.DB.Ghost.InRooms(ctx, a.account.Login.ID, string(a.account.GhostID("")))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read ghosts")
	}
	for _, ghost := range ghosts {
		identity, ok := msnid.ParseUserID(ghost)
		if ok && identity.Service == a.account.Identity.Service && !a.account.OnList(ctx, identity.Account) {
			strangers = append(strangers, identity.Account)
		}
	}
	return strangers
}
