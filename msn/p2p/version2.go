package p2p

import (
	"maps"
	"math/rand/v2"

	"matrix-msn/msn/slp"
)

// version2 cuts and joins with headers of version 2.
type version2 struct {
	sequence uint32 // of the next packet
	greeted  bool   // the first packet was sent
	pack     uint16 // number of the last message
	// The messages that come and are not whole yet, by session and number.
	open map[opened]*beginning
}

// opened names a message that is not whole yet.
type opened struct {
	session uint32
	pack    uint16
	slp     bool
}

// beginning is what the first packet of a message says of it.
type beginning struct {
	total uint64
	kind  kind
}

// maxOpen is how many messages can be half-way.
const maxOpen = 2 * maxCalls

func newVersion2() *version2 {
	return &version2{sequence: rand.Uint32N(1 << 30), open: make(map[opened]*beginning)}
}

// room leaves space for the longest header.
func (*version2) room() int { return slp.MaxData - 44 }

func (v *version2) append(b []byte, m *outgoing, data string) []byte {
	p := slp.Packet2{Sequence: v.sequence, Session: m.session, Footer: m.footer}
	if m.kind == isEnd {
		m.begun = true
		p.Op, p.Footer = slp.OpRak, 0
		m.end = v.sequence
		return p.Append(b)
	}
	if !m.begun {
		v.pack++
		if v.pack == 0 {
			v.pack++
		}
		m.begun, m.id = true, uint32(v.pack)
		p.Kind = slp.FirstOfMessage
	}
	switch m.kind {
	case isObject:
		p.Kind |= slp.DataObject
	case isFile:
		p.Kind |= slp.DataFile
	}
	p.Payload, p.Package, p.Data = true, uint16(m.id), data
	m.sent += uint64(len(data))
	p.Remaining = m.total - m.sent
	if !v.greeted {
		v.greeted = true
		p.Op, p.Peer = slp.OpSyn|slp.OpRak, slp.PeerInfo
	} else if m.acked != nil && m.done() {
		p.Op = slp.OpRak
	}
	v.sequence = p.Next()
	m.end = v.sequence
	return p.Append(b)
}

func (v *version2) read(body string) (arrival, bool) {
	p, ok := slp.Parse2(body)
	if !ok {
		return arrival{}, false
	}
	a := arrival{kind: isControl, session: p.Session, footer: p.Footer, data: p.Data, packet2: p, wants: p.Op&slp.OpRak != 0}
	if p.HasAck {
		a.acks = func(m *outgoing) bool { return m.done() && int32(p.Ack-m.end) >= 0 }
		a.names = func(m *outgoing) bool { return m.done() && p.Ack == m.end }
	}
	a.failed = p.HasNak
	if !p.Payload {
		return a, true
	}
	key := opened{p.Session, p.Package, p.Session == 0}
	a.message = uint32(p.Package)
	rest := uint64(len(p.Data)) + p.Remaining
	if rest < p.Remaining {
		return arrival{}, false
	}
	if p.First() {
		begun := &beginning{total: rest, kind: isPreparation}
		switch {
		case p.Session == 0:
			begun.kind = isSLP
		case p.Kind&slp.DataFile == slp.DataFile:
			begun.kind = isFile
		case p.Kind&slp.DataObject != 0:
			begun.kind = isObject
		}
		if len(v.open) >= maxOpen {
			clear(v.open)
		}
		v.open[key] = begun
	}
	begun := v.open[key]
	if begun == nil || rest > begun.total {
		a.kind = isLost
		return a, true
	}
	a.kind, a.offset, a.total = begun.kind, begun.total-rest, begun.total
	if p.Remaining == 0 {
		delete(v.open, key)
	}
	return a, true
}

func (v *version2) forget(session uint32) {
	maps.DeleteFunc(v.open, func(key opened, _ *beginning) bool { return key.session == session && session != 0 })
}

func (v *version2) acknowledge(a *arrival) *outgoing {
	p := a.packet2
	if p.Op&slp.OpRak == 0 {
		return nil
	}
	ack := slp.Packet2{Ack: p.Next(), HasAck: true}
	if p.Op&slp.OpSyn != 0 && !p.HasAck {
		ack.Op, ack.Peer = slp.OpSyn|slp.OpRak, p.Peer
	}
	return &outgoing{kind: isControl, raw: func(b []byte) []byte {
		ack.Sequence = v.sequence
		if ack.Op != 0 {
			v.greeted = true
		}
		return ack.Append(b)
	}}
}
