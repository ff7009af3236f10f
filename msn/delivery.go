package msn

import (
	"fmt"
	"slices"
	"time"
)

// delivery is one text on its way: one call of SendText.
type delivery struct {
	conversation *Conversation
	text, format string
	parts        []*part // made when there is a session: they depend on the contact
	chunked      bool    // the contact joins the parts, so that all must go through one session
	retried      bool    // a second session was tried
	settled      bool
	result       chan error // gets one value
}

// part is one MSG of a delivery.
type part struct {
	delivery *delivery
	payload  string
	state    partState
	session  *session    // through which it was sent last
	timer    *time.Timer // runs while the part waits for its acknowledgement
}

type partState uint8

const (
	partWaiting partState = iota
	partSent
	partAcknowledged
)

// waiting reports whether a part is still to be sent.
func (d *delivery) waiting() bool {
	return !d.settled && (d.parts == nil ||
		slices.ContainsFunc(d.parts, func(p *part) bool { return p.state == partWaiting }))
}

// sent reports whether a part is on the wire and not acknowledged.
func (d *delivery) sent() bool {
	return slices.ContainsFunc(d.parts, func(p *part) bool { return p.state == partSent })
}

// send sends the parts that wait. It reports false when the session takes no
// more for now.
func (d *delivery) send(s *session) bool {
	if d.parts == nil {
		d.split(s)
	}
	for _, p := range d.parts {
		if p.state != partWaiting {
			continue
		}
		if len(s.unacknowledged) >= maxInFlight || s.state != sessionOpen {
			return false
		}
		if !s.sendPart(p) {
			return false
		}
		if d.settled {
			return true
		}
	}
	return true
}

// split makes the parts.
func (d *delivery) split(s *session) {
	contact := s.client.book.find(d.conversation.peer)
	chunks := s.client.dialect >= 11 && contact != nil && contact.Capabilities&capChunks != 0
	payloads, chunked := textPayloads(d.text, d.format, chunks)
	d.chunked = chunked
	for _, payload := range payloads {
		d.parts = append(d.parts, &part{delivery: d, payload: payload})
	}
}

// sentBy reports whether the part waits for an acknowledgement in s.
func (p *part) sentBy(s *session) bool { return p.state == partSent && p.session == s }

// acknowledged notes an ACK.
func (p *part) acknowledged() {
	p.stop(partAcknowledged)
	d := p.delivery
	if !slices.ContainsFunc(d.parts, func(p *part) bool { return p.state != partAcknowledged }) {
		d.settle(nil)
	}
}

// again makes what was not acknowledged wait for another session, once. It
// reports false when that was done before.
func (d *delivery) again() bool {
	if d.settled || d.retried {
		return false
	}
	d.retried = true
	for _, p := range d.parts {
		if d.chunked || p.state == partSent {
			p.stop(partWaiting)
		}
	}
	return true
}

func (p *part) stop(state partState) {
	p.state = state
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// giveUp settles the delivery with err, or as uncertain if something of it was
// sent and not acknowledged.
func (d *delivery) giveUp(err error) {
	if d.sent() {
		err = fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	d.settle(err)
}

// settle ends the delivery, once.
func (d *delivery) settle(err error) {
	if d.settled {
		return
	}
	d.settled = true
	for _, p := range d.parts {
		p.stop(p.state)
	}
	cv := d.conversation
	cv.outbox = slices.DeleteFunc(cv.outbox, func(other *delivery) bool { return other == d })
	d.result <- err
}
