package picture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// Notices are what the user is told in the chat with the bot, or where else they want it.
type Notices interface {
	// Notice tells the user, once for all calls with the same ID.
	Notice(ctx context.Context, a database.Alert)
}

// Own is the display picture that the user shows on MSN: one that they have chosen, or theirs of Matrix.
type Own struct {
	account *account.Account
	session *session.Session
	rooms   *room.Rooms
	work    *background.Work
	notices Notices
	reading *lazy.Slots // of all logins: a token for each picture of Matrix that is in memory

	// setting is held while the picture is changed, so that one of Matrix never comes after one that was chosen
	// meanwhile.
	setting sync.Mutex
	// taken is where the picture is in Matrix that the service has: the latest that it has taken, or was given at
	// the sign-in.
	taken atomic.Value // of string
}

// readAtOnce is how many pictures of Matrix are read at a time for all logins: with many that follow theirs, all are when that is
// switched on, and each may take a hundred megabytes.
const readAtOnce = 2

// NewOwn returns the picture of a login, which signs in with it. reading is the same for all logins.
func NewOwn(a *account.Account, s *session.Session, rooms *room.Rooms, work *background.Work, notices Notices, reading *lazy.Slots) *Own {
	o := &Own{account: a, session: s, rooms: rooms, work: work, notices: notices, reading: reading}
	s.UsePicture(func(ctx context.Context) []byte {
		kept, err := a.DB.Picture.Get(ctx, a.Login.ID)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read the user's display picture: contacts see none")
		}
		if kept == nil {
			o.taken.Store("")
			return nil
		}
		o.taken.Store(kept.Source)
		return kept.PNG
	})
	session.Listen(s, o, hearingOfOwn)
	return o
}

var hearingOfOwn = session.Hears(session.OnReady(func(o *Own, _ context.Context, _ *msn.Client) {
	o.Look()
	o.store()
}))

// Sent returns the message in a room that a picture may be in, nil when there is none.
func (o *Own) Sent(ctx context.Context, in id.RoomID, evt id.EventID) (*event.Event, error) {
	return o.rooms.Event(ctx, in, evt)
}

// Is reports whether the user shows a picture.
func (o *Own) Is(ctx context.Context) (bool, error) {
	kept, err := o.account.DB.Picture.Get(ctx, o.account.Login.ID)
	return kept != nil && len(kept.PNG) > 0, err
}

// Follows reports whether contacts are to see the user's picture of Matrix.
func (o *Own) Follows() bool {
	if chosen := o.account.Stored().FollowsPicture; chosen != nil {
		return *chosen
	}
	return o.account.Config.FollowPicture
}

// Set has contacts see a picture from now on, also after a restart, and ends that they see the one of Matrix; no
// data takes it away. source is where it is in Matrix. The error is ErrNoPicture or ErrTooLarge, that of the
// database, or, when the service does not take it now, that of msn.Client.SetPicture: it is shown after the next
// sign-in.
func (o *Own) Set(ctx context.Context, source string, data []byte) error {
	o.setting.Lock()
	defer o.setting.Unlock()
	kept, err := o.made(source, data)
	if err != nil {
		return err
	}
	if err := o.choose(ctx, false); err != nil {
		return err
	}
	return o.set(ctx, kept)
}

// Follow has contacts see the user's picture of Matrix from now on, whenever it changes. The error is
// reason.ErrNotStored.
func (o *Own) Follow(ctx context.Context) error {
	o.setting.Lock()
	defer o.setting.Unlock()
	if err := o.choose(ctx, true); err != nil {
		return err
	}
	o.Look()
	return nil
}

// choose notes whether contacts are to see the picture of Matrix.
func (o *Own) choose(ctx context.Context, follows bool) error {
	if err := o.account.Remember(ctx, func(kept *account.Record) { kept.FollowsPicture = &follows }); err != nil {
		return fmt.Errorf("%w: %w", reason.ErrNotStored, err)
	}
	return nil
}

// made makes the user's picture of one in Matrix, or none without data.
func (o *Own) made(source string, data []byte) (*database.Picture, error) {
	kept := &database.Picture{LoginID: o.account.Login.ID, Source: source}
	if len(data) == 0 {
		return kept, nil
	}
	var err error
	kept.PNG, err = Make(data)
	return kept, err
}

// set shows a picture, and has the service keep it. setting is held.
func (o *Own) set(ctx context.Context, kept *database.Picture) error {
	err := o.show(ctx, kept)
	o.store()
	return err
}

// show notes a picture and has contacts see it. setting is held.
func (o *Own) show(ctx context.Context, kept *database.Picture) error {
	if err := o.account.DB.Picture.Put(ctx, kept); err != nil {
		return fmt.Errorf("store the picture: %w", err)
	}
	return o.bring(ctx, kept)
}

// bring tells the service of the picture that is kept. setting is held.
func (o *Own) bring(ctx context.Context, kept *database.Picture) error {
	client := o.session.Current()
	if client == nil {
		return nil // the next sign-in shows it
	}
	if _, err := client.SetPicture(ctx, kept.PNG); err != nil {
		return err
	}
	o.taken.Store(kept.Source)
	return nil
}

// showAgain tells the service of the picture that is kept, if it has not taken it. It reports false when that is to
// be tried again.
func (o *Own) showAgain(ctx context.Context, source string) (done bool) {
	o.setting.Lock()
	defer o.setting.Unlock()
	if o.taken.Load() == source || o.session.Current() == nil || !o.Follows() {
		return true
	}
	kept, err := o.account.DB.Picture.Get(ctx, o.account.Login.ID)
	if err == nil && (kept == nil || kept.Source != source) {
		return false // another one was taken meanwhile
	}
	if err == nil {
		err = o.bring(ctx, kept)
	}
	return o.shown(ctx, err)
}

// shown reports whether nothing is left to be tried of what has ended so.
func (o *Own) shown(ctx context.Context, err error) (done bool) {
	if err == nil {
		return true
	}
	zerolog.Ctx(ctx).Err(err).Msg("Contacts do not see the user's picture of Matrix yet")
	return errors.Is(err, msn.ErrDialect) || o.session.Current() == nil // the next sign-in shows it
}

// Look says that the user may have another picture in Matrix by now.
func (o *Own) Look() {
	if o.Follows() {
		o.work.Try("own picture", o.look)
	}
}

// look has contacts see the user's picture of Matrix, if they are to. It reports false when it is to be tried again.
func (o *Own) look(ctx context.Context) (done bool) {
	log := zerolog.Ctx(ctx)
	url, err := o.rooms.Avatar(ctx, o.account.Login.UserMXID)
	if err != nil {
		log.Err(err).Msg("Failed to ask for the user's picture of Matrix")
		return errors.Is(err, room.ErrNobodyToAsk)
	}
	before, err := o.account.DB.Picture.Get(ctx, o.account.Login.ID)
	switch {
	case err != nil:
		log.Err(err).Msg("Failed to read the user's display picture")
		return false
	case before == nil && url == "":
		return true
	case before != nil && before.Source == string(url):
		return o.showAgain(ctx, before.Source)
	}
	kept, refused, err := o.read(ctx, url)
	switch {
	case err != nil && !refused:
		log.Err(err).Msg("Failed to download the user's picture of Matrix")
		return room.IsRefusal(err)
	case err != nil:
		o.sayUnread(ctx, url, err)
		return true
	}
	o.setting.Lock()
	defer o.setting.Unlock()
	if !o.Follows() {
		return true // they have chosen another one meanwhile
	}
	return o.shown(ctx, o.set(ctx, kept))
}

// read makes the user's picture of theirs in Matrix. It reports whether an error is one of the picture, and not of how it came.
func (o *Own) read(ctx context.Context, url id.ContentURIString) (kept *database.Picture, refused bool, err error) {
	slots := o.reading.Of(readAtOnce)
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	var data []byte
	if url != "" {
		if data, err = o.download(ctx, url); err != nil {
			return nil, false, err
		}
	}
	kept, err = o.made(string(url), data)
	return kept, true, err
}

// download returns a picture, as much of it as says that it is too large.
func (o *Own) download(ctx context.Context, url id.ContentURIString) (data []byte, err error) {
	err = o.account.Bridge.Bot.DownloadMediaToFile(ctx, url, nil, false, func(file *os.File) (err error) {
		data, err = io.ReadAll(io.LimitReader(file, MaxOwn+1))
		return err
	})
	return data, err
}

// sayUnread tells the user once that their picture of Matrix cannot be shown.
func (o *Own) sayUnread(ctx context.Context, url id.ContentURIString, why error) {
	zerolog.Ctx(ctx).Info().Err(why).Msg("The user's picture of Matrix cannot be shown on MSN")
	text := words.Text("picture.not_seen_unreadable")
	if errors.Is(why, ErrTooLarge) {
		text = words.Text("picture.not_seen_too_large")
	}
	o.notices.Notice(ctx, database.Alert{
		AlertID: msnid.MakeNoticeMessageID("picture", string(url)), ReceivedAt: time.Now(), Kind: database.AlertKindPeople,
		Text: words.Text("picture.take_another_one_or_send_one", text),
	})
}
