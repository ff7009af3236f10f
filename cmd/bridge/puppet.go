package main

import (
	"context"
	"errors"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// puppetIntent speaks as a Matrix user, and brings them into rooms under their name. The framework writes the
// event of the join itself, with the name that is in the invitation, and there is none.
type puppetIntent struct{ *matrix.ASIntent }

// NewUserIntent implements bridgev2.MatrixConnector.
func (c onceConnector) NewUserIntent(ctx context.Context, user id.UserID, token string) (bridgev2.MatrixAPI, string, error) {
	intent, token, err := c.Connector.NewUserIntent(ctx, user, token)
	if own, ok := intent.(*matrix.ASIntent); ok && err == nil {
		return puppetIntent{own}, token, nil
	}
	return intent, token, err
}

// EnsureJoined implements bridgev2.MatrixAPI.
func (i puppetIntent) EnsureJoined(ctx context.Context, room id.RoomID, params ...bridgev2.EnsureJoinedParams) error {
	if !i.Matrix.StateStore.IsInRoom(ctx, room, i.Matrix.UserID) {
		if err := i.inviteByName(ctx, room); err != nil {
			zerolog.Ctx(ctx).Debug().Err(err).Stringer("room_id", room).Msg("A user joins a room without their name")
		}
	}
	return i.ASIntent.EnsureJoined(ctx, room, params...)
}

// inviteByName has an invitation of the user into a room hold their name and picture, as that of a client would.
func (i puppetIntent) inviteByName(ctx context.Context, room id.RoomID) error {
	user, store := i.Matrix.UserID, i.Matrix.StateStore
	profile, err := i.Matrix.GetProfile(ctx, user)
	if err != nil {
		return err
	}
	invited := &event.MemberEventContent{Membership: event.MembershipInvite, Displayname: profile.DisplayName, AvatarURL: profile.AvatarURL.CUString()}
	if !store.IsInvited(ctx, room, user) {
		_, err = i.Connector.Bot.SendStateEvent(ctx, room, event.StateMember, user.String(), &event.Content{
			Parsed: invited, Raw: map[string]any{"fi.mau.will_auto_accept": true},
		})
		if err != nil {
			return err
		}
	}
	return store.SetMember(ctx, room, user, invited)
}

// pingMatrix is the framework's ping-matrix, which looks for its own type of intent.
func pingMatrix() *commands.FullHandler {
	ping := *matrix.CommandPingMatrix
	ping.Func = func(ce *commands.Event) {
		puppet, ok := ce.User.DoublePuppet(ce.Ctx).(puppetIntent)
		if !ok {
			ce.Reply("You don't have double puppeting enabled.")
			return
		}
		switch who, err := puppet.Matrix.Whoami(ce.Ctx); {
		case errors.Is(err, mautrix.MUnknownToken), errors.Is(err, mautrix.MForbidden):
			ce.Reply("The homeserver does not let the bridge write as you any more. Send `login-matrix` with a new access token, or ask the admin of this bridge.")
		case err != nil:
			ce.Log.Err(err).Msg("Failed to ask the homeserver whether a double puppet works")
			ce.Reply("The homeserver does not answer. Try again in a minute.")
		case puppet.Matrix.SetAppServiceUserID: // by a token that is the admin's
			ce.Reply("The bridge may write as %s: the admin of this bridge has arranged that.", who.UserID)
		default:
			ce.Reply("The bridge may write as %s, as the device %s.", who.UserID, who.DeviceID)
		}
	}
	return &ping
}
