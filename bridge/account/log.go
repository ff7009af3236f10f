package account

import (
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// Logger returns the logger of a login: its user's, with the login named in each line. zerolog's With takes 500 bytes for each
// logger that it makes, and there are many logins that log next to nothing.
func Logger(login *bridgev2.UserLogin) zerolog.Logger {
	return login.User.Log.Hook(loginField(login.ID))
}

// loginField names a login in log lines.
type loginField networkid.UserLoginID

// Run implements zerolog.Hook.
func (id loginField) Run(line *zerolog.Event, _ zerolog.Level, _ string) {
	line.Str("login_id", string(id))
}
