package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// UserLoginMetadata is what the bridge keeps of a login besides its ID. The framework
// stores a login whenever it has news of its own, from any goroutine, so that this is
// guarded.
type UserLoginMetadata struct {
	// saving is held from a change until it is stored, so that what is stored last is
	// never the older of two changes.
	saving sync.Mutex
	mu     sync.Mutex
	kept   loginRecord
}

// loginRecord is a UserLoginMetadata as it is stored.
type loginRecord struct {
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
	// Refused are the parts of offline messages that the homeserver did not take, the
	// latest last, at most maxRefused. The service keeps their messages, and their
	// rooms have been told.
	Refused []networkid.MessageID `json:"refused,omitempty"`
	// Circles are those that the user was told of, by their IDs. It is replaced, never
	// changed in place.
	Circles map[string]circleState `json:"circles,omitempty"`
}

var (
	_ database.MetaMerger = (*UserLoginMetadata)(nil)
	_ json.Marshaler      = (*UserLoginMetadata)(nil)
	_ json.Unmarshaler    = (*UserLoginMetadata)(nil)
)

// get returns what is kept now. It shares its lists with others, who do not change
// them.
func (m *UserLoginMetadata) get() loginRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept
}

// update changes what is kept, without storing it.
func (m *UserLoginMetadata) update(change func(*loginRecord)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.kept)
}

// remember changes what is kept of the login, and stores it. The change stays when
// storing it fails, and is stored with the next one.
func (c *Client) remember(ctx context.Context, change func(*loginRecord)) error {
	meta := c.meta()
	meta.saving.Lock()
	defer meta.saving.Unlock()
	meta.update(change)
	err := c.login.Save(context.WithoutCancel(ctx))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to save login")
	}
	return err
}

// MarshalJSON returns the form that is stored.
func (m *UserLoginMetadata) MarshalJSON() ([]byte, error) { return json.Marshal(m.get()) }

// UnmarshalJSON reads the form that is stored.
func (m *UserLoginMetadata) UnmarshalJSON(data []byte) error {
	var record loginRecord
	if err := json.Unmarshal(data, &record); err != nil {
		return err
	}
	m.update(func(kept *loginRecord) { *kept = record })
	return nil
}

// CopyFrom takes over what a new sign-in of the same account brought.
func (m *UserLoginMetadata) CopyFrom(other any) {
	o, ok := other.(*UserLoginMetadata)
	if !ok {
		return
	}
	brought := o.get()
	m.update(func(kept *loginRecord) {
		brought.MachineGUID = cmp.Or(kept.MachineGUID, brought.MachineGUID)
		if brought.Refused == nil {
			brought.Refused = kept.Refused
		}
		brought.Circles = kept.Circles
		*kept = brought
	})
}

// PortalMetadata is what the bridge keeps of a room besides what the framework does.
type PortalMetadata struct {
	// Named is set when the user has chosen the name of the room of a group chat, which
	// is that of its members otherwise.
	Named bool `json:"named,omitempty"`
}

// GetDBMetaTypes returns constructors for what is kept with the framework's rows.
func (c *Connector) GetDBMetaTypes() database.MetaTypes {
	return database.MetaTypes{
		UserLogin: func() any { return &UserLoginMetadata{} },
		Portal:    func() any { return &PortalMetadata{} },
	}
}
