package slp

import (
	"encoding/binary"
	"strings"
)

// What the operation of a packet with a header of version 2 says.
const (
	OpSyn = 0x1 // tells the sender's sequence
	OpRak = 0x2 // asks for an acknowledgement
)

// What the data of a packet with a header of version 2 is. FirstOfMessage is set besides.
const (
	DataSLP        = 0
	FirstOfMessage = 1
	DataObject     = 4
	DataFile       = 6
)

// The fields that headers of version 2 have besides, by type.
const (
	fieldPeer = 1
	fieldAck  = 2
	fieldNak  = 3

	fieldRemaining = 1 // of the header of the data
)

const (
	header2Min = 8
	header2Max = 255 &^ 3
)

// PeerInfo is what each side tells of itself in its first packet.
const PeerInfo = "\x00\x02\x00\x00\x00\x0e\x00\x00\x0f\x01\x00\x00"

// Packet2 is one packet with a header of version 2.
type Packet2 struct {
	Op       uint8
	Sequence uint32 // counts the bytes of payload, of the data's header and the data
	Peer     string // PeerInfo in the first packet, else ""
	// Ack and Nak are the sequence behind what is acknowledged, or not.
	Ack, Nak       uint32
	HasAck, HasNak bool

	// What follows is of packets with a payload.

	Payload   bool
	Kind      uint8  // DataSLP, DataObject or DataFile, and FirstOfMessage
	Package   uint16 // the same in all packets of a message
	Session   uint32 // 0 for MSNSLP
	Remaining uint64 // how much of the message comes after this packet
	Data      string
	Footer    uint32

	length uint32 // of the payload as it was read: there may be fields that nobody knows
}

// Parse2 reads a packet with a header of version 2. It reports false for what is none.
func Parse2(body string) (p Packet2, ok bool) {
	if len(body) < header2Min {
		return Packet2{}, false
	}
	order := binary.BigEndian
	head := []byte(body[:header2Min])
	size, payload := int(head[0]), int(order.Uint16(head[2:]))
	if size < header2Min || size%4 != 0 || size > len(body) || payload > len(body)-size {
		return Packet2{}, false
	}
	p.Op, p.Sequence, p.length = head[1], order.Uint32(head[4:]), uint32(payload)
	fields := body[header2Min:size]
	if value, ok := field(fields, fieldPeer, len(PeerInfo)); ok {
		p.Peer = strings.Clone(value)
	}
	if value, ok := field(fields, fieldAck, 4); ok {
		p.Ack, p.HasAck = order.Uint32([]byte(value)), true
	}
	if value, ok := field(fields, fieldNak, 4); ok {
		p.Nak, p.HasNak = order.Uint32([]byte(value)), true
	}
	rest := body[size:]
	if footer := rest[payload:]; len(footer) >= footerSize {
		p.Footer = order.Uint32([]byte(footer[:footerSize]))
	}
	if payload == 0 {
		return p, true
	}
	rest = rest[:payload]
	if len(rest) < header2Min {
		return Packet2{}, false
	}
	head = []byte(rest[:header2Min])
	size = int(head[0])
	if size < header2Min || size%4 != 0 || size > len(rest) {
		return Packet2{}, false
	}
	p.Payload, p.Kind, p.Package, p.Session = true, head[1], order.Uint16(head[2:]), order.Uint32(head[4:])
	if value, ok := field(rest[header2Min:size], fieldRemaining, 8); ok {
		p.Remaining = order.Uint64([]byte(value))
	}
	p.Data = rest[size:]
	return p, true
}

// field returns the value of the first field of a type. One of another length is none.
func field(fields string, kind byte, length int) (value string, ok bool) {
	for len(fields) >= 2 && fields[0] != 0 {
		size := int(fields[1])
		if size > len(fields)-2 {
			return "", false
		}
		if fields[0] == kind && size == length {
			return fields[2 : 2+size], true
		}
		fields = fields[2+size:]
	}
	return "", false
}

// First reports whether a packet begins its message.
func (p Packet2) First() bool { return p.Payload && p.Kind&FirstOfMessage != 0 }

// Next is the sequence behind a packet.
func (p Packet2) Next() uint32 {
	if p.length > 0 {
		return p.Sequence + p.length
	}
	return p.Sequence + uint32(p.payloadSize())
}

func (p Packet2) payloadSize() int {
	if !p.Payload {
		return 0
	}
	size := header2Min + len(p.Data)
	if p.Remaining > 0 {
		size += 12 // type, length, 8 bytes, padding
	}
	return size
}

// Append appends the packet to b as it is sent.
func (p Packet2) Append(b []byte) []byte {
	order := binary.BigEndian
	start := len(b)
	b = append(b, 0, p.Op)
	b = order.AppendUint16(b, uint16(p.payloadSize()))
	b = order.AppendUint32(b, p.Sequence)
	if p.HasAck {
		b = order.AppendUint32(append(b, fieldAck, 4), p.Ack)
	}
	if p.HasNak {
		b = order.AppendUint32(append(b, fieldNak, 4), p.Nak)
	}
	if p.Peer != "" {
		b = append(append(b, fieldPeer, byte(len(p.Peer))), p.Peer...)
	}
	b = pad(b, start)
	b[start] = byte(len(b) - start)
	if p.Payload {
		at := len(b)
		b = append(b, 0, p.Kind)
		b = order.AppendUint16(b, p.Package)
		b = order.AppendUint32(b, p.Session)
		if p.Remaining > 0 {
			b = order.AppendUint64(append(b, fieldRemaining, 8), p.Remaining)
		}
		b = pad(b, at)
		b[at] = byte(len(b) - at)
		b = append(b, p.Data...)
	}
	return order.AppendUint32(b, p.Footer)
}

// pad fills a header that begins at start up to a multiple of four bytes.
func pad(b []byte, start int) []byte {
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// Body returns the packet as it is sent.
func (p Packet2) Body() string {
	return string(p.Append(make([]byte, 0, 64+len(p.Data))))
}
