// Package command is what users tell the bot to do: one table of commands, which are parsed
// in one way and find the login that they are for in one place.
package command

import (
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/loginpage"
	"matrix-msn/database"
)

// Commands are the commands of the bridge.
type Commands struct {
	bridge      *bridgev2.Bridge
	shared      call.Parts
	answers     answers
	interrupted interrupted
}

// New returns the commands of a bridge. loginOf returns the parts of a login, encrypts reports whether
// the bridge can read and write in encrypted rooms.
func New(br *bridgev2.Bridge, db *database.Database, pages *loginpage.Pages, loginOf func(*bridgev2.UserLogin) *call.Login, encrypts func() bool) *Commands {
	return &Commands{bridge: br, shared: call.Parts{DB: db, LoginPages: pages, LoginOf: loginOf, Encrypts: encrypts}}
}
