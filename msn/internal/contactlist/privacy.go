package contactlist

import (
	"context"
	"errors"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// The privacy settings (protocol/02-contacts.md, section 3.6).

// SetEverybody lets everybody see and reach the user who is on neither AL nor BL, or only
// those on AL. It is called by any goroutine but the owner, and so is SetAsks.
func (l *List) SetEverybody(ctx context.Context, everybody bool) error {
	return l.source.setEverybody(ctx, everybody)
}

// SetAsks notes whether the user wants to be asked before somebody adds them.
func (l *List) SetAsks(ctx context.Context, asks bool) error { return l.source.setAsks(ctx, asks) }

var (
	everybodyCodes = map[bool]string{true: "AL", false: "BL"}
	asksCodes      = map[bool]string{true: "A", false: "N"}
)

// sameMode is the error of a setting that is so already.
const sameMode = 218

func (s *syn) setEverybody(ctx context.Context, everybody bool) error {
	return s.set(ctx, wire.New("BLP", everybodyCodes[everybody]), func(p *roster.Privacy) { p.Everybody = everybody })
}

func (s *syn) setAsks(ctx context.Context, asks bool) error {
	return s.set(ctx, wire.New("GTC", asksCodes[asks]), func(p *roster.Privacy) { p.Asks = asks })
}

// set sends a setting, and notes what the server has confirmed.
func (s *syn) set(ctx context.Context, cmd wire.Command, note func(*roster.Privacy)) error {
	return s.conn.Await(ctx, func(result func(error)) {
		s.conn.Request(cmd, func(_ wire.Command, err error) {
			if refused, ok := errors.AsType[*errs.ServerError](err); ok && refused.Number == sameMode {
				err = nil
			}
			if err == nil {
				s.noteSetting(note)
			}
			result(err)
		})
	})
}

// noteSetting notes settings in the book. It is called by the owner.
func (l *List) noteSetting(change func(*roster.Privacy)) {
	privacy := l.book.Privacy()
	change(&privacy)
	l.book.SetPrivacy(privacy)
}

// The settings as the address book has them, as annotations of the user's own entry. Of
// their values "1" is the first choice. The other is "0" with Microsoft's service; with
// Escargot it is "2", and "0" is no choice, which counts as the first.
const (
	annotationEverybody = "MSN.IM.BLP"
	annotationAsks      = "MSN.IM.GTC"
	firstChoice         = "1"
	secondChoice        = "2"
)

func isFirstChoice(value string) bool { return value == "" || value == "0" || value == firstChoice }

func choice(first bool) string {
	if first {
		return firstChoice
	}
	return secondChoice
}

func (w *web) setEverybody(ctx context.Context, everybody bool) error {
	err := w.annotate(ctx, annotationEverybody, choice(everybody), func(p *roster.Privacy) { p.Everybody = everybody })
	if err != nil {
		return err
	}
	// The address book is for the next sign-in, this for the present one.
	err = w.conn.Call(ctx, wire.New("BLP", everybodyCodes[everybody]), nil)
	if refused, ok := errors.AsType[*errs.ServerError](err); ok && refused.Number == sameMode {
		return nil
	}
	return err
}

func (w *web) setAsks(ctx context.Context, asks bool) error {
	return w.annotate(ctx, annotationAsks, choice(asks), func(p *roster.Privacy) { p.Asks = asks })
}

// annotate stores a setting, and notes what the service has confirmed.
func (w *web) annotate(ctx context.Context, name, value string, note func(*roster.Privacy)) error {
	err := w.edit(ctx, func(ctx context.Context, service *soap.AddressBook) error {
		return service.SetOwnAnnotation(ctx, name, value)
	})
	if err == nil {
		w.conn.Do(func() {
			w.generation++ // what is being downloaded may be older
			w.noteSetting(note)
		})
	}
	return err
}
