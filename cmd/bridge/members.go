package main

import (
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"

	"matrix-msn/bridge/membership"
)

// rememberMembers has the framework remember who is in which room: it asks for that with each event that it sends, and the bot does
// with each message whose status it shows. It is to be called before anybody but the bot is used.
func rememberMembers(m *mxmain.BridgeMain) {
	store := membership.Remember(m.Matrix.AS.StateStore)
	m.Matrix.AS.StateStore = store
	m.Matrix.Bot.StateStore = store
}
