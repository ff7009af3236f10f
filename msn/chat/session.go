package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/wire"
)

// session is one switchboard session, as the owner sees it
// (protocol/04-switchboard.md, section 8).
type session struct {
	chats        *Chats
	conversation *Conversation
	state        sessionState
	outgoing     bool   // the user called, with XFR; else the contact rang
	retried      bool   // a second ticket was asked for
	id           string // the server's, opaque; may be "" when outgoing
	number       int    // counts sessions
	stamp        string // makes id unique: servers use one again when somebody is called back
	address      string // of the switchboard, held against Trust
	ticket       string
	link         *transport.Transport // nil before it is connected
	released     func()               // once it was left: nothing is read any more

	attendance
	ownCall   bool              // another endpoint of the user's called this one
	calledOwn uint32            // TrID of the CAL to the user's other endpoints, 0 for none
	gathering bool              // somebody is there, and others are waited for
	callees   map[uint32]string // who of a group chat was called and has not come yet, by TrID
	deserted  bool              // everybody left; what was sent waits for its acknowledgement
	silent    bool              // it has not acknowledged a message in time, and none since
	asked     map[uint32]string
	timer     *time.Timer // bounds the state
	ticks     int         // tells a stopped timer from the running one
	lastHeard time.Time   // of anything that counts as traffic
	spoken    bool        // somebody has written something

	unacknowledged map[uint32]*part
	pipe           *Pipe // once packets went over it
	heard
}

type sessionState uint8

// The states, in the order in which they follow each other.
const (
	sessionRequesting sessionState = iota // XFR was sent
	sessionConnecting                     // the connection is being opened
	sessionGreeting                       // USR or ANS was sent
	sessionCalling                        // CAL was sent
	sessionOpen                           // somebody is there
	sessionOver
)

// addSession makes a session and counts it.
func (c *Chats) addSession(cv *Conversation, outgoing bool) *session {
	s := &session{
		chats:          c,
		conversation:   cv,
		callees:        make(map[uint32]string),
		outgoing:       outgoing,
		asked:          make(map[uint32]string),
		unacknowledged: make(map[uint32]*part),
	}
	c.opened++
	s.number = c.opened
	s.stamp = strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.Itoa(c.opened)
	lazy.Put(&c.sessions, s, struct{}{})
	c.open.Store(int64(len(c.sessions)))
	cv.sessions = append(cv.sessions, s)
	return s
}

// within has expired called unless the session gets to another state in time.
func (s *session) within(d time.Duration, expired func()) {
	s.stopTimer()
	tick := s.ticks
	s.timer = s.chats.conn.After(d, func() {
		if s.ticks == tick && s.state != sessionOver {
			expired()
		}
	})
}

func (s *session) stopTimer() {
	s.ticks++
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// connect opens the connection and introduces the user.
func (s *session) connect() {
	c := s.chats
	s.state = sessionConnecting
	s.stopTimer() // dial has a limit of its own
	address := s.address
	c.conn.Go(func(ctx context.Context) {
		conn, err := c.cfg.Open(ctx, address)
		if !c.conn.Act(func() { s.connected(ctx, conn, err) }) && err == nil {
			_ = conn.Close() // nobody is there any more
		}
	})
}

func (s *session) connected(ctx context.Context, conn net.Conn, err error) {
	c := s.chats
	if ctx.Err() != nil {
		if err == nil {
			_ = conn.Close() // the session is over: it was told so
		}
		return
	}
	if err != nil {
		s.fail(noSession(err))
		return
	}
	if s.state != sessionConnecting || c.conn.Err() != nil {
		_ = conn.Close() // nobody wants it any more
		return
	}
	s.link = c.conn.Adopt(conn, s.inbound)
	s.state = sessionGreeting
	s.within(c.cfg.Request, func() {
		s.fail(errs.ErrTimeout)
	})
	if s.outgoing {
		s.ask("USR", c.cfg.Address, s.ticket)
	} else {
		s.ask("ANS", c.cfg.Address, s.ticket, s.id)
	}
}

// inbound takes what came over the connection.
func (s *session) inbound(in transport.Inbound) {
	switch {
	case s.state == sessionOver:
		s.lastWords(in)
	case in.Err != nil:
		s.lost(in.Err)
	default:
		if log := s.chats.conn.Log(); log.Enabled(context.Background(), slog.LevelDebug) { // packets are many
			log.Debug("received", "session", s.id, "command", ns.Logged(in.Command))
		}
		s.receive(in.Command)
	}
}

// lastWords takes what comes after the good-bye.
func (s *session) lastWords(in transport.Inbound) {
	switch {
	case in.Err != nil:
		s.parted()
	case in.Command.Verb == "MSG":
		s.message(in.Command)
	}
}

// ask sends a command that is answered.
func (s *session) ask(verb string, args ...string) (trid uint32) {
	trid = s.link.NewTrID()
	s.asked[trid] = verb
	if err := s.tell(ns.Command(trid, verb, args...)); err != nil {
		s.fail(fmt.Errorf("%w: %w", errs.ErrSwitchboard, err))
	}
	return trid
}

func (s *session) tell(cmd wire.Command) error {
	s.chats.conn.Log().Debug("sent", "session", s.id, "command", ns.Logged(cmd))
	return s.link.Send(cmd)
}

// opened is called when the contact is there, or whoever is in the session that
// the user was called into.
func (s *session) opened() {
	s.state = sessionOpen
	s.touch()
	s.watchIdle(s.chats.cfg.IdleClose)
	if s.group() && s.conversation.id.Group == "" {
		s.regroup()
	}
	// The newest comes last.
	cv := s.conversation
	cv.crowded = 0
	cv.sessions = append(slices.DeleteFunc(cv.sessions, func(o *session) bool { return o == s }), s)
	s.callInvited()
	s.chats.conn.Log().Debug("session open", "session", s.id, "peer", cv.id.Contact, "people", len(s.people))
	cv.flush()
}

// name identifies the session in events.
func (s *session) name() string { return s.id + "." + s.stamp }

func (s *session) touch() {
	s.lastHeard = time.Now()
	s.conversation.used = s.lastHeard
}

// watchIdle leaves the session when nothing was said for long. A group is not
// left: it would go on without the user, whom nobody would call again.
func (s *session) watchIdle(d time.Duration) {
	s.within(d, func() {
		limit := s.chats.cfg.IdleClose
		if wait := limit - time.Since(s.lastHeard); wait > 0 {
			s.watchIdle(wait)
			return
		}
		if s.group() || len(s.unacknowledged) > 0 || s.carries() {
			s.watchIdle(limit)
			return
		}
		s.chats.conn.Log().Debug("session left: idle", "session", s.id)
		s.leave()
	})
}

// sendPart sends one message and waits for its acknowledgement. It reports false
// when the connection takes nothing any more; lost decides then what becomes of
// the message.
func (s *session) sendPart(p *part) bool {
	trid := s.link.NewTrID()
	p.state, p.session, p.at = partSent, s, s.link.Position()
	s.unacknowledged[trid] = p
	cmd := ns.Command(trid, "MSG", "A").WithPayload(p.payload)
	if err := s.tell(cmd); err != nil {
		p.at = nowhere
		if errors.Is(err, wire.ErrUnsafe) {
			p.stop(partWaiting)
			delete(s.unacknowledged, trid)
			p.delivery.settle(err)
			return true
		}
		if errors.Is(err, transport.ErrUnread) {
			s.lost(err)
		}
		return false
	}
	s.touch()
	s.spoken = true
	p.timer = s.chats.conn.After(s.chats.cfg.Ack, func() {
		if s.unacknowledged[trid] == p && p.sentBy(s) {
			delete(s.unacknowledged, trid)
			s.silent = true
			p.delivery.settle(errs.ErrTimeout)
			s.settled(p)
		}
	})
	return true
}

// sendUnacknowledged sends a message that nobody answers.
func (s *session) sendUnacknowledged(payload string) { s.sendAs("U", payload) }

// sendAs sends a message of which it does not matter what the server answers.
func (s *session) sendAs(mode, payload string) {
	cmd := ns.Command(s.link.NewTrID(), "MSG", mode).WithPayload(payload)
	if s.tell(cmd) == nil {
		s.touch()
	}
}

// settled goes on after the acknowledgement of a part, or its failure.
func (s *session) settled(p *part) {
	if cv := p.delivery.conversation; cv != s.conversation {
		defer cv.flush() // the session has become that of a group chat since
	}
	s.goOn()
}

// goOn sends what waits, or leaves a session in which nobody is.
func (s *session) goOn() {
	if s.deserted && len(s.unacknowledged) == 0 {
		s.leave()
	}
	s.conversation.flush()
}

// fail ends a session that is not open yet, because of err.
func (s *session) fail(err error) {
	if s.state >= sessionOpen {
		return
	}
	if s.outgoing {
		s.chats.conn.Log().Debug("no session", "peer", s.conversation.id.Contact, "reason", err)
	} else {
		s.chats.conn.Note("call answered in vain", "peer", s.conversation.id.Contact, "reason", err)
	}
	s.remove(true, errEnded)
	if s.outgoing {
		s.conversation.unreachable(err)
	} else {
		s.conversation.flush()
	}
}

// leave says good-bye and ends the session.
func (s *session) leave() {
	s.remove(true, errEnded)
	s.conversation.flush()
}

// errEnded says that a session is over, for whatever needs one.
var errEnded = fmt.Errorf("%w: the session has ended", errs.ErrSwitchboard)

// drop ends the session for a reason of the user's. What was sent and not
// acknowledged is settled by the conversation.
func (s *session) drop() { s.remove(true, ErrUserLeft) }

// remove takes the session out of everything, once. why is what those are told whose packets it carried.
func (s *session) remove(goodbye bool, why error) {
	if s.state == sessionOver {
		return
	}
	// One that was answered may carry texts already, though we have not read that it is open.
	carries := s.state == sessionOpen || s.state == sessionGreeting && !s.outgoing
	if s.state == sessionOpen {
		for _, account := range s.callees { // nobody comes into it any more
			s.conversation.group.answer(account, errEnded)
		}
	}
	s.state = sessionOver
	s.stopTimer()
	for _, p := range s.unacknowledged {
		if p.delivery.settled { // before it was acknowledged
			p.stop(p.state)
		}
	}
	s.endPipe(why)
	c, cv := s.chats, s.conversation
	delete(c.sessions, s)
	c.open.Store(int64(len(c.sessions)))
	cv.sessions = slices.DeleteFunc(cv.sessions, func(o *session) bool { return o == s })
	switch {
	case s.link == nil:
	case goodbye && carries:
		s.part()
	case goodbye:
		c.conn.Release(s.link)
		_ = s.link.Send(wire.New("OUT")) // the connection may be gone already
		s.link.Close()
	default:
		c.conn.Release(s.link)
		s.link.Abort()
	}
}

// part says good-bye and goes on reading until the server closes the connection, for
// partingTime at most: what it relays until it has seen the good-bye, the senders are told
// is delivered.
func (s *session) part() {
	s.released = s.chats.conn.Linger()
	if s.link.Send(wire.New("OUT")) != nil {
		s.parted()
		return
	}
	s.chats.conn.After(partingTime, s.parted)
}

// parted ends the connection of a session that was left, once.
func (s *session) parted() {
	if s.chats.conn.Release(s.link) {
		s.link.Abort()
		s.released()
	}
}

// lost is called when the connection has ended.
//
// Servers relay a message first and acknowledge it then, so that what was written
// and not acknowledged may have arrived, however the connection ended: it is
// uncertain and not sent again. What was never written is sent in a new session.
func (s *session) lost(err error) {
	if s.state < sessionOpen {
		if !errors.Is(err, errs.ErrTimeout) {
			err = fmt.Errorf("%w: %w", errs.ErrRefused, err)
		}
		s.fail(noSession(err))
		return
	}
	s.remove(false, errEnded)
	s.chats.conn.Log().Debug("session lost", "session", s.id, "reason", err)
	// Of all conversations: a session can have become that of a group chat since.
	conversations := []*Conversation{s.conversation}
	for _, trid := range slices.Sorted(maps.Keys(s.unacknowledged)) {
		d := s.unacknowledged[trid].delivery
		d.lost(s, err)
		if !slices.Contains(conversations, d.conversation) {
			conversations = append(conversations, d.conversation)
		}
	}
	for _, cv := range conversations {
		cv.flush()
	}
}
