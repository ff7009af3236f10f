package call

import (
	"slices"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
)

// MayRelay reports whether the user of a command may have others speak through a login, by the settings
// of the framework.
func MayRelay(ce *commands.Event, login *bridgev2.UserLogin) bool {
	config := ce.Bridge.Config.Relay
	return config.Enabled && ce.User.Permissions.ManageRelay &&
		(!config.AdminOnly || ce.User.Permissions.Admin || slices.Contains(config.DefaultRelays, login.ID))
}
