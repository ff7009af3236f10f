package contactlist

import (
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/roster"
)

// Limits of what one contact can have told of itself: so many events at once, and then what
// has become of them each time. A contact can take another name as often as it likes, and
// put the user on its list and off again.
const (
	NewsBurst = 64
	NewsEvery = 3 * time.Second
	// RequestBurst and RequestEvery are those of AddedYou and RemovedYou, which people are
	// to answer.
	RequestBurst = 4
	RequestEvery = time.Minute
)

// news tells what the server says of contacts, of each so often. What comes more often is
// held, and told later as what it has become: the last of each kind.
type news struct {
	conn              *ns.Conn
	book              *roster.Book
	changes, requests flow
}

// flow is news of some kinds.
type flow struct {
	limit *limit.Limiter
	every time.Duration
	held  map[string][]event.Event // by account, at most one event of each kind
}

func newFlow(burst int, every time.Duration) flow {
	return flow{limit: limit.New(burst, every), every: every}
}

func newNews(conn *ns.Conn, book *roster.Book) *news {
	n := &news{conn: conn, book: book, changes: newFlow(NewsBurst, NewsEvery), requests: newFlow(RequestBurst, RequestEvery)}
	conn.OnEnd(func(error) { n.end() })
	return n
}

// tell tells events, or holds them.
func (n *news) tell(events []event.Event) {
	for _, e := range events {
		account, f := n.about(e)
		_, waits := f.held[account]
		switch {
		case account == "", !waits && f.limit.Allow(account, time.Now()):
			n.conn.Emit(e)
			continue
		case !waits:
			n.conn.After(f.every, func() { n.release(f, account) })
		}
		f.hold(account, e)
	}
}

// about returns whom an event is about, and the flow that it belongs to. It is about nobody
// when it is not a contact's.
func (n *news) about(e event.Event) (account string, f *flow) {
	switch e := e.(type) {
	case roster.PresenceChanged:
		return e.Contact.Account, &n.changes
	case roster.PersonalMessageChanged:
		return e.Contact.Account, &n.changes
	case roster.ContactChanged:
		return e.Contact.Account, &n.changes
	case roster.AddedYou:
		return e.Contact.Account, &n.requests
	case roster.RemovedYou:
		return e.Contact.Account, &n.requests
	}
	return "", &n.changes
}

// hold keeps an event in the place of one that it makes stale.
func (f *flow) hold(account string, e event.Event) {
	var kept []event.Event
	for _, earlier := range f.held[account] {
		switch before := earlier.(type) {
		case roster.PresenceChanged:
			if _, ok := e.(roster.PresenceChanged); ok {
				continue
			}
		case roster.PersonalMessageChanged:
			if _, ok := e.(roster.PersonalMessageChanged); ok {
				continue
			}
		case roster.ContactChanged:
			if changed, ok := e.(roster.ContactChanged); ok {
				changed.Before = before.Before
				e = changed
				continue
			}
		case roster.AddedYou, roster.RemovedYou:
			continue // of the two the last counts
		}
		kept = append(kept, earlier)
	}
	lazy.Put(&f.held, account, append(kept, e))
}

// release tells what was held of a contact, as it is now.
func (n *news) release(f *flow, account string) {
	held := f.held[account]
	delete(f.held, account)
	contact, known := n.book.Find(account)
	for _, e := range held {
		if known {
			e = now(e, contact)
		}
		n.conn.Emit(e)
	}
}

// now is an event about what has become of its contact.
func now(e event.Event, contact roster.Contact) event.Event {
	switch e := e.(type) {
	case roster.PresenceChanged:
		e.Contact = contact
		return e
	case roster.PersonalMessageChanged:
		e.Contact = contact
		return e
	case roster.ContactChanged:
		e.Contact = contact
		return e
	case roster.AddedYou:
		e.Contact = contact
		return e
	case roster.RemovedYou:
		e.Contact = contact
		return e
	}
	return e
}

// end tells what is held when the connection ends.
func (n *news) end() {
	for _, f := range []*flow{&n.changes, &n.requests} {
		for account := range f.held {
			n.release(f, account)
		}
	}
}
