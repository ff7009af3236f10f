package chat

import (
	"fmt"
	"slices"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// maxWaiting is how many bytes may wait to be written before packets wait themselves.
const maxWaiting = 32 << 10

// Packets is what Messengers say to each other in sessions beside what their people say
// (slp.MediaType). The owner calls it.
type Packets interface {
	// Receive takes a packet that is for the user. full is nil, or is closed when more can be taken:
	// until then nothing is read in the session. It reports false for what is no packet.
	Receive(d Data, from *Pipe) (full <-chan struct{}, ok bool)
	// Next returns the payload of the next message that goes out in a session, and false when there
	// is none for now.
	Next(p *Pipe) (payload string, ok bool)
	// Busy reports whether something is under way for which a session is needed.
	Busy(p *Pipe) bool
	// Left says that an endpoint of somebody's is not in a session any more, or, where it is "", that they
	// are not.
	Left(p *Pipe, account, endpoint string)
	// Ended says that nothing goes over a session any more, and why.
	Ended(p *Pipe, err error)
}

// ErrUserLeft says that a session was left for a reason of the user's: they want no other one for what was
// under way there.
var ErrUserLeft = fmt.Errorf("%w: the session was left", errs.ErrSwitchboard)

// Pipe is a session that carries packets.
type Pipe struct {
	session *session
	flight  flight
	pace    pace
	watched bool
}

// CarryPackets has p take the packets, and give those that go out.
func (c *Chats) CarryPackets(p Packets) { c.packets = p }

// Pipe opens a session with a contact, or takes the one that is there, and calls done with it. The
// contact sees nothing of that. The errors are those of Conversation.SendText that mean that nothing
// has arrived.
func (c *Chats) Pipe(account string, done func(*Pipe, error)) {
	cv := c.Conversation(ID{Contact: account})
	d := &delivery{result: make(chan error, 1)}
	d.then = func(err error) {
		s := cv.live().current()
		switch {
		case err != nil:
			done(nil, err)
		case s == nil:
			done(nil, fmt.Errorf("%w: there is no session", errs.ErrSwitchboard))
		default:
			done(s.thePipe(), nil)
		}
	}
	cv.enqueue(d)
}

func (s *session) thePipe() *Pipe {
	if s.pipe == nil {
		s.pipe = &Pipe{session: s, flight: newFlight()}
	}
	return s.pipe
}

// carries reports whether the session is needed for packets, or for the answer to a file.
func (s *session) carries() bool {
	return s.pipe != nil && s.chats.packets.Busy(s.pipe) || s.invited()
}

// endPipe says that nothing goes over the session any more.
func (s *session) endPipe(err error) {
	if s.pipe != nil {
		s.chats.packets.Ended(s.pipe, err)
	}
}

// packet hands over a packet.
func (c *Chats) packet(d Data) {
	s := d.session
	if d.Own || s == nil || s.link == nil || s.state == sessionOver || c.packets == nil || c.conn.Dialect() < wire.FirstObjects ||
		!c.isFor(d.Message.Header.Get("P2P-Dest")) {
		return
	}
	p := s.thePipe()
	full, ok := c.packets.Receive(d, p)
	if !ok {
		c.other(d)
	}
	if full != nil && s.link != nil {
		s.link.Hold(full)
	}
	p.Pump()
}

// isFor reports whether a packet is for this endpoint of the user: in a conversation of several
// people all get those of the others too.
func (c *Chats) isFor(address string) bool {
	account, endpoint, ok := clean.Endpoint(address)
	if !ok || account != c.conn.Self() {
		return false
	}
	_, own, _ := clean.Endpoint(c.cfg.Address)
	return endpoint == "" || own == "" || endpoint == own
}

// Pump sends packets as long as there are any and there is room for them. It is to be called when
// there may be new ones.
func (p *Pipe) Pump() {
	s := p.session
	for s.state == sessionOpen && p.flight.room() && s.link.Waiting() < maxWaiting {
		if rest := p.pace.rest(); rest > 0 {
			p.pumpLater(rest)
			break
		}
		payload, ok := s.chats.packets.Next(p)
		if !ok {
			return
		}
		trid := s.link.NewTrID()
		if s.link.Send(ns.Command(trid, "MSG", "D").WithPayload(payload)) != nil {
			return // the connection has ended, of which its reader tells
		}
		p.flight.sent(trid)
		p.pace.sent(len(payload))
		s.touch()
	}
	if !p.flight.empty() && !p.watched {
		p.watched = true
		p.watch(packetTime)
	}
}

// pumpLater has Pump called after a time.
func (p *Pipe) pumpLater(rest time.Duration) {
	if p.pace.waiting {
		return
	}
	p.pace.waiting = true
	p.session.chats.conn.After(rest, func() {
		p.pace.waiting = false
		p.Pump()
	})
}

// watch goes on where the server acknowledges nothing.
func (p *Pipe) watch(d time.Duration) {
	p.session.chats.conn.After(d, func() {
		switch rest := p.flight.rest(); {
		case p.session.state == sessionOver || p.flight.empty():
			p.watched = false
		case rest > 0:
			p.watch(rest)
		default:
			p.watched = false
			p.flight.giveUp()
			p.Pump()
		}
	})
}

// answered takes the server's answer to a packet.
func (p *Pipe) answered(trid uint32, taken bool) {
	if p == nil || !p.flight.answered(trid) {
		return
	}
	if !taken {
		p.session.endPipe(errs.ErrNotDelivered)
	}
	p.Pump()
}

// Conversation returns the conversation of the session.
func (p *Pipe) Conversation() *Conversation { return p.session.conversation }

// Others returns who is in the session besides an account and the user.
func (p *Pipe) Others(account string) []string { return p.session.others(account) }

// Endpoints returns the endpoints of somebody in the session, as far as the server tells them.
func (p *Pipe) Endpoints(account string) []string { return slices.Clone(p.session.endpoints[account]) }

// Open reports whether something can go over it.
func (p *Pipe) Open() bool { return p.session.state == sessionOpen }
