package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mau.fi/util/exsync"

	"matrix-msn/bridge/account"
	"matrix-msn/database"
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
	account  *account.Account
	fetching exsync.KeyedMutex[string] // by who is asked for what
}

// NewObjects returns the pictures that contacts of a login give.
func NewObjects(a *account.Account) *Objects { return &Objects{account: a} }

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
	defer o.fetching.WithLock(contact + " " + hash)()
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
