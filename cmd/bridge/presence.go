package main

import (
	"context"
	"net/http"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/presence"
)

// presenceOf implements presence.Homeserver.
type presenceOf struct {
	matrix        *matrix.Connector
	registrations *registrations
}

// status is what a presence is set to. The framework's own leaves an empty text out, and some
// homeservers keep the one that they have then.
type status struct {
	Presence event.Presence `json:"presence"`
	Text     string         `json:"status_msg"`
}

// SetPresence implements presence.Homeserver.
func (p presenceOf) SetPresence(ctx context.Context, ghost networkid.UserID, state presence.State) error {
	intent := p.matrix.AS.Intent(p.matrix.FormatGhostMXID(ghost))
	ctx = mautrix.WithMaxRetries(ctx, 0) // who asks has its own way to try again
	if err := p.registrations.ensure(ctx, intent); err != nil {
		return err
	}
	url := intent.BuildClientURL("v3", "presence", intent.UserID, "status")
	_, err := intent.MakeRequest(ctx, http.MethodPut, url, status{state.Presence, state.Text}, nil)
	return err
}

// Presence implements presence.Homeserver. The ghost asks for itself: it may see that.
func (p presenceOf) Presence(ctx context.Context, ghost networkid.UserID) (presence.State, error) {
	shown, err := p.matrix.AS.Intent(p.matrix.FormatGhostMXID(ghost)).GetOwnPresence(mautrix.WithMaxRetries(ctx, 0))
	if err != nil {
		return presence.State{}, err
	}
	return presence.State{Presence: shown.Presence, Text: shown.StatusMsg}, nil
}
