package chat

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// delivery is one text on its way: one call of SendText. That of SendNudge is a nudge in its
// place. That of Reach is neither, and is through when a text could be sent.
type delivery struct {
	conversation *Conversation
	text, format string
	emoticons    []string // messages that announce the pictures in it
	line         *Line    // that it must not overtake, or nil
	nudge        bool
	failed       func()      // called when it surely does not arrive; may be nil
	then         func(error) // called with what became of it; may be nil
	parts        []*part     // made when there is a session: they depend on the contact
	chunked      bool        // the contact joins the parts, so that all must go through one session
	settled      bool
	result       chan error // gets one value
}

// part is one MSG of a delivery.
type part struct {
	delivery *delivery
	payload  string
	state    partState
	session  *session    // through which it was sent last; nil without a switchboard
	at       uint64      // where it begins in what that session's transport sends
	returns  int         // how often it came back and was to be sent once more
	timer    *time.Timer // runs while the part waits for its acknowledgement
}

// nowhere is the place of a part that its transport did not take.
const nowhere = math.MaxUint64

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

// begun reports whether a part was sent, and has not come back.
func (d *delivery) begun() bool {
	return slices.ContainsFunc(d.parts, func(p *part) bool { return p.state != partWaiting })
}

// empty reports whether nothing is to be sent.
func (d *delivery) empty() bool { return d.text == "" && !d.nudge }

// elsewhere reports whether a part was sent in another session than s and is not
// acknowledged yet. Nothing but the acknowledgement tells that it is not overtaken by what is
// sent in s, nor that it does not come back, as it does where the contact has left.
func (d *delivery) elsewhere(s *session) bool {
	return slices.ContainsFunc(d.parts, func(p *part) bool { return p.state == partSent && p.session != nil && p.session != s })
}

// cut reports whether s cannot take the parts that wait because others, which the
// contact would join with them, have arrived through another session.
func (d *delivery) cut(s *session) bool {
	return d.chunked && slices.ContainsFunc(d.parts, func(p *part) bool {
		return p.state == partAcknowledged && p.session != s
	})
}

// send sends the parts that wait. It reports false when the session takes no
// more for now.
func (d *delivery) send(s *session) bool {
	if d.empty() {
		d.settle(nil)
		return true
	}
	if d.parts == nil {
		d.split(s)
	}
	if d.cut(s) {
		d.settle(fmt.Errorf("%w: the session ended before the last part", errs.ErrNotDelivered))
		return true
	}
	for _, p := range d.parts {
		if p.state != partWaiting {
			continue
		}
		if len(s.unacknowledged) >= maxInFlight || s.state != sessionOpen {
			return false
		}
		if p == d.parts[0] && s.chats.conn.Dialect() >= wire.FirstObjects {
			for _, payload := range d.emoticons {
				s.sendUnacknowledged(payload)
			}
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
	if d.nudge {
		d.parts = []*part{{delivery: d, payload: NudgeMessage}}
		return
	}
	contact, _ := s.chats.people.Find(d.conversation.id.Contact)
	chunks := s.chats.conn.Dialect() >= wire.FirstPersonal && contact.Capabilities&roster.CanChunk != 0
	payloads, chunked := longtext.Cut(d.text, d.format, chunks)
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

// uncertain reports whether the part may have arrived without being acknowledged.
func (p *part) uncertain() bool {
	return p.state == partSent && (p.session == nil || !p.session.link.Unwritten(p.at))
}

// sendDirect sends the parts over the notification connection, all at once. send sends one
// and has its result called once, with ErrUncertain when the part may have arrived in spite
// of an error.
func (d *delivery) sendDirect(payloads []string, send func(payload string, result func(error))) {
	for _, payload := range payloads {
		d.parts = append(d.parts, &part{delivery: d, payload: payload, state: partSent})
	}
	open := len(d.parts)
	var failure error
	for _, p := range d.parts {
		send(p.payload, func(err error) {
			switch {
			case err == nil:
				p.stop(partAcknowledged)
			case !errors.Is(err, errs.ErrUncertain):
				p.stop(partWaiting)
			}
			failure = cmp.Or(failure, err)
			if open--; open == 0 {
				d.settle(failure)
			}
		})
	}
}

// again has a part that did not arrive wait for another session. It reports false
// when that was done too often: a contact who leaves may leave all their sessions, one
// after the other, and a server could go on for ever.
func (p *part) again() bool {
	p.stop(partWaiting)
	p.returns++
	return p.returns <= MaxSessionsPerContact
}

// lost is called when the connection of s has ended with err and nothing is
// written to it any more.
func (d *delivery) lost(s *session, err error) {
	var unwritten []*part
	for _, p := range d.parts {
		switch {
		case !p.sentBy(s):
		case p.uncertain():
			d.settle(err)
			return
		default:
			unwritten = append(unwritten, p)
		}
	}
	for _, p := range unwritten {
		if !p.again() {
			d.settle(fmt.Errorf("%w: %w", errs.ErrSwitchboard, err))
			return
		}
	}
}

func (p *part) stop(state partState) {
	p.state = state
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// settle ends the delivery, once: with err, or as uncertain because of err if
// something of it may have arrived without being acknowledged.
func (d *delivery) settle(err error) {
	if d.settled {
		return
	}
	d.settled = true
	err = d.verdict(err)
	d.line.settled(err, d.conversation.chats.conn.Err() != nil)
	for _, p := range d.parts {
		// What an open session waits for goes on counting there until it is acknowledged, or has not
		// been in time.
		if p.session == nil || p.session.state == sessionOver {
			p.stop(p.state)
		}
	}
	cv := d.conversation
	cv.outbox = slices.DeleteFunc(cv.outbox, func(other *delivery) bool { return other == d })
	if d.failed != nil && err != nil && !errors.Is(err, errs.ErrUncertain) {
		d.failed()
	}
	d.result <- err
	if d.then != nil {
		d.then(err)
	}
}

// verdict makes of the reason why a text failed what its sender is told.
func (d *delivery) verdict(err error) error {
	if err == nil {
		return nil
	}
	e := &errs.PartsError{Parts: len(d.parts), Joined: d.chunked, Reason: err}
	for i, length := range d.lengths() {
		e.Characters += length
		switch p := d.parts[i]; {
		case p.state == partAcknowledged:
			if e.Acknowledged == i {
				e.First += length
			}
			e.Acknowledged++
		case p.uncertain():
			e.Uncertain++
		}
	}
	if e.Uncertain > 0 {
		e.Reason = fmt.Errorf("%w: %w", errs.ErrUncertain, err)
	}
	if e.Parts == 1 || e.Acknowledged+e.Uncertain == 0 {
		return e.Reason
	}
	return e
}

// lengths returns how many characters of the text each part carries. What the parts hold is
// messages, or their texts alone, which makes a message of a text.
func (d *delivery) lengths() []int {
	all := 0
	for _, p := range d.parts {
		all += len(p.payload)
	}
	bare := all == len(clean.CRLF(d.text))
	lengths := make([]int, len(d.parts))
	for i, p := range d.parts {
		body := p.payload
		if !bare {
			body = wire.ParseMessage(body).Body
		}
		lengths[i] = utf8.RuneCountInString(body) - strings.Count(body, "\r") // an end of a line is one
	}
	return lengths
}
