// Package account is what all parts of one login share: who it is, at which service, what
// is stored of it, and the IDs, names and senders that follow from that. It does nothing
// by itself.
package account

import (
	"context"
	"sync/atomic"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/icon"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// Account is one login: an MSN account that a Matrix user signed in to. Its fields do not
// change.
type Account struct {
	Bridge   *bridgev2.Bridge
	Login    *bridgev2.UserLogin
	DB       *database.Database
	Config   *config.Config
	Identity msnid.Identity
	// Service is never nil. It is not Configured when the config does not have it any more.
	Service *config.Service
	// Icons are the pictures of what has no face on MSN; it may be nil.
	Icons *icon.Set
	// Metrics are those of the bridge; it may be nil.
	Metrics *metrics.Metrics

	roster atomic.Pointer[Roster]
	naming lazy.Slots  // holds something while the user's own ghost is named
	named  atomic.Bool // that was tried
	told   toldNames

	onDescribed []func(account string)
	onBlocked   []func(account string)
}

// New returns the account of a login whose ID stands for identity.
func New(br *bridgev2.Bridge, login *bridgev2.UserLogin, db *database.Database, cfg *config.Config, identity msnid.Identity) *Account {
	return &Account{
		Bridge: br, Login: login, DB: db, Config: cfg, Identity: identity,
		Service: cfg.ServiceOrUnknown(identity.Service),
	}
}

// Roster is the contact list of a session: what *msn.Client knows of it.
type Roster interface {
	Contact(account string) (msn.Contact, bool)
	Contacts() []msn.Contact
}

// SetRoster sets the contact list of the session, nil while there is none: then what is
// stored counts.
func (a *Account) SetRoster(roster Roster) {
	if roster == nil {
		a.roster.Store(nil)
		return
	}
	a.roster.Store(&roster)
}

func (a *Account) live() Roster {
	if roster := a.roster.Load(); roster != nil {
		return *roster
	}
	return nil
}

// AtService names the account for people: its address, and the service at which it is.
func (a *Account) AtService() string { return a.Identity.Account + " at " + a.Service.Name }

// UserID returns the ID of the login's own ghost.
func (a *Account) UserID() networkid.UserID { return msnid.MakeUserID(a.Identity) }

// GhostID returns the ID of a contact's ghost.
func (a *Account) GhostID(account string) networkid.UserID {
	return msnid.MakeUserID(msnid.Identity{Service: a.Identity.Service, Account: account})
}

// PortalKey returns the key of the room with one contact.
func (a *Account) PortalKey(account string) networkid.PortalKey {
	return msnid.MakeDMPortalKey(a.Login.ID, account)
}

// GroupKey returns the key of the room of a group chat.
func (a *Account) GroupKey(group string) networkid.PortalKey {
	return msnid.MakeGroupPortalKey(a.Login.ID, group)
}

// CircleKey returns the key of the room of a circle.
func (a *Account) CircleKey(circle string) networkid.PortalKey {
	return msnid.MakeCirclePortalKey(a.Login.ID, circle)
}

// KeyOf returns the key of one of the login's rooms.
func (a *Account) KeyOf(portal networkid.PortalID) networkid.PortalKey {
	return networkid.PortalKey{ID: portal, Receiver: a.Login.ID}
}

// SenderOf returns a contact as the sender of an event.
func (a *Account) SenderOf(account string) bridgev2.EventSender {
	return bridgev2.EventSender{Sender: a.GhostID(account)}
}

// OwnSender returns the user as the sender of an event.
func (a *Account) OwnSender() bridgev2.EventSender {
	return bridgev2.EventSender{IsFromMe: true, Sender: a.UserID(), SenderLogin: a.Login.ID}
}

// StoredRoom returns the room of a portal, "" while there is none. It is asked of the
// database, because the framework's own copy changes under its hands; a room that the database has told is that of the
// portal for as long as the framework finds the portal by it. Nobody is to call it who holds the framework's lock.
func (a *Account) StoredRoom(ctx context.Context, key networkid.PortalKey) (id.RoomID, error) {
	return a.DB.Portal.Room(ctx, key, func(room id.RoomID) bool {
		portal, err := a.Bridge.GetPortalByMXID(ctx, room)
		return err == nil && portal != nil && portal.PortalKey == key
	})
}
