package contactlist

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// Groups of the contact list (protocol/02-contacts.md, section 3.4). What is here is called
// by any goroutine but the owner.

const (
	// MaxGroups is how many groups an account can have.
	MaxGroups = 30
	// MaxEncodedGroup is the longest name of a group in bytes, as it stands on the wire.
	MaxEncodedGroup = 61
	// otherContacts is the group of those who are in no other, in MSNP7 to MSNP9. It is not
	// always listed.
	otherContacts = "0"
)

// Errors of groups.
var (
	ErrManyGroups  = fmt.Errorf("msn: an account has at most %d groups", MaxGroups)
	ErrGroupExists = errors.New("msn: there is a group of that name")
	ErrNoGroup     = errors.New("msn: there is no such group")
	ErrFixedGroup  = errors.New("msn: the group of the other contacts cannot be removed")
	// ErrNotListed says that somebody is not on FL.
	ErrNotListed = errors.New("msn: not on the contact list")
)

// AddGroup makes a group and returns its ID. The error is errs.ErrDialect below MSNP7,
// ErrManyGroups, ErrGroupExists, errs.ErrTooLong, and errs.ErrArgument for a name without
// letters. So it is of RenameGroup, with ErrNoGroup.
func (l *List) AddGroup(ctx context.Context, name string) (id string, err error) {
	groups, err := l.groupsNow()
	if err != nil {
		return "", err
	}
	if len(groups) >= MaxGroups {
		return "", ErrManyGroups
	}
	if name, err = groupName(name, groups); err != nil {
		return "", err
	}
	id, err = l.source.addGroup(ctx, name)
	return id, groupError(err)
}

// RenameGroup gives a group another name.
func (l *List) RenameGroup(ctx context.Context, id, name string) error {
	groups, err := l.groupsNow()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(groups, func(g roster.Group) bool { return g.ID == id })
	if at < 0 {
		return ErrNoGroup
	}
	if name, err = groupName(name, slices.Delete(groups, at, at+1)); err != nil {
		return err
	}
	return groupError(l.source.renameGroup(ctx, id, name))
}

// RemoveGroup removes a group; its members stay on the list. The error is errs.ErrDialect below
// MSNP7, ErrNoGroup, and ErrFixedGroup.
func (l *List) RemoveGroup(ctx context.Context, id string) error {
	if err := l.hasGroup(id); err != nil {
		return err
	}
	return groupError(l.source.removeGroup(ctx, id))
}

// Join puts somebody on FL into a group. Who is in it already is no error. The error is
// errs.ErrDialect below MSNP7, ErrNoGroup, and errs.ErrArgument when account is invalid or not
// on FL. So it is of Leave.
func (l *List) Join(ctx context.Context, account, group string) error {
	return l.place(ctx, account, group, true)
}

// Leave takes somebody out of a group, not off the list. Who is not in it is no error.
func (l *List) Leave(ctx context.Context, account, group string) error {
	return l.place(ctx, account, group, false)
}

func (l *List) place(ctx context.Context, account, group string, in bool) error {
	if err := l.hasGroup(group); err != nil {
		return err
	}
	contact, err := l.watched(account)
	switch {
	case err != nil:
		return err
	case slices.Contains(contact.Groups, group) == in:
		return nil
	case in:
		return groupError(l.source.join(ctx, contact, group))
	}
	return groupError(l.source.leave(ctx, contact, group))
}

// groupsNow returns the groups, or errs.ErrDialect where there are none.
func (l *List) groupsNow() (groups []roster.Group, err error) {
	if l.conn.Dialect() < wire.FirstGroups {
		return nil, fmt.Errorf("%w: groups came with MSNP7", errs.ErrDialect)
	}
	l.conn.Query(func() { groups = l.book.Groups() })
	return groups, nil
}

func (l *List) hasGroup(id string) error {
	groups, err := l.groupsNow()
	if err == nil && !slices.ContainsFunc(groups, func(g roster.Group) bool { return g.ID == id }) {
		return ErrNoGroup
	}
	return err
}

// groupName returns a name in the form in which it is kept. Names that differ in letter case
// only are the same to people.
func groupName(name string, others []roster.Group) (string, error) {
	name = clean.Line(name)
	switch {
	case name == "":
		return "", fmt.Errorf("%w: a group needs a name", errs.ErrArgument)
	case len(wire.Encode(name)) > MaxEncodedGroup:
		return "", errs.ErrTooLong
	case slices.ContainsFunc(others, func(g roster.Group) bool { return strings.EqualFold(g.Name, name) }):
		return "", ErrGroupExists
	}
	return name, nil
}

// groupError gives the errors of groups their names.
func groupError(err error) error {
	number, code := 0, ""
	if refused, ok := errors.AsType[*errs.ServerError](err); ok {
		number = refused.Number
	}
	if fault, ok := errors.AsType[*soap.Fault](err); ok {
		code = fault.ErrorCode
	}
	switch {
	case number == 223, code == "QuotaLimitReached":
		return fmt.Errorf("%w: %w", ErrManyGroups, err)
	case number == 224, code == "GroupDoesNotExist":
		return fmt.Errorf("%w: %w", ErrNoGroup, err)
	case number == 228, code == "GroupAlreadyExists":
		return fmt.Errorf("%w: %w", ErrGroupExists, err)
	case number == 229, code == "BadArgumentLength":
		return fmt.Errorf("%w: %w", errs.ErrTooLong, err)
	case number == 230:
		return fmt.Errorf("%w: %w", ErrFixedGroup, err)
	}
	return Error(err)
}

// By commands.

func (s *syn) addGroup(ctx context.Context, name string) (id string, err error) {
	err = s.conn.Call(ctx, s.groupCommand("ADG", wire.Encode(name)), func(reply wire.Command) error {
		s.conn.Emit(s.book.Apply(reply)...)
		for _, group := range s.book.Groups() {
			if group.Name == name {
				id = group.ID
			}
		}
		return nil
	})
	return id, err
}

func (s *syn) renameGroup(ctx context.Context, id, name string) error {
	return s.change(ctx, s.groupCommand("REG", id, wire.Encode(name)), 0)
}

// groupCommand adds the number that MSNP7 to MSNP9 end names of groups with.
func (s *syn) groupCommand(verb string, args ...string) wire.Command {
	if s.conn.Dialect() < wire.FirstContactIDs {
		args = append(args, "0")
	}
	return wire.New(verb, args...)
}

func (s *syn) removeGroup(ctx context.Context, id string) error {
	var moved []roster.Contact
	if s.conn.Dialect() < wire.FirstContactIDs && id != otherContacts { // the server keeps that one, with who is in it
		var err error
		if moved, err = s.rehome(ctx, id); err != nil {
			return err
		}
	}
	err := s.change(ctx, wire.New("RMG", id), 0)
	if _, refused := errors.AsType[*errs.ServerError](err); refused {
		for _, member := range moved { // they stay where they were
			if err := s.leave(ctx, member, otherContacts); err != nil {
				break
			}
		}
	}
	return err
}

// rehome puts those into the group of the other contacts who are in one group only, and returns
// them: servers of MSNP7 to MSNP9 took them off the list with their group.
func (s *syn) rehome(ctx context.Context, id string) (members []roster.Contact, err error) {
	s.conn.Query(func() {
		members = slices.DeleteFunc(s.book.Listed(), func(c roster.Contact) bool { return !slices.Equal(c.Groups, []string{id}) })
	})
	for _, member := range members {
		err := s.join(ctx, member, otherContacts)
		if errors.Is(groupError(err), ErrNoGroup) {
			return nil, nil // this server has no such group, and keeps who is in none
		}
		if err != nil {
			return nil, err
		}
	}
	return members, nil
}

func (s *syn) join(ctx context.Context, contact roster.Contact, group string) error {
	cmd := wire.New("ADD", "FL", contact.Account, wire.Encode(nameOf(contact)), group)
	if s.conn.Dialect() >= wire.FirstContactIDs {
		cmd = wire.New("ADC", "FL", "C="+contact.GUID, group)
	}
	return s.change(ctx, cmd, alreadyThere)
}

// notInGroup is the error of REM from a group in which the contact is not.
const notInGroup = 225

func (s *syn) leave(ctx context.Context, contact roster.Contact, group string) error {
	who := contact.Account
	if s.conn.Dialect() >= wire.FirstContactIDs {
		who = contact.GUID
	}
	return s.change(ctx, wire.New("REM", "FL", who, group), notInGroup)
}

// By the web service.

func (w *web) addGroup(ctx context.Context, name string) (id string, err error) {
	err = w.editGroups(ctx, func(ctx context.Context, service *soap.AddressBook) (err error) {
		id, err = service.AddGroup(ctx, name)
		return err
	}, func() []event.Event { return w.book.SetGroup(id, name) })
	return id, err
}

func (w *web) renameGroup(ctx context.Context, id, name string) error {
	return w.editGroups(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		return service.RenameGroup(ctx, id, name)
	}, func() []event.Event { return w.book.SetGroup(id, name) })
}

func (w *web) removeGroup(ctx context.Context, id string) error {
	return w.editGroups(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		return service.DeleteGroup(ctx, id)
	}, func() []event.Event { return w.book.RemoveGroup(id) })
}

func (w *web) join(ctx context.Context, contact roster.Contact, group string) error {
	return w.editGroups(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		return service.JoinGroup(ctx, group, contact.GUID)
	}, func() []event.Event {
		events, _ := w.book.Change(contact.Account, func(contact *roster.Contact) { contact.JoinGroup(group) })
		return events
	})
}

func (w *web) leave(ctx context.Context, contact roster.Contact, group string) error {
	return w.editGroups(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		return service.LeaveGroup(ctx, group, contact.GUID)
	}, func() []event.Event {
		events, _ := w.book.Change(contact.Account, func(contact *roster.Contact) { contact.LeaveGroup(group) })
		return events
	})
}

// editGroups makes a change of the groups, and notes it when the service has confirmed it. The
// notification server does not hear of groups.
func (w *web) editGroups(ctx context.Context, do func(context.Context, *soap.AddressBook) error, note func() []event.Event) error {
	if err := w.edit(ctx, do); err != nil {
		return err
	}
	w.conn.Do(func() {
		w.generation++ // what is being downloaded may be older
		w.conn.Emit(note()...)
	})
	return nil
}
