package msntest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"matrix-msn/msn/slp"
)

// framing is how a Messenger cuts messages into packets and joins them: that of one version.
type framing interface {
	room() int
	// message returns the packets of a message in MSNSLP.
	message(text string, acked func()) []string
	// prepare returns the packet before an object, part one of data, and finish those behind the data.
	prepare(t *transfer) string
	part(t *transfer, offset uint64, data string) string
	finish(t *transfer) []string
	read(body string) (unit, bool)
}

// unit is what a packet brings.
type unit struct {
	session     uint32
	text        string // a message in MSNSLP that is whole
	data        string
	preparation bool
	closed      bool   // the other side has ended the session
	acknowledge string // the packet that acknowledges it, "" for none
	acked       func() // of the message that it acknowledges
}

// framing1 is that of version 1.
type framing1 struct {
	id    uint32
	texts map[uint32]*strings.Builder
	acks  map[uint32]func()
}

func newFraming1() *framing1 {
	return &framing1{id: rand.Uint32N(1 << 30), texts: make(map[uint32]*strings.Builder), acks: make(map[uint32]func())}
}

func (*framing1) room() int { return slp.MaxData }

func (f *framing1) next() uint32 {
	f.id++
	return f.id
}

func (f *framing1) message(text string, acked func()) (packets []string) {
	id := f.next()
	if acked != nil {
		f.acks[id] = acked
	}
	for _, p := range slp.Split(text, id, rand.Uint32()) {
		packets = append(packets, p.Body())
	}
	return packets
}

func (f *framing1) prepare(t *transfer) string {
	return slp.Packet{Session: t.session, ID: f.next(), Total: 4, AckID: rand.Uint32(), Data: "\x00\x00\x00\x00", Footer: t.app}.Body()
}

func (f *framing1) part(t *transfer, offset uint64, data string) string {
	if offset == 0 {
		f.next()
		f.acks[f.id] = t.taken
	}
	p := slp.Packet{Session: t.session, ID: f.id, Offset: offset, Total: t.said(), AckID: 1, Flags: slp.FlagObject, Data: data, Footer: t.app}
	if t.file {
		p.Flags = slp.FlagFile
	}
	return p.Body()
}

func (*framing1) finish(*transfer) []string { return nil }

func (f *framing1) read(body string) (unit, bool) {
	p, ok := slp.Parse(body)
	if !ok {
		return unit{}, false
	}
	u := unit{session: p.Session}
	if p.Control() {
		u.closed = p.Flags&^slp.FlagAck != 0
		if p.Flags&slp.FlagAck != 0 {
			u.acked = f.acks[p.AckID]
			delete(f.acks, p.AckID)
		}
		return u, true
	}
	if p.Last() {
		u.acknowledge = p.Ack(f.next()).Body()
	}
	if p.Session != 0 {
		u.data, u.preparation = p.Data, p.Flags&slp.FlagFile == 0
		return u, true
	}
	text := f.texts[p.ID]
	if text == nil {
		text = new(strings.Builder)
		f.texts[p.ID] = text
	}
	text.WriteString(p.Data)
	if p.Last() {
		u.text = text.String()
		delete(f.texts, p.ID)
	}
	return u, true
}

// said is how long the packets say that the data is.
func (t *transfer) said() uint64 {
	if total := t.line.messenger.cfg.Faults.Total; total != 0 {
		return total
	}
	return t.total
}

// framing2 is that of version 2.
type framing2 struct {
	sequence uint32
	greeted  bool
	pack     uint16
	sending  uint16 // the package of the data
	texts    map[uint16]*strings.Builder
	kinds    map[uint16]uint8
	acks     []awaited
}

// awaited is what waits for the acknowledgement of all up to a sequence.
type awaited struct {
	sequence uint32
	acked    func()
}

// flow is after how many packets of data an acknowledgement is asked for.
const flow = 64

func newFraming2() *framing2 {
	return &framing2{sequence: rand.Uint32N(1 << 30), texts: make(map[uint16]*strings.Builder), kinds: make(map[uint16]uint8)}
}

func (*framing2) room() int { return slp.MaxData - 50 }

// frame sends a packet with a payload.
func (f *framing2) frame(p slp.Packet2) string {
	p.Sequence, p.Payload = f.sequence, true
	if !f.greeted {
		f.greeted = true
		p.Op, p.Peer = slp.OpSyn|slp.OpRak, slp.PeerInfo
	}
	f.sequence = p.Next()
	return p.Body()
}

func (f *framing2) message(text string, acked func()) (packets []string) {
	f.pack++
	for first := true; text != ""; first = false {
		part := text[:min(len(text), f.room())]
		text = text[len(part):]
		p := slp.Packet2{Package: f.pack, Remaining: uint64(len(text)), Data: part}
		if first {
			p.Kind = slp.FirstOfMessage
		}
		if text == "" && acked != nil {
			p.Op = slp.OpRak
		}
		packets = append(packets, f.frame(p))
	}
	if acked != nil {
		f.acks = append(f.acks, awaited{f.sequence, acked})
	}
	return packets
}

func (f *framing2) prepare(t *transfer) string {
	f.pack++
	return f.frame(slp.Packet2{Kind: slp.FirstOfMessage, Package: f.pack, Session: t.session, Data: "\x00\x00\x00\x00", Footer: t.app})
}

func (f *framing2) part(t *transfer, offset uint64, data string) string {
	p := slp.Packet2{Kind: slp.DataObject, Session: t.session, Remaining: t.said() - offset - uint64(len(data)), Data: data, Footer: t.app}
	if t.file {
		p.Kind = slp.DataFile
	}
	if offset == 0 {
		f.pack++
		f.sending = f.pack
		p.Kind |= slp.FirstOfMessage
	}
	if int(offset)/f.room()%flow == flow-1 {
		p.Op = slp.OpRak
	}
	p.Package = f.sending
	return f.frame(p)
}

// finish is a packet without payload, whose acknowledgement says that all has arrived.
func (f *framing2) finish(t *transfer) []string {
	f.acks = append(f.acks, awaited{f.sequence, t.taken})
	return []string{slp.Packet2{Op: slp.OpRak, Sequence: f.sequence}.Body()}
}

func (f *framing2) read(body string) (unit, bool) {
	p, ok := slp.Parse2(body)
	if !ok {
		return unit{}, false
	}
	u := unit{session: p.Session, closed: p.HasNak}
	if p.Op&slp.OpRak != 0 {
		ack := slp.Packet2{Sequence: f.sequence, HasAck: true, Ack: p.Next()}
		if p.Op&slp.OpSyn != 0 && !p.HasAck {
			ack.Op, ack.Peer = slp.OpSyn|slp.OpRak, p.Peer
			f.greeted = true
		}
		u.acknowledge = ack.Body()
	}
	if p.HasAck {
		var calls []func()
		f.acks = slices.DeleteFunc(f.acks, func(a awaited) bool {
			if int32(p.Ack-a.sequence) < 0 {
				return false
			}
			calls = append(calls, a.acked)
			return true
		})
		u.acked = func() {
			for _, call := range calls {
				call()
			}
		}
	}
	if !p.Payload {
		return u, true
	}
	if p.First() {
		f.kinds[p.Package] = p.Kind
		f.texts[p.Package] = new(strings.Builder)
	}
	text := f.texts[p.Package]
	if text == nil {
		return u, true
	}
	if p.Remaining == 0 {
		defer delete(f.texts, p.Package)
	}
	if p.Session != 0 {
		u.data, u.preparation = p.Data, f.kinds[p.Package] == slp.FirstOfMessage
		return u, true
	}
	text.WriteString(p.Data)
	if p.Remaining == 0 {
		u.text = text.String()
	}
	return u, true
}
