package chat

import "time"

// Limits of what conversations keep and do for the other side. They hold whatever the
// server and the contacts do.
const (
	// MaxText is the longest text that SendText takes, in bytes: some 40 messages.
	MaxText = 48 << 10
	// maxInFlight is how many messages of a session may wait for their
	// acknowledgement. It bounds what is lost or doubtful when a session breaks.
	maxInFlight = 16
	// MaxOutbox is how many SendText calls of one Conversation may wait.
	MaxOutbox = 256

	// MaxSessions is how many switchboard sessions an account has at once, those
	// being opened included. When there are so many, a call of the user's takes
	// the place of the session that has been silent longest.
	MaxSessions = 64
	// MaxIncoming is how many of them others may have opened: strangers cannot take
	// the room that the user's own calls need. A RNG beyond it takes the place of the
	// session with one person that has been silent longest, that of a group that has
	// been silent for Config.IdleClose, or, when the caller is a contact, that of any
	// session with strangers alone.
	MaxIncoming = 48
	// MaxConversations is how many Conversations are remembered before those
	// without session and text are forgotten.
	MaxConversations = 1024
	// MaxSessionsPerContact is how many sessions with one contact are kept. Two come
	// from calling each other at the same time, and libpurple opens more to fetch
	// pictures. One more takes the place of the one that has been silent longest; those
	// in which something is under way stay, and are maxBusyPerContact at most.
	MaxSessionsPerContact = 4
	maxBusyPerContact     = 16
	// MaxParticipants is how many people of one session are remembered; official
	// clients allowed 20.
	MaxParticipants = 100
	// RingBurst and RingEvery bound how often one contact's RNGs are answered: so
	// many at once, and one more each time. Every RNG makes the client open a
	// connection to an address that the server names. The last of those beyond waits
	// for its turn, of as many callers as maxRinging.
	RingBurst  = 10
	RingEvery  = 6 * time.Second
	maxRinging = 64
	// TypingBurst and typingEvery bound the typing notes of one sender that are
	// passed on. Clients send one every 4 to 5 seconds.
	TypingBurst = 5
	typingEvery = time.Second
	// maxEndpoints is how many endpoints of somebody in a session are remembered.
	maxEndpoints = 64
	// partingTime is how long a switchboard is still read after the good-bye, when
	// its server does not close the connection.
	partingTime = time.Second
)
