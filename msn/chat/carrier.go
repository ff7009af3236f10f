package chat

import (
	"errors"
	"slices"
)

// carrier brings texts to those a conversation is with.
type carrier interface {
	// flush sends what waits, as far as that goes now.
	flush(cv *Conversation)
	typing(cv *Conversation)
	participants(cv *Conversation) []string
}

// Carrier brings texts over the notification connection, without a switchboard. Its
// methods are called by the owner.
type Carrier interface {
	// Carries reports whether the texts of a conversation go this way.
	Carries(id ID) bool
	// Ready returns nil when texts go out now, ErrWait when [Chats.Flush] is called once
	// they do, else why they do not.
	Ready(id ID) error
	// Split returns the bodies that carry a text.
	Split(text, format string) []string
	// Send sends one of them. result is called once, by the owner: with errs.ErrUncertain
	// when the text may have arrived in spite of an error.
	Send(id ID, body, format string, result func(error))
	// Nudge nudges the others. result is called as that of Send.
	Nudge(id ID, result func(error))
	// Typing tells the others that the user is writing.
	Typing(id ID)
	// Participants returns who hears what is said now, besides the user.
	Participants(id ID) []string
}

// ErrWait says that a Carrier is not ready yet.
var ErrWait = errors.New("msn: not ready yet")

// direct is the carrier that a Carrier makes.
type direct struct {
	chats *Chats
	Carrier
}

func (t direct) typing(cv *Conversation) { t.Typing(cv.id) }

func (t direct) participants(cv *Conversation) []string { return t.Participants(cv.id) }

func (t direct) flush(cv *Conversation) {
	flying := 0
	for _, d := range slices.Clone(cv.outbox) {
		if d.settled {
			continue
		}
		if d.parts != nil {
			flying += len(d.parts) // it is on its way
			continue
		}
		if flying >= maxInFlight {
			return // goes on when something of that has arrived
		}
		switch err := t.Ready(cv.id); {
		case errors.Is(err, ErrWait):
			return
		case err != nil, d.empty():
			d.settle(err)
		case d.nudge:
			d.sendDirect([]string{NudgeMessage}, func(_ string, result func(error)) { t.Nudge(cv.id, t.goOn(cv, result)) })
			flying++
		default:
			d.sendDirect(t.Split(d.text, d.format), func(body string, result func(error)) {
				t.Send(cv.id, body, d.format, t.goOn(cv, result))
			})
			flying += len(d.parts)
		}
	}
}

// goOn returns result and has what waits sent after it.
func (t direct) goOn(cv *Conversation, result func(error)) func(error) {
	return func(err error) {
		result(err)
		cv.live().flush()
	}
}
