package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/exsync"
	"golang.org/x/image/draw"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const (
	// emoticonSide is the longest side of an emoticon that official clients show, in pixels.
	emoticonSide = 50
	// maxEmoji and maxEmojiSide are the largest custom emoji of Matrix of which an emoticon is made, in bytes and
	// in pixels.
	maxEmoji     = 1 << 20
	maxEmojiSide = 1024
	// maxMoving is the largest animation in bytes that goes out as it is.
	maxMoving = 64 << 10
	// prepareTimeout bounds preparing the emoticons of one text. Texts behind it wait meanwhile: when the homeserver
	// was slow a moment ago, for slowTime, they wait for hurriedTimeout only.
	prepareTimeout = 5 * time.Second
	slowTime       = time.Minute
	hurriedTimeout = 500 * time.Millisecond
	// failedTime is for how long a custom emoji that failed is not asked for again, and maxFailedEmoji of how many
	// that is remembered.
	failedTime     = 5 * time.Minute
	maxFailedEmoji = 256
	// maxMade is how many emoticons are kept that were made, and maxMadeSize how large each is at most.
	maxMade     = 64
	maxMadeSize = 64 << 10
	// oldMessenger is where Contact.Capabilities says which version of Messenger it is: 0 for those below 6.0,
	// which know no such emoticons.
	oldMessenger = 28
)

// Given are the custom emoji that the user of one login writes, as emoticons of MSN. Contacts fetch them while the
// conversation is open in which they came, so that none outlasts a session: a text that waits has its own made
// again.
type Given struct {
	account *account.Account
	// Both are made when they are asked for first: most logins write no emoticons.
	made   lazy.Value[*exsync.RingBuffer[id.ContentURIString, made]]
	failed lazy.Value[*exsync.RingBuffer[id.ContentURIString, time.Time]] // until when each is not asked for

	mu   sync.Mutex
	slow time.Time // when the homeserver was too slow last
}

// made is an emoticon that was made of a custom emoji.
type made struct {
	data  []byte
	moves bool
}

// NewGiven returns the custom emoji of a login.
func NewGiven(a *account.Account) *Given {
	return &Given{account: a}
}

func newMade() *exsync.RingBuffer[id.ContentURIString, made] {
	return exsync.NewRingBuffer[id.ContentURIString, made](maxMade)
}

func newFailed() *exsync.RingBuffer[id.ContentURIString, time.Time] {
	return exsync.NewRingBuffer[id.ContentURIString, time.Time](maxFailedEmoji)
}

// Prepare has contacts given the emoticons of a text, when they ask for them, and returns them. One of which none
// can be made stays the word that stands in the text, and so do all where nobody can show them.
func (g *Given) Prepare(ctx context.Context, client *msn.Client, to msnid.Peer, emoticons database.Emoticons) (prepared []msn.Emoticon) {
	if len(emoticons) == 0 || client.Dialect() < wire.FirstObjects || to.Circle != "" {
		return nil
	}
	if contact, known := client.Contact(to.Account); known && !shows(contact) {
		return nil
	}
	log := zerolog.Ctx(ctx)
	pictures := g.makeAll(ctx, emoticons)
	for i, e := range emoticons {
		picture := pictures[i]
		if picture == nil {
			continue
		}
		o, err := client.OfferEmoticon(picture.data)
		if err != nil {
			log.Debug().Err(err).Msg("A custom emoji is not offered")
			continue
		}
		prepared = append(prepared, msn.Emoticon{Shortcut: e.Shortcut, Object: o, Animated: picture.moves})
	}
	return prepared
}

// shows reports whether a contact can show emoticons. Of who is offline that is not known: they may come online before they get the text.
func shows(contact msn.Contact) bool {
	return contact.Network <= 1 && (contact.Status == msn.Offline || contact.Capabilities>>oldMessenger != 0)
}

// makeAll returns the emoticons of custom emoji in their order, nil for those of which none can be made in time.
func (g *Given) makeAll(ctx context.Context, emoticons database.Emoticons) []*made {
	making, cancel := context.WithTimeout(ctx, g.patience())
	defer cancel()
	pictures := make([]*made, len(emoticons))
	var all sync.WaitGroup
	for i, e := range emoticons[:min(len(emoticons), msn.MaxEmoticons)] {
		all.Go(func() {
			picture, err := g.make(making, id.ContentURIString(e.Picture))
			if err != nil {
				zerolog.Ctx(ctx).Debug().Err(err).Msg("A custom emoji goes out as a word")
				return
			}
			pictures[i] = &picture
		})
	}
	all.Wait()
	return pictures
}

// patience is how long a text waits for its emoticons.
func (g *Given) patience() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.slow.IsZero() && time.Since(g.slow) < slowTime {
		return hurriedTimeout
	}
	return prepareTimeout
}

// errFailedBefore says that a custom emoji has failed a moment ago.
var errFailedBefore = errors.New("picture: a custom emoji that has failed before")

// make returns the emoticon of a custom emoji.
func (g *Given) make(ctx context.Context, url id.ContentURIString) (made, error) {
	if known, ok := g.made.Get(newMade).Get(url); ok {
		return known, nil
	}
	if until, failed := g.failed.Get(newFailed).Get(url); failed && time.Now().Before(until) {
		return made{}, errFailedBefore
	}
	picture, err := g.makeNew(ctx, url)
	switch {
	case err == nil:
		g.made.Get(newMade).Push(url, picture)
	case errors.Is(ctx.Err(), context.Canceled):
		// The bridge is being stopped.
	default:
		if ctx.Err() != nil {
			g.mu.Lock()
			g.slow = time.Now()
			g.mu.Unlock()
		}
		until := time.Now().Add(failedTime)
		if !g.failed.Get(newFailed).Replace(url, until) {
			g.failed.Get(newFailed).Push(url, until)
		}
	}
	return picture, err
}

func (g *Given) makeNew(ctx context.Context, url id.ContentURIString) (made, error) {
	var data []byte
	err := g.account.Bridge.Bot.DownloadMediaToFile(ctx, url, nil, false, func(file *os.File) (err error) {
		data, err = io.ReadAll(io.LimitReader(file, maxEmoji+1))
		return err
	})
	if err != nil {
		return made{}, err
	}
	return emoticonOf(data)
}

// emoticonOf makes an emoticon of a picture: one that moves stays as it is when it is small enough, of others the
// first picture is made small enough.
func emoticonOf(data []byte) (made, error) {
	if len(data) > maxEmoji {
		return made{}, ErrTooLarge
	}
	mime, width, height, err := inspect(data)
	if err != nil {
		return made{}, err
	}
	if width > maxEmojiSide || height > maxEmojiSide {
		return made{}, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, width, height)
	}
	if mime == "image/gif" && width <= emoticonSide && height <= emoticonSide && len(data) <= maxMoving {
		if all, err := gif.DecodeAll(bytes.NewReader(data)); err == nil && len(all.Image) > 1 {
			return made{data: data, moves: true}, nil
		}
	}
	from, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return made{}, fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	to := image.NewNRGBA(within(from.Bounds(), emoticonSide))
	draw.CatmullRom.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	if err := png.Encode(&b, to); err != nil {
		return made{}, err
	}
	if b.Len() > maxMadeSize {
		return made{}, ErrTooLarge
	}
	return made{data: b.Bytes()}, nil
}

// within returns the sides of a picture, made smaller where one is longer than wanted.
func within(r image.Rectangle, side int) image.Rectangle {
	longest := max(r.Dx(), r.Dy())
	if longest <= side {
		return image.Rect(0, 0, r.Dx(), r.Dy())
	}
	return image.Rect(0, 0, max(1, r.Dx()*side/longest), max(1, r.Dy()*side/longest))
}
