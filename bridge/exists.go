package bridge

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
)

// CanExist reports whether there can be an account behind a Matrix user, and how that user is called. The
// service is not asked: any user of the homeserver could have the bridge try addresses there.
func (c *Connector) CanExist(ctx context.Context, user id.UserID) (name string, ok bool) {
	ghost, ok := c.br.Matrix.ParseGhostMXID(user)
	if !ok {
		return "", false
	}
	if known, err := c.br.GetExistingGhostByID(ctx, ghost); err == nil && known != nil && known.Name != "" {
		return known.Name, true
	}
	identity, ok := msnid.ParseUserID(ghost)
	if !ok || msnid.IsAlertsUserID(ghost) {
		return "", false
	}
	service := c.Config.Service(identity.Service)
	if service == nil || len(user) > id.UserIDMaxLength {
		return "", false
	}
	if address, err := msnid.ParseAccount(identity.Account); err != nil || address != identity.Account {
		return "", false
	}
	name, err := account.GhostName(&c.Config, service, identity.Account, "")
	return name, err == nil
}

// UsersOf returns the Matrix users of an address, one for each service at which there can be such an account.
func (c *Connector) UsersOf(address string) (users []id.UserID) {
	clean, err := msnid.ParseAccount(address)
	if err != nil {
		return nil
	}
	for _, service := range c.Config.ServiceKeys() {
		user := c.br.Matrix.FormatGhostMXID(msnid.MakeUserID(msnid.Identity{Service: service, Account: clean}))
		if len(user) <= id.UserIDMaxLength {
			users = append(users, user)
		}
	}
	return users
}

// AddressOf returns address and service of a Matrix user of the bridge.
func (c *Connector) AddressOf(user id.UserID) (address, service string, ok bool) {
	ghost, ok := c.br.Matrix.ParseGhostMXID(user)
	if !ok {
		return "", "", false
	}
	identity, ok := msnid.ParseUserID(networkid.UserID(ghost))
	return identity.Account, identity.Service, ok && slices.Contains(c.Config.ServiceKeys(), identity.Service)
}
