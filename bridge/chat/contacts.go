package chat

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// storedContacts is what the table of contacts holds of a login, and what names contacts
// have told: servers repeat what they say of contacts all the time, which
// must not ask the database each time. The zero value holds nothing, so that everything
// counts as changed.
type storedContacts struct {
	mu   sync.Mutex
	rows map[string]database.Contact // by account
	told map[string]string           // by account
}

// hears notes the name that somebody tells, and reports whether they have not told it
// before. Of people on no list no more is kept than of those on one.
func (s *storedContacts) hears(account, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[account] == name {
		return false
	}
	if s.told == nil || len(s.told) >= msn.MaxContacts {
		s.told = make(map[string]string)
	}
	s.told[account] = name
	return true
}

func (s *storedContacts) get(account string) (row database.Contact, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, known = s.rows[account]
	return row, known
}

func (s *storedContacts) put(row database.Contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = make(map[string]database.Contact)
	}
	s.rows[row.Account] = row
}

func (s *storedContacts) replace(rows []*database.Contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = make(map[string]database.Contact, len(rows))
	for _, row := range rows {
		s.rows[row.Account] = *row
	}
}

// saveRoster stores the contact list of a new session, and shows those by their new names
// whose names have changed.
func (c *Chat) saveRoster(ctx context.Context, client *msn.Client) {
	log := zerolog.Ctx(ctx)
	before := make(map[string]string)
	known, err := c.account.DB.Contact.GetAll(ctx, c.account.Login.ID)
	if err != nil {
		log.Err(err).Msg("Failed to read contacts")
	}
	for _, contact := range known {
		before[contact.Account] = contact.Name
	}
	var rows []*database.Contact
	var renamed []string
	for _, contact := range client.Contacts() {
		row, ok := c.account.ContactRow(contact)
		if !ok {
			log.Warn().Str("account", contact.Account).Msg("Leaving out a contact whose account is invalid")
			continue
		}
		rows = append(rows, row)
		if before[row.Account] != row.Name {
			renamed = append(renamed, row.Account)
		}
	}
	if err := c.account.DB.Contact.ReplaceAll(ctx, c.account.Login.ID, rows); err != nil {
		log.Err(err).Msg("Failed to store contacts")
		c.stored.replace(nil)
		return
	}
	c.stored.replace(rows)
	for _, account := range renamed {
		c.updates.rename(account)
	}
	c.nameGhosts(ctx)
}

// nameGhosts gives the ghosts that this user sees their names that have none, or had one by
// another template.
func (c *Chat) nameGhosts(ctx context.Context) {
	unnamed, err := c.account.DB.Ghost.Unnamed(ctx, c.account.Login.ID, string(c.account.GhostID("")))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read ghosts")
	}
	for _, ghost := range unnamed {
		if identity, ok := msnid.ParseUserID(ghost); ok && identity.Service == c.account.Identity.Service {
			c.updates.rename(identity.Account)
		}
	}
}

// contactChanged stores a contact whose name or lists may have changed.
func (c *Chat) contactChanged(ctx context.Context, contact msn.Contact) {
	log := zerolog.Ctx(ctx)
	row, ok := c.account.ContactRow(contact)
	if !ok {
		return
	}
	before, known := c.stored.get(row.Account)
	if known && before == *row {
		return
	}
	if account.Listed(row) && (!known || !account.Listed(&before)) {
		c.strangers.release(row.Account)
	}
	if account.Blocked(row) && (!known || !account.Blocked(&before)) {
		c.blocked(row.Account)
	}
	if err := c.account.DB.Contact.Put(ctx, row); err != nil {
		log.Err(err).Msg("Failed to store contact")
		return
	}
	c.stored.put(*row)
	switch {
	case known && before.Name == row.Name:
	case contact.Nick == "" && contact.Name == contact.Told:
		c.updates.renamedThemselves(ctx, row.Account, contact.Name)
	default: // the user calls them so
		c.updates.rename(row.Account)
	}
}

// tells notes what a contact says that it is called, and shows it by that name.
func (c *Chat) tells(ctx context.Context, account, name string) {
	account, ok := msnid.FromServer(account)
	if !ok || name == "" || !c.stored.hears(account, name) {
		return
	}
	c.account.Tells(account, name)
	c.updates.renamedThemselves(ctx, account, name)
}

// ownName notes the user's own display name, and has their ghost called by it.
func (c *Chat) ownName(ctx context.Context, name string) {
	if name = names.Clean(name); name == "" || name == c.account.OwnName() || name == c.account.Identity.Account {
		return
	}
	if err := c.account.Remember(ctx, func(kept *account.Record) { kept.Name = name }); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to store the user's display name")
	}
	c.account.Tells(c.account.Identity.Account, name)
	c.updates.rename(c.account.Identity.Account)
}

// saysName shows somebody by the name under which they say something, unless they are on
// the contact list: of those the service tells what they are called.
func (c *Chat) saysName(ctx context.Context, account, name string) {
	if session := c.session.Current(); session != nil {
		if contact, known := session.Contact(account); known && contact.Lists.Has(msn.ListForward) {
			return
		}
	}
	c.tells(ctx, account, name)
}
