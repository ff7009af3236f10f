package account

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
)

// Metadata is what the bridge keeps of a login besides its ID. The framework
// stores a login whenever it has news of its own, from any goroutine, so that this is
// guarded.
type Metadata struct {
	// saving is held from a change until it is stored, so that what is stored last is
	// never the older of two changes.
	saving sync.Mutex
	mu     sync.Mutex
	kept   Record
}

// NewMetadata returns the Metadata of a new login.
func NewMetadata(kept Record) *Metadata { return &Metadata{kept: kept} }

// Record is a Metadata as it is stored.
type Record struct {
	// Password is encrypted, by config.Config.SealPassword.
	Password string `json:"password"`
	// Elsewhere is set while the account is signed in at another endpoint, which
	// ended the bridge's session. The bridge does not sign in by itself then, not
	// even after a restart.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// MachineGUID names the bridge among the endpoints at which the account is signed in.
	// It stays the same for the login.
	MachineGUID string `json:"machine_guid,omitempty"`
	// Name is the user's own display name, clean, since it is another one than at the login.
	Name string `json:"name,omitempty"`
	// Unread is how many unread mails there were when the server counted them last.
	Unread int `json:"unread,omitempty"`
	// Refused are the parts of offline messages that the homeserver did not take, the
	// latest last, at most a hundred. The service keeps their messages, and their
	// rooms have been told.
	Refused []networkid.MessageID `json:"refused,omitempty"`
	// Circles are those that the user was told of, by their IDs. It is replaced, never
	// changed in place.
	Circles map[string]CircleState `json:"circles,omitempty"`
	// Admissions are the people on no list who have got rooms lately.
	Admissions Admissions `json:"admissions,omitzero"`
	// Away are the people, the latest last, of whom the user was told that they write into
	// rooms that the user has left. It is replaced, never changed in place.
	Away []string `json:"away,omitempty"`
	// Alike are the strangers, the latest last, with their names, of whom the user was told that
	// they bear the name of a contact. It is replaced, never changed in place.
	Alike []string `json:"alike,omitempty"`
	// SummedUp are those who have added the user and of whom they were told as a number.
	SummedUp SummedUp `json:"summed_up,omitzero"`
	// Status is as what the user wants to be seen; "" while they have chosen nothing.
	Status config.Choice `json:"status,omitempty"`
	// Personal is the personal message that they have set, which may be none; nil while they
	// have set nothing. What it points to does not change.
	Personal *string `json:"personal,omitempty"`
	// FollowsName is set when the user has chosen whether their contacts see their name of
	// Matrix. What it points to does not change.
	FollowsName *bool `json:"follows_name,omitempty"`
	// FollowsPicture is set when the user has chosen whether their contacts see their picture of
	// Matrix. What it points to does not change.
	FollowsPicture *bool `json:"follows_picture,omitempty"`
	// StoredPicture tells which display picture the service was last told to keep, "" for none; nil
	// before it was asked. What it points to does not change.
	StoredPicture *string `json:"stored_picture,omitempty"`
	// Aliases are the names that the user has given contacts, by account, where the service
	// keeps none. It is replaced, never changed in place.
	Aliases map[string]string `json:"aliases,omitempty"`
	// Emoticons is set when the user has chosen whether emoji and emoticons stand for each
	// other. What it points to does not change.
	Emoticons *bool `json:"emoticons,omitempty"`
	// PresenceOff is set when contacts are not to be shown as online.
	PresenceOff bool `json:"presence_off,omitempty"`
	// Outage is what the user was told last of why the account is not signed in, "" for that it is.
	Outage string `json:"outage,omitempty"`
	// Space is the name and the picture that the space of the login was given last.
	Space string `json:"space,omitempty"`
	// Greet is set from the login on until the user was told what there is to do.
	Greet bool `json:"greet,omitempty"`
	// Undescribed are contacts into whose rooms the user has invited them in Matrix, while those have no name and topic yet.
	// It is replaced, never changed in place.
	Undescribed []string `json:"undescribed,omitempty"`
}

var (
	_ database.MetaMerger = (*Metadata)(nil)
	_ json.Marshaler      = (*Metadata)(nil)
	_ json.Unmarshaler    = (*Metadata)(nil)
)

// Get returns what is kept now. It shares its lists with others, who do not change
// them.
func (m *Metadata) Get() Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept
}

// Update changes what is kept, without storing it.
func (m *Metadata) Update(change func(*Record)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.kept)
}

// Stored returns what is kept of the login, as Metadata.Get.
func (a *Account) Stored() Record { return a.Metadata().Get() }

// Metadata returns where what is kept of the login is.
func (a *Account) Metadata() *Metadata { return a.Login.Metadata.(*Metadata) }

// Remember changes what is kept of the login, and stores it. The change stays when
// storing it fails, and is stored with the next one.
func (a *Account) Remember(ctx context.Context, change func(*Record)) error {
	meta := a.Metadata()
	meta.saving.Lock()
	defer meta.saving.Unlock()
	meta.Update(change)
	err := a.Login.Save(context.WithoutCancel(ctx))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to save login")
	}
	return err
}

// MarshalJSON returns the form that is stored.
func (m *Metadata) MarshalJSON() ([]byte, error) { return json.Marshal(m.Get()) }

// UnmarshalJSON reads the form that is stored.
func (m *Metadata) UnmarshalJSON(data []byte) error {
	var record Record
	if err := json.Unmarshal(data, &record); err != nil {
		return err
	}
	m.Update(func(kept *Record) { *kept = record })
	return nil
}

// CopyFrom takes over what a new sign-in of the same account brought.
func (m *Metadata) CopyFrom(other any) {
	o, ok := other.(*Metadata)
	if !ok {
		return
	}
	brought := o.Get()
	m.Update(func(kept *Record) {
		brought.MachineGUID = cmp.Or(kept.MachineGUID, brought.MachineGUID)
		if brought.Refused == nil {
			brought.Refused = kept.Refused
		}
		brought.Circles, brought.Admissions = kept.Circles, kept.Admissions
		brought.Away, brought.Alike, brought.SummedUp = kept.Away, kept.Alike, kept.SummedUp
		brought.Status, brought.Personal, brought.PresenceOff = kept.Status, kept.Personal, kept.PresenceOff
		brought.FollowsName, brought.Emoticons, brought.Aliases = kept.FollowsName, kept.Emoticons, kept.Aliases
		brought.Space, brought.Undescribed = kept.Space, kept.Undescribed
		brought.FollowsPicture, brought.StoredPicture = kept.FollowsPicture, kept.StoredPicture
		*kept = brought
	})
}

// SummedUp are people of whom the user was told on a day, by their number alone.
type SummedUp struct {
	Day string `json:"day,omitempty"`
	// Accounts are they, the latest last. It is replaced, never changed in place.
	Accounts []string `json:"accounts,omitempty"`
}

// On returns them, none on another day.
func (s SummedUp) On(day string) []string {
	if s.Day != day {
		return nil
	}
	return s.Accounts
}

// CircleState is what the user is to a circle.
type CircleState string

// PortalMetadata is what the bridge keeps of a room besides what the framework does.
type PortalMetadata struct {
	// Named is set when the user has chosen the name of the room of a group chat, which
	// is that of its members otherwise.
	Named bool `json:"named,omitempty"`
	// Borrowed is the room that was there before and became that of the portal. It may be its
	// room no more.
	Borrowed id.RoomID `json:"borrowed,omitempty"`
	// Shared is set while others than the user and the people of MSN are in the room, or invited.
	Shared bool `json:"shared,omitempty"`
}

// MessageMetadata is what the bridge keeps of a message besides what the framework does.
type MessageMetadata struct {
	// Pictures is how many pictures stand in it.
	Pictures int `json:"pictures,omitempty"`
}

// MetaTypes returns constructors for what is kept with the framework's rows.
func MetaTypes() database.MetaTypes {
	return database.MetaTypes{
		UserLogin: func() any { return &Metadata{} },
		Portal:    func() any { return &PortalMetadata{} },
		Ghost:     func() any { return &GhostMetadata{} },
		Message:   func() any { return &MessageMetadata{} },
	}
}
