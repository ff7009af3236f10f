// Package presence shows in Matrix which contacts are online: one keeper for all logins, which
// tells the homeserver as little as it can.
package presence

import (
	"context"
	"errors"
	"net/http"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/msn"
)

// Homeserver is what shows the presence of ghosts, or their status in the profile.
type Homeserver interface {
	// SetPresence has a ghost shown so. It tries once.
	SetPresence(ctx context.Context, ghost networkid.UserID, state State) error
	// Presence returns how a ghost is shown. It is not asked of profiles.
	Presence(ctx context.Context, ghost networkid.UserID) (State, error)
}

// Kind is what a Keeper shows.
type Kind struct {
	name     string
	of       func(msn.Contact) State
	perGhost time.Duration // the shortest time between two requests about one ghost
	requests int           // how many a change takes
	lasts    bool          // the homeserver keeps it, so that there is nothing to repeat and to find out
	hint     string        // what an admin can do when the homeserver does not take it
}

// The kinds.
var (
	// Presence is who is online, with a status message. Some clients show it, some homeservers
	// do not, and some forget it.
	Presence = Kind{
		name: "presence", of: Of, perGhost: perGhost, requests: 1,
		hint: "Switch presence on there, or set network.presence to off",
	}
	// Profile is the status in the profile, as an emoji and a text. It is there where presence is
	// switched off too. Some homeservers write a line into what all who know the ghost get.
	Profile = Kind{
		name: "status in the profile", of: inProfile, perGhost: time.Minute, requests: 2, lasts: true,
		hint: "Nothing has to be done",
	}
)

// Store is the list of the ghosts that are not shown as offline, on disk: some homeservers show
// them so for ever, whatever becomes of the bridge.
type Store interface {
	All(ctx context.Context) ([]networkid.UserID, error)
	Put(ctx context.Context, ghost networkid.UserID) error
	Delete(ctx context.Context, ghost networkid.UserID) error
}

// Bounds of what the homeserver is asked. Presence is the first thing that admins switch off
// when a server suffers, and bridges that sent it without end were the reason.
const (
	// quiet is how long nothing must change before a change is sent: people come and go, and
	// a status, a text and a song come one after the other.
	quiet = 2 * time.Second
	// restless is how long a change waits at most for quiet.
	restless = 10 * time.Second
	// perGhost is the shortest time between two requests about one ghost.
	perGhost = 10 * time.Second
	// pace is the shortest time between two requests, of all keepers together.
	pace = 100 * time.Millisecond
	// repeatPace is the shortest time between two repeats.
	repeatPace = 200 * time.Millisecond
	// timeout bounds one request.
	timeout = 10 * time.Second
)

// How long what was known counts without being said again.
const (
	// outage is how long contacts are shown as they were when a service is lost: most
	// connections come back at once.
	outage = 30 * time.Second
	// settle is how long after a sign-in those are taken for offline of whom nothing was said.
	settle = 15 * time.Second
	// restart is how long those are shown as they were who were shown as online when the
	// bridge was started: it takes logins a while to sign in.
	restart = time.Minute
)

// When the homeserver does not show presence.
const (
	// giveUp is after how many requests in a row without effect nothing is sent for a while.
	giveUp = 3
	// rest is that while.
	rest = time.Hour
	// firstPause and longestPause bound the waits when the homeserver cannot be reached.
	firstPause, longestPause = 5 * time.Second, 5 * time.Minute
)

// How long the homeserver shows a presence that is not repeated is found out with one ghost:
// it is looked at so long after it was shown.
const (
	lookForEffect = time.Second
	lookForEnd    = 70 * time.Second // some show whoever does not sync as offline after 30 s, and take as long to notice
	lookForIdle   = 6 * time.Minute  // some show whoever is online as idle after 5 min
)

// How often a presence is repeated then.
const (
	beforeEnd  = 25 * time.Second
	beforeIdle = 4 * time.Minute
)

// The end of the bridge.
const (
	// goodbye is how long it takes at most to show everybody as offline. Who is left is shown
	// so after the next start.
	goodbye = 4 * time.Second
	// goodbyes is how many requests are under way then.
	goodbyes = 4
)

// Refused reports whether the homeserver does not let this be set, which it will not later on
// either.
func Refused(err error) bool {
	answer, ok := errors.AsType[mautrix.HTTPError](err)
	if ok && answer.Response != nil {
		switch code := answer.Response.StatusCode; code {
		case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
			return false // it is not this request that it does not like
		default:
			return code >= 400 && code < 500
		}
	}
	return errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound) || errors.Is(err, mautrix.MUnrecognized)
}
