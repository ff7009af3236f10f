package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/commands"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/command"
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

// puppets is a homeserver that answers of every access token the same.
type puppets struct {
	bridgev2.MatrixConnector
	err error
}

func (p puppets) NewUserIntent(context.Context, id.UserID, string) (bridgev2.MatrixAPI, string, error) {
	return nil, "", p.err
}

// Who cannot have the bridge write in their name is told why, and what to do.
func TestLoginMatrixSaysWhy(t *testing.T) {
	t.Parallel()
	automatic := func(homeserver string) bool { return homeserver == "auto.test" }
	for _, test := range []struct {
		user    id.UserID
		args    []string
		err     error
		refused bool
		want    string
	}{
		{user: "@alice:auto.test", args: []string{"syt"}, want: "has it do so for all users of this homeserver"},
		{user: "@alice:other.test", want: "Send `login-matrix` with an access token"},
		{user: "@alice:other.test", args: []string{"syt"}, refused: true, want: "does not let you"},
		{user: "@alice:other.test", args: []string{"syt"}, err: mautrix.MUnknownToken, want: "does not know this access token"},
		{user: "@alice:other.test", args: []string{"syt"}, err: matrix.ErrMismatchingMXID, want: "of your own account, @alice:other.test"},
		{user: "@alice:other.test", args: []string{"syt"}, err: errors.New("dial tcp 192.0.2.1:8008"), want: "could not find out whether the access token works"},
	} {
		bot, log := new(answers), zerolog.Nop()
		br := &bridgev2.Bridge{Config: &bridgeconfig.BridgeConfig{}, Matrix: puppets{err: test.err}}
		allowed := bridgeconfig.PermissionLevelUser
		allowed.DoublePuppet = !test.refused
		command.LoginMatrix(matrix.CommandLoginMatrix, automatic).Func(&commands.Event{
			Bot: bot, Ctx: t.Context(), Log: &log, Bridge: br, Args: test.args,
			User: &bridgev2.User{User: &bridgedb.User{MXID: test.user}, Permissions: allowed, Bridge: br},
		})
		if len(bot.said) != 1 || !strings.Contains(bot.said[0], test.want) || strings.Contains(bot.said[0], "192.0.2.1") {
			t.Errorf("with %v %s is told %q, not %q", test.err, test.user, bot.said, test.want)
		}
	}
}
