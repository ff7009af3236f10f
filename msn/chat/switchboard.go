package chat

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// call opens a session and calls the contact into it: XFR, then USR and CAL on
// the switchboard (protocol/04-switchboard.md, section 1).
func (c *Chats) call(cv *Conversation) {
	if len(cv.callees()) == 0 {
		cv.unreachable(errs.ErrNoSuchContact)
		return
	}
	if len(c.sessions) >= MaxSessions && !c.makeRoom(c.quietest((*session).unused)) {
		cv.unreachable(fmt.Errorf("%w: %d are open", errs.ErrSwitchboard, MaxSessions))
		return
	}
	s := c.addSession(cv, true)
	s.requestTicket()
}

func (s *session) requestTicket() {
	c := s.chats
	s.state = sessionRequesting
	c.conn.Request(wire.New("XFR", "SB"), func(reply wire.Command, err error) {
		if s.state != sessionRequesting {
			return // the conversation was closed
		}
		if err == nil && (reply.Arg(1) != "SB" || reply.Arg(4) == "") {
			err = fmt.Errorf("%w: XFR is not answered by a switchboard", wire.ErrProtocol)
		}
		if err == nil {
			s.address, err = c.cfg.Check(reply.Arg(2))
		}
		if err != nil {
			s.fail(noSession(err))
			return
		}
		s.ticket = strings.Clone(reply.Arg(4))
		s.connect()
	})
}

// errLeft is what ends a session that the server says is over.
var errLeft = errors.New("msn: the server ended the conversation")

// receive handles one command of the switchboard.
func (s *session) receive(cmd wire.Command) {
	if number, ok := cmd.ErrorNumber(); ok {
		s.refused(cmd, number)
		return
	}
	if s.state < sessionGreeting {
		return
	}
	switch cmd.Verb {
	case "USR", "ANS", "CAL":
		s.answered(cmd)
	case "IRO":
		// Repeats the TrID of ANS: "trid index total account name [caps]".
		s.joined(cmd.Arg(3), cmd.Arg(4))
	case "JOI":
		s.joined(cmd.Arg(0), cmd.Arg(1))
	case "BYE":
		s.left(cmd.Arg(0), cmd.Arg(1) == "1")
	case "MSG":
		s.message(cmd)
	case "ACK", "NAK":
		s.acknowledge(cmd)
	case "OUT":
		// The connection ends next; what is sent now would be lost.
		s.lost(errLeft)
	}
}

// answered goes on after the answer to USR, ANS or CAL.
func (s *session) answered(cmd wire.Command) {
	trid, _ := cmd.TrID()
	if s.asked[trid] != cmd.Verb {
		return
	}
	delete(s.asked, trid)
	c := s.chats
	switch cmd.Verb {
	case "USR":
		if cmd.Arg(1) != "OK" {
			s.fail(fmt.Errorf("%w: %w: USR is not answered by OK", errs.ErrSwitchboard, wire.ErrProtocol))
			return
		}
		s.state = sessionCalling
		s.within(c.cfg.Answer, func() { s.fail(s.nobodyCame()) })
		if c.people.EndpointCount(c.conn.Self()) > 1 && s.promising() {
			// So that what is said shows at the user's other endpoints too.
			s.calledOwn = s.ask("CAL", c.conn.Account())
		}
		if s.conversation.id.Group == "" {
			s.ask("CAL", s.conversation.id.Contact)
			return
		}
		for _, member := range s.conversation.group.members {
			s.callOne(member)
		}
	case "CAL":
		if s.id == "" {
			s.id = clean.Cut(cmd.Arg(2), clean.MaxName)
		}
	case "ANS":
		if s.state != sessionGreeting {
			return
		}
		if len(s.people) == 0 && !s.ownCall {
			// The caller has given up meanwhile.
			s.fail(fmt.Errorf("%w: nobody there", errs.ErrSwitchboard))
			return
		}
		s.opened()
	}
}

// nobodyCame says why nobody who was called is there: they did not come, or the switchboard
// answers no calls.
func (s *session) nobodyCame() error {
	for trid, verb := range s.asked {
		if verb == "CAL" && trid != s.calledOwn {
			return fmt.Errorf("%w: CAL", errs.ErrTimeout)
		}
	}
	return errs.ErrNoAnswer
}

// promising reports whether somebody who is to be called is online, so that the call
// leaves no empty conversation at the user's other endpoints.
func (s *session) promising() bool {
	return slices.ContainsFunc(s.conversation.callees(), func(account string) bool {
		contact, known := s.chats.people.Find(account)
		return known && contact.Status != roster.Offline
	})
}

// refused handles an error number.
func (s *session) refused(cmd wire.Command, number int) {
	trid, _ := cmd.TrID()
	if p := s.unacknowledged[trid]; p != nil {
		delete(s.unacknowledged, trid)
		if p.sentBy(s) {
			p.stop(partWaiting)
		}
		p.delivery.settle(fmt.Errorf("%w: %w", errs.ErrNotDelivered, errs.Server(number, "MSG")))
		s.settled(p)
		return
	}
	verb, known := s.asked[trid]
	if !known {
		s.pipe.answered(trid, false)
		return
	}
	delete(s.asked, trid)
	err := errs.Server(number, verb)
	switch {
	case trid == s.calledOwn && verb == "CAL":
		// The user's other endpoints are not in it. The conversation goes on.
		s.calledOwn = 0
		s.gathered()
	case verb == "USR" && number == 911 && !s.retried:
		// Tickets live for two minutes and work once; another one may do.
		s.retried = true
		s.chats.conn.Release(s.link)
		s.link.Abort()
		s.link = nil
		s.stopTimer()
		s.requestTicket()
	case verb == "CAL" && number == 215:
		// Somebody has called the contact already: JOI comes.
	case verb == "CAL" && s.callees[trid] != "":
		s.notComing(s.callees[trid], noSession(err))
	default:
		s.fail(noSession(err))
	}
}

// noSession wraps ErrSwitchboard around what has no better name. A server that does not
// answer has refused nothing.
func noSession(err error) error {
	if network, ok := errors.AsType[net.Error](err); errors.Is(err, errs.ErrTimeout) || ok && network.Timeout() {
		return fmt.Errorf("%w: %w", errs.ErrTimeout, err)
	}
	for _, name := range []error{errs.ErrOffline, errs.ErrBlocked, errs.ErrNoSuchContact, errs.ErrHidden, errs.ErrTooFast, errs.ErrClosed, errs.ErrNotConnected} {
		if errors.Is(err, name) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", errs.ErrSwitchboard, err)
}

// joined notes that somebody is there. From MSNP16 on each of their endpoints is told,
// and then the account itself.
func (s *session) joined(address, name string) {
	account, endpoint, ok := clean.Endpoint(address)
	if !ok {
		return
	}
	isNew, isNewAt := s.come(account, endpoint, account == s.chats.conn.Self())
	if isNewAt && !isNew {
		s.gathered()
	}
	if !isNew {
		return
	}
	s.deserted = false
	s.touch()
	if !s.outgoing && s.conversation.id.Contact == s.chats.conn.Self() {
		s.adopt(account)
	}
	if s.conversation.id.Group != "" {
		s.conversation.include(account)
		s.conversation.group.arrive(account)
		s.arrived(account)
	} else if s.state == sessionOpen && s.group() {
		s.regroup()
	}
	s.chats.conn.Emit(ParticipantJoined{Conversation: s.conversation, Account: account, Name: clean.Name(name)})
	s.gathered()
	if s.state == sessionOpen {
		s.conversation.flush()
	}
}

// adopt makes a session that another endpoint of the user's has begun one with the
// contact it is with.
func (s *session) adopt(peer string) {
	was := s.conversation
	was.sessions = slices.DeleteFunc(was.sessions, func(o *session) bool { return o == s })
	s.conversation = s.chats.Conversation(ID{Contact: peer})
	s.conversation.sessions = append(s.conversation.sessions, s)
	was.flush() // what the user has written to themselves needs a session of its own
}

// left notes that somebody has left: with the last of their endpoints, or as the account
// itself. A session without anybody is of no use: what is sent there is lost.
func (s *session) left(address string, idle bool) {
	account, endpoint, ok := clean.Endpoint(address)
	if !ok {
		return
	}
	if !s.exit(account, endpoint) {
		if s.pipe != nil && endpoint != "" {
			s.chats.packets.Left(s.pipe, account, endpoint)
		}
		return
	}
	if cv := s.conversation; cv.id.Group != "" && !idle {
		cv.group.depart(account)
	}
	s.chats.conn.Emit(ParticipantLeft{Conversation: s.conversation, Account: account, Idle: idle})
	if s.pipe != nil {
		s.chats.packets.Left(s.pipe, account, "")
	}
	if len(s.people) == 0 && s.state == sessionOpen {
		s.deserted = true
	}
	s.goOn()
}

// acknowledge handles ACK and NAK.
func (s *session) acknowledge(cmd wire.Command) {
	trid, _ := cmd.TrID()
	p := s.unacknowledged[trid]
	if p == nil {
		s.pipe.answered(trid, cmd.Verb == "ACK")
		return
	}
	delete(s.unacknowledged, trid)
	s.silent = false
	switch {
	case !p.sentBy(s):
		// It was given up.
	case cmd.Verb == "ACK" && !s.gone():
		p.acknowledged()
	case s.gone() && p.again():
		// The contact left while the message was on its way. It did not arrive and
		// waits for another session. Some servers acknowledge what nobody is there to get.
	default:
		p.stop(partWaiting)
		p.delivery.settle(errs.ErrNotDelivered)
	}
	s.settled(p)
}
