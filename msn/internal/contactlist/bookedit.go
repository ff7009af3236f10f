package contactlist

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"matrix-msn/msn/internal/errs"
	services "matrix-msn/msn/internal/web"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
)

// The user's own changes by web services, which the notification server is told then.

func (w *web) add(ctx context.Context, account, message string) error {
	contact := w.contactNow(account)
	var name, id string
	w.conn.Query(func() { name = cmp.Or(w.book.OwnName(), w.conn.Account()) })
	err := w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) (err error) {
		if contact.GUID != "" {
			return service.SetMessenger(ctx, contact.GUID, true)
		}
		id, err = service.AddContact(ctx, account, networkOf(contact), name, message)
		return err
	})
	if err != nil {
		return err
	}
	err = w.note(ctx, account, func(contact *roster.Contact) {
		contact.Lists |= roster.ListForward
		contact.GUID = cmp.Or(id, contact.GUID)
	})
	if err != nil || contact.Lists&(roster.ListAllow|roster.ListBlock) != 0 {
		return err
	}
	return w.move(ctx, account, 0, roster.ListAllow)
}

func (w *web) remove(ctx context.Context, account string) error {
	contact := w.contactNow(account)
	if contact.GUID != "" {
		err := w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) error {
			return service.DeleteContact(ctx, contact.GUID)
		})
		if err != nil {
			return err
		}
	}
	return w.note(ctx, account, func(contact *roster.Contact) {
		contact.Lists &^= roster.ListForward
		contact.GUID, contact.Groups = "", nil
	})
}

// move takes a contact off one of AL and BL and puts it on the other, which answers
// one who waits for it.
func (w *web) move(ctx context.Context, account string, from, to roster.List) error {
	contact := w.contactNow(account)
	pending, network := contact.Lists.Has(roster.ListPending), networkOf(contact)
	err := w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		if from != 0 && contact.Lists.Has(from) {
			if err := service.DeleteMember(ctx, roleOf(from), account, network); err != nil {
				return err
			}
		}
		if err := service.AddMember(ctx, roleOf(to), account, network); err != nil || !pending {
			return err
		}
		if err := service.DeleteMember(ctx, soap.Pending, account, network); err != nil {
			return err
		}
		return service.AddMember(ctx, soap.Reverse, account, network)
	})
	if err != nil {
		return err
	}
	err = w.note(ctx, account, func(contact *roster.Contact) {
		contact.Lists = contact.Lists&^from | to
		if pending {
			contact.Lists = contact.Lists&^roster.ListPending | roster.ListReverse
		}
	})
	if err != nil && errors.Is(Error(err), errs.ErrNoSuchContact) && !contact.Lists.Has(to) {
		return w.takeBack(ctx, contact, from, to, err)
	}
	return err
}

// takeBack takes a move back that the notification server refuses because there is no such
// account: the web services have made it already, and do not ask who is there. It returns the
// error that says so, another one when the move stays.
func (w *web) takeBack(ctx context.Context, before roster.Contact, from, to roster.List, refused error) error {
	from &= before.Lists
	err := w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		if err := service.DeleteMember(ctx, roleOf(to), before.Account, networkOf(before)); err != nil || from == 0 {
			return err
		}
		return service.AddMember(ctx, roleOf(from), before.Account, networkOf(before))
	})
	if err != nil {
		// Not wrapped: the server's word is that nothing was changed.
		return fmt.Errorf("the list was changed (%v): %w", refused, err)
	}
	w.conn.Do(func() {
		events, _ := w.book.Change(before.Account, func(contact *roster.Contact) { contact.Lists = contact.Lists&^to | from })
		w.generation++
		w.told[before.Account] &^= to // the server has not taken it
		w.conn.Emit(events...)
		w.tell(func(error) {}) // of from it has not heard any more; it may refuse that as well
	})
	return refused
}

func roleOf(list roster.List) soap.Role {
	for role, l := range roles {
		if l == list {
			return role
		}
	}
	return ""
}

// edit makes a change by the address book.
func (w *web) edit(ctx context.Context, do func(context.Context, *soap.AddressBook) error) error {
	return services.Error(w.Call(ctx, do))
}

// note notes in the book what was changed and tells the server what of it concerns the
// session. It returns when the server has confirmed that.
func (w *web) note(ctx context.Context, account string, change func(*roster.Contact)) error {
	return w.conn.Await(ctx, func(result func(error)) {
		events, ok := w.book.Change(account, change)
		if !ok {
			result(fmt.Errorf("%w: %q", errs.ErrArgument, account))
			return
		}
		w.generation++ // what is being downloaded may be older
		w.conn.Emit(events...)
		w.tell(result)
	})
}
