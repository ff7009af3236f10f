package chat

import (
	"time"

	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// TextReceived is a text message (text/plain) from a switchboard.
type TextReceived struct {
	Conversation *Conversation
	// From is the account that the server vouches for; FromName the display
	// name that it gives, which is under the sender's control.
	From, FromName string
	// Text is valid UTF-8 with LF line ends.
	Text string
	// Format is the value of X-MMS-IM-Format, at most 256 bytes, else "".
	Format string
	// Session and Seq identify the message: the switchboard session and the
	// number of the message from this sender in it, from 1.
	Session string
	Seq     int
	// Others are the other people in the session besides From and the user;
	// empty in a conversation of two.
	Others []string
	// Emoticons are the pictures that stand for characters of the text, as the sender says.
	Emoticons []slp.Emoticon
	At        time.Time
}

// TextSent is a text message that the user wrote at another endpoint, from MSNP16 on.
// Others are the people in the session besides the contact of the Conversation.
// Session and Seq identify it as they do a TextReceived.
type TextSent struct {
	Conversation *Conversation
	Text, Format string
	Session      string
	Seq          int
	Others       []string
	At           time.Time
}

// TypingReceived says that From is writing. It holds for about 6 seconds.
type TypingReceived struct {
	Conversation *Conversation
	From         string
}

// Origin says where something came from that is no text. Session and Seq identify it, and Others
// are the other people in the session, as of a TextReceived.
type Origin struct {
	Conversation   *Conversation
	From, FromName string
	Session        string
	Seq            int
	Others         []string
	At             time.Time
}

// NudgeReceived is a nudge: it shakes the window of official clients.
type NudgeReceived struct{ Origin }

// WinkReceived is an animation that fills the window of official clients. They fetch what it shows.
type WinkReceived struct {
	Origin
	// Object is what it shows, the zero value when that is not said.
	Object slp.Object
}

// VoiceClipReceived is a recording of up to 15 seconds. Official clients fetch it.
type VoiceClipReceived struct {
	Origin
	// Object is the recording, the zero value when that is not said.
	Object slp.Object
}

// ActionReceived is a text that the contact's Messenger made: what they do in a game or with an
// add-in. Official clients show it without the name of who says it.
type ActionReceived struct {
	Origin
	// Text is valid UTF-8 without line ends.
	Text string
}

// InkReceived is handwriting.
type InkReceived struct {
	Origin
	// Picture is the bytes of a GIF, which were not looked at, or "".
	Picture string
	// Strokes is what it holds in the place of a picture: ink for isf.Parse, as a rule. It was
	// not looked at.
	Strokes string
}

// InvitationReceived says that somebody offers something, or asks for it. They are told at once that
// nobody takes it, unless Declined is not set: then there is no way to.
type InvitationReceived struct {
	Origin
	Offer Offer
	// Name is that of the file or game, under the sender's control, on one line; it may be "".
	Name     string
	Declined bool
	// Bytes is how long a file is said to be.
	Bytes uint64
}

// OtherReceived is a message of any other type. Types that nobody asked for are to be ignored.
type OtherReceived struct {
	Conversation   *Conversation
	From, FromName string
	Message        wire.Message
	Session        string
	Seq            int
}

// ParticipantJoined says that somebody has come into a conversation (IRO, JOI).
type ParticipantJoined struct {
	Conversation  *Conversation
	Account, Name string
}

// ParticipantLeft says that somebody has left a conversation (BYE). Idle tells
// that the server ended it because nothing was said.
type ParticipantLeft struct {
	Conversation *Conversation
	Account      string
	Idle         bool
}

// BecameGroup says that Account has come into the conversation with one contact, in which somebody
// has written something. What is said there from now on is of a group chat; the conversation Was gets
// a session of its own again.
type BecameGroup struct {
	Conversation, Was *Conversation
	Account           string
}

// CallFailed says that somebody who was called into a group chat does not come.
type CallFailed struct {
	Conversation *Conversation
	Account      string
	Err          error
}

// Size implements Event.
func (e TextReceived) Size() int {
	size := event.Size(e.From, e.FromName, e.Text, e.Format, e.Session) + event.Strings(e.Others)
	for _, emoticon := range e.Emoticons {
		size += len(emoticon.Shortcut) + objectSize(emoticon.Object)
	}
	return size
}

// Size implements Event.
func (e WinkReceived) Size() int { return e.Origin.Size() + objectSize(e.Object) }

// Size implements Event.
func (e VoiceClipReceived) Size() int { return e.Origin.Size() + objectSize(e.Object) }

func objectSize(o slp.Object) int { return event.Size(o.Creator, o.Location, o.Friendly, o.Text) }

// Size implements Event.
func (e TextSent) Size() int {
	return event.Size(e.Text, e.Format, e.Session) + event.Strings(e.Others)
}

// Size implements Event.
func (e TypingReceived) Size() int { return event.Size(e.From) }

// Size implements Event.
func (o Origin) Size() int {
	return event.Size(o.From, o.FromName, o.Session) + event.Strings(o.Others)
}

// Size implements Event.
func (e ActionReceived) Size() int { return e.Origin.Size() + len(e.Text) }

// Size implements Event.
func (e InkReceived) Size() int { return e.Origin.Size() + len(e.Picture) + len(e.Strokes) }

// Size implements Event.
func (e InvitationReceived) Size() int { return e.Origin.Size() + len(e.Offer) + len(e.Name) }

// Size implements Event.
func (e OtherReceived) Size() int {
	return event.Size(e.From, e.FromName, string(e.Message.Header), e.Message.Body, e.Session)
}

// Size implements Event.
func (e ParticipantJoined) Size() int { return event.Size(e.Account, e.Name) }

// Size implements Event.
func (e ParticipantLeft) Size() int { return event.Size(e.Account) }

// Size implements Event.
func (e BecameGroup) Size() int { return event.Size(e.Account) }

// Size implements Event.
func (e CallFailed) Size() int {
	if e.Err == nil {
		return event.Size(e.Account)
	}
	return event.Size(e.Account, e.Err.Error())
}
