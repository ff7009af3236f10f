// Package contactlist keeps a roster in step with the service: by SYN on the notification
// connection in MSNP2 to MSNP12, and by web services after that.
package contactlist

import (
	"context"
	"errors"
	"fmt"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	services "matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// List is the contact list of one account.
type List struct {
	conn    *ns.Conn
	account string            // the user's own as they gave it
	service *soap.AddressBook // nil below MSNP13, and without tickets
	tickets tickets           // that the service takes
	source  source

	// What follows belongs to the owner.
	book      *roster.Book
	news      *news
	signedIn  bool
	onBook    []func(*soap.Book) []event.Event
	onRenewed []func()
}

// tickets are what web services take for the user.
type tickets interface {
	// With makes a call to a service with a ticket that counts.
	With(ctx context.Context, service passport.Service, call func() error) error
}

// source is where the lists come from and are changed.
type source interface {
	// load downloads the lists. It is called once, while signing in, by the goroutine
	// that does so.
	load(ctx context.Context) error
	// add, remove and move change the lists for the user; see edit.go. They are called
	// outside of the owner, and wait.
	add(ctx context.Context, account, message string) error
	remove(ctx context.Context, account string) error
	move(ctx context.Context, account string, from, to roster.List) error
	// rename gives somebody on FL another name; see nick.go.
	rename(ctx context.Context, contact roster.Contact, name string) error
	// renameSelf gives the user another display name.
	renameSelf(ctx context.Context, name string) error
	// addGroup and those behind it change groups; see groups.go.
	addGroup(ctx context.Context, name string) (id string, err error)
	renameGroup(ctx context.Context, id, name string) error
	removeGroup(ctx context.Context, id string) error
	join(ctx context.Context, contact roster.Contact, group string) error
	leave(ctx context.Context, contact roster.Contact, group string) error
	// setEverybody and setAsks change the privacy settings; see privacy.go.
	setEverybody(ctx context.Context, everybody bool) error
	setAsks(ctx context.Context, asks bool) error
	// refresh brings the lists up to date after news that something has changed
	// which no command tells (protocol/07, section 5.3). It does not wait.
	refresh()
}

// New returns a contact list that keeps book, and registers what the server says of
// contacts. It is called by the owner once the dialect and the account are known, and from
// MSNP13 on when web has tickets.
func New(conn *ns.Conn, book *roster.Book, web *services.Services) *List {
	l := &List{conn: conn, account: web.Account(), book: book}
	if tickets := web.Tickets(); tickets != nil && conn.Dialect() >= wire.FirstSOAP {
		l.tickets = tickets
		l.service = &soap.AddressBook{
			Caller: web.Caller(), URL: web.Addresses().AddressBook, SharingURL: web.Addresses().Sharing,
			Ticket:       tickets.Ticket(passport.ServiceContacts),
			CookieTicket: conn.Dialect() < wire.FirstSSO,
		}
	}
	l.register()
	return l
}

func (l *List) register() {
	conn, book := l.conn, l.book
	l.news = newNews(conn, book)
	told := func(cmd wire.Command) {
		if events := book.Apply(cmd); l.signedIn || cmd.Verb != "PRP" {
			l.news.tell(events) // the user's own properties come with the lists too, where they are no news
		}
	}
	for _, verb := range []string{"ILN", "NLN", "FLN", "UBX", "PRP"} {
		conn.Handle(ns.Verb{Name: verb, Do: told})
	}
	if conn.Dialect() < wire.FirstSOAP {
		l.source = newSyn(l)
	} else {
		l.source = newWeb(l)
	}
}

// Load downloads the lists and tells the server what it needs of them. It is called once,
// while signing in, by the goroutine that does so. The changes that the lists make of an
// empty book are no events.
func (l *List) Load(ctx context.Context) error { return l.source.load(ctx) }

// Begin says that the sign-in is complete: what the lists say from now on is news. It
// is called by the owner.
func (l *List) Begin() {
	l.signedIn = true
	if web, ok := l.source.(*web); ok && web.stale {
		web.stale = false
		web.refresh()
	}
}

// OnBook has f told of each address book that is applied, that at sign-in included, by the
// owner. Its events come before those of the contacts.
func (l *List) OnBook(f func(*soap.Book) []event.Event) { l.onBook = append(l.onBook, f) }

// OnRenewed has f called by the owner when new lists were applied after the sign-in and the
// server was told what it needs of them.
func (l *List) OnRenewed(f func()) { l.onRenewed = append(l.onRenewed, f) }

// Refresh brings the lists up to date, in the background and after a while, after news that
// something has changed which no command tells. It is called by the owner. Lists that come
// by SYN are always up to date: each change is a command, and servers of the time allowed
// one SYN per session.
func (l *List) Refresh() { l.source.refresh() }

// Reload downloads the lists after a change that the user has made by a web service, and
// returns when they are applied. When that fails it is tried again in the background: the
// change was made. It is not called by the owner.
func (l *List) Reload(ctx context.Context) {
	if web, ok := l.source.(*web); ok {
		web.reload(ctx)
	}
}

// Call makes a call to the address book with a ticket that counts. It is not called by the
// owner. The error is errs.ErrDialect where there is no address book, below MSNP13, and that of
// the connection when it ends meanwhile.
func (l *List) Call(ctx context.Context, call func(context.Context, *soap.AddressBook) error) error {
	switch {
	case l.conn.Dialect() < wire.FirstSOAP:
		return fmt.Errorf("%w: the contact list is in no address book", errs.ErrDialect)
	case l.service == nil:
		return fmt.Errorf("%w: the server has let the user in without a ticket", wire.ErrProtocol)
	}
	if l.conn.Reason() != nil {
		return l.conn.Ended()
	}
	bound, release := l.conn.Bind(ctx)
	defer release()
	err := l.tickets.With(bound, passport.ServiceContacts, func() error { return call(bound, l.service) })
	if err != nil && ctx.Err() == nil && bound.Err() != nil {
		return fmt.Errorf("%w: %w", l.conn.Interrupted(), err)
	}
	return err
}

// contactNow returns what is known of a contact, for those outside of the owner.
func (l *List) contactNow(account string) (contact roster.Contact) {
	l.conn.Query(func() { contact, _ = l.book.Find(account) })
	contact.Account = account
	return contact
}

// ask sends a command of the sign-in and waits for its answer.
func (l *List) ask(ctx context.Context, cmd wire.Command) error {
	return l.signInError(ctx, cmd.Verb, l.conn.Call(ctx, cmd, nil))
}

// signInError says which step of the sign-in has failed.
func (l *List) signInError(ctx context.Context, step string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return fmt.Errorf("%s: %w", step, context.Cause(ctx))
	case errors.Is(err, errs.ErrTimeout):
		return fmt.Errorf("%s: %w", step, err)
	case l.conn.Reason() != nil && errors.Is(err, errs.ErrNotConnected):
		return l.conn.Unanswered(step)
	}
	return err
}
