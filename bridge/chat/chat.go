// Package chat is what people say to each other, both ways: with one contact, in group
// chats and in circles; who they are, and that they write.
package chat

import (
	"context"

	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/people"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Inbox brings what was said on MSN into Matrix.
type Inbox interface {
	// Put stores the parts of a message at the end of the queue, all or none. The server
	// believes that it is delivered, so that it is stored also when ctx has ended.
	Put(ctx context.Context, parts ...*database.QueuedMessage)
}

// Outbox brings what was said in Matrix to MSN.
type Outbox interface {
	// Put stores a message. One that is there already is not stored again.
	Put(context.Context, *database.QueuedEvent) error
	// Correct gives a message of a sender's a new text while it waits, and returns what
	// became of it otherwise.
	Correct(ctx context.Context, evt, edit id.EventID, sender id.UserID, body, format string) (Fate, error)
	// Release has what waits for a contact sent: they are online.
	Release(account string)
}

// Fate is what became of a message, for those that correct it.
type Fate uint8

// The fates. A message that is on its way counts as Gone.
const (
	Corrected Fate = iota // it waited, and goes out with the new text
	Gone                  // the contact has it, or will have
	Refused               // the contact surely does not have it
	Uncertain             // nobody knows
)

// Notices are shown among the alerts.
type Notices interface {
	Notice(context.Context, database.Alert)
}

// Groups are the group chats.
type Groups interface {
	// Conversation returns the conversation of a group chat.
	Conversation(ctx context.Context, client *msn.Client, group string) (*msn.Conversation, error)
	// NoteMembers stores who belongs to a group chat.
	NoteMembers(ctx context.Context, conversation *msn.Conversation)
}

// Chat is what one login says and hears.
type Chat struct {
	account  *account.Account
	session  *session.Session
	rooms    *room.Rooms
	inbox    Inbox
	outbox   Outbox
	notices  Notices
	work     *background.Work
	people   *people.People
	groups   Groups
	removals *Removals
	typing   typists
	floods   floods
	said     *exsync.RingBuffer[id.EventID, said] // the latest texts from Matrix
}

// New returns the chats of a login.
func New(a *account.Account, s *session.Session, rooms *room.Rooms, people *people.People, groups Groups, work *background.Work, inbox Inbox, outbox Outbox, notices Notices) *Chat {
	c := &Chat{account: a, session: s, rooms: rooms, people: people, groups: groups, inbox: inbox, outbox: outbox, notices: notices, work: work, said: exsync.NewRingBuffer[id.EventID, said](maxSaid)}
	c.floods.say = c.sayMore
	c.removals = &Removals{session: s, work: c.work}
	return c
}

// Listen has what the session tells handled.
func (c *Chat) Listen(s *session.Session) {
	s.Use(&c.typing, &c.floods)
	session.OnDelivered(s, c.textReceived)
	session.OnDelivered(s, c.textSent)
	session.OnDelivered(s, c.pageReceived)
	session.OnDelivered(s, c.nudgeReceived)
	session.OnDelivered(s, c.winkReceived)
	session.OnDelivered(s, c.voiceClipReceived)
	session.OnDelivered(s, c.actionReceived)
	session.OnDelivered(s, c.invitationReceived)
	session.OnDelivered(s, c.inkReceived)
	session.On(s, c.offlineReceived)
	session.On(s, c.typingReceived)
	session.On(s, func(_ context.Context, evt msn.PresenceChanged) {
		if evt.Contact.Status != msn.Offline {
			c.outbox.Release(evt.Contact.Account)
		}
	})
}

// Removals returns the offline messages that the service is to forget.
func (c *Chat) Removals() *Removals { return c.removals }
