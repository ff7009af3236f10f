package msn

import "time"

// Limits of what a Client keeps and does for the other side. They hold whatever
// the server and the contacts do.
const (
	// MaxBacklog is how many events may wait to be read before the Client stops
	// reading from the server. Signing in makes up to two for each contact, and
	// real lists have up to 1,000.
	MaxBacklog = 4096
	// maxBacklogBytes is the same limit in bytes of text, because one event can
	// hold a payload of wire.MaxPayload.
	maxBacklogBytes = 4 << 20

	// MaxText is the longest text that SendText takes, in bytes: some 40 messages.
	MaxText = 48 << 10
	// MaxFormat is the longest X-MMS-IM-Format that is passed on, in bytes. Real
	// ones have about 80; a longer one, either way, is dropped, not the text.
	MaxFormat = 256
	// safeBody is how many bytes of text go into each message when one does not
	// hold all. Period clients cut at about as much
	// (protocol/09-quirks.md, section 3).
	safeBody = 1400
	// maxInFlight is how many messages of a session may wait for their
	// acknowledgement. It bounds what is lost or doubtful when a session breaks.
	maxInFlight = 16
	// MaxOutbox is how many SendText calls of one Conversation may wait.
	MaxOutbox = 256

	// MaxContacts is how many accounts are remembered. Real lists end at 1,000.
	MaxContacts = 10000
	// maxGroups is how many groups are remembered; servers allow 30.
	maxGroups = 256
	// maxName is the longest display or group name kept, in bytes; servers allow
	// 387 bytes in encoded form.
	maxName = 512
	// maxAccount is the longest account taken for one, in bytes; servers allow
	// 129.
	maxAccount = 254
	// maxField is the longest of the other values kept of a contact, in bytes:
	// MSNObject, personal message, media, phone number.
	maxField = 2048
	// maxProperties is how many BPR keys are kept of one contact; there are 6.
	maxProperties = 16

	// maxSessions is how many switchboard sessions a Client has at once, those
	// being opened included. When there are so many, a call of the user's takes
	// the place of the session that has been silent longest.
	maxSessions = 64
	// maxIncoming is how many of them others may have opened. A RNG beyond it
	// takes the place of a group that has been silent for Timeouts.IdleClose, or
	// is not answered: strangers cannot take the room that the user's own calls
	// need.
	maxIncoming = 48
	// maxConversations is how many Conversations are remembered before those
	// without session and text are forgotten.
	maxConversations = 1024
	// maxSessionsPerContact is the same for one contact. Two come from calling
	// each other at the same time, and libpurple opens more to fetch pictures.
	maxSessionsPerContact = 4
	// maxParticipants is how many people of one session are remembered; official
	// clients allowed 20.
	maxParticipants = 100
	// ringBurst and ringEvery bound how often one contact's RNGs are answered: so
	// many at once, and one more each time. Every RNG makes the Client open a
	// connection to an address that the server names.
	ringBurst = 10
	ringEvery = 6 * time.Second
	// typingBurst and typingEvery bound the typing notes of one sender that are
	// passed on. Clients send one every 4 to 5 seconds.
	typingBurst = 5
	typingEvery = time.Second
	// maxBuckets is how many senders a rate limit remembers before it forgets
	// them all.
	maxBuckets = 1024

	// maxChunks and maxChunkBytes bound a message that comes in parts
	// (protocol/04-switchboard.md, section 3.2), maxAssemblies how many such
	// messages of one session may be incomplete, and chunkTimeout how long.
	maxChunks     = 256
	maxChunkBytes = 256 << 10
	maxAssemblies = 4
	chunkTimeout  = time.Minute

	// maxRedirects is how often signing in may be sent to another server.
	maxRedirects = 5
	// maxUnsent is how many bytes may wait to be written to one connection. A
	// server that lets more pile up is not reading any more.
	maxUnsent = 256 << 10
	// minPing is the shortest wish in QNG that is honoured: a server cannot make
	// the Client send without pause.
	minPing = 5 * time.Second
	// listsQuiet is how long nothing may come of announced contact lists before
	// they are taken for complete. Some servers announce lists and send none
	// when the version asked for is the current one.
	listsQuiet = 5 * time.Second
	// partingTime is how long a switchboard is still read after the good-bye, when
	// its server does not close the connection.
	partingTime = time.Second
	// eventGrace is how long Close waits for somebody to read the next event.
	eventGrace = 2 * time.Second
)

// The default waits of a Client; see Timeouts.
const (
	defaultDial      = 15 * time.Second
	defaultRequest   = 30 * time.Second
	defaultLogin     = 60 * time.Second
	defaultWrite     = 30 * time.Second
	defaultAck       = 30 * time.Second
	defaultAnswer    = 30 * time.Second
	defaultPing      = 45 * time.Second
	defaultPong      = 30 * time.Second
	defaultPage      = 30 * time.Second
	defaultSilence   = 10 * time.Second
	defaultIdleClose = 5 * time.Minute
)

// withDefaults fills the zero fields of t.
func (t Timeouts) withDefaults() Timeouts {
	for _, field := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&t.Dial, defaultDial}, {&t.Request, defaultRequest}, {&t.Login, defaultLogin},
		{&t.Write, defaultWrite}, {&t.Ack, defaultAck}, {&t.Answer, defaultAnswer},
		{&t.Ping, defaultPing}, {&t.Pong, defaultPong}, {&t.Page, defaultPage}, {&t.Silence, defaultSilence},
		{&t.IdleClose, defaultIdleClose},
	} {
		if *field.value <= 0 {
			*field.value = field.standard
		}
	}
	return t
}
