package account

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/names"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
)

// GhostMetadata is what the bridge keeps of a ghost besides what the framework does.
type GhostMetadata struct {
	// Told is the display name that the contact has given itself, clean; "" while nobody
	// knows it.
	Told string `json:"told,omitempty"`
	// Nameless is set when the contact is known to have no name.
	Nameless bool `json:"nameless,omitempty"`
	// At is when a login heard that, in nanoseconds since 1970; 0 when nobody knows.
	At int64 `json:"at,omitempty"`
}

// says reports whether two say the same of the contact, be it heard at another time.
func (m GhostMetadata) says(other GhostMetadata) bool {
	return m.Told == other.Told && m.Nameless == other.Nameless
}

// CopyFrom implements the framework's MetaMerger. A ghost is shared by all logins: what is
// known of it stays.
func (m *GhostMetadata) CopyFrom(any) {}

// UserInfo describes the ghost of an account. Ghosts are everybody's, and carry only what
// their contacts say of themselves: what this login knows counts while nobody knows more.
func (a *Account) UserInfo(account string) *bridgev2.UserInfo {
	return &bridgev2.UserInfo{
		Identifiers:  []string{"mailto:" + account},
		ExtraProfile: a.extraProfile(),
		ExtraUpdates: func(ctx context.Context, ghost *bridgev2.Ghost) (changed bool) {
			// Asked for now, when there is a ghost: news that come later are shown by it.
			known := ghost.Metadata.(*GhostMetadata)
			now := a.nameOf(account, *known)
			changed, *known = !now.says(*known), now
			name, err := GhostName(a.Config, a.Service, account, now.Told)
			if err != nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to apply network.displayname_template")
				return changed
			}
			changed = ghost.UpdateName(ctx, name) || changed
			// Stored before the news is forgotten: who looks into the database finds one of them.
			if changed {
				if err := a.Bridge.DB.Ghost.Update(ctx, ghost.Ghost); err != nil {
					return true // the framework tries once more, and says why not
				}
			}
			a.told.shown(account, now)
			a.described(account)
			return false
		},
	}
}

// OnDescribed has f called when the ghost of an account is described: there is one then.
func (a *Account) OnDescribed(f func(account string)) { a.onDescribed = append(a.onDescribed, f) }

func (a *Account) described(account string) {
	for _, f := range a.onDescribed {
		f(account)
	}
}

// serviceField is what profiles of ghosts say besides what the framework puts there (the network,
// the account): at which of the services of MSN they are.
const serviceField = "chat.matrix_msn.service"

func (a *Account) extraProfile() (extra bridgedb.ExtraProfile) {
	_ = extra.Set(serviceField, a.Service.Name) // a string can always be written
	return extra
}

// namingTimeout bounds naming the user's own ghost, and waiting for who does.
const namingTimeout = 10 * time.Second

// NameSelf has the user's own ghost named and stored, once in a run, and returns when that was tried.
// The ghost is in every room, and the framework names whoever has no name while it makes one: in
// two rooms at a time it would read the name while it writes it. It would have to look at it
// under its own lock; then this can go. It is to be called by whoever describes a room.
func (a *Account) NameSelf(ctx context.Context) {
	if a.named.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, namingTimeout)
	defer cancel()
	naming := a.naming.Of(1)
	select {
	case naming <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-naming }()
	if a.named.Load() {
		return
	}
	if a.isSelfNamed(ctx) {
		a.described(a.Identity.Account)
		a.named.Store(true)
		return
	}
	ghost, err := a.Bridge.GetGhostByID(ctx, a.UserID())
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to get the user's own ghost")
		return
	}
	ghost.UpdateInfo(ctx, a.UserInfo(a.Identity.Account))
	// Also when the homeserver did not take the name: no message is to wait for that again.
	a.named.Store(true)
}

// nameOf returns what an account is called, of whose ghost so much is known. Each login hears by
// itself, and may have nobody to show it to for long: of what they have heard the latest counts.
func (a *Account) nameOf(account string, known GhostMetadata) GhostMetadata {
	// What is known from the future is from before the clock was set back.
	if news, ok := a.told.get(account); ok && (news.At >= known.At || known.At > time.Now().UnixNano()) {
		return news
	}
	if known == (GhostMetadata{}) {
		known.Told = a.listedName(account)
	}
	return known
}

// GhostName returns the name of the ghost of an account at a service. told is the name
// that the contact has given itself, or "". One that could be taken for the bridge's own or
// for somebody's address gets the account behind it.
func GhostName(cfg *config.Config, service *config.Service, account, told string) (string, error) {
	if told != "" && (ownNames.Reserved(told) || names.HoldsAddress(told)) {
		told += " (" + account + ")"
	}
	return cfg.DisplayName(config.NameParams{Name: told, Account: account, Service: service.Name})
}

// ownNames are names that nobody but the bridge may bear.
var ownNames = names.NewBook(NetworkName, botName, AlertsName)

// knownName returns the name that an account has given itself, clean, or "".
func (a *Account) knownName(ctx context.Context, account string) string {
	if account == a.Identity.Account {
		return a.OwnName()
	}
	return a.nameOf(account, a.storedName(ctx, account)).Told
}

// storedName returns what is known of the ghost of an account. It is asked of the database,
// because the framework's own copy changes under its hands.
func (a *Account) storedName(ctx context.Context, account string) GhostMetadata {
	ghost, err := a.Bridge.DB.Ghost.GetByID(ctx, a.GhostID(account))
	if err != nil { // names can do without
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read a ghost")
	}
	if err != nil || ghost == nil {
		return GhostMetadata{}
	}
	return *ghost.Metadata.(*GhostMetadata)
}

// listedName returns the name that an account has given itself as the contact list has it,
// clean, or "".
func (a *Account) listedName(account string) string {
	name := ""
	if account == a.Identity.Account {
		name = a.OwnName()
	} else if roster := a.live(); roster != nil {
		contact, _ := roster.Contact(account)
		name = contact.Told
	}
	return ownName(account, name)
}

// ownName returns a name that somebody has given themselves, clean: their address is none.
func ownName(account, name string) string {
	if name = names.Clean(name); name == account {
		return ""
	}
	return name
}

// Tells notes what somebody says that they are called, in any form. Their ghost is called so
// when it is next described. That they have no name is news as well.
func (a *Account) Tells(account, name string) {
	told := GhostMetadata{Told: ownName(account, name), At: time.Now().UnixNano()}
	told.Nameless = told.Told == ""
	a.told.put(account, told)
}

// Shown returns how those of some accounts are shown of whom there is a ghost: of the others nothing is shown anywhere. It is one
// question for all, where a contact list can have thousands, and asks the database alone, not the homeserver.
func (a *Account) Shown(ctx context.Context, accounts []string) (map[string]*database.Shown, error) {
	prefix := string(a.GhostID(""))
	all, err := a.DB.Ghost.Shown(ctx, a.Login.ID, prefix, string(a.PortalKey("").ID), accounts)
	if err != nil {
		return nil, err
	}
	shown := make(map[string]*database.Shown, len(all))
	for _, s := range all {
		shown[strings.TrimPrefix(string(s.Ghost), prefix)] = s
	}
	return shown, nil
}

// Shows reports whether the ghost of an account, and the room with them unless there is none, are called as they are to be. book
// returns the names of the contact list, and is called for a room only.
func (a *Account) Shows(ctx context.Context, account string, shown *database.Shown, book func() *names.Book) (bool, error) {
	var known GhostMetadata
	if err := json.Unmarshal(shown.Metadata, &known); err != nil {
		return false, err
	}
	if called, err := a.isCalled(shown.Name, shown.NameSet, known, account); !called {
		return false, err
	}
	room := &shown.Room
	if room.RoomID == "" {
		return true, nil
	}
	var kept PortalMetadata
	if err := json.Unmarshal(room.Metadata, &kept); err != nil {
		return false, err
	}
	if kept.Shared {
		ctx = AmongOthers(ctx)
	}
	told := a.nameOf(account, known).Told
	if account == a.Identity.Account {
		told = a.OwnName()
	}
	called, own := a.roomName(ctx, account, told, book())
	switch {
	case own || a.Bridge.Config.PrivateChatPortalMeta:
		return room.NameIsCustom && room.Name == called && room.NameSet, nil
	default:
		return !room.NameIsCustom, nil
	}
}

// isCalled reports whether a ghost of an account, of which this is stored, is called as it is to be.
func (a *Account) isCalled(has string, set bool, known GhostMetadata, account string) (bool, error) {
	now := a.nameOf(account, known)
	name, err := GhostName(a.Config, a.Service, account, now.Told)
	if err != nil || !now.says(known) || has != name || !set {
		return false, err
	}
	a.told.shown(account, now)
	return true, nil
}

// isSelfNamed reports whether the user's own ghost is stored as NameSelf would leave it. A ghost that the framework has
// in memory stays there, with a client of the homeserver, which is much for each of many accounts that do nothing.
func (a *Account) isSelfNamed(ctx context.Context) bool {
	account := a.Identity.Account
	ghost, err := a.Bridge.DB.Ghost.GetByID(ctx, a.UserID())
	if err != nil || ghost == nil || !ghost.AvatarSet {
		return false
	}
	if can := a.Bridge.Matrix.GetCapabilities(); can.ExtraProfileMeta || can.ReplaceEntireProfile {
		is := a.UserInfo(account)
		if !ghost.ContactInfoSet || !slices.Equal(ghost.Identifiers, is.Identifiers) || is.ExtraProfile.CopyTo(&ghost.ExtraProfile) {
			return false
		}
	}
	called, err := a.isCalled(ghost.Name, ghost.NameSet, *ghost.Metadata.(*GhostMetadata), account)
	return called && err == nil
}

// maxTold is how many names are kept that no ghost has.
const maxTold = 1000

// toldNames are what accounts have said of their names that their ghosts do not have yet. The
// zero value has nothing.
type toldNames struct {
	mu    sync.Mutex
	names lazy.Table[string, GhostMetadata]
}

func (t *toldNames) get(account string) (told GhostMetadata, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names.Get(account)
}

func (t *toldNames) put(account string, told GhostMetadata) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.names.Get(account); !known && t.names.Len() >= maxTold {
		for some := range t.names.All() { // whichever: they are asked for right after
			t.names.Delete(some)
			break
		}
	}
	t.names.Put(account, told)
}

// shown forgets what a ghost is called by now, unless there is something newer.
func (t *toldNames) shown(account string, now GhostMetadata) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if told, _ := t.names.Get(account); told.At <= now.At {
		t.names.Delete(account)
	}
}

// RoomName returns what this user calls a contact, and reports whether that is another name
// than the ghost's: one that the user has given, or that somebody else has too.
func (a *Account) RoomName(ctx context.Context, account string, book *names.Book) (name string, own bool) {
	return a.roomName(ctx, account, a.knownName(ctx, account), book)
}

// roomName is RoomName for who knows the name that the contact has given itself.
func (a *Account) roomName(ctx context.Context, account, told string, book *names.Book) (name string, own bool) {
	called := book.Name(account)
	if called == "" || called == account || isAmongOthers(ctx) {
		called = told
	}
	own = called != "" && (called != told || book.Ambiguous(account, called))
	return a.matrixName(ctx, account, func() string { return told }, book), own
}

// nameFor returns what this user calls a contact of the list: by its own name unless they
// have given it another.
func nameFor(nick, name string) string { return cmp.Or(names.Clean(nick), name) }
