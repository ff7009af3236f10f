package main

import (
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/commands"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// answers is a bot that notes what it says.
type answers struct {
	bridgev2.MatrixAPI
	said []string
}

func (a *answers) SendMessage(_ context.Context, _ id.RoomID, _ event.Type, content *event.Content, _ *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	a.said = append(a.said, content.Parsed.(*event.MessageEventContent).Body)
	return &mautrix.RespSendEvent{}, nil
}

// What the admin has switched on for a homeserver no user switches off, and none is told that they have.
func TestLogoutMatrixSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	handler := logoutMatrix(func() map[string]string { return map[string]string{"example.test": "as_token:x"} })
	for user, want := range map[id.UserID]string{
		"@alice:example.test": "you cannot switch that off for yourself",
		"@alice:other.test":   "You don't have double puppeting enabled",
	} {
		bot, log := new(answers), zerolog.Nop()
		handler.Func(&commands.Event{
			Bot: bot, Ctx: t.Context(), Log: &log, Bridge: &bridgev2.Bridge{Config: &bridgeconfig.BridgeConfig{}},
			User: &bridgev2.User{User: &bridgedb.User{MXID: user}, Permissions: bridgeconfig.PermissionLevelUser},
		})
		if len(bot.said) != 1 || !strings.Contains(bot.said[0], want) {
			t.Errorf("%s is told %q", user, bot.said)
		}
	}
}
