package contactlist

import (
	"cmp"
	"context"
	"errors"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// syn is the source of MSNP2 to MSNP12 (protocol/02-contacts.md, sections 2 to 4). The
// lists come after SYN; all later changes are lines of the notification connection.
type syn struct {
	*List

	// What follows belongs to the owner.
	loaded  func(error) // told when the lists are complete; nil when nobody waits
	heard   time.Time   // when the latest line of the lists came
	waiting bool        // a timer watches heard
}

// listsQuiet is how long nothing may come of announced contact lists before they are taken
// for complete. Some servers announce lists and send none when the version asked for is the
// current one.
const listsQuiet = 5 * time.Second

func newSyn(l *List) *syn {
	s := &syn{List: l}
	line := s.line // one for all of them
	// Servers of other ages send lines that their dialect does not have.
	for _, verb := range []string{"LST", "LSG", "BPR", "ADD", "ADC", "REM", "REA", "SBP", "ADG", "REG", "RMG", "BLP", "GTC"} {
		l.conn.Handle(ns.Verb{Name: verb, To: wire.FirstSOAP - 1, Do: line})
	}
	return s
}

// line takes a line about the lists.
func (s *syn) line(cmd wire.Command) {
	events := s.book.Apply(cmd)
	// The lists themselves are no news, nor is what belongs to them.
	if s.signedIn || cmd.Verb != "BPR" {
		s.news.tell(events)
	}
	s.progress()
}

// load asks for everything: a version of 0 is never current.
func (s *syn) load(ctx context.Context) error {
	cmd := wire.New("SYN", "0")
	if s.conn.Dialect() >= wire.FirstContactIDs {
		cmd = wire.New("SYN", "0", "0")
	}
	err := s.conn.Await(ctx, func(result func(error)) {
		s.conn.Request(cmd, func(reply wire.Command, err error) {
			if err != nil {
				result(err)
				return
			}
			s.book.Begin(reply)
			s.loaded = result
			s.progress()
		})
	})
	return s.signInError(ctx, "SYN", err)
}

// progress goes on when something of the lists has come. When announced lists stay away,
// what has come is taken for all there is.
func (s *syn) progress() {
	if s.loaded == nil {
		return
	}
	s.heard = time.Now()
	if s.book.Complete() {
		s.complete()
		return
	}
	if !s.waiting {
		s.waiting = true
		s.conn.After(s.quiet(), s.watch)
	}
}

func (s *syn) quiet() time.Duration { return min(s.conn.Timeouts().Request, listsQuiet) }

// watch looks whether the lists have stayed away.
func (s *syn) watch() {
	switch wait := time.Until(s.heard.Add(s.quiet())); {
	case s.loaded == nil:
	case wait > 0:
		s.conn.After(wait, s.watch)
	default:
		contacts, groups := s.book.Missing()
		s.conn.Log().Warn("contact lists are shorter than announced", "lists", contacts, "groups", groups)
		s.complete()
	}
}

func (s *syn) complete() {
	s.loaded(nil)
	s.loaded = nil
}

// refresh does nothing: each change of the lists comes by a command of its own.
func (s *syn) refresh() {}

func (s *syn) add(ctx context.Context, account, _ string) error {
	contact := s.contactNow(account)
	if !contact.Lists.Has(roster.ListForward) {
		if err := s.put(ctx, contact, roster.ListForward); err != nil {
			return err
		}
	}
	if contact.Lists&(roster.ListAllow|roster.ListBlock) != 0 {
		return nil
	}
	return s.move(ctx, account, 0, roster.ListAllow)
}

func (s *syn) remove(ctx context.Context, account string) error {
	return s.take(ctx, s.contactNow(account), roster.ListForward)
}

// move takes a contact off one of AL and BL and puts it on the other, which answers
// one who waits for it.
func (s *syn) move(ctx context.Context, account string, from, to roster.List) error {
	type step struct {
		list roster.List
		do   func(context.Context, roster.Contact, roster.List) error
	}
	contact := s.contactNow(account)
	steps := []step{{from, s.take}, {to, s.put}}
	if contact.Lists.Has(roster.ListPending) {
		if s.conn.Dialect() >= wire.FirstPersonal {
			// First to RL: some servers take that only of who is on PL, and hang up otherwise.
			steps = append(steps, step{roster.ListReverse, s.put})
		}
		steps = append(steps, step{roster.ListPending, s.take})
	}
	for _, step := range steps {
		if step.list == 0 || (step.list == from || step.list == to) && contact.Lists.Has(step.list) == (step.list == to) {
			continue
		}
		if err := step.do(ctx, contact, step.list); err != nil {
			return err
		}
	}
	return nil
}

// put puts a contact on a list (ADD, ADC).
func (s *syn) put(ctx context.Context, contact roster.Contact, list roster.List) error {
	name := wire.Encode(nameOf(contact))
	cmd := wire.New("ADD", list.Name(), contact.Account, name)
	if s.conn.Dialect() >= wire.FirstContactIDs {
		cmd = wire.New("ADC", list.Name(), "N="+contact.Account)
		if list == roster.ListForward {
			cmd.Args = append(cmd.Args, "F="+name)
		}
	}
	return s.change(ctx, cmd, alreadyThere)
}

// nameOf returns the name that a list is to have of a contact: none may be empty.
func nameOf(contact roster.Contact) string { return cmp.Or(contact.Name, contact.Account) }

// take takes a contact off a list (REM).
func (s *syn) take(ctx context.Context, contact roster.Contact, list roster.List) error {
	who := contact.Account
	if list == roster.ListForward && s.conn.Dialect() >= wire.FirstContactIDs {
		if who = contact.GUID; who == "" {
			return nil
		}
	}
	return s.change(ctx, wire.New("REM", list.Name(), who), notThere)
}

// The errors of changes that were made before.
const (
	alreadyThere = 215
	notThere     = 216
)

// change sends a change and applies the answer. The error done says that it was made
// before.
func (s *syn) change(ctx context.Context, cmd wire.Command, done int) error {
	err := s.conn.Call(ctx, cmd, func(reply wire.Command) error {
		s.conn.Emit(s.book.Apply(reply)...)
		return nil
	})
	if refused, ok := errors.AsType[*errs.ServerError](err); ok && refused.Number == done {
		return nil
	}
	return err
}
