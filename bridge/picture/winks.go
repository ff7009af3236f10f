package picture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/rs/zerolog"
	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/internal/cabinet"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

const (
	// maxWink is the largest wink that is fetched, in bytes: real ones have up to some hundred thousand.
	maxWink = 512 << 10
	// maxUnpacked is how much of it is unpacked, in bytes.
	maxUnpacked = 2 << 20
	// maxWinkSide is the longest side of its picture, in pixels.
	maxWinkSide = 1024
	// winksAtOnce is how many a login fetches at a time, one of each contact.
	winksAtOnce = 4
)

// Winks show the still pictures of the animations that contacts of one login send. Nobody plays those any more, and
// no picture is fetched again that a stop has interrupted.
type Winks struct {
	account *account.Account
	session *session.Session
	inbox   RoomInbox
	work    *background.Work
	slots   lazy.Slots
	turns   exsync.KeyedMutex[string] // of each contact: whoever does not answer holds up no others
}

// RoomInbox is an Inbox that makes rooms too.
type RoomInbox interface {
	Inbox
	// Room returns the room of a message that is not in the queue yet, which is made if there is none.
	Room(ctx context.Context, m *database.QueuedMessage) (id.RoomID, error)
}

// NewWinks returns the winks of a login's contacts.
func NewWinks(a *account.Account, s *session.Session, inbox RoomInbox, work *background.Work) *Winks {
	return &Winks{account: a, session: s, inbox: inbox, work: work}
}

// Show has the picture of a wink fetched and put into a room, behind the line that names it. It does not wait.
func (w *Winks) Show(o msn.Object, line database.QueuedMessage) {
	if o.Type != msn.ObjectWink || o.Size == 0 || o.Size > maxWink {
		return
	}
	w.work.Do("wink of "+string(line.MessageID), func(ctx context.Context) {
		if err := w.show(ctx, o, line); err != nil {
			zerolog.Ctx(ctx).Debug().Err(err).Str("contact", line.Sender).Msg("A wink is shown without its picture")
		}
	})
}

func (w *Winks) show(ctx context.Context, o msn.Object, line database.QueuedMessage) error {
	picture, mime, width, height, err := w.fetch(ctx, line.Sender, o)
	if err != nil {
		return err
	}
	ctx, cancel := room.Settling(ctx) // a room that is half-way comes to its end, also when the bridge is being stopped
	defer cancel()
	in, err := w.inbox.Room(ctx, &line)
	if err != nil {
		return err
	}
	name := "wink.png"
	if called := msn.FileName(o.Friendly); called != "" {
		name = called + ".png"
	}
	content := &event.MessageEventContent{
		MsgType: event.MsgImage, Body: name, FileName: name, Mentions: &event.Mentions{},
		Info: &event.FileInfo{MimeType: mime, Size: len(picture), Width: width, Height: height},
	}
	intent := w.account.Bridge.Matrix.GhostIntent(w.account.GhostID(line.Sender))
	if content.URL, content.File, err = intent.UploadMedia(ctx, in, picture, name, mime); err != nil {
		return err
	}
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	line.MessageID = msnid.MakeNoticeMessageID("wink", string(line.MessageID))
	line.Kind, line.Body = database.FileQueued, string(body)
	w.inbox.Put(ctx, &line)
	return nil
}

// fetch asks a contact for a wink and takes its picture out.
func (w *Winks) fetch(ctx context.Context, contact string, o msn.Object) (picture []byte, mime string, width, height int, err error) {
	defer w.turns.WithLock(contact)()
	slots := w.slots.Of(winksAtOnce)
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, "", 0, 0, ctx.Err()
	}
	client := w.session.Current()
	if client == nil {
		return nil, "", 0, 0, errNobodyThere
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	var packed bytes.Buffer
	if err := client.Fetch(ctx, contact, o, &packed, nil); err != nil {
		return nil, "", 0, 0, err
	}
	picture, err = cabinet.Read(packed.Bytes(), func(name string) bool { return strings.EqualFold(path.Ext(name), ".png") }, maxUnpacked)
	if err != nil {
		return nil, "", 0, 0, err
	}
	mime, width, height, err = inspect(picture)
	if err == nil && (width > maxWinkSide || height > maxWinkSide) {
		err = fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, width, height)
	}
	return picture, mime, width, height, err
}
