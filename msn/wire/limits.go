package wire

// Limits of what is accepted from the other side. Each is checked before
// memory for the thing it limits is taken: the MSN side is hostile.
const (
	// MaxLine is the longest command line in bytes, without its line end.
	// Servers of the period accepted lines of about 8 KB; the longest real ones
	// (an NLN with a display name and an MSNObject) stay below 4 KB. It is more
	// because a server of today may take a name of any length: 10 KB of letters that are
	// encoded must not cut off everybody who has its bearer on the list.
	MaxLine = 64 << 10

	// MaxPayload is the largest payload in bytes. The largest real ones are the
	// policies and address-book notifications of MSNP13 and later, some tens of
	// kilobytes.
	MaxPayload = 256 << 10

	// MaxParams is the largest number of parameters of one command, the length
	// of a payload included. The longest real line is a VER with every dialect.
	MaxParams = 128

	// MaxSkip is how many bytes that belong to no command are passed over in a
	// row before the stream is given up. It covers one payload of a command that
	// this package does not know.
	MaxSkip = 64 << 10

	// MaxSwitchboardPayload is the largest MSG payload in bytes, headers
	// included, that a switchboard relays; servers close the connection above it
	// (protocol/09-quirks.md, section 3).
	MaxSwitchboardPayload = 1664
)
