package msn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// How a soapRoster gets its lists from the web services: at sign-in, again when
// something has changed, and after the user's own changes of circles.

const (
	// refreshWait gathers the notices of one change: servers send several.
	refreshWait = 2 * time.Second
	// refreshEvery bounds how often the lists are downloaded again, whatever a
	// server and those who add and remove the user do.
	refreshEvery = 30 * time.Second
	// loadAttempts is how often the lists are asked for at sign-in.
	loadAttempts = 3
	// loadPause is waited between them.
	loadPause = 2 * time.Second
	// maxRefreshFailures is how often a refresh in mid-session is tried.
	maxRefreshFailures = 4
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
func (r *soapRoster) download(ctx context.Context) (*lists, error) {
	l := &lists{}
	err := r.tickets.with(ctx, serviceOfBook, func() (err error) {
		l.members, err = r.service.Memberships(ctx)
		return err
	})
	if err != nil && !soap.IsMissing(err) {
		return nil, err
	}
	find := r.service.FindAll
	if r.client.dialect >= wire.FirstPlaces {
		find = r.service.FindPaged
	}
	err = r.tickets.with(ctx, serviceOfBook, func() (err error) {
		l.book, err = find(ctx)
		return err
	})
	if soap.IsMissing(err) {
		// Nobody has signed in to this account before.
		l.book = &soap.Book{}
		err = r.service.Create(ctx, r.client.cfg.Account)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// loadLists downloads the lists while the connection is watched. Services are
// asked again before the sign-in fails.
func (r *soapRoster) loadLists(ctx context.Context, s *signIn) (*lists, error) {
	for attempt := 1; ; attempt++ {
		var l *lists
		err := s.besides(ctx, func(ctx context.Context) (err error) {
			l, err = r.download(ctx)
			return err
		})
		if err == nil {
			return l, nil
		}
		_, fault := errors.AsType[*soap.Fault](err)
		_, status := errors.AsType[*soap.StatusError](err)
		if !fault && !status && !errors.Is(err, soap.ErrAnswer) || attempt == loadAttempts {
			return nil, fmt.Errorf("contact list: %w", webError(busy(err)))
		}
		r.client.log.Warn("contact lists not loaded", "account", r.client.account, "attempt", attempt, "error", err)
		if err := s.besides(ctx, func(ctx context.Context) error { return pause(ctx, loadPause) }); err != nil {
			return nil, err
		}
	}
}

// busy marks the errors of a service that is out of order.
func busy(err error) error {
	_, fault := errors.AsType[*soap.Fault](err)
	_, status := errors.AsType[*soap.StatusError](err)
	if fault || status || errors.Is(err, soap.ErrAnswer) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refresh downloads the lists again, in the background.
func (r *soapRoster) refresh() {
	c := r.client
	if c.err != nil {
		return
	}
	if r.refreshing {
		r.stale = true
		return
	}
	r.refreshing = true
	generation := r.generation
	wait := max(refreshWait, time.Until(r.refreshed.Add(refreshEvery)))
	c.group.Go(func() {
		var l *lists
		err := pause(c.ctx, wait)
		for attempt := 1; err == nil; attempt++ {
			if l, err = r.download(c.ctx); err == nil {
				break
			}
			if attempt == maxRefreshFailures {
				break
			}
			c.log.Warn("contact lists not refreshed", "account", c.account, "attempt", attempt, "error", err)
			err = pause(c.ctx, refreshEvery<<attempt)
		}
		c.post(func() { r.arrived(l, generation, err) })
	})
}

// reload downloads the lists again at once, after a change of the user's own, and
// applies them. When that fails it is tried again in the background: the change was
// made.
func (r *soapRoster) reload(ctx context.Context) {
	c := r.client
	for attempt := 1; ; attempt++ {
		var generation int
		c.ask(func() {
			r.generation++ // what is being downloaded meanwhile may be older
			generation = r.generation
		})
		l, err := r.download(ctx)
		if err != nil {
			c.log.Warn("contact lists not loaded after a change", "account", c.account, "error", err)
		}
		again := false
		c.ask(func() {
			switch {
			case c.err != nil:
			case err != nil, generation != r.generation && attempt == maxReloads:
				r.refresh()
			case generation != r.generation:
				again = true // something else was changed meanwhile
			default:
				r.renew(l)
			}
		})
		if !again {
			return
		}
	}
}

// renew applies new lists in mid-session.
func (r *soapRoster) renew(l *lists) {
	r.client.emit(r.apply(l)...)
	r.tell(nil)
	r.client.enterCircles(r.client.freshTicket)
	r.followCircles()
}

// arrived applies what a refresh has brought that began in a generation of the lists.
func (r *soapRoster) arrived(l *lists, generation int, err error) {
	r.refreshing = false
	r.refreshed = time.Now()
	stale := r.stale || generation != r.generation
	r.stale = false
	switch {
	case r.client.err != nil:
		return
	case err != nil:
		r.client.log.Warn("contact lists not refreshed", "account", r.client.account, "error", err)
		return
	case generation == r.generation:
		r.renew(l)
	}
	if stale {
		r.refresh()
	}
}
