package room

import (
	"context"
	"errors"
	"net/http"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// answerTimeout bounds asking the homeserver whether it answers.
const answerTimeout = time.Minute

// Homeserver is the homeserver as far as it can be asked whether it is there.
type Homeserver interface {
	// Answers makes a request that changes nothing and nobody sees, and returns why there
	// was no answer. A refusal may be returned too.
	Answers(ctx context.Context) error
	// Find returns the event among those in a room since a time that has a text in a field of
	// its content, or nil when none of the latest has. Encrypted content can be seen when the
	// bridge has encrypted it.
	Find(ctx context.Context, room id.RoomID, field, text string, since time.Time) (*event.Event, error)
	// Since returns what is in a room behind an event, the oldest first, as somebody of the bridge sees it who is in the room. Of very
	// much it returns the latest.
	Since(ctx context.Context, as id.UserID, room id.RoomID, evt id.EventID) ([]*event.Event, error)
	// Event returns an event of a room, decrypted if the bridge can, with its content parsed.
	Event(ctx context.Context, room id.RoomID, evt id.EventID) (*event.Event, error)
	// DisplayName returns the name that somebody has in their profile, "" for none.
	DisplayName(ctx context.Context, user id.UserID) (string, error)
	// Avatar returns where the picture is that somebody has in their profile, "" for none.
	Avatar(ctx context.Context, user id.UserID) (id.ContentURIString, error)
}

// ErrNobodyToAsk says that there is no homeserver to ask.
var ErrNobodyToAsk = errors.New("room: there is no homeserver to ask")

// Avatar is Homeserver.Avatar, and ErrNobodyToAsk without one.
func (r *Rooms) Avatar(ctx context.Context, user id.UserID) (id.ContentURIString, error) {
	if r.homeserver == nil {
		return "", ErrNobodyToAsk
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return r.homeserver.Avatar(ctx, user)
}

// Find is Homeserver.Find, and finds nothing without one.
func (r *Rooms) Find(ctx context.Context, room id.RoomID, field, text string, since time.Time) (*event.Event, error) {
	if r.homeserver == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return r.homeserver.Find(ctx, room, field, text, since)
}

// Event is Homeserver.Event, and nil without one.
func (r *Rooms) Event(ctx context.Context, room id.RoomID, evt id.EventID) (*event.Event, error) {
	if r.homeserver == nil {
		return nil, nil
	}
	return r.homeserver.Event(ctx, room, evt)
}

// Answers asks the homeserver for something that nobody sees, and returns why it did not
// answer. A refusal is an answer.
func (r *Rooms) Answers(ctx context.Context) error {
	if r.homeserver == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := r.homeserver.Answers(ctx); !IsRefusal(err) {
		return err
	}
	return nil
}

// IsRefusal reports whether an error is what the homeserver says of a request, and not
// of itself or of the bridge.
func IsRefusal(err error) bool {
	refused, ok := errors.AsType[mautrix.HTTPError](err)
	if !ok || refused.RespError == nil || refused.Response == nil {
		return false
	}
	switch code := refused.Response.StatusCode; code {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	default:
		return code >= 400 && code < 500
	}
}

// TakesNothing reports whether an error shows that the bridge can say nothing in a room.
func TakesNothing(err error) bool {
	return errors.Is(err, mautrix.MForbidden) || errors.Is(err, mautrix.MNotFound)
}
