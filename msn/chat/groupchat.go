package chat

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
)

// A conversation of several people is a switchboard session like any other
// (protocol/04-switchboard.md, section 1): who is called into it makes it one. It has
// no name and no number of its own, so the Client gives it an ID, which its user can
// keep: the same people are the same group chat then, also in a later sign-in.

const (
	// MaxMembers is how many people a group chat has besides the user; official
	// clients allowed 20.
	MaxMembers = 50
	// groupGrace is how long those who were called are waited for when somebody is
	// there, so that they don't miss what is said first.
	groupGrace = 5 * time.Second
)

// Group returns the conversation with several people that has this ID. It is made
// when there is none, or gets those of the members that it does not have. Accounts
// that are none, and the user's own, are left out.
//
// A group chat does not need to be open: the first text calls the members in, and a
// session with exactly its members that somebody else opens belongs to it.
//
// It may be called from any goroutine.
func (c *Chats) Group(id string, members ...string) (conversation *Conversation) {
	if !c.conn.Do(func() { conversation = c.group(id, members) }) {
		return &Conversation{chats: c, id: ID{Group: id}}
	}
	return conversation
}

// group is Group for the owner.
func (c *Chats) group(id string, members []string) *Conversation {
	conversation := c.Conversation(ID{Group: id})
	conversation.group.rung = false
	for _, member := range members {
		conversation.include(member)
	}
	return conversation
}

// include makes somebody a member.
func (cv *Conversation) include(account string) {
	account, ok := clean.Account(account)
	if ok && account != cv.chats.conn.Self() {
		cv.group.include(account)
	}
}

// Members returns the members of a group chat, whether they are there now or not, in
// order of coming, who has called the user into it first; for the conversation with one contact it is that one.
func (cv *Conversation) Members() (members []string) {
	cv.chats.conn.Query(func() { members = slices.Clone(cv.live().callees()) })
	return members
}

// callees are those who are called into a session of the conversation.
func (cv *Conversation) callees() []string {
	if cv.id.Group == "" {
		return []string{cv.id.Contact}
	}
	return cv.group.members
}

// Invite calls somebody into a group chat and returns when they are there. They become
// a member. Without a session one is opened, with all members.
//
// The error is ErrArgument when account is none or the conversation is none of several
// people, and else says why they do not come: ErrOffline, ErrBlocked,
// ErrNoSuchContact, ErrNoAnswer, ErrHidden, ErrTooFast, ErrTimeout, ErrSwitchboard.
func (cv *Conversation) Invite(ctx context.Context, account string) error {
	peer, ok := clean.Account(account)
	if !ok || cv.id.Group == "" || peer == cv.chats.conn.Self() {
		return fmt.Errorf("%w: %q cannot be called into this conversation", errs.ErrArgument, account)
	}
	return cv.chats.conn.Await(ctx, func(result func(error)) {
		cv := cv.live()
		if cv.chats.conn.Err() != nil {
			result(cv.chats.conn.Ended())
			return
		}
		cv.include(peer)
		cv.group.await(peer, result)
		switch s := cv.current(); {
		case s != nil && s.present(peer):
			cv.group.answer(peer, nil)
		case s != nil:
			s.callOne(peer)
		case !cv.opening():
			cv.chats.call(cv)
		}
	})
}

// callInvited calls those into a session that has just opened whom it has not called: they were
// invited while it was on its way. Who was called already, and is there, is answered for.
func (s *session) callInvited() {
	cv := s.conversation
	for _, account := range cv.group.awaited() {
		switch {
		case s.present(account):
			cv.group.answer(account, nil)
		case !slices.Contains(slices.Collect(maps.Values(s.callees)), account):
			s.callOne(account)
		}
	}
}

// callOne calls somebody into the session.
func (s *session) callOne(account string) {
	trid := s.ask("CAL", account)
	s.callees[trid] = account
	s.chats.conn.After(s.chats.cfg.Answer, func() {
		// Who came and left again, or was said not to come, is not among them.
		if s.state != sessionOver && s.callees[trid] == account {
			err := errs.ErrNoAnswer
			if s.asked[trid] != "" {
				err = fmt.Errorf("%w: CAL", errs.ErrTimeout)
			}
			s.notComing(account, err)
		}
	})
}

// notComing notes that somebody who was called into a group chat does not come. A
// session that nobody comes to has failed.
func (s *session) notComing(account string, err error) {
	cv := s.conversation
	maps.DeleteFunc(s.callees, func(_ uint32, callee string) bool { return callee == account })
	s.chats.conn.Emit(CallFailed{Conversation: cv, Account: account, Err: err})
	cv.group.answer(account, err)
	if s.state != sessionCalling {
		return
	}
	switch {
	case len(s.people) > 0:
		s.gathered()
	case len(s.callees) == 0:
		s.fail(err)
	}
}

// arrived goes on when a member has come into a session that was opened for a group
// chat.
func (s *session) arrived(account string) {
	maps.DeleteFunc(s.callees, func(_ uint32, callee string) bool { return callee == account })
	s.conversation.group.answer(account, nil)
}

// regroup makes a session to which a third person has come one of a group chat: that
// with these members, or a new one.
func (s *session) regroup() {
	c, was := s.chats, s.conversation
	people := slices.Sorted(slices.Values(s.people))
	cv := c.groupOf(people)
	if cv == nil {
		c.forgetGroups()
		cv = c.Conversation(ID{Group: clean.NewGUID()})
		cv.group.rung = true
		if s.present(was.id.Contact) {
			cv.include(was.id.Contact) // who has called, in whatever order the server names who is there
		}
		for _, account := range s.people {
			cv.include(account)
		}
	}
	for _, account := range people {
		cv.group.arrive(account)
	}
	was.sessions = slices.DeleteFunc(was.sessions, func(o *session) bool { return o == s })
	s.conversation = cv
	cv.used = time.Now()
	cv.sessions = append(cv.sessions, s)
	if newcomer := s.people[len(s.people)-1]; s.spoken && newcomer != was.id.Contact {
		c.conn.Emit(BecameGroup{Conversation: cv, Was: was, Account: newcomer})
	}
	if s.outgoing {
		if was.crowded++; was.crowded > maxCrowded {
			was.crowded = 0
			was.unreachable(fmt.Errorf("%w: others come into each session", errs.ErrSwitchboard))
			return
		}
	}
	was.flush() // what waits there needs a session of its own
}

// groupOf returns the group chat of exactly these people, sorted, or nil. Who has left it may be
// missing, but one in which nobody is comes first: that with the fewest missing, of those the one in
// which something was said last.
func (c *Chats) groupOf(people []string) (found *Conversation) {
	fewest := 0
	for _, cv := range c.conversations {
		missing, ok := cv.group.missing(people)
		if cv.id.Group == "" || !ok || found != nil && cmp.Or(
			cmp.Compare(fewest, missing), cv.used.Compare(found.used), cmp.Compare(found.id.Group, cv.id.Group)) < 0 {
			continue
		}
		found, fewest = cv, missing
	}
	return found
}

// maxCrowded is how often in a row a session that was opened for one contact may become one of
// several people before what waits for the contact fails: a server could go on for ever.
const maxCrowded = 3

// maxGroupChats is how many group chats that others opened are remembered, besides those that were
// named by their IDs. Who keeps those can name them again that are forgotten.
const maxGroupChats = 512

// forgetGroups makes room for another group chat that somebody has opened: it forgets the one in which
// nothing was said for longest.
func (c *Chats) forgetGroups() {
	rung := 0
	var oldest *Conversation
	for _, cv := range c.conversations {
		if !cv.group.rung {
			continue
		}
		rung++
		if cv.quiet() && (oldest == nil || cv.used.Before(oldest.used)) {
			oldest = cv
		}
	}
	if rung >= maxGroupChats && oldest != nil {
		delete(c.conversations, oldest.id)
	}
}
