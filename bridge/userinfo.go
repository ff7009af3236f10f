package bridge

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
)

// GetUserInfo names a contact's ghost.
func (c *Client) GetUserInfo(ctx context.Context, ghost *bridgev2.Ghost) (*bridgev2.UserInfo, error) {
	if msnid.IsAlertsUserID(ghost.ID) {
		return alertsGhost(), nil
	}
	identity, ok := msnid.ParseUserID(ghost.ID)
	if !ok {
		return nil, fmt.Errorf("ghost ID %q is none of this bridge", ghost.ID)
	}
	return c.userInfo(ctx, identity.Account), nil
}

func (c *Client) userInfo(ctx context.Context, account string) *bridgev2.UserInfo {
	return c.userInfoAmong(ctx, account, c.nameBook(ctx))
}

// userInfoAmong is userInfo for who has the names already.
func (c *Client) userInfoAmong(ctx context.Context, account string, book nameBook) *bridgev2.UserInfo {
	name := c.nameAmong(ctx, account, book)
	return &bridgev2.UserInfo{Name: &name, Identifiers: []string{"mailto:" + account}}
}

// nameBook is what names are told apart by.
type nameBook struct {
	names map[string]string // clean, by account
	looks looks
}

func (c *Client) nameBook(ctx context.Context) nameBook {
	contacts, err := c.knownContacts(ctx)
	if err != nil { // names can do without
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
	}
	return newNameBook(contacts)
}

func newNameBook(contacts []*database.Contact) nameBook {
	book := nameBook{names: make(map[string]string, len(contacts)), looks: looksOf(contacts)}
	for _, contact := range contacts {
		book.names[contact.Account] = cleanName(contact.Name)
	}
	return book
}

// with returns the book with the name of somebody who is no contact, "" for none. What
// a contact is called stays.
func (b nameBook) with(account, name string) nameBook {
	if name = cleanName(name); name != "" && b.names[account] == "" {
		b.names[account] = name
		b.looks[look(name)]++
	}
	return b
}

// displayNameOf returns the display name that a contact chose, clean, or "".
func (c *Client) displayNameOf(ctx context.Context, account string) string {
	if session := c.current(); session != nil {
		contact, _ := session.Contact(account)
		return cleanName(contact.Name)
	}
	contact, err := c.connector.db.Contact.Get(ctx, c.login.ID, account)
	if err != nil || contact == nil {
		return ""
	}
	return cleanName(contact.Name)
}

// nameAmong returns the name of a contact for Matrix. Contacts choose their names
// themselves: one that another contact or the bridge's bot bears already gets the
// account behind it.
func (c *Client) nameAmong(ctx context.Context, account string, book nameBook) string {
	params := nameParams{Name: book.names[account], Account: account, Service: c.serviceOrUnknown().name}
	if account == c.identity.Account {
		params.Name = c.login.RemoteProfile.Name
	} else if params.Name != "" && params.Name != account && c.nameIsTaken(params.Name, book) {
		params.Name += " (" + account + ")"
	}
	name, err := c.connector.Config.formatName(params)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to apply network.displayname_template")
		return account
	}
	return name
}

// nameIsTaken reports whether the name of a contact is that of somebody else too,
// or looks so: the bot, the user, another contact, or an address.
func (c *Client) nameIsTaken(name string, book nameBook) bool {
	if strings.Contains(name, "@") {
		return true
	}
	own := look(name)
	return c.isReserved(own) || book.looks[own] > 1
}

// isReserved reports whether a name with a look could be taken for the bot's, that of the
// alerts or the user's.
func (c *Client) isReserved(own string) bool {
	for _, reserved := range []string{c.connector.GetName().DisplayName, c.connector.GetName().DisplayName + " bridge bot", alertsRoomName, c.login.RemoteProfile.Name} {
		if reserved != "" && own == look(reserved) {
			return true
		}
	}
	return false
}
