package self

import (
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/names"
	"matrix-msn/msn"
)

// busy are the words of those homeservers that know people who are there and busy.
var busy = []event.Presence{"busy", "org.matrix.msc3026.busy"}

// statusOf returns the status of somebody whom Matrix shows so. Who is offline there is away,
// and not hidden: messages reach them all the same.
func statusOf(presence event.Presence) msn.Status {
	switch presence {
	case event.PresenceOnline:
		return msn.Online
	case event.PresenceUnavailable:
		return msn.Idle
	case busy[0], busy[1]:
		return msn.Busy
	}
	return msn.Away
}

// personalOf makes a personal message of a status message.
func personalOf(text string) string {
	return strings.TrimSpace(names.Cut(names.OneLine(text), msn.MaxPersonal))
}
