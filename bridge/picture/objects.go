package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"matrix-msn/bridge/account"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// fetchTimeout bounds fetching one picture of somebody who answers.
const fetchTimeout = 2 * time.Minute

// errNotKept says that a picture is not where it can be shown because of the database or the homeserver: it is to
// be tried again.
var errNotKept = errors.New("picture: not kept")

// Objects are the pictures that contacts of one login give. Each is uploaded once for all logins: it is known by
// its hash.
type Objects struct {
	account *account.Account
	turns   *Turns
}

// NewObjects returns the pictures that contacts of a login give. turns is the same for all logins.
func NewObjects(a *account.Account, turns *Turns) *Objects {
	return &Objects{account: a, turns: turns}
}

// Turns has one login at a time fetch what several want of the same contact. The zero value is ready.
type Turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn is over
}

// take waits until nobody else is at something. Whoever has the turn calls leave. The error is that of ctx.
func (t *Turns) take(ctx context.Context, what string) (leave func(), err error) {
	for {
		t.mu.Lock()
		other := t.taken[what]
		if other == nil {
			over := make(chan struct{})
			lazy.Put(&t.taken, what, over)
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.taken, what)
				t.mu.Unlock()
				close(over)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Known returns a picture that the homeserver has, nil when it has none.
func (o *Objects) Known(ctx context.Context, hash string) (*database.Object, error) {
	known, err := o.account.DB.Object.Get(ctx, hash)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNotKept, err)
	}
	return known, err
}

// limits are what a picture may have at most: bytes, and pixels at a side; and how long it may take to come.
type limits struct {
	bytes    uint64
	side     int
	patience time.Duration
}

// fetch asks a contact for a picture and uploads it, unless the homeserver has it. The error is errNotKept, that of
// msn.Client.Fetch, ErrNoPicture or ErrTooLarge.
func (o *Objects) fetch(ctx context.Context, client *msn.Client, contact string, object msn.Object, most limits) (*database.Object, error) {
	if object.Size == 0 || object.Size > most.bytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, object.Size)
	}
	hash := object.Hash.String()
	leave, err := o.turns.take(ctx, string(o.account.GhostID(contact))+" "+hash)
	if err != nil {
		return nil, err
	}
	defer leave()
	if known, err := o.Known(ctx, hash); err != nil || known != nil {
		return known, err
	}
	fetching, cancel := context.WithTimeout(ctx, most.patience)
	defer cancel()
	var data bytes.Buffer
	if err := client.Fetch(fetching, contact, object, &data, nil); err != nil {
		return nil, err
	}
	mime, width, height, err := inspect(data.Bytes())
	switch {
	case err != nil:
		return nil, err
	case width > most.side || height > most.side:
		return nil, fmt.Errorf("%w: %d by %d pixels", ErrTooLarge, width, height)
	}
	// Others may give the same one at the same time.
	uploaded, err := o.turns.take(ctx, hash)
	if err != nil {
		return nil, err
	}
	defer uploaded()
	if known, err := o.Known(ctx, hash); err != nil || known != nil {
		return known, err
	}
	mxc, _, err := o.account.Bridge.Bot.UploadMedia(ctx, "", data.Bytes(), "picture", mime)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotKept, err)
	}
	picture := &database.Object{Hash: hash, MXC: mxc, MimeType: mime, Size: data.Len(), Width: width, Height: height}
	if err := o.account.DB.Object.Put(ctx, picture); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotKept, err)
	}
	return picture, nil
}
