package account

import (
	"context"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
)

// Face returns the picture that the room with a contact has: the contact's own. It is nil where rooms have no names and
// pictures of their own, and where there is none yet.
func (a *Account) Face(ctx context.Context, account string) *bridgev2.Avatar {
	if !a.Bridge.Config.PrivateChatPortalMeta {
		return nil
	}
	ghost, err := a.Bridge.DB.Ghost.GetByID(ctx, a.GhostID(account))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read a ghost: the room has no picture yet")
		return nil
	}
	if ghost == nil || ghost.AvatarMXC == "" {
		return nil
	}
	return &bridgev2.Avatar{ID: ghost.AvatarID, MXC: ghost.AvatarMXC, Hash: ghost.AvatarHash}
}
