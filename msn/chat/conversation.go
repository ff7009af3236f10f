package chat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/slp"
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
// user is written to, once what was written to another one is acknowledged: texts keep their
// order. What is sent to one contact never goes to a third person.
type Conversation struct {
	chats *Chats
	id    ID

	// What follows belongs to the owner.
	sessions []*session  // all that are open or being opened, the newest last
	outbox   []*delivery // what is not settled yet, in the order of the calls
	nudged   time.Time   // when the last nudge of the user's was taken, if it did not fail
	crowded  int         // sessions in a row that others came into
	used     time.Time   // when something was said last, or somebody has come
	group    group       // of group chats
}

// quiet reports whether nothing is going on in the conversation.
func (cv *Conversation) quiet() bool {
	return len(cv.sessions) == 0 && len(cv.outbox) == 0 && len(cv.group.invitations) == 0
}

// live returns the conversation that stands for cv: itself, unless it was
// forgotten and there is another one with the contact meanwhile.
func (cv *Conversation) live() *Conversation {
	return cmp.Or(cv.chats.conversations[cv.id], cv)
}

// Peer returns the contact's account, in lower case, or "" of a group chat or circle.
func (cv *Conversation) Peer() string { return cv.id.Contact }

// Group returns the ID of a group chat, or "".
func (cv *Conversation) Group() string { return cv.id.Group }

// Circle returns the address of the circle whose conversation it is, or "".
func (cv *Conversation) Circle() string { return cv.id.Circle }

// Participants returns who is in the session, or in the circle, now, besides the user.
func (cv *Conversation) Participants() (people []string) {
	cv.chats.conn.Query(func() { people = slices.Clone(cv.chats.carrierOf(cv.id).participants(cv.live())) })
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
	return cv.StartTextIn(ctx, nil, text, format)
}

// StartTextIn is StartText for a text of a line.
func (cv *Conversation) StartTextIn(ctx context.Context, line *Line, text, format string) (wait func() error) {
	return cv.StartTextWith(ctx, line, nil, text, format)
}

// StartTextWith is StartTextIn for a text in which pictures stand for some characters: they are announced
// right before it, the first MaxEmoticons of those that stand still and of those that move. Whoever reads it
// asks for them meanwhile. Ways without a switchboard, and dialects without objects, carry the text alone.
func (cv *Conversation) StartTextWith(ctx context.Context, line *Line, emoticons []slp.Emoticon, text, format string) (wait func() error) {
	failed := func(err error) func() error { return func() error { return err } }
	switch {
	case cv.id == (ID{}):
		return failed(errs.ErrNoSuchContact)
	case text == "":
		return failed(errs.ErrEmpty)
	case len(text) > MaxText:
		return failed(errs.ErrTooLong)
	}
	d := &delivery{text: text, format: format, emoticons: announcements(emoticons), line: line, result: make(chan error, 1)}
	if conn := cv.chats.conn; !conn.Act(func() { cv.live().enqueue(d) }) {
		line.settled(conn.Ended(), true)
		return failed(conn.Ended())
	}
	return func() error { return cv.await(ctx, d) }
}

// Reach calls the contact into the session, as a text would, and says nothing: it finds out
// whether they can be written to, also where they are on no list. They see nothing of it that a
// text would not show before it. The errors are those of SendText that mean that the text has not
// arrived; ErrOffline also for an account that does not exist.
func (cv *Conversation) Reach(ctx context.Context) error {
	if cv.id == (ID{}) {
		return errs.ErrNoSuchContact
	}
	d := &delivery{result: make(chan error, 1)}
	if conn := cv.chats.conn; !conn.Post(func() { cv.live().enqueue(d) }) {
		return conn.Ended()
	}
	return cv.await(ctx, d)
}

// await returns when a text is settled; when ctx ends, it is given up.
func (cv *Conversation) await(ctx context.Context, d *delivery) error {
	select {
	case err := <-d.result:
		return err
	case <-ctx.Done():
	}
	// When the owner has ended it has settled everything.
	cv.chats.conn.Post(func() { d.settle(ctx.Err()) })
	return <-d.result
}

// SendTyping tells the contact that the user is writing. It never opens a
// session: without one nothing is sent and the result is nil. It does not wait
// for anything: there is no acknowledgement.
func (cv *Conversation) SendTyping(ctx context.Context) error {
	return cv.chats.conn.Await(ctx, func(result func(error)) {
		if cv.chats.conn.Err() != nil {
			result(cv.chats.conn.Ended())
			return
		}
		cv.chats.carrierOf(cv.id).typing(cv.live())
		result(nil)
	})
}

// Unsettled returns how many texts wait to be sent, and how many of those that were have no
// acknowledgement yet.
func (cv *Conversation) Unsettled() (waiting, sent int) {
	cv.chats.conn.Query(func() {
		for _, d := range cv.live().outbox {
			if d.waiting() {
				waiting++
			} else {
				sent++
			}
		}
	})
	return waiting, sent
}

// Close leaves the session, if there is one. Texts that wait to be sent fail with
// ErrClosed. The Conversation can be used again.
func (cv *Conversation) Close() {
	cv.chats.conn.Do(func() {
		cv := cv.live()
		for _, s := range slices.Clone(cv.sessions) {
			s.drop()
		}
		cv.failAll(errs.ErrClosed)
	})
}

// current returns the session to write to: the newest in which the contact is
// alone with the user, or in which anybody of a group chat is. In one that has not
// acknowledged what was written last, the next text would be lost as well.
func (cv *Conversation) current() *session {
	for _, s := range slices.Backward(cv.sessions) {
		if s.state == sessionOpen && !s.silent && s.fits() {
			return s
		}
	}
	return nil
}

// fits reports whether those are in the session whom its conversation is with.
func (s *session) fits() bool {
	if s.conversation.id.Group != "" {
		return len(s.people) > 0
	}
	return len(s.people) == 1 && s.people[0] == s.conversation.id.Contact
}

// gone reports whether nobody is in the session whom its conversation is with.
func (s *session) gone() bool {
	if s.conversation.id.Group != "" {
		return len(s.people) == 0
	}
	return !s.present(s.conversation.id.Contact)
}

// opening reports whether a session is on its way.
func (cv *Conversation) opening() bool {
	return slices.ContainsFunc(cv.sessions, func(s *session) bool { return s.state < sessionOpen })
}

// enqueue takes a text to send.
func (cv *Conversation) enqueue(d *delivery) {
	d.conversation = cv
	switch {
	case cv.chats.conn.Err() != nil:
		d.settle(cv.chats.conn.Ended())
	case cv.chats.finishing:
		d.settle(errs.ErrFinishing)
	case d.line != nil && d.line.Broken():
		d.settle(errs.ErrBehind)
	case len(cv.outbox) >= MaxOutbox:
		d.settle(errs.ErrTooMany)
	default:
		cv.chats.remember(cv)
		cv.used = time.Now()
		cv.outbox = append(cv.outbox, d)
		cv.flush()
	}
}

// flush sends what waits, as far as that goes now.
func (cv *Conversation) flush() {
	if cv.chats.conn.Err() == nil && slices.ContainsFunc(cv.outbox, (*delivery).waiting) {
		cv.chats.carrierOf(cv.id).flush(cv)
	}
}

// switchboards carry texts over sessions, which are opened when something waits.
type switchboards struct{ chats *Chats }

func (t switchboards) flush(cv *Conversation) {
	s := cv.current()
	if s == nil {
		if !cv.opening() {
			t.chats.call(cv)
		}
		return
	}
	// Settling takes deliveries out of the outbox.
	for _, d := range slices.Clone(cv.outbox) {
		if d.elsewhere(s) || !d.send(s) {
			return // what comes later must not overtake it
		}
	}
}

func (t switchboards) typing(cv *Conversation) {
	if s := cv.current(); s != nil {
		s.sendUnacknowledged(typingMessage(t.chats.conn.Account()))
	}
}

func (t switchboards) participants(cv *Conversation) []string {
	if s := cv.current(); s != nil {
		return s.people
	}
	if n := len(cv.sessions); n > 0 {
		return cv.sessions[n-1].people
	}
	return nil
}

// unreachable is called when a session could not be opened.
func (cv *Conversation) unreachable(err error) {
	cv.group.fail(err)
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
	cv.group.fail(err)
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
	switch {
	case cv.id.Group != "":
		return fmt.Sprintf("group chat %s", cv.id.Group)
	case cv.id.Circle != "":
		return fmt.Sprintf("conversation of the circle %s", cv.id.Circle)
	}
	return fmt.Sprintf("conversation with %s", cv.id.Contact)
}
