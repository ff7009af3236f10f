package chat

import (
	"context"
	"fmt"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
)

// SearchUsers finds people on the user's contact list by a part of a name or an address.
func (c *Chat) SearchUsers(ctx context.Context, query string) ([]*bridgev2.ResolveIdentifierResponse, error) {
	all, err := c.ContactList(ctx)
	if err != nil {
		return nil, err
	}
	part := strings.ToLower(names.OneLine(query))
	found := make([]*bridgev2.ResolveIdentifierResponse, 0, len(all))
	for _, contact := range all {
		account, _ := msnid.ParseUserID(contact.UserID)
		if strings.Contains(account.Account, part) || strings.Contains(strings.ToLower(*contact.UserInfo.Name), part) {
			found = append(found, contact)
		}
	}
	return found, nil
}

// Block keeps the contact of a room from seeing the user and writing to them, or lets them.
// The error is fit to be shown to the user.
func (c *Chat) Block(ctx context.Context, portal networkid.PortalID, block bool) error {
	account, ok := msnid.ParseDMPortalID(portal)
	if !ok {
		return c.account.Cannot(ctx, fmt.Errorf("%w: not the room with a contact", msn.ErrArgument), reason.Roster, "This room")
	}
	asking, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	client, err := c.session.Wait(asking)
	if err == nil && block {
		err = client.Block(asking, account)
	} else if err == nil {
		err = client.Allow(asking, account)
	}
	if err != nil {
		return c.account.Cannot(ctx, err, reason.Roster, account)
	}
	return nil
}
