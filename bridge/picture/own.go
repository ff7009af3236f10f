package picture

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
)

// Own is the display picture that the user shows on MSN.
type Own struct {
	account *account.Account
	session *session.Session
	rooms   *room.Rooms
}

// NewOwn returns the picture of a login, which signs in with it.
func NewOwn(a *account.Account, s *session.Session, rooms *room.Rooms) *Own {
	o := &Own{account: a, session: s, rooms: rooms}
	s.UsePicture(func(ctx context.Context) []byte {
		kept, err := a.DB.Picture.Get(ctx, a.Login.ID)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read the user's display picture: contacts see none")
		}
		if kept == nil {
			return nil
		}
		return kept.PNG
	})
	return o
}

// Sent returns the message in a room that a picture may be in, nil when there is none.
func (o *Own) Sent(ctx context.Context, in id.RoomID, evt id.EventID) (*event.Event, error) {
	return o.rooms.Event(ctx, in, evt)
}

// Is reports whether the user shows a picture.
func (o *Own) Is(ctx context.Context) (bool, error) {
	kept, err := o.account.DB.Picture.Get(ctx, o.account.Login.ID)
	return kept != nil && len(kept.PNG) > 0, err
}

// Set has contacts see a picture from now on, also after a restart; no data takes it away. source is
// where it is in Matrix. The error is ErrNoPicture or ErrTooLarge, that of the database, or, when the
// service does not take it now, that of msn.Client.SetPicture: it is shown after the next sign-in.
func (o *Own) Set(ctx context.Context, source string, data []byte) error {
	kept := &database.Picture{LoginID: o.account.Login.ID, Source: source}
	if len(data) > 0 {
		var err error
		if kept.PNG, err = Make(data); err != nil {
			return err
		}
	}
	if err := o.account.DB.Picture.Put(ctx, kept); err != nil {
		return fmt.Errorf("store the picture: %w", err)
	}
	client := o.session.Current()
	if client == nil {
		return nil // the next sign-in shows it
	}
	_, err := client.SetPicture(ctx, kept.PNG)
	return err
}
