// Package p2p is what two Messengers have under way with each other beside what their people say:
// pictures that one asks the other for, and files (MSNSLP, protocol/05-p2p.md). It knows sessions and
// packets, and not what carries them: a Stack is given each packet that comes, and asked for the
// next that goes out whenever there is room for one. So a slow line is never flooded, and texts
// that share it go first.
//
// A Stack belongs to one goroutine, its owner, which calls all methods and is called back in all
// functions. Nothing here waits.
package p2p

import (
	"errors"
	"time"
)

// Limits of what the other side can make a Stack keep and do.
const (
	// maxCalls is how many sessions there are at once.
	maxCalls = 48
	// maxOffers is how many files of the other side's wait for an answer at once.
	maxOffers = 8
	// maxControl is with how many messages besides data that wait to be sent something new is begun, of
	// the user's or of the other side's. More pile up only where nothing goes out any more; of what is
	// under way then no word is lost: perCall of each session at most.
	maxControl = 256
	perCall    = 4
	// maxAcks is how many acknowledgements wait to be sent. Those of what belongs to no session are the
	// first that are left out.
	maxAcks = 256
	// maxEnded is how many sessions that are over are remembered, so that what still comes of them
	// is known.
	maxEnded = 64
	// maxPart bounds a packet of data, in bytes: those of direct connections are the longest.
	maxPart = 8 << 10
)

// How long the other side may take.
const (
	// answerTime is until a Messenger answers that does so by itself.
	answerTime = 45 * time.Second
	// decideTime is until a person has decided about a file, as official clients have it.
	decideTime = 5 * time.Minute
	// silentTime is until the next data, of which so much at least has to come meanwhile: who sends a byte a time would send for ever.
	// A modem has sent five times as much.
	silentTime = 2 * time.Minute
	leastData  = 64 << 10 // bytes
	// ackTime is until an answer of this side is acknowledged before data is sent all the same: some
	// clients never do.
	ackTime = 5 * time.Second
	// endTime is until the end of a file that was sent is acknowledged: some clients never do, and
	// the data has been handed to them.
	endTime = 10 * time.Second
)

// Why something was not transferred.
var (
	// ErrDeclined says that the contact does not want a file, or does not give an object.
	ErrDeclined = errors.New("p2p: declined")
	// ErrCancelled says that the contact has ended a transfer.
	ErrCancelled = errors.New("p2p: ended by the other side")
	// ErrUnconfirmed says that all of a file is out, and that the contact has left without a word that it has come.
	ErrUnconfirmed = errors.New("p2p: the last of it was not acknowledged")
	// ErrStopped says that the user has.
	ErrStopped = errors.New("p2p: stopped")
	// ErrSilent says that the other side does not answer any more, or never has.
	ErrSilent = errors.New("p2p: no answer")
	// ErrBroken says that what came is not what was announced.
	ErrBroken = errors.New("p2p: the data is not what was announced")
	// ErrBusy says that too much is under way.
	ErrBusy = errors.New("p2p: too many transfers at once")
	// ErrWait is what a Source returns that has nothing yet.
	ErrWait = errors.New("p2p: nothing to read yet")
)

// Source gives the data of what is sent. The owner calls it.
type Source interface {
	// Read reads as an io.Reader does, but returns ErrWait where that would wait. Stack.Next is to be
	// asked again when there is something.
	Read(b []byte) (int, error)
	// Close says what became of it: nil when the other side has all of it. It is called once.
	Close(err error)
}

// Sink takes the data of what arrives. The owner calls it.
type Sink interface {
	// Write takes data. What it returns is nil, or is closed when the Sink takes more: until then
	// nothing should be read that the other side sends.
	Write(data string) (full <-chan struct{})
	// Close says that all has arrived, with nil, or why it has not. It is called once.
	Close(err error)
}
