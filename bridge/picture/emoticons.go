package picture

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

const (
	// maxEmoticon is the largest emoticon that is fetched, in bytes, and maxEmoticonSide its longest side in
	// pixels. Official clients show them with 50.
	maxEmoticon     = 256 << 10
	maxEmoticonSide = 512
	// emoticonsAtOnce is how many a login fetches at a time, and emoticonsOf those of one contact: whoever does not
	// answer holds up no others.
	emoticonsAtOnce = 8
	emoticonsOf     = 2
	// lookTimeout bounds looking which of a text are known: the text itself waits for that.
	lookTimeout = 5 * time.Second
	// maxTexts and maxTextsOf are of how many texts of a login, and of one contact, the emoticons are fetched at a
	// time. Other texts stay as they are.
	maxTexts   = 40
	maxTextsOf = 5
	// mostNew is how many emoticons of one contact that the homeserver does not have are fetched within newWindow: each is
	// stored there. Others stay as they are written.
	mostNew   = 100
	newWindow = 10 * time.Minute
)

// Inbox brings messages into rooms.
type Inbox interface {
	Put(ctx context.Context, parts ...*database.QueuedMessage)
}

// Emoticons show the pictures that contacts of one login put into texts. A text is not held up by them: it is
// shown once more when they are there. Nobody goes on with those that a stop has interrupted.
type Emoticons struct {
	account *account.Account
	session *session.Session
	objects *Objects
	inbox   Inbox
	work    *background.Work
	slots   lazy.Slots

	mu    sync.Mutex
	all   int
	of    map[string]*giver // by contact
	since time.Time         // when the window has begun
	new   map[string]int    // emoticons in it, by contact
}

// giver is a contact whose emoticons are fetched.
type giver struct {
	texts int // in which they stand
	slots chan struct{}
}

// NewEmoticons returns the emoticons of a login's contacts.
func NewEmoticons(a *account.Account, s *session.Session, objects *Objects, inbox Inbox, work *background.Work) *Emoticons {
	return &Emoticons{account: a, session: s, objects: objects, inbox: inbox, work: work}
}

// Pictures returns those of a text's emoticons that the homeserver has.
func (e *Emoticons) Pictures(ctx context.Context, emoticons database.Emoticons) (pictures []msgconv.Picture) {
	for _, emoticon := range emoticons {
		known, err := e.objects.Known(ctx, emoticon.Picture)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read where an emoticon is: it is shown as it was written")
		}
		if known != nil {
			pictures = append(pictures, msgconv.Picture{Shortcut: emoticon.Shortcut, URL: known.MXC})
		}
	}
	return pictures
}

// Missing returns the pictures in parts of a text that the homeserver does not have.
func (e *Emoticons) Missing(ctx context.Context, parts []database.QueuedMessage) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	missing, asked := make(map[string]bool), make(map[string]bool)
	for _, part := range parts {
		for _, emoticon := range part.Emoticons {
			if asked[emoticon.Picture] {
				continue
			}
			asked[emoticon.Picture] = true
			if known, err := e.objects.Known(ctx, emoticon.Picture); err != nil || known == nil {
				missing[emoticon.Picture] = true
			}
		}
	}
	return missing
}

// Fetch has the emoticons fetched of a text that a contact has sent, of those that were missing before anybody saw the text, and
// its parts shown once more. It does not wait.
func (e *Emoticons) Fetch(contact string, emoticons []msn.Emoticon, missing map[string]bool, parts []database.QueuedMessage) {
	from := e.begin(contact)
	if from == nil {
		return
	}
	e.work.Do("emoticons of "+string(parts[0].MessageID), func(ctx context.Context) {
		defer e.end(contact)
		if e.fetch(ctx, contact, from, emoticons, missing) {
			e.showAgain(ctx, parts)
		}
	})
}

// begin returns the contact whose emoticons of one more text are to be fetched, nil when they may not be.
func (e *Emoticons) begin(contact string) *giver {
	e.mu.Lock()
	defer e.mu.Unlock()
	from := e.of[contact]
	switch {
	case e.all >= maxTexts, from != nil && from.texts >= maxTextsOf:
		return nil
	case from == nil:
		from = &giver{slots: make(chan struct{}, emoticonsOf)}
		lazy.Put(&e.of, contact, from)
	}
	e.all++
	from.texts++
	return from
}

func (e *Emoticons) end(contact string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all--
	if e.of[contact].texts--; e.of[contact].texts == 0 {
		delete(e.of, contact)
	}
}

// allow reports whether one more emoticon of a contact may be fetched, and counts it.
func (e *Emoticons) allow(contact string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if age := time.Since(e.since); age >= newWindow || age < 0 || len(e.new) >= maxPaced {
		e.since, e.new = time.Now(), make(map[string]int)
	}
	if e.new[contact] >= mostNew {
		return false
	}
	e.new[contact]++
	return true
}

// fetch fetches those of a text's emoticons that the homeserver does not have, and reports whether one came, for this text or
// another one.
func (e *Emoticons) fetch(ctx context.Context, contact string, from *giver, emoticons []msn.Emoticon, wanted map[string]bool) (came bool) {
	var fetching sync.WaitGroup
	var mu sync.Mutex
	for _, emoticon := range emoticons {
		hash := emoticon.Object.Hash.String()
		if !wanted[hash] {
			continue
		}
		delete(wanted, hash) // once
		switch known, err := e.objects.Known(ctx, hash); {
		case err == nil && known != nil:
			mu.Lock()
			came = true // with another text, since this one was heard
			mu.Unlock()
			continue
		case err != nil || !e.allow(contact):
			continue
		}
		fetching.Go(func() {
			err := e.one(ctx, contact, from, emoticon.Object)
			if err != nil {
				zerolog.Ctx(ctx).Debug().Err(err).Str("contact", contact).Msg("An emoticon is shown as it was written")
				return
			}
			mu.Lock()
			defer mu.Unlock()
			came = true
		})
	}
	fetching.Wait()
	return came
}

// errNobodyThere says that there is no connection now.
var errNobodyThere = errors.New("picture: not connected")

// one fetches one emoticon.
func (e *Emoticons) one(ctx context.Context, contact string, from *giver, o msn.Object) error {
	for _, slots := range []chan struct{}{from.slots, e.slots.Of(emoticonsAtOnce)} {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	client := e.session.Current()
	if client == nil {
		return errNobodyThere
	}
	if who, known := client.Contact(contact); known && who.Lists.Has(msn.ListBlock) {
		return msn.ErrBlocks
	}
	_, err := e.objects.fetch(ctx, client, contact, o, limits{maxEmoticon, maxEmoticonSide, fetchTimeout})
	return err
}

// showAgain has the parts of a text shown once more.
func (e *Emoticons) showAgain(ctx context.Context, parts []database.QueuedMessage) {
	for _, part := range parts {
		again := part
		again.Kind, again.Replaces, again.At, again.Owner = database.QueuedEdit, part.MessageID, time.Now(), ""
		again.MessageID = msnid.MakeNoticeMessageID("pictures", string(part.MessageID))
		e.inbox.Put(ctx, &again)
	}
}
