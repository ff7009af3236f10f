package people

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
)

// SearchUsers finds people on the user's contact list by a part of a name or an address.
func (f *Finder) SearchUsers(ctx context.Context, query string) ([]*bridgev2.ResolveIdentifierResponse, error) {
	all, err := f.ContactList(ctx)
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
