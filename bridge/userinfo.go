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
	identity, ok := msnid.ParseUserID(ghost.ID)
	if !ok {
		return nil, fmt.Errorf("ghost ID %q is none of this bridge", ghost.ID)
	}
	return c.userInfo(ctx, identity.Account), nil
}

func (c *Client) userInfo(ctx context.Context, account string) *bridgev2.UserInfo {
	return c.userInfoAmong(ctx, account, c.contactsOrNone(ctx))
}

// userInfoAmong is userInfo for who has the contact list already.
func (c *Client) userInfoAmong(ctx context.Context, account string, contacts []*database.Contact) *bridgev2.UserInfo {
	name := c.nameAmong(ctx, account, contacts)
	return &bridgev2.UserInfo{Name: &name, Identifiers: []string{"mailto:" + account}}
}

// contactsOrNone is knownContacts for names, which can do without.
func (c *Client) contactsOrNone(ctx context.Context) []*database.Contact {
	contacts, err := c.knownContacts(ctx)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
	}
	return contacts
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
func (c *Client) nameAmong(ctx context.Context, account string, contacts []*database.Contact) string {
	params := nameParams{Account: account, Service: c.serviceOrUnknown().name}
	if account == c.identity.Account {
		params.Name = c.login.RemoteProfile.Name
		contacts = nil
	}
	for _, contact := range contacts {
		if contact.Account == account {
			params.Name = cleanName(contact.Name)
		}
	}
	if params.Name != "" && params.Name != account && account != c.identity.Account && c.nameIsTaken(params.Name, account, contacts) {
		params.Name += " (" + account + ")"
	}
	name, err := c.connector.Config.formatName(params)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to apply network.displayname_template")
		return account
	}
	return name
}

// nameIsTaken reports whether a name is that of somebody else, or looks so: the
// bot, the user, another contact, or an address.
func (c *Client) nameIsTaken(name, account string, contacts []*database.Contact) bool {
	if strings.Contains(name, "@") {
		return true
	}
	own := c.login.RemoteProfile.Name
	for _, reserved := range []string{c.connector.GetName().DisplayName, c.connector.GetName().DisplayName + " bridge bot", own} {
		if reserved != "" && looksLike(name, reserved) {
			return true
		}
	}
	for _, other := range contacts {
		if other.Account != account && looksLike(cleanName(other.Name), name) {
			return true
		}
	}
	return false
}
