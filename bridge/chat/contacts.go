package chat

import (
	"context"

	"github.com/rs/zerolog"

	"matrix-msn/database"
	"matrix-msn/msn"
)

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
			log.Warn().Str("account", contact.Account).Msg("Leaving out a contact whose account is none")
			continue
		}
		rows = append(rows, row)
		if before[row.Account] != row.Name {
			renamed = append(renamed, row.Account)
		}
	}
	if err := c.account.DB.Contact.ReplaceAll(ctx, c.account.Login.ID, rows); err != nil {
		log.Err(err).Msg("Failed to store contacts")
		return
	}
	for _, account := range renamed {
		c.updates.rename(account)
	}
}

// contactChanged stores a contact whose name or lists may be others now.
func (c *Chat) contactChanged(ctx context.Context, contact msn.Contact) {
	log := zerolog.Ctx(ctx)
	row, ok := c.account.ContactRow(contact)
	if !ok {
		return
	}
	before, err := c.account.DB.Contact.Get(ctx, c.account.Login.ID, row.Account)
	if err != nil {
		log.Err(err).Msg("Failed to read contact")
	}
	if before != nil && *before == *row {
		return
	}
	if err := c.account.DB.Contact.Put(ctx, row); err != nil {
		log.Err(err).Msg("Failed to store contact")
		return
	}
	if before == nil || before.Name != row.Name {
		c.updates.rename(row.Account)
	}
}
