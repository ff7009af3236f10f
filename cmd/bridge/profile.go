package main

import (
	"context"
	"errors"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/presence"
)

// profileOf implements presence.Homeserver for the status in profiles.
type profileOf struct {
	intent        func(networkid.UserID) *appservice.IntentAPI
	registrations *registrations
}

// statusFields are the names of the status in a profile (MSC4426): the one that clients read
// while it is a proposal, and the one that it is to have.
var statusFields = []string{"org.matrix.msc4426.status", "m.status"}

// profileStatus is a status in a profile. Both fields have to be there.
type profileStatus struct {
	Emoji string `json:"emoji"`
	Text  string `json:"text"`
}

// newProfile returns what shows the status in profiles, or nil where the homeserver takes no fields
// of its clients there.
func newProfile(m *matrix.Connector, registrations *registrations) presence.Homeserver {
	if !m.SpecVersions.Supports(mautrix.FeatureArbitraryProfileFields) && !m.SpecVersions.Supports(mautrix.FeatureUnstableProfileFields) {
		return nil
	}
	return profileOf{func(ghost networkid.UserID) *appservice.IntentAPI { return m.AS.Intent(m.FormatGhostMXID(ghost)) }, registrations}
}

// SetPresence implements presence.Homeserver. Without a text there is no status.
func (p profileOf) SetPresence(ctx context.Context, ghost networkid.UserID, state presence.State) error {
	intent := p.intent(ghost)
	ctx = mautrix.WithMaxRetries(ctx, 0)
	if err := p.registrations.ensure(ctx, intent); err != nil {
		return err
	}
	for _, field := range statusFields {
		var err error
		if state.Text == "" {
			err = intent.DeleteProfileField(ctx, field)
			if errors.Is(err, mautrix.MNotFound) {
				err = nil // there is none
			}
		} else {
			err = intent.SetProfileField(ctx, field, profileStatus{state.Emoji, state.Text})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Presence implements presence.Homeserver.
func (profileOf) Presence(context.Context, networkid.UserID) (presence.State, error) {
	return presence.State{}, errors.ErrUnsupported
}
