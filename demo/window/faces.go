package window

import (
	"context"
	"errors"
	"sync"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/slp"
)

const (
	// maxFaces is of how many pictures it is remembered where they are.
	maxFaces = 512
	// fetchTime is how long a contact may take to give a picture.
	fetchTime = time.Minute
)

// errNoPicture says that what a contact gave is no picture that can be shown.
var errNoPicture = errors.New("window: not a picture")

// faces knows which pictures there are, and whose are wanted.
type faces struct {
	mu    sync.Mutex
	known map[slp.Hash]string // paths
	want  map[string]slp.Hash // by accounts: what they have now
}

func newFaces() *faces {
	return &faces{known: make(map[slp.Hash]string), want: make(map[string]slp.Hash)}
}

// sawContact shows what is known of a contact, and asks for their display picture.
func (w *Window) sawContact(c msn.Contact) {
	if !c.Lists.Has(msn.ListForward) {
		w.state.removeContact(c.Account)
		w.faces.wants(c.Account, slp.Hash{})
		return
	}
	shown := contactOf(c)
	o, err := msn.ParseObject(c.Object)
	if err != nil || o.Size > maxPicture {
		w.faces.wants(c.Account, slp.Hash{})
		w.state.setContact(shown)
		return
	}
	changed := w.faces.wants(c.Account, o.Hash)
	shown.Picture = w.face(o.Hash)
	w.state.setContact(shown)
	if shown.Picture != "" || !changed || c.Status == msn.Offline {
		return
	}
	w.fetch(c.Account, o, func(path string, err error) {
		if err != nil {
			w.faces.unwant(c.Account, o.Hash) // the next sight of them asks again
		} else if w.faces.wanted(c.Account) == o.Hash {
			w.state.setPicture(c.Account, path)
		}
	})
}

// face returns where a picture is, or "".
func (w *Window) face(hash slp.Hash) string {
	w.faces.mu.Lock()
	defer w.faces.mu.Unlock()
	path := w.faces.known[hash]
	if path == "" || w.pictures.get(path[len(mediaPath):]) == nil {
		return ""
	}
	return path
}

// fetch asks a contact for a picture, beside everything else, and calls done with where it is. Where too many are asked
// for, it is not.
func (w *Window) fetch(account string, o msn.Object, done func(path string, err error)) {
	if !take(w.fetching) {
		done("", context.DeadlineExceeded)
		return
	}
	ok := w.begin(func() {
		defer give(w.fetching)
		select {
		case w.fetches <- struct{}{}:
		case <-w.ctx.Done():
			return
		}
		defer give(w.fetches)
		ctx, cancel := context.WithTimeout(w.ctx, fetchTime)
		defer cancel()
		done(w.fetched(ctx, account, o))
	})
	if !ok {
		give(w.fetching)
	}
}

// fetched asks for a picture and puts it on the shelf.
func (w *Window) fetched(ctx context.Context, account string, o msn.Object) (path string, err error) {
	if path := w.face(o.Hash); path != "" {
		return path, nil // of somebody else, or asked for twice
	}
	b := box{most: maxPicture}
	if err := w.friend.Fetch(ctx, account, o, &b, nil); err != nil {
		return "", err
	}
	t := w.pictures.put("", b.data)
	if t.show != showImage {
		return "", errNoPicture
	}
	w.faces.mu.Lock()
	defer w.faces.mu.Unlock()
	if len(w.faces.known) >= maxFaces {
		clear(w.faces.known)
	}
	w.faces.known[o.Hash] = t.path()
	return t.path(), nil
}

// wants notes what a contact has, and reports whether that is something else than before.
func (f *faces) wants(account string, hash slp.Hash) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.want[account]
	if hash == (slp.Hash{}) {
		delete(f.want, account)
	} else {
		f.want[account] = hash
	}
	return before != hash
}

func (f *faces) wanted(account string) slp.Hash {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.want[account]
}

// unwant takes back that something was asked for.
func (f *faces) unwant(account string, hash slp.Hash) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.want[account] == hash {
		delete(f.want, account)
	}
}

// contactOf is what pages show of a contact.
func contactOf(c msn.Contact) Contact {
	name := c.Nick
	if name == "" {
		name = c.Name
	}
	if name == "" {
		name = c.Account
	}
	return Contact{Account: c.Account, Name: name, Status: statusName(c.Status), Personal: c.Personal}
}
