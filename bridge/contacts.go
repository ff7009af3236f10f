package bridge

import (
	"context"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// saveRoster stores the contact list of a new session and gives ghosts whose
// contacts have changed their names the new ones.
func (c *Client) saveRoster(ctx context.Context, session *msn.Client) {
	log := zerolog.Ctx(ctx)
	before := make(map[string]string)
	known, err := c.connector.db.Contact.GetAll(ctx, c.login.ID)
	if err != nil {
		log.Err(err).Msg("Failed to read contacts")
	}
	for _, contact := range known {
		before[contact.Account] = contact.Name
	}
	var rows []*database.Contact
	var renamed []string
	for _, contact := range session.Contacts() {
		row, ok := c.contactRow(contact)
		if !ok {
			log.Warn().Str("account", contact.Account).Msg("Leaving out a contact whose account is none")
			continue
		}
		rows = append(rows, row)
		if before[row.Account] != row.Name {
			renamed = append(renamed, row.Account)
		}
	}
	if err := c.connector.db.Contact.ReplaceAll(ctx, c.login.ID, rows); err != nil {
		log.Err(err).Msg("Failed to store contacts")
		return
	}
	for _, account := range renamed {
		c.chores.rename(account)
	}
}

func (c *Client) contactRow(contact msn.Contact) (*database.Contact, bool) {
	account, ok := msnid.FromServer(contact.Account)
	return &database.Contact{LoginID: c.login.ID, Account: account, Name: contact.Name, Lists: int(contact.Lists)}, ok
}

// contactChanged stores a contact whose name or lists may be others now.
func (c *Client) contactChanged(ctx context.Context, contact msn.Contact) {
	log := zerolog.Ctx(ctx)
	row, ok := c.contactRow(contact)
	if !ok {
		return
	}
	before, err := c.connector.db.Contact.Get(ctx, c.login.ID, row.Account)
	if err != nil {
		log.Err(err).Msg("Failed to read contact")
	}
	if before != nil && *before == *row {
		return
	}
	if err := c.connector.db.Contact.Put(ctx, row); err != nil {
		log.Err(err).Msg("Failed to store contact")
		return
	}
	if before == nil || before.Name != row.Name {
		c.chores.rename(row.Account)
	}
}

// knownContacts returns the contact list: of the session, or as it was last seen.
func (c *Client) knownContacts(ctx context.Context) ([]*database.Contact, error) {
	session := c.current()
	if session == nil {
		return c.connector.db.Contact.GetAll(ctx, c.login.ID)
	}
	contacts := session.Contacts()
	rows := make([]*database.Contact, 0, len(contacts))
	for _, contact := range contacts {
		if row, ok := c.contactRow(contact); ok {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func onContactList(contact *database.Contact) bool {
	return msn.List(contact.Lists).Has(msn.ListForward)
}
