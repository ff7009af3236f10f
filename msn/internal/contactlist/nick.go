package contactlist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// MaxEncodedName is the longest display name in bytes, as it stands on the wire
// (protocol/02-contacts.md, section 3.5).
const MaxEncodedName = 387

// Rename has the user call somebody on FL by another name; "" by the name that they have
// given themselves. From MSNP13 on that is the contact's Nick. In older dialects the list has
// one name of each contact, which a contact who comes online takes the place of.
//
// The error is errs.ErrArgument when account is invalid or not on FL, and errs.ErrTooLong. It
// is called by any goroutine but the owner.
func (l *List) Rename(ctx context.Context, account, name string) error {
	contact, err := l.watched(account)
	if err != nil {
		return err
	}
	name = clean.Line(name)
	if len(wire.Encode(name)) > MaxEncodedName {
		return errs.ErrTooLong
	}
	return Error(l.source.rename(ctx, contact, name))
}

// watched returns somebody who is on FL.
func (l *List) watched(account string) (contact roster.Contact, err error) {
	account, err = known(account)
	if err != nil {
		return contact, err
	}
	contact = l.contactNow(account)
	if !contact.Lists.Has(roster.ListForward) {
		return contact, fmt.Errorf("%w: %w: %s", errs.ErrArgument, ErrNotListed, account)
	}
	return contact, nil
}

func (s *syn) rename(ctx context.Context, contact roster.Contact, name string) error {
	name = wire.Encode(cmp.Or(name, contact.Told, contact.Account))
	cmd := wire.New("REA", contact.Account, name)
	if s.conn.Dialect() >= wire.FirstContactIDs {
		cmd = wire.New("SBP", contact.GUID, "MFN", name)
	}
	return s.change(ctx, cmd, 0)
}

func (w *web) rename(ctx context.Context, contact roster.Contact, name string) error {
	err := w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		return service.SetNickName(ctx, contact.GUID, name)
	})
	if err != nil {
		return err
	}
	return w.note(ctx, contact.Account, func(contact *roster.Contact) { contact.Nick = strings.TrimSpace(name) })
}

// ErrNameRefused says that the service does not take a display name: it holds a forbidden word,
// or the account's address was never verified.
var ErrNameRefused = errors.New("msn: the service does not take the display name")

// RenameSelf gives the user another display name, which their contacts see. The error is
// errs.ErrArgument for a name without a letter, errs.ErrTooLong, and ErrNameRefused. It is
// called by any goroutine but the owner.
func (l *List) RenameSelf(ctx context.Context, name string) error {
	switch name = clean.Line(name); {
	case name == "":
		return fmt.Errorf("%w: a display name needs a letter", errs.ErrArgument)
	case len(wire.Encode(name)) > MaxEncodedName:
		return errs.ErrTooLong
	}
	err := l.source.renameSelf(ctx, name)
	if refused, ok := errors.AsType[*errs.ServerError](err); ok && refused.Number == 209 {
		return fmt.Errorf("%w: %w", ErrNameRefused, err)
	}
	return err
}

func (s *syn) renameSelf(ctx context.Context, name string) error {
	if s.conn.Dialect() < wire.FirstContactIDs {
		return s.change(ctx, wire.New("REA", s.conn.Account(), wire.Encode(name)), 0)
	}
	return s.change(ctx, wire.New("PRP", "MFN", wire.Encode(name)), 0)
}

func (w *web) renameSelf(ctx context.Context, name string) error {
	// The server judges names, so it is asked first. It is for those who are online.
	if err := w.conn.Call(ctx, wire.New("PRP", "MFN", wire.Encode(name)), nil); err != nil {
		return err
	}
	w.conn.Do(func() {
		w.generation++ // what is being downloaded is older
		w.conn.Emit(w.book.SetOwnName(name)...)
	})
	// The address book is for the next sign-in.
	return w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) error { return service.SetOwnName(ctx, name) })
}
