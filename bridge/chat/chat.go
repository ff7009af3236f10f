// Package chat is what people say to each other, both ways: texts and what comes besides texts,
// with one contact, in group chats and in circles; and that they write.
package chat

import (
	"context"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/relay"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
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
	// PutAgain is Put for a message that had an outcome and is sent again. It reports false
	// when that is not its outcome any more, or the queue is not done with it.
	PutAgain(ctx context.Context, e *database.QueuedEvent, outcome database.EventOutcome) (taken bool, err error)
	// Correct gives a message of a sender's a new text while it waits, and returns what
	// became of it otherwise.
	Correct(ctx context.Context, evt, edit id.EventID, sender id.UserID, body, format string, emoticons database.Emoticons) (Fate, error)
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

// Names are what people are called.
type Names interface {
	// SaysName shows somebody by the name under which they say something.
	SaysName(ctx context.Context, account, name string)
}

// Strangers decides whether there is a room for what people write who are no contacts.
type Strangers interface {
	// Mark says in the room of a group chat, once of each, that the user does not know who says
	// something there, before that is shown.
	Mark(ctx context.Context, conversation *msn.Conversation, account string)
	// Expect has what waits of a stranger shown at once, and what they write from now on.
	Expect(account string)
	// ExpectGroup is Expect for a group chat in which the user says something.
	ExpectGroup(group string)
	// Unshown tells of a text of somebody whose address cannot be shown in Matrix. It reports
	// false when there were too many.
	Unshown(ctx context.Context, from, text string, message networkid.MessageID) bool
}

// Takers take the files that people offer.
type Takers interface {
	// Offered takes a file that somebody offers in the conversation of a portal, or asks the user.
	// refused says why it was declined, "" when it was not.
	Offered(ctx context.Context, evt msn.FileOffered, from string, portal networkid.PortalID) (refused string)
	// Spoken is Offered for the recording of a voice.
	Spoken(ctx context.Context, evt msn.VoiceClipReceived, from string, portal networkid.PortalID) (refused string)
}

// Files brings files to people on MSN.
type Files interface {
	// Put stores a file. One that is there already is not stored again.
	Put(context.Context, *database.QueuedFile) error
	// PutAgain is Put for a file that had an outcome. It reports false when that is not its outcome
	// any more, or it waits already.
	PutAgain(ctx context.Context, f *database.QueuedFile, outcome database.EventOutcome) (taken bool, err error)
	// Link returns a text with a link to the file of a message, or "" where there are no links.
	Link(ctx context.Context, content *event.MessageEventContent) string
}

// Emoticons are the pictures that people put into texts.
type Emoticons interface {
	// Pictures returns those of a text's emoticons that the homeserver has.
	Pictures(ctx context.Context, emoticons database.Emoticons) []msgconv.Picture
	// Missing returns the pictures in parts of a text that the homeserver does not have.
	Missing(ctx context.Context, parts []database.QueuedMessage) map[string]bool
	// Fetch has the emoticons fetched of a text that a contact has sent, if they were missing, and those of its parts shown once
	// more in which they stand. It does not wait.
	Fetch(contact string, emoticons []msn.Emoticon, missing map[string]bool, parts []database.QueuedMessage)
}

// Winks are the animations that people send.
type Winks interface {
	// Show has the picture of a wink put into a room, behind the line that names it. It does not wait.
	Show(o msn.Object, line database.QueuedMessage)
}

// Config is what the chats of a login need of others.
type Config struct {
	Account   *account.Account
	Session   *session.Session
	Rooms     *room.Rooms
	Work      *background.Work // done while the login is started
	Inbox     Inbox
	Outbox    Outbox
	Notices   Notices
	Names     Names
	Strangers Strangers
	Groups    Groups
	Takers    Takers
	Files     Files
	Emoticons Emoticons
	Winks     Winks
}

// New returns what a login says and what it hears.
func New(cfg Config) (*Chat, *Heard) {
	h := &Heard{
		account: cfg.Account, rooms: cfg.Rooms, work: cfg.Work, inbox: cfg.Inbox, outbox: cfg.Outbox, notices: cfg.Notices,
		names: cfg.Names, strangers: cfg.Strangers, groups: cfg.Groups, takers: cfg.Takers, emoticons: cfg.Emoticons, winks: cfg.Winks, Removals: &Removals{session: cfg.Session, work: cfg.Work},
	}
	h.floods.say = h.sayMore
	return &Chat{
		account: cfg.Account, session: cfg.Session, rooms: cfg.Rooms, outbox: cfg.Outbox, files: cfg.Files, groups: cfg.Groups,
	}, h
}

// Chat is what one login says: it brings to MSN what its user writes in Matrix.
type Chat struct {
	account *account.Account
	session *session.Session
	rooms   *room.Rooms
	outbox  Outbox
	files   Files
	groups  Groups
	typing  typists
	joins   relay.Joins
	said    lazy.Value[*lazy.Recent[id.EventID, said]] // the latest texts from Matrix
}

// Listen has it be told that the user writes while the login is started.
func (c *Chat) Listen(s *session.Session) { s.Use(&c.typing) }

// Heard is what one login hears: it brings into Matrix what people say on MSN.
type Heard struct {
	Removals *Removals // the offline messages that the service is to forget

	account   *account.Account
	rooms     *room.Rooms
	work      *background.Work
	inbox     Inbox
	outbox    Outbox
	notices   Notices
	names     Names
	strangers Strangers
	groups    Groups
	takers    Takers
	emoticons Emoticons
	winks     Winks
	floods    floods
}

// Listen has what the session tells handled.
func (h *Heard) Listen(s *session.Session) {
	s.Use(&h.floods)
	session.Listen(s, h, hearing)
}

var hearing = session.Hears(
	session.OnDelivered((*Heard).textReceived),
	session.OnDelivered((*Heard).textSent),
	session.OnDelivered((*Heard).pageReceived),
	session.OnDelivered((*Heard).nudgeReceived),
	session.OnDelivered((*Heard).winkReceived),
	session.OnDelivered((*Heard).voiceClipReceived),
	session.OnDelivered((*Heard).actionReceived),
	session.OnDelivered((*Heard).invitationReceived),
	session.OnDelivered((*Heard).fileOffered),
	session.OnDelivered((*Heard).inkReceived),
	session.On((*Heard).offlineReceived),
	session.On((*Heard).typingReceived),
	session.On(func(h *Heard, _ context.Context, evt msn.PresenceChanged) {
		if evt.Contact.Status != msn.Offline {
			h.outbox.Release(evt.Contact.Account)
		}
	}),
)
