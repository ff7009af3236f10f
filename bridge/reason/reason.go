// Package reason says what an error means to people: one table holds every error with the
// place where it came, its stable code, whether it is certain, and the sentence that says
// what to do. Nothing else in the bridge turns errors into words.
package reason

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/words"
	"matrix-msn/msn"
	"matrix-msn/msn/notify"
)

// Place is where an error came: what was being done. The same error can mean different
// things in different places.
type Place uint32

// The places.
const (
	Connection Place = 1 << iota // signing in, and being signed in
	Message                      // a message from Matrix to people on MSN
	Page                         // a page to a mobile device
	Call                         // a call of a contact into a group chat
	Circle                       // a change of a circle
	Roster                       // a change of the contact list
	Name                         // a change of the user's own display name
	Rename                       // what the user calls a contact
	Groups                       // a change of the groups of the contact list
	Invitation                   // an invitation by mail
	Link                         // a link to a page of the service
	Search                       // a search of the directory
	WebLogin                     // logging a browser in at a page of the service
	SignOut                      // signing the account out at another endpoint
	Input                        // an address or a password that somebody typed
	Lookup                       // a contact whom somebody named, and the list of all
	Login                        // making a login, or giving it another password
	Bounce                       // a page that was sent and came back
	Delivery                     // a message from MSN that the homeserver refuses
	Nudge                        // a nudge
	Again                        // a text that is sent again
	File                         // a file from MSN
	Request                      // any other request of a command
	Check                        // a service that is tried out for the admin, without an account

	commands = Page | Call | Circle | Roster | Name | Rename | Groups | Invitation | Link | Search | Nudge | Again | Request
)

// Errors of the bridge itself. Others are those of package msn and of package config.
var (
	// ErrBridge says that the bridge itself has trouble, before anything was sent.
	ErrBridge = errors.New("the bridge could not store the message")
	// ErrNotStored says that the service has done something, and that the bridge could not store
	// that the user has chosen it.
	ErrNotStored = errors.New("the bridge could not store what was chosen")
	// ErrCarriesNothing says that the account is signed in, and that the service carries no texts.
	ErrCarriesNothing = errors.New("the service carries no texts")
	// ErrNoName says that the user has no name in Matrix, ErrNameUnknown that the homeserver does
	// not say which.
	ErrNoName      = errors.New("the user has no name in Matrix")
	ErrNameUnknown = errors.New("the homeserver does not say how the user is called")
	// ErrNotAChat says that a room is with nobody on MSN.
	ErrNotAChat = errors.New("not a room with a contact")
	// ErrAlertsRoom says that a room is the one of the alerts.
	ErrAlertsRoom = errors.New("the room shows alerts only")
	// ErrBlockedByUser says that the contact is on the user's own block list.
	ErrBlockedByUser = errors.New("the contact is on the block list")
	// ErrNotSeen says that the recipient was not online in all the time that a message is kept.
	ErrNotSeen = errors.New("the contact was not online in time")
	// ErrNotTold says that it is known that a message did not arrive, and not any more why: the bridge was stopped before it was told.
	ErrNotTold = errors.New("the message did not arrive, which was not told before the bridge was stopped")
	// ErrPageNotSent says that the bridge was stopped before a page went out.
	ErrPageNotSent = errors.New("the bridge was stopped before the page was sent")
	// ErrRoom says that the bridge could not make a room.
	ErrRoom = errors.New("the bridge could not make a room")
	// ErrNoMembers, ErrOneMember, ErrManyMembers and ErrStranger say why a room cannot be a group chat,
	// ErrGroup that the bridge could not make it one. What a single member writes would be taken from the
	// room with them: on MSN there is no difference.
	ErrNoMembers   = errors.New("a group chat needs members: name at least one contact")
	ErrOneMember   = errors.New("a group chat needs two members besides the user")
	ErrManyMembers = fmt.Errorf("a group chat has at most %d members", msn.MaxMembers)
	ErrStranger    = errors.New("somebody has no account at the service")
	ErrGroup       = errors.New("the bridge could not make a group chat")
	// ErrLetInOnly says that somebody who has added the user was let in, and not put on the
	// contact list.
	ErrLetInOnly = errors.New("let in, and not put on the contact list")
	// ErrUnseen says that nobody can tell whether there is an account: it is on no list, and
	// not online.
	ErrUnseen = errors.New("the account is on no list, and not online")
	// ErrContacts and ErrAlerts say that the bridge could not read what it has stored.
	ErrContacts = errors.New("the bridge could not read the contact list")
	ErrAlerts   = errors.New("the bridge could not read the alerts")
	// ErrNoAddress says that the bridge has no public address.
	ErrNoAddress = errors.New("the bridge has no public address")
	// ErrReaction and ErrRedaction say that MSN has neither.
	ErrReaction  = errors.New("reactions are not carried")
	ErrRedaction = errors.New("deletions are not carried")
	// ErrOldMessenger says that the contact's Messenger is too old for files.
	ErrOldMessenger = errors.New("the contact's Messenger takes no files")
	// ErrMedia says that a message is a picture, a file or anything else but words, which cannot be
	// brought to where it is for; ErrWordsOnly that only the words with it are carried,
	// ErrNamedOnly that it is only said that there is one.
	ErrMedia     = errors.New("files are not carried there")
	ErrWordsOnly = errors.New("only the words with a file are carried")
	ErrNamedOnly = errors.New("only that there is a file is carried")
	// ErrNoFile says that a message is that of a file, and does not say where the file is.
	ErrNoFile = errors.New("the message holds no file")
	// ErrNoFiles says that no files can be sent with a version of the protocol, ErrFileOffline that the
	// contact is not there to take one, ErrFileUnread that the homeserver does not give it.
	ErrNoFiles     = errors.New("the dialect has no files")
	ErrFileOffline = errors.New("the contact is offline, and files are not kept")
	ErrFileUnread  = errors.New("the homeserver does not give the file")
	// ErrFileStopped says that the bridge was stopped while a file was on its way, in either direction.
	ErrFileStopped = errors.New("the bridge was stopped while the file was on its way")
	// ErrFileUndecided says that the user has not said whether they want a file, ErrFileNotStored that
	// the homeserver does not take it, ErrFileCrowd that too many are on their way.
	ErrFileUndecided = errors.New("nobody has accepted the file in time")
	ErrFileNotStored = errors.New("the homeserver does not take the file")
	ErrFileCrowd     = errors.New("too many files are on their way")
	// ErrCall, ErrVote, ErrLiveLocation and ErrVerification say what MSN does not have, or not for the
	// bridge.
	ErrCall         = errors.New("calls are not carried")
	ErrVote         = errors.New("votes are not carried")
	ErrLiveLocation = errors.New("live locations are not carried")
	ErrVerification = errors.New("people on MSN have no keys")
	// ErrNoWords says that a message is of a kind that MSN does not have, and holds no words.
	ErrNoWords = errors.New("the message holds no words")
	// ErrNotTaken says that the database will never take a message as it is, ErrNotWithdrawn that it
	// does not take that a message was deleted.
	ErrNotTaken     = errors.New("the database does not take the message")
	ErrNotWithdrawn = errors.New("the database does not take that the message was deleted")
	// ErrNotCorrected says that nobody knows whether the message arrived that a correction is
	// for.
	ErrNotCorrected = errors.New("it is not certain whether the message arrived that was corrected")
	// ErrNotWriter says that an edit is of somebody else's message.
	ErrNotWriter = errors.New("the message is somebody else's")
	// ErrEmptied says that an edit leaves nothing of a message.
	ErrEmptied = errors.New("the edit leaves nothing of the message")
	// ErrNothingFailed, ErrMayHaveArrived, ErrNotDone and ErrNotRead say why no text is sent again:
	// there is none, it may have arrived, the bridge is still telling that it has failed, or the homeserver does not say what it was.
	ErrNothingFailed  = errors.New("no text has failed")
	ErrMayHaveArrived = errors.New("it is not certain whether the text arrived")
	ErrNotDone        = errors.New("the bridge is not done with the text")
	ErrNotRead        = errors.New("the homeserver does not say what the text was")
	// ErrNotAdmin and ErrLastAdmin say, besides what the service said, what the user is to
	// a circle into which they cannot invite, or which they cannot leave.
	ErrNotAdmin  = errors.New("the user is no administrator of the circle")
	ErrLastAdmin = errors.New("the user may be the only administrator of the circle")
)

// Errors of logins, and of what is typed to log in or to name a contact.
var (
	ErrEmptyPassword = errors.New("the password is empty")
	ErrLongPassword  = fmt.Errorf("the password is longer than %d bytes", MaxPassword)
	ErrPasswordLine  = errors.New("the password holds a line end")
	ErrNotYours      = errors.New("the login is another user's")
	ErrOtherService  = errors.New("the login is at another service")
	ErrOtherAccount  = errors.New("the login is for another account")
	ErrLeaving       = errors.New("the account is being logged out")
	ErrLoggedOut     = errors.New("the account was logged out meanwhile")
	ErrManyAttempts  = errors.New("too many wrong passwords")
	ErrTaken         = errors.New("the account is in use by another user")
	ErrOwnAccount    = errors.New("the account is the user's own")
)

// MaxPassword is the longest password in bytes that is accepted. Passport cut them at 16
// characters; today's services take longer ones.
const MaxPassword = 256

// LargeFile is the error of a file that is larger than the bridge or the homeserver takes, which is
// Most bytes.
type LargeFile struct{ Most uint64 }

// Error names the limit.
func (e LargeFile) Error() string { return fmt.Sprintf("the file is larger than %d bytes", e.Most) }

// Bounced is the error of a page that came back. The zero value says that nobody said why.
type Bounced struct{ Code string }

// Error names the code.
func (e Bounced) Error() string { return "the page came back with code " + e.Code }

// Subject is what sentences can say besides the error. Names are fit to be shown.
type Subject struct {
	Name       string // whom or what it was about
	Service    string // name of the service
	ServiceKey string // its key in network.services
	Online     bool   // the contact was seen online
	Listed     bool   // the contact is on the user's contact list
	Choices    string // what could have been named in the place of Name
	Login      string // the login, where there is one that can get another password
}

// Reason is what an error means.
type Reason struct {
	Code     string // stable: tables, logs, status pages and other programs see it
	Certain  bool   // what was to be done surely was not done
	Sentence string // says why, and what to do

	// Of messages: what clients are told.
	status event.MessageStatusReason
	final  bool // trying again makes no sense
	// Of connections: what the login is in then, and what its user is to do.
	state  status.BridgeStateEvent
	action status.BridgeStateUserAction
}

// Of returns what an error means in a place.
func Of(err error, place Place, about Subject) Reason {
	for _, row := range table {
		if row.place&place != 0 && row.when(err) {
			return row.reason(err, about)
		}
	}
	panic("the table of reasons has no row for everything") // its last rows are that
}

// OfCode returns what Of said of an error of which only code and number are kept: the
// number of a msn.ServerError or the length of a notify.TooLongError.
func OfCode(code, number string, place Place, about Subject) Reason {
	n, notNumber := strconv.Atoi(number)
	for _, row := range table {
		if row.place&place == 0 || row.code != code {
			continue
		}
		var err error
		switch {
		case code == codePageTooLong && notNumber == nil:
			err = &notify.TooLongError{Count: n}
		case code == codePageTooLong:
			continue
		case code == codeServerError:
			err = &msn.ServerError{Number: n}
		}
		return row.reason(err, about)
	}
	return Of(nil, place, about)
}

// NumberOf returns the number to be kept of an error, for OfCode, or "".
func NumberOf(err error) string {
	if tooLong, ok := errors.AsType[*notify.TooLongError](err); ok {
		return strconv.Itoa(tooLong.Count)
	}
	if refused, ok := errors.AsType[*msn.ServerError](err); ok {
		return strconv.Itoa(refused.Number)
	}
	return ""
}

// Retried reports whether the bridge signs in again by itself.
func (r Reason) Retried() bool { return r.state == status.StateTransientDisconnect }

// BadCredentials reports whether only another password, or the user's putting the account
// in order, can help.
func (r Reason) BadCredentials() bool { return r.state == status.StateBadCredentials }

// Trouble reports whether the bridge itself is to blame, and not what was asked of it.
func (r Reason) Trouble() bool { return r.Code == codeTrouble }

// BridgeState returns what the framework and status pages are told of a connection.
func (r Reason) BridgeState() status.BridgeState {
	return status.BridgeState{StateEvent: r.state, Error: status.BridgeStateErrorCode(r.Code), Message: r.Sentence, UserAction: r.action}
}

// NotConnected says why there is no session to send over.
type NotConnected struct {
	Why *Reason // nil before the first attempt to sign in has ended
}

// Error names the code.
func (e NotConnected) Error() string {
	if e.Why == nil {
		return "msn: not connected yet"
	}
	return "msn: not connected: " + e.Why.Code
}

// Unwrap returns msn.ErrNotConnected.
func (NotConnected) Unwrap() error { return msn.ErrNotConnected }

// Refused turns the error of a message into what its room is told, a
// bridgev2.MessageStatus. Whoever calls it logs the error: the framework does not see more
// of it than the code.
func Refused(err error, to Subject) error {
	why := Of(err, Message, to)
	if parts, ok := errors.AsType[*msn.PartsError](err); ok && parts.Acknowledged > 0 {
		why.Certain = false
		if parts.First > 0 && !parts.Joined { // the beginning would come twice
			why.Sentence = strings.NewReplacer(words.Text("reason.parts.send_it_again"), words.Text("reason.parts.send_the_rest"),
				words.Text("reason.parts.and_send_it_again"), words.Text("reason.parts.and_send_the_rest")).Replace(why.Sentence)
		}
		why.Sentence = howFar(parts, to.Name) + " " + why.Sentence
	}
	if gone, ok := errors.AsType[NotConnected](err); ok && gone.Why != nil {
		why.Sentence = gone.Why.Sentence
	}
	told := bridgev2.WrapErrorInStatus(coded{why.Code, err}).
		WithMessage(why.Sentence).
		WithIsCertain(why.Certain).
		WithErrorReason(why.status).
		WithSendNotice(true)
	if why.final {
		told = told.WithStatus(event.MessageStatusFail)
	}
	return told
}

// Everyday reports whether an error of Refused is about the message alone, so that its sender knows all
// there is to know: the bridge and the service are as they should be.
func Everyday(err error) bool {
	told, ok := errors.AsType[bridgev2.MessageStatus](err)
	if !ok {
		return false
	}
	why, _ := errors.AsType[coded](told.InternalError)
	return told.ErrorReason == event.MessageStatusUnsupported && why.code != codeTrouble
}

// howFar says how much of a text surely reached somebody.
func howFar(parts *msn.PartsError, name string) string {
	first, all := thousands(parts.First), thousands(parts.Characters)
	switch {
	case parts.First == 0:
		return words.Text("reason.parts.some", parts.Acknowledged, parts.Parts, name)
	case parts.Joined:
		return words.Text("reason.parts.beginning_of_one", first, all, name)
	}
	return words.Text("reason.parts.beginning", first, all, name)
}

// thousands writes a number for people.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
