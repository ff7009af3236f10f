package p2p

import (
	"math/rand/v2"

	"matrix-msn/msn/slp"
)

// version1 cuts and joins with headers of version 1.
type version1 struct {
	id uint32 // of the last message
}

func newVersion1() *version1 { return &version1{id: rand.Uint32N(1 << 30)} }

func (*version1) room() int { return slp.MaxData }

func (v *version1) next() uint32 {
	v.id++
	if v.id == 0 {
		v.id++
	}
	return v.id
}

func (v *version1) append(b []byte, m *outgoing, data string) []byte {
	if !m.begun {
		m.begun, m.id = true, v.next()
	}
	p := slp.Packet{Session: m.session, ID: m.id, Offset: m.sent, Total: m.total, AckID: ^m.id, Data: data, Footer: m.footer}
	switch m.kind {
	case isObject:
		p.Flags = slp.FlagObject
	case isFile:
		p.Flags = slp.FlagLive | slp.FlagFile
	}
	m.sent += uint64(len(data))
	return p.Append(b)
}

func (*version1) read(body string) (arrival, bool) {
	p, ok := slp.Parse(body)
	if !ok {
		return arrival{}, false
	}
	a := arrival{session: p.Session, footer: p.Footer, message: p.ID, offset: p.Offset, total: p.Total, data: p.Data, packet: p}
	switch {
	case p.Control():
		a.kind = isControl
		a.closed = p.Flags&(slp.FlagClosed|slp.FlagAborted) != 0
		a.failed = p.Flags&(slp.FlagError|slp.FlagNAK) != 0
		if p.Flags&slp.FlagAck != 0 {
			a.acks = func(m *outgoing) bool { return m.begun && m.id == p.AckID }
			a.names = a.acks
		}
	case p.Session == 0:
		a.wants = true
	case p.Flags&slp.FlagFile == slp.FlagFile:
		a.kind, a.wants = isFile, true
	case p.Flags&slp.FlagObject != 0:
		a.kind, a.wants = isObject, true
	default:
		a.kind, a.wants = isPreparation, true
	}
	return a, true
}

func (*version1) forget(uint32) {}

func (v *version1) acknowledge(a *arrival) *outgoing {
	if !a.wants || !a.packet.Last() {
		return nil
	}
	ack := a.packet.Ack(v.next())
	return &outgoing{kind: isControl, raw: ack.Append}
}
