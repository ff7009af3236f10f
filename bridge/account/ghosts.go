package account

import (
	"cmp"
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/names"
)

// GhostMetadata is what the bridge keeps of a ghost besides what the framework does.
type GhostMetadata struct {
	// Told is the display name that the contact has given itself, clean; "" while nobody
	// knows it.
	Told string `json:"told,omitempty"`
}

// CopyFrom implements the framework's MetaMerger. A ghost is shared by all logins: what is
// known of it stays.
func (m *GhostMetadata) CopyFrom(any) {}

// UserInfo describes the ghost of an account. Ghosts are everybody's, and carry only what
// their contacts say of themselves: what this login knows counts while nobody knows more.
func (a *Account) UserInfo(account string) *bridgev2.UserInfo { return a.ghostInfo(account, "") }

// UserInfoTold is UserInfo of somebody who has just told what they are called.
func (a *Account) UserInfoTold(account, told string) *bridgev2.UserInfo {
	return a.ghostInfo(account, told)
}

func (a *Account) ghostInfo(account, news string) *bridgev2.UserInfo {
	return &bridgev2.UserInfo{
		Identifiers: []string{"mailto:" + account},
		ExtraUpdates: func(ctx context.Context, ghost *bridgev2.Ghost) (changed bool) {
			known := ghost.Metadata.(*GhostMetadata)
			// Asked for now, when there is a ghost: news that come later are shown by it.
			told := names.Clean(cmp.Or(news, known.Told, a.knownName(account)))
			if told != "" && told != account && told != known.Told {
				known.Told, changed = told, true
			}
			name, err := GhostName(a.Config, a.Service, account, known.Told)
			if err != nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to apply network.displayname_template")
				return changed
			}
			return ghost.UpdateName(ctx, name) || changed
		},
	}
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

// knownName returns the name that an account has given itself, as far as this login knows.
func (a *Account) knownName(account string) string {
	if account == a.Identity.Account {
		return a.Login.RemoteProfile.Name
	}
	if roster := a.live(); roster != nil {
		if contact, ok := roster.Contact(account); ok && contact.Told != "" {
			return contact.Told
		}
	}
	return a.heard.get(account)
}

// Heard notes the name under which somebody has said something: it is all that is known
// of people who are on no list.
func (a *Account) Heard(account, name string) {
	if name = names.Clean(name); name != "" && name != account {
		a.heard.put(account, name)
	}
}

// maxHeard is how many names of people on no list are kept.
const maxHeard = 1000

// heardNames are names by account. The zero value has none.
type heardNames struct {
	mu    sync.Mutex
	names map[string]string
}

func (h *heardNames) get(account string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.names[account]
}

func (h *heardNames) put(account, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil {
		h.names = make(map[string]string)
	}
	if _, known := h.names[account]; !known && len(h.names) >= maxHeard {
		for some := range h.names { // whichever: they are asked for right after
			delete(h.names, some)
			break
		}
	}
	h.names[account] = name
}

// RoomName returns what this user calls a contact, and reports whether that is another name
// than the ghost's: one that the user has given, or that somebody else has too.
func (a *Account) RoomName(ctx context.Context, account string, book *names.Book) (name string, own bool) {
	called := book.Name(account)
	own = called != "" && called != account && (called != names.Clean(a.knownName(account)) || book.Ambiguous(called))
	return a.MatrixName(ctx, account, book), own
}

// nameFor returns what this user calls a contact of the list: by its own name unless they
// have given it another.
func nameFor(nick, name string) string { return cmp.Or(names.Clean(nick), name) }
