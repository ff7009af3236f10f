package bridge

import (
	"cmp"

	"maunium.net/go/mautrix/bridgev2/database"
)

// UserLoginMetadata is what the bridge keeps of a login besides its ID.
type UserLoginMetadata struct {
	// Password is encrypted, see credentials.go.
	Password string `json:"password"`
	// Elsewhere is set while the account is signed in at another place, which
	// ended the bridge's session. The bridge does not sign in by itself then, not
	// even after a restart.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// MachineGUID names the bridge among the places where the account is signed in.
	// It stays the same for the login.
	MachineGUID string `json:"machine_guid,omitempty"`
	// Unread is how many unread mails there were when the server counted them last.
	Unread int `json:"unread,omitempty"`
}

var _ database.MetaMerger = (*UserLoginMetadata)(nil)

// CopyFrom takes over what a new sign-in of the same account brought.
func (m *UserLoginMetadata) CopyFrom(other any) {
	if o, ok := other.(*UserLoginMetadata); ok {
		guid := m.MachineGUID
		*m = *o
		m.MachineGUID = cmp.Or(guid, m.MachineGUID)
	}
}

// GetDBMetaTypes returns constructors for what is kept with the framework's rows.
func (c *Connector) GetDBMetaTypes() database.MetaTypes {
	return database.MetaTypes{
		UserLogin: func() any { return &UserLoginMetadata{} },
	}
}
