package people

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Roster keeps the contact list of a login as it is stored, and what people on it and others call
// themselves.
type Roster struct {
	account   *account.Account
	session   *session.Session
	names     *Names
	strangers *Strangers
	stored    storedContacts
}

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

// save stores the contact list of a new session, and shows those by their new names
// whose names have changed.
func (r *Roster) save(ctx context.Context, _ *msn.Client, contacts []msn.Contact) {
	log := zerolog.Ctx(ctx)
	before := make(map[string]string)
	known, err := r.account.DB.Contact.GetAll(ctx, r.account.Login.ID)
	if err != nil {
		log.Err(err).Msg("Failed to read contacts")
	}
	for _, contact := range known {
		before[contact.Account] = contact.Name
	}
	var rows []*database.Contact
	var renamed []string
	for _, contact := range contacts {
		row, ok := r.account.ContactRow(contact)
		if !ok {
			log.Warn().Str("account", contact.Account).Msg("Leaving out a contact whose account is invalid")
			continue
		}
		rows = append(rows, row)
		if before[row.Account] != row.Name {
			renamed = append(renamed, row.Account)
		}
	}
	// Nearly always the list is as it was. After a restart with many accounts these would be nearly all writes to the disk.
	if err != nil || !isStored(known, rows) {
		if err := r.account.DB.Contact.ReplaceAll(ctx, r.account.Login.ID, rows); err != nil {
			log.Err(err).Msg("Failed to store contacts")
			r.stored.replace(nil)
			return
		}
	}
	r.stored.replace(rows)
	for _, account := range renamed {
		r.names.rename(account)
	}
	r.nameGhosts(ctx)
}

// isStored reports whether the table has these contacts, and no other.
func isStored(table, rows []*database.Contact) bool {
	wanted := make(map[string]database.Contact, len(rows))
	for _, row := range rows {
		wanted[row.Account] = *row
	}
	for _, stored := range table {
		if wanted[stored.Account] != *stored {
			return false
		}
	}
	return len(table) == len(wanted)
}

// nameGhosts gives the ghosts that this user sees their names that have none, or had one by
// another template.
func (r *Roster) nameGhosts(ctx context.Context) {
	unnamed, err := r.account.DB.Ghost.Unnamed(ctx, r.account.Login.ID, string(r.account.GhostID("")))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read ghosts")
	}
	for _, ghost := range unnamed {
		if identity, ok := msnid.ParseUserID(ghost); ok && identity.Service == r.account.Identity.Service {
			r.names.rename(identity.Account)
		}
	}
}

// contactChanged stores a contact whose name or lists may have changed.
func (r *Roster) contactChanged(ctx context.Context, contact msn.Contact) {
	log := zerolog.Ctx(ctx)
	row, ok := r.account.ContactRow(contact)
	if !ok {
		return
	}
	before, known := r.stored.get(row.Account)
	if known && before == *row {
		return
	}
	if account.Listed(row) && (!known || !account.Listed(&before)) {
		r.strangers.release(row.Account)
	}
	if account.Blocked(row) && (!known || !account.Blocked(&before)) {
		r.blocked(row.Account)
	}
	if err := r.account.DB.Contact.Put(ctx, row); err != nil {
		log.Err(err).Msg("Failed to store contact")
		return
	}
	r.stored.put(*row)
	switch {
	case known && before.Name == row.Name:
	case contact.Nick == "" && contact.Name == contact.Told:
		r.names.renamedThemselves(row.Account, contact.Name, account.Listed(row))
	default: // the user calls them so
		r.names.rename(row.Account)
	}
}

// tells notes what somebody says that they are called, and shows them by that name. listed says whether they are on the contact list.
func (r *Roster) tells(account, name string, listed bool) {
	account, ok := msnid.FromServer(account)
	if !ok || name == "" || !r.stored.hears(account, name) {
		return
	}
	r.account.Tells(account, name)
	r.names.renamedThemselves(account, name, listed)
}

// Hears notes what somebody is called where they are shown anyway.
func (r *Roster) Hears(account, name string) {
	if name != "" && r.stored.hears(account, name) { // else it may be older than what is known
		r.account.Tells(account, name)
	}
}

// ownName notes the user's own display name, and has their ghost called by it.
func (r *Roster) ownName(ctx context.Context, name string) {
	if name = names.Clean(name); name == "" || name == r.account.OwnName() || name == r.account.Identity.Account {
		return
	}
	if err := r.account.Remember(ctx, func(kept *account.Record) { kept.Name = name }); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to store the user's display name")
	}
	r.account.Tells(r.account.Identity.Account, name)
	r.names.rename(r.account.Identity.Account)
}

// SaysName shows somebody by the name under which they say something, unless they are on
// the contact list: of those the service tells what they are called.
func (r *Roster) SaysName(ctx context.Context, account, name string) {
	session := r.session.Current()
	if session == nil {
		r.tells(account, name, r.account.OnList(ctx, account))
		return
	}
	if contact, known := session.Contact(account); !known || !contact.Lists.Has(msn.ListForward) {
		r.tells(account, name, false)
	}
}
