package slp

import (
	"encoding/binary"
)

const (
	headerSize = 48
	footerSize = 4
)

// What the flags of a packet with a header of version 1 say.
const (
	FlagNAK       = 0x1   // out of order
	FlagAck       = 0x2   // acknowledges a message
	FlagWaits     = 0x4   // waits for an answer
	FlagError     = 0x8   // what the other side sent could not be read
	FlagObject    = 0x20  // data of an object
	FlagFile      = 0x30  // data of a file
	FlagClosed    = 0x40  // who receives the data has ended the session
	FlagAborted   = 0x80  // who sends the data has
	FlagHandshake = 0x100 // of a direct connection
	// FlagLive is set in data of later clients besides other flags.
	FlagLive = 0x0100_0000

	flagControl = FlagNAK | FlagAck | FlagWaits | FlagError | FlagClosed | FlagAborted | FlagHandshake
)

// Footers, which say what the data of a packet is for.
const (
	FooterSLP    = 0 // MSNSLP, and acknowledgements
	FooterObject = 1
	FooterFile   = 2
	FooterInk    = 3
)

// Packet is one packet with a header of version 1.
type Packet struct {
	Session   uint32 // 0 for MSNSLP
	ID        uint32 // the same in all packets of a message
	Offset    uint64
	Total     uint64 // length of the message
	Flags     uint32
	AckID     uint32
	AckUnique uint32
	AckTotal  uint64
	Data      string
	Footer    uint32 // what the data is for
	Behind    bool   // its header, as it was read, tells another length than that of the data
}

// Parse reads a packet. How much data there is the packet itself tells, and not its header: a
// client that is in use writes the length of the packet before there. It reports false for what is no
// packet, and for data beyond the end of its message.
func Parse(body string) (p Packet, ok bool) {
	if len(body) < headerSize {
		return Packet{}, false
	}
	b := []byte(body[:headerSize])
	order := binary.LittleEndian
	p = Packet{
		Session: order.Uint32(b), ID: order.Uint32(b[4:]), Offset: order.Uint64(b[8:]), Total: order.Uint64(b[16:]),
		Flags: order.Uint32(b[28:]), AckID: order.Uint32(b[32:]), AckUnique: order.Uint32(b[36:]), AckTotal: order.Uint64(b[40:]),
	}
	length, rest := uint64(order.Uint32(b[24:])), body[headerSize:]
	fits := func(data int) bool { return p.Offset <= p.Total && uint64(data) <= p.Total-p.Offset }
	switch {
	case length == uint64(len(rest)) && (p.Control() || fits(len(rest)) || !fits(len(rest)-footerSize)): // no footer
		p.Data = rest
	case len(rest) < footerSize:
		return Packet{}, false
	default:
		p.Data = rest[:len(rest)-footerSize]
		p.Footer = binary.BigEndian.Uint32([]byte(rest[len(p.Data):]))
	}
	if !p.Control() && !fits(len(p.Data)) {
		return Packet{}, false
	}
	p.Behind = length != uint64(len(p.Data))
	return p, true
}

// Control reports whether a packet belongs to no message: it acknowledges one, or ends a session.
func (p Packet) Control() bool { return p.Flags&flagControl != 0 }

// Last reports whether a packet ends its message.
func (p Packet) Last() bool { return p.Offset+uint64(len(p.Data)) == p.Total }

// Append appends the packet to b as it is sent.
func (p Packet) Append(b []byte) []byte {
	order := binary.LittleEndian
	b = order.AppendUint32(b, p.Session)
	b = order.AppendUint32(b, p.ID)
	b = order.AppendUint64(b, p.Offset)
	b = order.AppendUint64(b, p.Total)
	b = order.AppendUint32(b, uint32(len(p.Data)))
	b = order.AppendUint32(b, p.Flags)
	b = order.AppendUint32(b, p.AckID)
	b = order.AppendUint32(b, p.AckUnique)
	b = order.AppendUint64(b, p.AckTotal)
	b = append(b, p.Data...)
	return binary.BigEndian.AppendUint32(b, p.Footer)
}

// Body returns the packet as it is sent.
func (p Packet) Body() string {
	return string(p.Append(make([]byte, 0, headerSize+len(p.Data)+footerSize)))
}

// Ack returns the packet that acknowledges the message of which p is the last packet. id is the
// next of the one who acknowledges.
func (p Packet) Ack(id uint32) Packet {
	return Packet{Session: p.Session, ID: id, Total: p.Total, Flags: FlagAck, AckID: p.ID, AckUnique: p.AckID, AckTotal: p.Total}
}

// Split returns the packets of a message in MSNSLP. unique is any number.
func Split(message string, id, unique uint32) (packets []Packet) {
	total := uint64(len(message))
	for offset := uint64(0); offset < total; offset += MaxData {
		packets = append(packets, Packet{ID: id, Offset: offset, Total: total, AckID: unique,
			Data: message[offset:min(total, offset+MaxData)]})
	}
	return packets
}
