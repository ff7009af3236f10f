package chat

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"matrix-msn/database"
	"matrix-msn/msn"
)

// storedContacts is what the table of contacts holds of a login: servers repeat what they
// say of contacts all the time, which must not ask the database each time. The zero value
// holds nothing, so that everything counts as changed.
type storedContacts struct {
	mu   sync.Mutex
	rows map[string]database.Contact // by account
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

// saveRoster stores the contact list of a new session and gives ghosts whose
// contacts have changed their names the new ones.
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
	if err := c.account.DB.Contact.Put(ctx, row); err != nil {
		log.Err(err).Msg("Failed to store contact")
		return
	}
	c.stored.put(*row)
	if !known || before.Name != row.Name {
		c.updates.rename(row.Account)
	}
}
