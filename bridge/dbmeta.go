package bridge

import (
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
	// Unread is how many unread mails there were when the server counted them last.
	Unread int `json:"unread,omitempty"`
}

var _ database.MetaMerger = (*UserLoginMetadata)(nil)

// CopyFrom takes over what a new sign-in of the same account brought.
func (m *UserLoginMetadata) CopyFrom(other any) {
	if o, ok := other.(*UserLoginMetadata); ok {
		*m = *o
	}
}

// GetDBMetaTypes returns constructors for what is kept with the framework's rows.
func (c *Connector) GetDBMetaTypes() database.MetaTypes {
	return database.MetaTypes{
		UserLogin: func() any { return &UserLoginMetadata{} },
	}
}
