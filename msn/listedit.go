package msn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// The user's own changes of the contact lists (protocol/02-contacts.md, sections 3
// and 5.4). They are the same in every dialect; what they take is not.

// AddContact puts somebody on the contact list (FL) and lets them see the user (AL).
// message is shown to them with the request from MSNP13 on, at most MaxRequest bytes.
// Somebody who is there already is no error.
//
// The error is ErrNoSuchContact when there is no such account, ErrListFull,
// ErrArgument when account is none, any other *ServerError or *soap.Fault, or
// ErrTimeout.
func (c *Client) AddContact(ctx context.Context, account, message string) error {
	if !isAddress(account) {
		return fmt.Errorf("%w: %q is no account", ErrArgument, account)
	}
	if len(message) > MaxRequest {
		return ErrTooLong
	}
	return listError(c.roster.addContact(ctx, strings.ToLower(account), message))
}

// MaxRequest is the longest text to somebody who is added, in bytes.
const MaxRequest = 512

// RemoveContact takes somebody off the contact list (FL). They may see the user as
// before. Somebody who is not there is no error.
func (c *Client) RemoveContact(ctx context.Context, account string) error {
	return listError(c.roster.removeContact(ctx, strings.ToLower(account)))
}

// Block keeps somebody from seeing and reaching the user (BL instead of AL). They are
// off the list of those who wait for an answer then.
func (c *Client) Block(ctx context.Context, account string) error {
	return listError(c.roster.move(ctx, strings.ToLower(account), ListAllow, ListBlock))
}

// Allow lets somebody see and reach the user (AL instead of BL), and answers those who
// wait for that.
func (c *Client) Allow(ctx context.Context, account string) error {
	return listError(c.roster.move(ctx, strings.ToLower(account), ListBlock, ListAllow))
}

// ErrListFull says that the contact list has no room.
var ErrListFull = errors.New("msn: the contact list is full")

// listError gives the errors of list changes their names.
func listError(err error) error {
	if refused, ok := errors.AsType[*ServerError](err); ok {
		switch refused.Number {
		case 201, 205, 208:
			return fmt.Errorf("%w: %w", ErrNoSuchContact, err)
		case 210:
			return fmt.Errorf("%w: %w", ErrListFull, err)
		}
	}
	if fault, ok := errors.AsType[*soap.Fault](err); ok {
		switch fault.ErrorCode {
		case "InvalidPassportUser", "BadEmailArgument":
			return fmt.Errorf("%w: %w", ErrNoSuchContact, err)
		case "QuotaLimitReached":
			return fmt.Errorf("%w: %w", ErrListFull, err)
		}
	}
	return err
}

// listNames are the names of the lists on the wire.
var listNames = map[List]string{ListForward: "FL", ListAllow: "AL", ListBlock: "BL", ListReverse: "RL", ListPending: "PL"}

// contactNow returns what is known of a contact, for those outside of the owner.
func (c *Client) contactNow(account string) Contact {
	contact, _ := c.Contact(account)
	contact.Account = account
	return contact
}

func (r *synRoster) addContact(ctx context.Context, account, _ string) error {
	contact := r.client.contactNow(account)
	if !contact.Lists.Has(ListForward) {
		if err := r.put(ctx, contact, ListForward); err != nil {
			return err
		}
	}
	if contact.Lists&(ListAllow|ListBlock) != 0 {
		return nil
	}
	return r.move(ctx, account, 0, ListAllow)
}

func (r *synRoster) removeContact(ctx context.Context, account string) error {
	return r.take(ctx, r.client.contactNow(account), ListForward)
}

// move takes a contact off one of AL and BL and puts it on the other, which answers
// one who waits for it.
func (r *synRoster) move(ctx context.Context, account string, from, to List) error {
	contact := r.client.contactNow(account)
	for _, step := range []struct {
		list List
		do   func(context.Context, Contact, List) error
	}{{from, r.take}, {to, r.put}, {contact.Lists & ListPending, r.take}} {
		if step.list == 0 || contact.Lists.Has(step.list) == (step.list == to) {
			continue
		}
		if err := step.do(ctx, contact, step.list); err != nil {
			return err
		}
	}
	if contact.Lists.Has(ListPending) && r.dialect >= 11 {
		return r.put(ctx, contact, ListReverse)
	}
	return nil
}

// put puts a contact on a list (ADD, ADC).
func (r *synRoster) put(ctx context.Context, contact Contact, list List) error {
	name := wire.Encode(contact.Name)
	if name == "" {
		name = wire.Encode(contact.Account)
	}
	cmd := wire.New("ADD", listNames[list], contact.Account, name)
	if r.dialect >= 10 {
		cmd = wire.New("ADC", listNames[list], "N="+contact.Account)
		if list == ListForward {
			cmd.Args = append(cmd.Args, "F="+name)
		}
	}
	return r.change(ctx, cmd, 215)
}

// take takes a contact off a list (REM).
func (r *synRoster) take(ctx context.Context, contact Contact, list List) error {
	who := contact.Account
	if list == ListForward && r.dialect >= 10 {
		if who = contact.GUID; who == "" {
			return nil
		}
	}
	return r.change(ctx, wire.New("REM", listNames[list], who), 216)
}

// change sends a change and applies the answer. The error done says that it was made
// before.
func (r *synRoster) change(ctx context.Context, cmd wire.Command, done int) error {
	err := r.client.exchange(ctx, cmd, func(reply wire.Command) error {
		events, _ := r.update(reply)
		r.client.emit(events...)
		return nil
	})
	if refused, ok := errors.AsType[*ServerError](err); ok && refused.Number == done {
		return nil
	}
	return err
}

func (r *soapRoster) addContact(ctx context.Context, account, message string) error {
	contact := r.client.contactNow(account)
	name := r.client.DisplayName()
	var id string
	err := r.call(ctx, func() (err error) {
		if contact.GUID != "" {
			return r.service.SetMessenger(ctx, contact.GUID, true)
		}
		id, err = r.service.AddContact(ctx, account, network(contact), name, message)
		return err
	})
	if err != nil {
		return err
	}
	err = r.edit(ctx, account, func(contact *Contact) {
		contact.Lists |= ListForward
		if id != "" {
			contact.GUID = id
		}
	})
	if err != nil || contact.Lists&(ListAllow|ListBlock) != 0 {
		return err
	}
	return r.move(ctx, account, 0, ListAllow)
}

func (r *soapRoster) removeContact(ctx context.Context, account string) error {
	contact := r.client.contactNow(account)
	if contact.GUID != "" {
		if err := r.call(ctx, func() error { return r.service.DeleteContact(ctx, contact.GUID) }); err != nil {
			return err
		}
	}
	return r.edit(ctx, account, func(contact *Contact) {
		contact.Lists &^= ListForward
		contact.GUID, contact.Groups = "", nil
	})
}

// move takes a contact off one of AL and BL and puts it on the other, which answers
// one who waits for it.
func (r *soapRoster) move(ctx context.Context, account string, from, to List) error {
	contact := r.client.contactNow(account)
	pending := contact.Lists.Has(ListPending)
	err := r.call(ctx, func() error {
		if from != 0 && contact.Lists.Has(from) {
			if err := r.service.DeleteMember(ctx, roleOf(from), account, network(contact)); err != nil {
				return err
			}
		}
		if err := r.service.AddMember(ctx, roleOf(to), account, network(contact)); err != nil || !pending {
			return err
		}
		if err := r.service.DeleteMember(ctx, soap.Pending, account, network(contact)); err != nil {
			return err
		}
		return r.service.AddMember(ctx, soap.Reverse, account, network(contact))
	})
	if err != nil {
		return err
	}
	return r.edit(ctx, account, func(contact *Contact) {
		contact.Lists = contact.Lists&^from | to
		if pending {
			contact.Lists = contact.Lists&^ListPending | ListReverse
		}
	})
}

func roleOf(list List) soap.Role {
	for role, l := range roles {
		if l == list {
			return role
		}
	}
	return ""
}

func network(contact Contact) int { return max(contact.Network, soap.NetworkPassport) }

// call makes calls to the address book with tickets that count.
func (r *soapRoster) call(ctx context.Context, do func() error) error {
	return webError(r.tickets.with(ctx, serviceOfBook, do))
}

// edit changes a contact in the book and tells the server what of it concerns the
// session. It returns when the server has confirmed that.
func (r *soapRoster) edit(ctx context.Context, account string, change func(*Contact)) error {
	c := r.client
	return c.await(ctx, func(result func(error)) {
		contact := c.book.open(account)
		if contact == nil {
			result(fmt.Errorf("%w: %q", ErrArgument, account))
			return
		}
		before := *contact
		change(contact)
		r.generation++ // what is being downloaded may be older
		c.emit(changeOf(before, *contact)...)
		r.tell(result)
	})
}
