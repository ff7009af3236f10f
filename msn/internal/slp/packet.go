// Package slp is what Messengers say to each other within messages of the type
// application/x-msnmsgrp2p: packets with a binary header, and invitations in MSNSLP
// (protocol/05-p2p.md). It reads offers and declines them.
//
// The header is that of version 1. Version 2 is for two clients who both announce it, which this
// one does not: what comes with it is put aside.
package slp

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// MediaType is the type of messages that hold packets.
const MediaType = "application/x-msnmsgrp2p"

const (
	headerSize = 48
	footerSize = 4
	// maxData is the longest message in several packets that is put together, in bytes. An
	// offer with a picture of a file stays below.
	maxData = 64 << 10
	// maxPacket is how much of a message fits into one packet.
	maxPacket = 1202
	// maxAssemblies is how many messages of a Joiner may be incomplete.
	maxAssemblies = 4
	// joinTimeout is how long one may be.
	joinTimeout = time.Minute
)

// The flags of a packet that is none of a message, and that of an acknowledgement.
const (
	flagAck     = 0x2
	flagControl = 0x1 | flagAck | 0x4 | 0x8 | 0x40 | 0x80
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
}

// Parse reads a packet. It reports false for what is none, or says of its data what cannot be.
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
	if length > uint64(len(rest)) || !p.Control() && (p.Offset > p.Total || length > p.Total-p.Offset) {
		return Packet{}, false
	}
	p.Data = rest[:length]
	if footer := rest[length:]; len(footer) >= footerSize {
		p.Footer = binary.BigEndian.Uint32([]byte(footer[:footerSize]))
	}
	return p, true
}

// Control reports whether a packet belongs to no message: it acknowledges one, or ends a session.
func (p Packet) Control() bool { return p.Flags&flagControl != 0 }

// Body returns the packet as it is sent.
func (p Packet) Body() string {
	order := binary.LittleEndian
	b := make([]byte, 0, headerSize+len(p.Data)+footerSize)
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
	return string(binary.BigEndian.AppendUint32(b, p.Footer))
}

// Ack returns the packet that acknowledges the message of which p is the last packet. id is the
// next of the one who acknowledges.
func (p Packet) Ack(id uint32) Packet {
	return Packet{Session: p.Session, ID: id, Total: p.Total, Flags: flagAck, AckID: p.ID, AckUnique: p.AckID, AckTotal: p.Total}
}

// Split returns the packets of a message in MSNSLP. unique is any number.
func Split(message string, id, unique uint32) (packets []Packet) {
	total := uint64(len(message))
	for offset := uint64(0); offset < total; offset += maxPacket {
		packets = append(packets, Packet{ID: id, Offset: offset, Total: total, AckID: unique,
			Data: message[offset:min(total, offset+maxPacket)]})
	}
	return packets
}

// Joiner puts messages together. The zero value is ready.
type Joiner struct{ open []*assembly }

type assembly struct {
	from        string
	session, id uint32
	total       uint64
	data        strings.Builder
	began       time.Time
}

// Join returns the message whose last packet p is. It reports false when more is to come, or when
// the message cannot be put together: its packets come in order on a switchboard.
func (j *Joiner) Join(from string, p Packet, now time.Time) (message string, ok bool) {
	if p.Control() || p.Total > maxData {
		return "", false
	}
	if p.Offset == 0 && uint64(len(p.Data)) == p.Total {
		return p.Data, true
	}
	j.expire(now)
	at := slices.IndexFunc(j.open, func(a *assembly) bool { return a.from == from && a.session == p.Session && a.id == p.ID })
	if p.Offset == 0 && at >= 0 { // begun again
		j.open = slices.Delete(j.open, at, at+1)
		at = -1
	}
	if at < 0 {
		if p.Offset != 0 || p.Data == "" {
			return "", false
		}
		if len(j.open) >= maxAssemblies {
			j.open = slices.Delete(j.open, 0, 1)
		}
		j.open = append(j.open, &assembly{from: from, session: p.Session, id: p.ID, total: p.Total, began: now})
		at = len(j.open) - 1
	}
	a := j.open[at]
	if p.Total != a.total || p.Offset != uint64(a.data.Len()) {
		j.open = slices.Delete(j.open, at, at+1)
		return "", false
	}
	a.data.WriteString(p.Data)
	if uint64(a.data.Len()) < a.total {
		return "", false
	}
	j.open = slices.Delete(j.open, at, at+1)
	return a.data.String(), true
}

// Waiting returns how many messages are incomplete, and may become whole yet.
func (j *Joiner) Waiting(now time.Time) int {
	j.expire(now)
	return len(j.open)
}

// expire forgets messages that take too long.
func (j *Joiner) expire(now time.Time) {
	j.open = slices.DeleteFunc(j.open, func(a *assembly) bool { return now.Sub(a.began) > joinTimeout })
}
