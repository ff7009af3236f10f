package people

import (
	"context"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
)

// A stranger can call themselves what the user calls a friend, or what the friend does. The name
// of their room tells them apart, but not who is shown as the sender: that name is the same for
// all users of the bridge, who call their friends otherwise. So it is said in the room. It is said
// with the request of somebody who has added the user, too, and of somebody on the contact list
// who takes the name of another.

// maxAlike is how many such strangers are remembered. Of the one that is forgotten it is said
// again.
const maxAlike = 200

// Alike says who bears the name of a contact, or one that looks like it.
type Alike struct {
	account *account.Account
	rooms   *room.Rooms
	mu      sync.Mutex
	saying  map[string]bool // marks that are being said, so that each is said once
}

// begin reports whether a mark is to be said now. It reports done when it is said already.
// Who begins calls end.
func (a *Alike) begin(mark string) (begun, done bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case slices.Contains(a.account.Stored().Alike, mark):
		return false, true
	case a.saying[mark]:
		return false, false
	case a.saying == nil:
		a.saying = make(map[string]bool)
	}
	a.saying[mark] = true
	return true, false
}

func (a *Alike) end(mark string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.saying, mark)
}

// look begins a look at people.
func (a *Alike) look() *lookalikes { return &lookalikes{account: a.account} }

// lookalikes finds the strangers among people whose names were to be looked at. It reads the
// contact list when the first of them comes.
type lookalikes struct {
	account *account.Account
	looks   map[string][]string
}

// of returns the contact for whom a stranger can be taken, and a mark of the two, or "".
func (l *lookalikes) of(ctx context.Context, stranger string) (contact, mark string) {
	if stranger == l.account.Identity.Account || l.account.OnList(ctx, stranger) {
		return "", ""
	}
	return l.as(ctx, stranger, l.account.DisplayName(ctx, stranger))
}

// ofContact is of for somebody on the contact list, by what they call themselves: the user knows
// what they call people.
func (l *lookalikes) ofContact(ctx context.Context, account string) (contact, mark string) {
	return l.as(ctx, account, l.account.Told(ctx, account))
}

// as returns the contact for whom somebody who bears a name can be taken, and a mark of the two,
// or "".
func (l *lookalikes) as(ctx context.Context, who, name string) (contact, mark string) {
	if name == "" || name == who {
		return "", ""
	}
	if l.looks == nil {
		l.looks = l.account.Looks(ctx)
	}
	look := names.Skeleton(name)
	for _, contact := range l.looks[look] {
		if contact != who {
			return contact, who + " " + look
		}
	}
	return "", ""
}

// warning says for whom somebody can be taken who bears a name, or "".
func (a *Alike) warning(ctx context.Context, who, name string) string {
	if contact, _ := a.look().as(ctx, who, name); contact != "" {
		return takeCare(who, contact)
	}
	return ""
}

// Behind says for whom somebody can be taken who bears a name, as a sentence to stand behind another
// one, or returns "".
func (a *Alike) Behind(ctx context.Context, who, name string) string {
	if sentence := a.warning(ctx, who, name); sentence != "" {
		return " " + sentence
	}
	return ""
}

// Likeness says for whom somebody can be taken by the name that they bear, or "".
func (a *Alike) Likeness(ctx context.Context, account string) string {
	return a.warning(ctx, account, a.account.DisplayName(ctx, account))
}

// say says in the room with a stranger, once for each name, for whom they could be taken. It
// reports whether that is said, or need not be. A room that does not answer holds up no other.
func (a *Alike) say(ctx context.Context, stranger, contact, mark string) (done bool) {
	if contact == "" {
		return true
	}
	begun, done := a.begin(mark)
	if !begun {
		return done
	}
	defer a.end(mark)
	place, err := a.place(ctx, stranger)
	if err == nil && place == "" {
		return true // it is said when there is one
	}
	if err == nil {
		err = a.rooms.Notice(ctx, place, takeCare(stranger, contact), "")
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

// takeCare says for whom somebody could be taken.
func takeCare(who, contact string) string {
	return words.Text("people.take_care_bears_the_name_of", who, contact)
}

// place returns where it is said for whom somebody could be taken: in the room with them, or, when
// others read along there, whose business the contact list is not, in the chat with the bot. While
// there is no room it is "".
func (a *Alike) place(ctx context.Context, who string) (id.RoomID, error) {
	stored, err := a.rooms.Stored(ctx, a.account.PortalKey(who))
	if err != nil || stored == "" {
		return "", err
	}
	overheard, err := room.Overheard(ctx, a.account.Bridge, stored, a.account.Login.UserMXID)
	if err != nil || !overheard {
		return stored, err
	}
	return a.rooms.Management(ctx)
}

// strangers returns the people on no list with whom the user has rooms.
func (a *Alike) strangers(ctx context.Context) (strangers []string) {
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
