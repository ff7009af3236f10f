package p2p

import (
	"matrix-msn/msn/slp"
)

// carriage is how messages are cut into packets and put together again: that of one version of the
// header.
type carriage interface {
	// append appends the packet with the next part of a message.
	append(b []byte, m *outgoing, data string) []byte
	// room is how many bytes of data fit into one packet.
	room() int
	// read takes a packet apart.
	read(body string) (arrival, bool)
	// forget forgets what has come of a session that is over.
	forget(session uint32)
	// acknowledge returns the packet that acknowledges an arrival, nil for none.
	acknowledge(a *arrival) *outgoing
}

// kind is what a message is.
type kind uint8

const (
	isSLP kind = iota
	isPreparation
	isObject
	isFile
	isControl // no message: an acknowledgement
	isLost    // part of a message whose beginning has not come
	isEnd     // asks for the acknowledgement of all that went before
)

// outgoing is a message on its way out.
type outgoing struct {
	kind    kind
	session uint32
	footer  uint32
	text    string // of what is short
	total   uint64
	sent    uint64
	begun   bool

	id  uint32 // of version 1; of version 2 the number of its package
	end uint32 // of version 2: the sequence behind its last packet
	// raw is the packet of an acknowledgement.
	raw func(b []byte) []byte
	// needed is set for one that is left out last.
	needed bool
	// acked is called when the other side acknowledges the message; may be nil.
	acked func()
}

func (m *outgoing) done() bool { return m.begun && m.sent >= m.total }

// arrival is a packet that has come, or what it says.
type arrival struct {
	kind    kind
	session uint32
	footer  uint32
	message uint32 // the same in all packets of a message
	offset  uint64
	total   uint64
	data    string

	acks    func(*outgoing) bool // reports which messages of this line it acknowledges; nil for none
	names   func(*outgoing) bool // reports the one that it names, which may be of another line
	wants   bool                 // it is to be acknowledged, when its message is whole in version 1
	closed  bool                 // the other side has ended the session
	failed  bool                 // the other side could not read what it was sent
	packet  slp.Packet
	packet2 slp.Packet2
}
