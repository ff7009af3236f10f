// Package window is the page of the demo: what somebody on MSN has on their screen, as a small web page on loopback.
//
// It shows the contact list and the conversations of one account that is signed in, and takes what is written in it:
// texts, typing, nudges, files, a status. Server-sent events bring changes to the pages that are open, POST brings
// back what is done in them. A page that was cut off gets what it missed, once; one that missed too much gets all
// there is.
//
//	w := window.New(ctx, client)
//	defer w.Close()
//	go w.Serve(ctx, listener)
//	for event := range client.Events() {
//		w.Hear(event)
//	}
//
// Whoever writes to the account, and other pages in the browser, are taken for hostile: all that they can fill has a
// limit, their words are shown as text alone, and only the page itself may write in the account's name.
package window

import (
	"context"
	"io"
	"strings"
	"sync"

	"matrix-msn/msn"
)

// Limits of what is under way at a time.
const (
	// maxSending is how many texts, nudges and files wait for their acknowledgement.
	maxSending = 64
	// maxFiles is how many files come, or go, each of them whole in memory.
	maxFiles = 4
	// maxFetches is how many pictures of contacts are asked for at once, and maxFetching how many of them wait.
	maxFetches, maxFetching = 4, 32
	// maxPages is how many pages may be open: a browser makes six connections to a server, and the others are for
	// what is written and for pictures.
	maxPages = 4
)

// Window is the screen of somebody on MSN. Its methods may be called from any goroutine, unless they say otherwise.
type Window struct {
	friend friend
	state  *state
	// pictures are those of people and emoticons, files what was sent: one who sends many files takes nobody's face.
	pictures, files *shelf
	faces           *faces

	ctx    context.Context // of all that goes on
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	work    sync.WaitGroup
	pages   int
	sending sync.Mutex // held while something takes its place in the order in which all is sent

	setting sync.Mutex // held while something of the account is changed
	asking  sync.Mutex // held while a request is looked for among those that came before
	keys    keys

	transfers, sends, fetches, fetching chan struct{} // a place for each
}

// friend is whose screen it is, as far as a Window needs them.
type friend interface {
	Account() string
	DisplayName() string
	Status() msn.Status
	Contacts() []msn.Contact
	SetStatus(ctx context.Context, status msn.Status) error
	SetPersonal(ctx context.Context, text string) error
	SendFile(ctx context.Context, account string, f msn.File, r io.Reader, told func(done uint64)) error
	Fetch(ctx context.Context, account string, o msn.Object, w io.Writer, told func(done uint64)) error
	// line returns the conversation with this key.
	line(key string) line
}

// line is a conversation that is written to.
type line interface {
	StartText(ctx context.Context, text, format string) (wait func() error)
	SendNudge(ctx context.Context) error
	SendTyping(ctx context.Context) error
}

// client is an account as a friend.
type client struct{ *msn.Client }

func (c client) line(key string) line {
	if id, ok := strings.CutPrefix(key, groupKey); ok {
		return c.GroupChat(id)
	}
	return c.Conversation(strings.TrimPrefix(key, personKey))
}

// The beginnings of the keys of conversations. What is behind is an account, or the ID of a group chat.
const (
	personKey = "person:"
	groupKey  = "group:"
)

// keyOf returns the key of a conversation, "" of one that is not shown.
func keyOf(cv *msn.Conversation, from string) string {
	switch {
	case cv == nil && from != "":
		return personKey + from
	case cv == nil || cv.Circle() != "":
		return ""
	case cv.Group() != "":
		return groupKey + cv.Group()
	}
	return personKey + cv.Peer()
}

// New returns the screen of an account that is signed in. It shows nothing of what was said before. It ends with Close,
// or ctx.
func New(ctx context.Context, c *msn.Client) *Window { return newWindow(ctx, client{c}) }

func newWindow(ctx context.Context, f friend) *Window {
	w := &Window{
		friend: f, pictures: newShelf(maxPictures), files: newShelf(maxFileShelf), faces: newFaces(),
		transfers: make(chan struct{}, maxFiles), sends: make(chan struct{}, maxSending),
		fetches: make(chan struct{}, maxFetches), fetching: make(chan struct{}, maxFetching),
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.state = newState(Self{Account: f.Account(), Name: f.DisplayName(), Status: statusName(f.Status()), SignedIn: true, Scripted: true})
	for _, contact := range f.Contacts() {
		w.sawContact(contact)
	}
	return w
}

// Close ends all that the window has begun, and the pages that are open, and waits for that. It may be called more than
// once. The account stays signed in.
func (w *Window) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cancel()
	w.work.Wait()
}

// begin does something beside everything else, unless the window is closed. Close waits for it.
func (w *Window) begin(do func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.work.Go(do)
	return true
}

// Played reports whether somebody has written in a page.
func (w *Window) Played() bool { return !w.state.self().Scripted }

// take takes a place, if there is one.
func take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

// give gives it back.
func give(places chan struct{}) { <-places }
