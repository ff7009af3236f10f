package account

import (
	"context"
	"maps"
)

// Alias returns what the user has called a contact whose service keeps no such names, or "": the
// lists up to MSNP12 have one name of each contact, in whose place a contact who comes online
// puts their own.
func (a *Account) Alias(account string) string { return a.Stored().Aliases[account] }

// SetAlias notes what the user calls a contact, "" for nothing.
func (a *Account) SetAlias(ctx context.Context, account, alias string) error {
	if a.Alias(account) == alias {
		return nil
	}
	return a.Remember(ctx, func(kept *Record) {
		aliases := maps.Clone(kept.Aliases)
		if aliases == nil {
			aliases = make(map[string]string)
		}
		if aliases[account] = alias; alias == "" {
			delete(aliases, account)
		}
		kept.Aliases = aliases
	})
}
