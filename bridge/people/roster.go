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
	"matrix-msn/internal/lazy"
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
	rows lazy.Table[string, storedContact] // by account
	all  bool                              // rows are all that the table has
	told lazy.Table[string, string]        // by account
}

// storedContact is a row, without what all rows of a login have and its key.
type storedContact struct {
	name  string
	lists int
}

// hears notes the name that somebody tells, and reports whether they have not told it
// before, and whether it is the first. Of people on no list no more is kept than of those on one.
func (s *storedContacts) hears(account, name string) (news, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.told.Get(account)
	if before == name {
		return false, false
	}
	if s.told.Len() >= msn.MaxContacts {
		s.told = lazy.Table[string, string]{}
	}
	s.told.Put(account, name)
	return true, !known
}

// get returns what is stored of the contact of a row.
func (s *storedContacts) get(row database.Contact) (before database.Contact, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, known := s.rows.Get(row.Account)
	before = row
	before.Name, before.Lists = stored.name, stored.lists
	return before, known
}

func (s *storedContacts) put(row database.Contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows.Put(row.Account, storedContact{row.Name, row.Lists})
}

// replace notes all that the table has now, in rows that nobody else has.
func (s *storedContacts) replace(rows lazy.Table[string, storedContact]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.all = rows, true
}

// forget notes that it is not known what the table has.
func (s *storedContacts) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.all = lazy.Table[string, storedContact]{}, false
}

// doubt notes that the table may have something else than what was noted: the next sign-in reads it.
func (s *storedContacts) doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = false
}

// is reports whether the table has these rows and no others, if it is known what it has.
func (s *storedContacts) is(rows *lazy.Table[string, storedContact]) (same, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all && lazy.Equal(&s.rows, rows), s.all
}

// isStored reports whether the table of contacts has these rows and no others. It is read once in a run.
func (r *Roster) isStored(ctx context.Context, rows *lazy.Table[string, storedContact]) (bool, error) {
	if same, known := r.stored.is(rows); known {
		return same, nil
	}
	same, count := true, 0
	err := r.account.DB.Contact.Each(ctx, r.account.Login.ID, func(account, name string, lists int) bool {
		count++
		row, has := rows.Get(account)
		same = has && row == storedContact{name, lists}
		return same
	})
	return same && count == rows.Len(), err
}

// save stores contacts, the list of a new session, and shows those by their new names
// whose names have changed.
func (r *Roster) save(ctx context.Context, _ *msn.Client, contacts []msn.Contact) {
	log := zerolog.Ctx(ctx)
	var now lazy.Table[string, storedContact]
	for _, contact := range contacts {
		row, ok := r.account.ContactRow(contact)
		if !ok {
			log.Warn().Str("account", contact.Account).Msg("Leaving out a contact whose account is invalid")
			continue
		}
		now.Put(row.Account, storedContact{row.Name, row.Lists})
	}
	// Nearly always the list is as it was. After a restart with many accounts these would be nearly all writes to the disk.
	var renamed []string
	if same, err := r.isStored(ctx, &now); err != nil || !same {
		if renamed, err = r.store(ctx, &now); err != nil {
			log.Err(err).Msg("Failed to store contacts")
			r.stored.forget()
			return
		}
	}
	r.stored.replace(now)
	for _, account := range renamed {
		r.names.rename(account)
	}
	r.nameGhosts(ctx)
}

// store makes rows all that the table of contacts has, and returns those whose names are others than there.
func (r *Roster) store(ctx context.Context, now *lazy.Table[string, storedContact]) (renamed []string, err error) {
	table, err := r.account.DB.Contact.GetAll(ctx, r.account.Login.ID)
	if err != nil { // then all may be
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
	}
	before := make(map[string]string, len(table))
	for _, row := range table {
		before[row.Account] = row.Name
	}
	rows := make([]*database.Contact, 0, now.Len())
	for account, row := range now.All() {
		rows = append(rows, &database.Contact{Account: account, LoginID: r.account.Login.ID, Name: row.name, Lists: row.lists})
		if before[account] != row.name {
			renamed = append(renamed, account)
		}
	}
	return renamed, r.account.DB.Contact.ReplaceAll(ctx, r.account.Login.ID, rows)
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
	before, known := r.stored.get(row)
	if known && before == row {
		return
	}
	if account.Listed(&row) && (!known || !account.Listed(&before)) {
		r.strangers.release(row.Account)
	}
	if account.Blocked(&row) && (!known || !account.Blocked(&before)) {
		r.blocked(row.Account)
	}
	if err := r.account.DB.Contact.Put(ctx, &row); err != nil {
		log.Err(err).Msg("Failed to store contact")
		r.stored.doubt() // it may have been stored all the same
		return
	}
	r.stored.put(row)
	switch {
	case known && before.Name == row.Name:
	case contact.Nick == "" && contact.Name == contact.Told:
		r.names.renamedThemselves(row.Account, contact.Name, account.Listed(&row))
	default: // the user calls them so
		r.names.rename(row.Account)
	}
}

// tells notes what somebody says that they are called, and shows them by that name. listed says whether they are on the contact list.
func (r *Roster) tells(account, name string, listed bool) {
	account, ok := msnid.FromServer(account)
	if !ok || name == "" {
		return
	}
	news, first := r.stored.hears(account, name)
	if !news {
		return
	}
	r.account.Tells(account, name)
	if first { // no change, and that of nearly everybody: it need not be counted
		r.names.renameBy(account, true)
		return
	}
	r.names.renamedThemselves(account, name, listed)
}

// Hears notes what somebody is called where they are shown anyway.
func (r *Roster) Hears(account, name string) {
	if name == "" {
		return
	}
	if news, _ := r.stored.hears(account, name); news { // else it may be older than what is known
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
