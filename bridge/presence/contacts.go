package presence

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/session"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// Contacts tell the Keepers what one login knows of its contacts.
type Contacts struct {
	account *account.Account
	session *session.Session
	keepers Keepers

	mu      sync.Mutex // held while it is switched on or off
	started bool
	groups  map[networkid.PortalID]bool // group chats whose members the keepers know
	coming  map[networkid.UserID]bool   // who is in a room that the database may not have yet
}

// maxComing is how many people are remembered with whom a room is being made.
const maxComing = 1000

// NewContacts returns the contacts of a login.
func NewContacts(a *account.Account, s *session.Session, keepers Keepers) *Contacts {
	return &Contacts{account: a, session: s, keepers: keepers}
}

// Listen has what the session tells of contacts shown, while the login is started.
func (c *Contacts) Listen(s *session.Session) {
	s.Use(c)
	session.Listen(s, c, hearing)
}

var hearing = session.Hears(
	session.OnReadyWith((*Contacts).begin),
	session.OnLost(func(c *Contacts) { c.keepers.Lost(c.account.Login.ID) }),
	session.On(func(c *Contacts, _ context.Context, evt msn.PresenceChanged) { c.report(evt.Contact) }),
	session.On(func(c *Contacts, _ context.Context, evt msn.PersonalMessageChanged) { c.report(evt.Contact) }),
	session.On(func(c *Contacts, _ context.Context, evt msn.ContactChanged) {
		if evt.Before.Has(msn.ListForward) && !evt.Contact.Lists.Has(msn.ListForward) {
			evt.Contact.Status = msn.Offline // nothing more will be said of them
			c.report(evt.Contact)
		}
	}),
	session.On(func(c *Contacts, _ context.Context, evt msn.TextReceived) { c.spoken(evt.From) }),
	session.On(func(c *Contacts, _ context.Context, evt msn.TextSent) { c.spoken(evt.Conversation.Peer()) }),
	session.On(func(c *Contacts, _ context.Context, evt msn.ParticipantJoined) {
		if account, ok := msnid.FromServer(evt.Account); ok && evt.Conversation.Group() != "" {
			c.room(account)
		}
	}),
)

// Start implements session.Part.
func (c *Contacts) Start(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
}

// Stop implements session.Part: whoever was online for this login is so no more.
func (c *Contacts) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = false
	c.keepers.End(c.account.Login.ID)
}

// On reports whether the contacts of this login are shown as online: the admin and the user
// want it.
func (c *Contacts) On() bool {
	return c.account.Config.Presence != config.PresenceOff && !c.account.Stored().PresenceOff
}

// Switch has the contacts of this login shown as online from now on, or not any more.
func (c *Contacts) Switch(ctx context.Context, on bool) error {
	err := c.account.Remember(ctx, func(kept *account.Record) { kept.PresenceOff = !on })
	if client := c.session.Current(); on && client != nil {
		c.begin(ctx, client, client.Contacts())
	} else if !on {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keepers.End(c.account.Login.ID)
	}
	return err
}

// Works reports whether the homeserver shows presence, as far as is known.
func (c *Contacts) Works() bool { return c.keepers.Works() }

// InProfiles reports whether the homeserver shows the status in profiles, as far as is known.
func (c *Contacts) InProfiles() bool { return c.keepers.InProfiles() }

// begin tells of all contacts that are online, of those on the list.
func (c *Contacts) begin(ctx context.Context, _ *msn.Client, contacts []msn.Contact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started || !c.On() {
		return
	}
	rooms, err := c.account.DB.Ghost.InRooms(ctx, c.account.Login.ID, string(c.account.GhostID("")))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read with whom there are rooms: contacts are not shown as online")
	}
	for _, ghost := range rooms {
		delete(c.coming, ghost)
	}
	c.keepers.Begin(c.account.Login.ID, slices.AppendSeq(rooms, maps.Keys(c.coming)))
	for _, contact := range contacts {
		if contact.Status != msn.Offline {
			c.reportLocked(contact)
		}
	}
}

// report tells how a contact is. The keepers leave it out while this login shows nobody. It
// comes after a begin that is under way, which may have asked before.
func (c *Contacts) report(contact msn.Contact) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reportLocked(contact)
}

func (c *Contacts) reportLocked(contact msn.Contact) {
	if account, ok := msnid.FromServer(contact.Account); ok {
		c.keepers.Report(c.account.Login.ID, c.account.GhostID(account), contact)
	}
}

func (c *Contacts) spoken(with string) {
	if account, ok := msnid.FromServer(with); ok {
		c.keepers.Spoken(c.account.GhostID(account))
	}
}

// Room says that there is a room, or is about to be: those in it are shown from now on.
func (c *Contacts) Room(ctx context.Context, portal networkid.PortalID) {
	if account, ok := msnid.ParseDMPortalID(portal); ok {
		c.room(account)
		return
	}
	group, ok := msnid.ParseGroupPortalID(portal)
	if !ok || !c.isNew(portal) {
		return
	}
	members, err := c.account.DB.Group.Get(ctx, c.account.Login.ID, group)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read who is in a group chat: they are not shown as online")
	}
	for _, member := range members {
		c.room(member)
	}
}

// room says that somebody is in a room. A begin may come before the database has it: it counts there too.
func (c *Contacts) room(account string) {
	ghost := c.account.GhostID(account)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.coming) >= maxComing {
		clear(c.coming)
	}
	lazy.Put(&c.coming, ghost, true)
	c.keepers.Room(c.account.Login.ID, ghost)
}

// isNew reports whether nothing was said of a group chat before.
func (c *Contacts) isNew(portal networkid.PortalID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.groups[portal]
	lazy.Put(&c.groups, portal, true)
	return !known
}

// Spoken says that the user has just written into a room.
func (c *Contacts) Spoken(portal networkid.PortalID) {
	if account, ok := msnid.ParseDMPortalID(portal); ok {
		c.keepers.Spoken(c.account.GhostID(account))
	}
}
