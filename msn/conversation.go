package msn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"matrix-msn/msn/wire"
)

// Conversation is the exchange with one contact, or with several people (see
// GroupChat and CircleChat). The switchboard session behind
// it comes and goes: it is opened by the first message either way, left when
// nothing was said for a while, and opened again, unseen, by the next message
// (protocol/04-switchboard.md, section 8).
//
// Both sides may call each other at the same time, and a contact may open more
// sessions: all are read, and the newest in which the contact is alone with the
// user is written to. What is sent to one contact never goes to a third person.
type Conversation struct {
	client *Client
	peer   string // "" of a group chat
	group  string // ID of a group chat, else ""
	circle string // ID of a circle, else ""; see circlechat.go

	// What follows belongs to the owner.
	sessions []*session  // all that are open or being opened, the newest last
	outbox   []*delivery // what is not settled yet, in the order of the calls
	// Of group chats:
	members     []string                 // besides the user
	invitations map[string][]func(error) // who waits for a member to come
}

// conversation returns the conversation with peer.
func (c *Client) conversation(peer string) *Conversation {
	cv := c.conversations[peer]
	if cv == nil {
		cv = &Conversation{client: c, peer: peer}
		c.remember(cv)
	}
	return cv
}

// remember keeps a conversation. When there are many, those are forgotten in
// which nothing is going on; whoever holds one can go on using it, see live.
func (c *Client) remember(cv *Conversation) {
	if c.conversations[cv.key()] == nil && len(c.conversations) >= maxConversations {
		maps.DeleteFunc(c.conversations, func(_ string, cv *Conversation) bool {
			return cv.group == "" && len(cv.sessions) == 0 && len(cv.outbox) == 0
		})
	}
	if cv.group != "" && cv.invitations == nil {
		cv.invitations = make(map[string][]func(error))
	}
	c.conversations[cv.key()] = cv
}

// key is where the conversation stands among all of the Client.
func (cv *Conversation) key() string {
	switch {
	case cv.group != "":
		return groupKey(cv.group)
	case cv.circle != "":
		return circleKey(cv.circle)
	}
	return cv.peer
}

// live returns the conversation that stands for cv: itself, unless it was
// forgotten and there is another one with the contact meanwhile.
func (cv *Conversation) live() *Conversation {
	return cmp.Or(cv.client.conversations[cv.key()], cv)
}

// Peer returns the contact's account, in lower case, or "" of a group chat or circle.
func (cv *Conversation) Peer() string { return cv.peer }

// Participants returns who is in the session, or in the circle, now, besides the user.
func (cv *Conversation) Participants() (people []string) {
	cv.client.query(func() {
		cv := cv.live()
		if circle := cv.client.book.circle(cv.circle); circle != nil {
			people = slices.Clone(circle.Present)
		} else if s := cv.current(); s != nil {
			people = slices.Clone(s.people)
		} else if n := len(cv.sessions); n > 0 {
			people = slices.Clone(cv.sessions[n-1].people)
		}
	})
	return people
}

// SendText sends a text, in several messages if it is long, and returns when the
// server has acknowledged them all. It opens a session if there is none and
// waits for the contact to come. Messages are sent in the order of the calls.
// Line ends may be LF or CR LF. format is the value of X-MMS-IM-Format, or "" for
// the default; one that is longer than MaxFormat is left out.
//
// Contacts of other networks are written to without a session, as far as that is
// possible (ErrNetwork); that such a text arrived is not told.
//
// Errors from ErrOffline to ErrNotDelivered, ErrNotConnected, ErrNetwork and ErrClosed mean
// that the text has not arrived. ErrUncertain means that it may have: it was
// written to the connection, which ended before the acknowledgement. Nothing is
// sent twice that may have arrived. When only a part of a long text has, or may
// have, the error is a *PartsError too. When ctx ends first, the text is not sent
// any more, or the error wraps ErrUncertain too.
func (cv *Conversation) SendText(ctx context.Context, text, format string) error {
	return cv.StartText(ctx, text, format)()
}

// StartText is SendText in two steps: it takes the text into the order in which
// texts are sent and returns at once; wait returns what SendText would. wait must
// be called, once.
func (cv *Conversation) StartText(ctx context.Context, text, format string) (wait func() error) {
	failed := func(err error) func() error { return func() error { return err } }
	switch {
	case cv.peer == "" && cv.group == "" && cv.circle == "":
		return failed(ErrNoSuchContact)
	case text == "":
		return failed(ErrEmpty)
	case len(text) > MaxText:
		return failed(ErrTooLong)
	}
	d := &delivery{text: text, format: format, result: make(chan error, 1)}
	if c := cv.client; !c.post(func() { cv.live().enqueue(d) }) {
		return failed(c.ended())
	}
	return func() error { return cv.await(ctx, d) }
}

// await returns when a text is settled; when ctx ends, it is given up.
func (cv *Conversation) await(ctx context.Context, d *delivery) error {
	select {
	case err := <-d.result:
		return err
	case <-ctx.Done():
	}
	// When the owner has ended it has settled everything.
	cv.client.post(func() { d.settle(ctx.Err()) })
	return <-d.result
}

// SendTyping tells the contact that the user is writing. It never opens a
// session: without one nothing is sent and the result is nil. It does not wait
// for anything: there is no acknowledgement.
func (cv *Conversation) SendTyping(ctx context.Context) error {
	return cv.client.await(ctx, func(result func(error)) {
		s := cv.live().current()
		if cv.client.err != nil {
			result(cv.client.ended())
			return
		}
		switch {
		case s != nil:
			s.sendUnacknowledged(typingMessage(cv.client.account))
		case cv.circle != "":
			cv.client.typeInCircle(cv.circle)
		}
		result(nil)
	})
}

// Close leaves the session, if there is one. Texts that wait to be sent fail with
// ErrClosed. The Conversation can be used again.
func (cv *Conversation) Close() {
	cv.client.ask(func() {
		cv := cv.live()
		for _, s := range slices.Clone(cv.sessions) {
			s.drop()
		}
		cv.failAll(ErrClosed)
	})
}

// current returns the session to write to: the newest in which the contact is
// alone with the user, or in which anybody of a group chat is.
func (cv *Conversation) current() *session {
	for _, s := range slices.Backward(cv.sessions) {
		if s.state == sessionOpen && s.fits() {
			return s
		}
	}
	return nil
}

// fits reports whether those are in the session whom its conversation is with.
func (s *session) fits() bool {
	if s.conversation.group != "" {
		return len(s.people) > 0
	}
	return len(s.people) == 1 && s.people[0] == s.conversation.peer
}

// gone reports whether nobody is in the session whom its conversation is with.
func (s *session) gone() bool {
	if s.conversation.group != "" {
		return len(s.people) == 0
	}
	return !slices.Contains(s.people, s.conversation.peer)
}

// opening reports whether a session is on its way.
func (cv *Conversation) opening() bool {
	return slices.ContainsFunc(cv.sessions, func(s *session) bool { return s.state < sessionOpen })
}

// enqueue takes a text to send.
func (cv *Conversation) enqueue(d *delivery) {
	d.conversation = cv
	switch {
	case cv.client.err != nil:
		d.settle(cv.client.ended())
	case len(cv.outbox) >= MaxOutbox:
		d.settle(ErrTooMany)
	case cv.circle != "":
		cv.client.remember(cv)
		cv.outbox = append(cv.outbox, d)
		cv.flushCircle()
	case cv.client.networkOf(cv.peer) != 0:
		cv.client.sendFederated(d, cv.client.networkOf(cv.peer))
	default:
		cv.client.remember(cv)
		cv.outbox = append(cv.outbox, d)
		cv.flush()
	}
}

// flush sends what waits, as far as the session takes it, or sees that there will
// be a session.
func (cv *Conversation) flush() {
	if cv.client.err != nil || !slices.ContainsFunc(cv.outbox, (*delivery).waiting) {
		return
	}
	s := cv.current()
	if s == nil {
		if !cv.opening() {
			cv.client.call(cv)
		}
		return
	}
	// Settling takes deliveries out of the outbox.
	for _, d := range slices.Clone(cv.outbox) {
		if d.unanswered() || !d.send(s) {
			return // what comes later must not overtake it
		}
	}
}

// unreachable is called when a session could not be opened.
func (cv *Conversation) unreachable(err error) {
	for account := range cv.invitations {
		cv.answerInvitations(account, err)
	}
	if cv.current() != nil || cv.opening() {
		cv.flush()
		return
	}
	for _, d := range slices.Clone(cv.outbox) {
		if d.waiting() {
			d.settle(err)
		}
	}
}

// failAll settles everything with err, or with ErrUncertain what may have arrived.
func (cv *Conversation) failAll(err error) {
	for _, d := range slices.Clone(cv.outbox) {
		d.settle(err)
	}
}

// typingMessage is the note that account is writing
// (protocol/04-switchboard.md, section 3.3).
func typingMessage(account string) string {
	return wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").
			With("Content-Type", "text/x-msmsgscontrol").With("TypingUser", account),
		Body: "\r\n",
	}.Payload()
}

// String names the conversation in logs.
func (cv *Conversation) String() string {
	if cv.group != "" {
		return fmt.Sprintf("group chat %s", cv.group)
	}
	if cv.circle != "" {
		return fmt.Sprintf("conversation of the circle %s", cv.circle)
	}
	return fmt.Sprintf("conversation with %s", cv.peer)
}
