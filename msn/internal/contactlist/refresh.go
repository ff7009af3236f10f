package contactlist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"matrix-msn/msn/internal/errs"
	services "matrix-msn/msn/internal/web"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// How a list is got from the web services: at sign-in, again when something has changed,
// and after the user's own changes of what belongs to it.

const (
	// RefreshWait gathers the notices of one change: servers send several.
	RefreshWait = 2 * time.Second
	// RefreshEvery bounds how often the lists are downloaded again, whatever a
	// server and those who add and remove the user do.
	RefreshEvery = 30 * time.Second
	// LoadAttempts is how often the lists are asked for at sign-in.
	LoadAttempts = 3
	// loadPause is waited between them.
	loadPause = 2 * time.Second
	// MaxRefreshFailures is how often a refresh in mid-session is tried.
	MaxRefreshFailures = 4
	// maxReloads is how often the lists are downloaded after a change of the user's own
	// when others are made meanwhile.
	maxReloads = 3
)

// lists is what the web services say.
type lists struct {
	members []soap.Member
	book    *soap.Book
}

// download gets both lists. It is called outside of the owner.
func (w *web) download(ctx context.Context) (*lists, error) {
	l := &lists{}
	err := w.Call(ctx, func(ctx context.Context, service *soap.AddressBook) (err error) {
		l.members, err = service.Memberships(ctx)
		return err
	})
	if err != nil && !soap.IsMissing(err) {
		return nil, err
	}
	err = w.Call(ctx, func(ctx context.Context, service *soap.AddressBook) (err error) {
		if w.dialect >= wire.FirstEndpoints {
			l.book, err = service.FindPaged(ctx)
		} else {
			l.book, err = service.FindAll(ctx)
		}
		return err
	})
	if soap.IsMissing(err) {
		// Nobody has signed in to this account before.
		l.book = &soap.Book{}
		err = w.service.Create(ctx, w.account)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// loadLists downloads the lists while the server is heard. Services are asked again before
// the sign-in fails.
func (w *web) loadLists(ctx context.Context) (*lists, error) {
	for attempt := 1; ; attempt++ {
		var l *lists
		ended, err := w.besides(ctx, func(ctx context.Context) (err error) {
			l, err = w.download(ctx)
			return err
		})
		switch {
		case err == nil:
			return l, nil
		case ended:
			return nil, err
		case !outOfOrder(err), attempt == LoadAttempts:
			return nil, fmt.Errorf("contact list: %w", services.Error(busy(err)))
		}
		w.conn.Log().Warn("contact lists not loaded", "account", w.conn.Account(), "attempt", attempt, "error", err)
		if _, err := w.besides(ctx, func(ctx context.Context) error { return services.Pause(ctx, loadPause) }); err != nil {
			return nil, err
		}
	}
}

// besides does something that takes time, such as a call to a web service, and returns
// earlier when ctx ends, the connection does, or the sign-in begins anew: ended is true
// then.
func (w *web) besides(ctx context.Context, do func(context.Context) error) (ended bool, err error) {
	bound, release := w.conn.Bind(ctx)
	defer release()
	err = do(bound)
	switch reason := w.conn.Reason(); {
	case err == nil:
		return false, nil
	case reason == nil && ctx.Err() == nil && bound.Err() != nil:
		return true, w.conn.Interrupted()
	case reason != nil:
		return true, w.conn.Unanswered("contact list")
	case ctx.Err() != nil:
		return true, fmt.Errorf("contact list: %w", context.Cause(ctx))
	}
	return false, err
}

// outOfOrder reports whether an error says that a service does not work as it should.
func outOfOrder(err error) bool { return services.Answered(err) || errors.Is(err, soap.ErrAnswer) }

// busy marks the errors of a service that is out of order.
func busy(err error) error {
	if outOfOrder(err) {
		return fmt.Errorf("%w: %w", errs.ErrBusy, err)
	}
	return err
}

// refresh downloads the lists again, in the background. During the sign-in it waits for
// the end of that.
func (w *web) refresh() {
	if w.conn.Err() != nil {
		return
	}
	if w.refreshing || !w.signedIn {
		w.stale = true
		return
	}
	w.refreshing = true
	generation := w.generation
	wait := max(RefreshWait, time.Until(w.refreshed.Add(RefreshEvery)))
	account, log := w.conn.Account(), w.conn.Log()
	w.conn.Go(func(ctx context.Context) {
		var l *lists
		err := services.Pause(ctx, wait)
		for attempt := 1; err == nil; attempt++ {
			if l, err = w.download(ctx); err == nil || attempt == MaxRefreshFailures {
				break
			}
			log.Warn("contact lists not refreshed", "account", account, "attempt", attempt, "error", err)
			err = services.Pause(ctx, RefreshEvery<<attempt)
		}
		w.conn.Post(func() { w.arrived(l, generation, err) })
	})
}

// reload downloads the lists again at once, and applies them.
func (w *web) reload(ctx context.Context) {
	for attempt := 1; ; attempt++ {
		var generation int
		w.conn.Do(func() {
			w.generation++ // what is being downloaded meanwhile may be older
			generation = w.generation
		})
		l, err := w.download(ctx)
		if err != nil {
			w.conn.Log().Warn("contact lists not loaded after a change", "account", w.conn.Account(), "error", err)
		}
		again := false
		w.conn.Do(func() {
			switch {
			case w.conn.Err() != nil:
			case err != nil, generation != w.generation && attempt == maxReloads:
				w.refresh()
			case generation != w.generation:
				again = true // something else was changed meanwhile
			default:
				w.renew(l)
			}
		})
		if !again {
			return
		}
	}
}

// renew applies new lists after the sign-in.
func (w *web) renew(l *lists) {
	w.conn.Emit(w.apply(l)...)
	w.tell(nil)
	for _, renewed := range w.onRenewed {
		renewed()
	}
}

// arrived applies what a refresh has brought that began in a generation of the lists.
func (w *web) arrived(l *lists, generation int, err error) {
	w.refreshing = false
	w.refreshed = time.Now()
	stale := w.stale || generation != w.generation
	w.stale = false
	switch {
	case w.conn.Err() != nil:
		return
	case err != nil:
		w.conn.Warn("contact lists not refreshed", "error", err)
		return
	case generation == w.generation:
		w.renew(l)
	}
	if stale {
		w.refresh()
	}
}
