package stack

import "slices"

// HomeserverKind is a program that a stack can have as its homeserver: [Dendrite] or [Synapse].
type HomeserverKind interface {
	// Name is what people call it.
	Name() string
	// Does reports whether it does something for bridges that not every kind does.
	Does(Capability) bool

	// configure writes all that the program needs at its start into opts.Dir, which is there, and returns how to start
	// it. Users are registered by the secret.
	configure(opts HomeserverOptions, secret string) (command, error)
}

// Capability is something that some kinds of homeserver do for bridges and others do not. It is written as what such a
// homeserver does, for sentences about it.
type Capability string

// What homeservers differ in. The tests of e2e ask for what they need, and one of them finds out whether each
// kind of homeserver does what it is said to do here. For admins it is in docs/homeservers.md.
const (
	TellsRedactions Capability = "tells bridges of redactions"
	TellsTyping     Capability = "tells bridges who types"
	TellsReceipts   Capability = "tells bridges what was read"
	TellsPresence   Capability = "tells bridges of presence"
	// PassesToDevice also takes in changes of devices: a bridge needs no /sync of its own to read what is encrypted.
	PassesToDevice Capability = "passes messages between devices on to bridges"
	// MakesDevices is for the bridge's users, by PUT and without a login.
	MakesDevices Capability = "makes devices for bridges"
	Pings        Capability = "pings bridges when they ask"
	// AsksForProfiles is that a bridge is asked for a user of its own whose profile somebody wants and who is unknown.
	AsksForProfiles Capability = "asks bridges whose profile it does not have"
	// PushesAfterKill is that an event which was stored and not pushed yet when the homeserver was killed is pushed after the next
	// start. Synapse counts events as pushed when they wait in memory to be.
	PushesAfterKill Capability = "pushes after it was killed what it had not pushed before"
)

// Capabilities returns all that homeservers differ in.
func Capabilities() []Capability {
	return []Capability{TellsRedactions, TellsTyping, TellsReceipts, TellsPresence, PassesToDevice, MakesDevices, Pings, AsksForProfiles, PushesAfterKill}
}

// does is what a kind of homeserver does for bridges.
type does []Capability

// Does implements [HomeserverKind].
func (d does) Does(c Capability) bool { return slices.Contains(d, c) }
