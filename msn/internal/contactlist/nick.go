package contactlist

import (
	"cmp"
	"context"
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
