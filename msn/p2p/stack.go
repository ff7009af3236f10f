package p2p

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/slp"
)

// Config is what a Stack is made with.
type Config struct {
	// Self and Peer are the addresses of both sides, as they stand in messages: accounts, with the
	// endpoint where Later is set.
	Self, Peer string
	// Later chooses headers of version 2, which both sides must understand.
	Later bool
	// After has the owner call f after a while, and ask Next then.
	After func(d time.Duration, f func()) *time.Timer
	// Object returns the data of an object of the user's that the other side asks for; false for
	// what the user does not have.
	Object func(slp.Object) (data []byte, ok bool)
	// Offered tells of a file that the other side offers.
	Offered func(*Offer)
	// Asked tells of another thing that the other side offers or wants, which is declined already.
	Asked func(slp.Offer)
	// Loose takes a message that belongs to no session, such as handwriting. Who takes it counts it.
	Loose func(session uint32, message string)
	// Admit reports whether one more request of a kind of the other side is dealt with.
	Admit func(slp.Kind) bool
	// Wake has Next be asked.
	Wake func()
	// Siblings returns the Stacks with the same person over other lines; may be nil. Some clients answer over
	// the line that they have opened themselves, and not over the one on which they were asked.
	Siblings func() []*Stack
}

// Stack is what the user's Messenger has under way with one endpoint of somebody. There may be
// something to send after each call of a method: Next is to be asked then.
type Stack struct {
	cfg   Config
	wire  carriage
	join  slp.Joiner
	calls []*call
	ended []string // IDs of calls that are over, the latest last

	acks    []*outgoing // acknowledgements, which go first
	control []*outgoing // SLP, which goes before data
	data    []*outgoing // in turn
	flying  []*outgoing // sent, and not acknowledged yet
	buffer  []byte
	over    error
	replies bool // the other side has acknowledged something

	stirred []*Stack // siblings for which something has come in the packet that is being read
}

// New returns a Stack.
func New(cfg Config) *Stack {
	s := &Stack{cfg: cfg}
	if cfg.Later {
		s.wire = newVersion2()
	} else {
		s.wire = newVersion1()
	}
	s.buffer = make([]byte, 0, slp.MaxData)
	return s
}

// Busy reports whether something is under way, be it of a sibling.
func (s *Stack) Busy() bool {
	return len(s.calls)+len(s.control)+len(s.acks) > 0 || s.join.Waiting(time.Now()) > 0 || s.carriesSiblings()
}

// Knows reports whether a packet, taken for one with a header of version 1, belongs to a session that
// is under way.
func (s *Stack) Knows(body string) bool {
	p, ok := slp.Parse(body)
	return ok && s.bySession(p.Session) != nil
}

// End ends all that is under way, because nothing reaches the other side any more.
func (s *Stack) End(err error) { s.end(err, func(*Stack) error { return err }) }

// Left is End for a contact who has left. What was sent whole counts as taken by those who never acknowledge
// anything: they leave when they have it, and say nothing. Of others nobody knows: that is ErrUnconfirmed.
func (s *Stack) Left(err error) {
	s.end(err, func(of *Stack) error {
		if s.replies || of.replies {
			return fmt.Errorf("%w: %v", ErrUnconfirmed, err)
		}
		return nil
	})
}

// end ends all, and what the other side speaks of over this line. Of calls whose data are all out the error is
// another one, by their line.
func (s *Stack) end(err error, out func(of *Stack) error) {
	if s.over != nil {
		return
	}
	s.over = err
	for _, c := range slices.Clone(s.calls) {
		switch {
		case c.moves():
		case c.out:
			c.finish(out(s))
		case c.missed != nil && !c.heard && !c.over:
			c.source, c.sink = nil, nil
			c.finish(err)
			c.missed(err)
		default:
			c.finish(err)
		}
	}
	s.acks, s.control, s.data, s.flying = nil, nil, nil, nil
	for _, other := range s.siblings() {
		for _, c := range slices.Clone(other.calls) {
			switch {
			case c.via != s:
			case c.out:
				c.finish(out(other))
			default:
				c.finish(err)
			}
		}
	}
}

// Stop ends all that is under way, for the user, and tells the other side. What was sent whole counts as taken.
func (s *Stack) Stop(err error) {
	for _, c := range slices.Clone(s.calls) {
		switch {
		case c.over:
		case c.out:
			c.finish(nil)
		case c.isOffer():
			c.decline(err)
		default:
			c.stop(err)
		}
	}
}

// Finish ends with err what the user's side has asked for or offered and the other side has not said yes to, and tells them. Nothing of that
// has gone out or come. What is on its way goes on.
func (s *Stack) Finish(err error) {
	for _, c := range slices.Clone(s.calls) {
		if c.mine && !c.begun {
			c.stop(err)
		}
	}
}

// Next appends the next packet that is to be sent to b. It reports false when there is none for
// now.
func (s *Stack) Next(b []byte) ([]byte, bool) {
	if packet, ok := s.word(b); ok {
		return packet, true
	}
	for range len(s.data) {
		m := s.data[0]
		s.data = append(s.data[1:], m)
		if packet, ok := s.part(b, m); ok {
			return packet, true
		}
	}
	return s.word(b) // that something could not be read, perhaps
}

// word appends the next packet that is no data.
func (s *Stack) word(b []byte) ([]byte, bool) {
	if len(s.acks) > 0 {
		m := s.acks[0]
		s.acks = s.acks[1:]
		return m.raw(b), true
	}
	if len(s.control) == 0 {
		return b, false
	}
	m := s.control[0]
	rest := m.text[m.sent:]
	b = s.wire.append(b, m, rest[:min(len(rest), s.wire.room())])
	if m.done() {
		s.control = s.control[1:]
		s.sent(m)
	}
	return b, true
}

// part appends the next packet of data of a message.
func (s *Stack) part(b []byte, m *outgoing) ([]byte, bool) {
	c := s.bySession(m.session)
	if c == nil || c.source == nil {
		s.drop(m)
		return b, false
	}
	room := min(uint64(s.wire.room()), m.total-m.sent)
	data := s.buffer[:room]
	n, err := c.source.Read(data)
	if n == 0 && room > 0 {
		switch {
		case errors.Is(err, ErrWait):
			return b, false
		case err == nil, errors.Is(err, io.EOF):
			err = io.ErrUnexpectedEOF
		}
		c.stop(err)
		return b, false
	}
	b = s.wire.append(b, m, string(data[:n]))
	c.progress(m.sent)
	if m.done() {
		s.drop(m)
		s.sent(m)
		c.allSent()
	}
	return b, true
}

// sent notes a message that is out, whose acknowledgement somebody waits for.
func (s *Stack) sent(m *outgoing) {
	if m.acked == nil {
		return
	}
	if len(s.flying) >= maxControl {
		s.flying = s.flying[1:]
	}
	s.flying = append(s.flying, m)
}

func (s *Stack) drop(m *outgoing) {
	s.data = slices.DeleteFunc(s.data, func(o *outgoing) bool { return o == m })
}

// put has a packet or message sent before all data.
func (s *Stack) put(m *outgoing) {
	if s.over == nil {
		s.control = append(s.control, m)
	}
}

// crowded reports whether so much waits to be sent that nothing new is begun.
func (s *Stack) crowded() bool { return len(s.control) >= maxControl }

// acknowledge has an arrival acknowledged, if it is to be. needed is set for what the other side waits for
// before it takes a transfer for done.
func (s *Stack) acknowledge(a *arrival, needed bool) {
	ack := s.wire.acknowledge(a)
	if ack == nil || s.over != nil {
		return
	}
	ack.needed = needed
	if len(s.acks) >= maxAcks {
		least := max(0, slices.IndexFunc(s.acks, func(m *outgoing) bool { return !m.needed }))
		s.acks = slices.Delete(s.acks, least, least+1)
	}
	s.acks = append(s.acks, ack)
}

// say sends a message in MSNSLP. acked is called when it is acknowledged; may be nil.
func (s *Stack) say(m slp.Message, acked func()) {
	text := m.Text()
	s.put(&outgoing{kind: isSLP, text: text, total: uint64(len(text)), acked: acked})
}

// Receive takes a packet of the other side's. full is nil, or is closed when more can be taken: until
// then nothing should be read that the other side sends. It reports false for what is no packet.
func (s *Stack) Receive(body string) (full <-chan struct{}, ok bool) {
	if s.over != nil {
		return nil, true
	}
	a, ok := s.wire.read(body)
	if !ok {
		return nil, false
	}
	defer s.wakeStirred()
	if a.acks != nil {
		s.acknowledged(&a)
	}
	switch a.kind {
	case isControl:
		s.acknowledge(&a, false)
		if c := s.meant(a.session); c != nil && (a.closed || a.failed) {
			c.finish(ErrCancelled)
		}
	case isSLP:
		s.acknowledge(&a, false)
		if text, whole := s.whole(&a); whole {
			s.message(text)
		}
	case isLost:
		s.acknowledge(&a, false)
		if c := s.meant(a.session); c != nil && c.sink != nil {
			c.stop(ErrBroken)
		}
	default:
		c := s.meant(a.session)
		if c == nil || c.sink == nil {
			s.acknowledge(&a, false)
			s.loose(c, &a)
			return nil, true
		}
		return c.arrives(&a, s), true
	}
	return nil, true
}

// whole puts a message in MSNSLP together.
func (s *Stack) whole(a *arrival) (string, bool) {
	if a.total > slp.MaxMessage {
		return "", false
	}
	return s.join.Join(slp.Packet{Session: a.session, ID: a.message, Offset: a.offset, Total: a.total, Data: a.data}, time.Now())
}

// loose takes data of no session that is known.
func (s *Stack) loose(c *call, a *arrival) {
	if c != nil || s.cfg.Loose == nil {
		return
	}
	if text, whole := s.whole(a); whole {
		s.cfg.Loose(a.session, text)
	}
}

// message takes a message in MSNSLP.
func (s *Stack) message(text string) {
	m, err := slp.ParseMessage(text)
	if errors.Is(err, slp.ErrNotSLP) {
		return
	}
	c := s.find(func(of *Stack) *call { return of.byID(m.CallID()) })
	if err != nil {
		if m.Request == slp.Invite && !s.crowded() && s.cfg.Admit(slp.Other) {
			at := slp.Call{Self: s.cfg.Self, Peer: s.cfg.Peer, ID: guid(m.CallID())}
			s.say(at.Reply(m, slp.InternalError, "null", ""), nil)
		}
		return
	}
	switch {
	case m.Request == slp.Invite && m.Type() == slp.TransportRequest:
		s.transport(c, m)
	case m.Request == slp.Invite:
		s.invited(c, m)
	case m.Request == slp.Bye:
		if c != nil {
			c.ended()
		}
	case m.Request == "" && c != nil:
		c.answered(m)
	}
}

// guid returns what can stand as the ID of a call.
func guid(s string) string {
	if clean.IsGUID(s) {
		return s
	}
	return "{00000000-0000-0000-0000-000000000000}"
}

// transport answers about a direct connection, which there is none of: the other side stays on the
// switchboard.
func (s *Stack) transport(c *call, m slp.Message) {
	if s.crowded() || !s.cfg.Admit(slp.Other) {
		return
	}
	at := slp.Call{Self: s.cfg.Self, Peer: s.cfg.Peer, ID: m.CallID()}
	if c == nil {
		s.say(at.Reply(m, slp.NoSuchCall, "null", ""), nil)
		return
	}
	s.say(at.Reply(m, slp.OK, slp.TransportAnswer, slp.NoDirect()), nil)
}

// invited takes the beginning of a session of the other side's.
func (s *Stack) invited(c *call, m slp.Message) {
	if c != nil || slices.Contains(s.ended, m.CallID()) {
		return // the same again
	}
	o, ok := slp.ParseOffer(m)
	if s.crowded() || !s.cfg.Admit(o.Kind) {
		return
	}
	at := slp.Call{Self: s.cfg.Self, Peer: s.cfg.Peer, ID: m.CallID()}
	switch {
	case !ok:
		s.say(at.Reply(m, slp.InternalError, "null", ""), nil)
	case s.bySession(o.Session) != nil, len(s.calls) >= maxCalls:
		s.decline(at, m, o)
	case o.Kind == slp.ForObject:
		s.asked(at, m, o)
	case o.Kind == slp.File:
		s.offered(at, m, o)
	default:
		s.decline(at, m, o)
		s.tell(o)
	}
}

func (s *Stack) tell(o slp.Offer) {
	if s.cfg.Asked != nil {
		s.cfg.Asked(o)
	}
}

// decline says no to an invitation.
func (s *Stack) decline(at slp.Call, m slp.Message, o slp.Offer) {
	s.say(at.Reply(m, slp.Decline, slp.SessionRequest, slp.SessionBody(o.Session)), nil)
	s.forget(at.ID)
}

// forget notes that a call is over.
func (s *Stack) forget(id string) {
	if len(s.ended) >= maxEnded {
		s.ended = s.ended[1:]
	}
	s.ended = append(s.ended, strings.Clone(id))
}

func (s *Stack) byID(id string) *call {
	for _, c := range s.calls {
		if strings.EqualFold(c.at.ID, id) {
			return c
		}
	}
	return nil
}

func (s *Stack) bySession(session uint32) *call {
	for _, c := range s.calls {
		if c.session == session && session != 0 {
			return c
		}
	}
	return nil
}

// The numbers of sessions that are chosen lie between these. Small ones have a meaning. Those of 32
// bits are read wrong by libpurple: it takes them for signed.
const (
	minSession = 1 << 16
	maxSession = 1 << 31
)

// newSession chooses a number for a session.
func (s *Stack) newSession() uint32 {
	for {
		if n := rand.Uint32N(maxSession); n > minSession && s.bySession(n) == nil {
			return n
		}
	}
}
