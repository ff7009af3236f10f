// Package storage is the display picture that the service keeps for an account, so that it is there
// at every place where the user signs in, and while nobody is signed in.
package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// MaxPicture is how long a picture may be, in bytes.
const MaxPicture = 1 << 20

// Storage is what the service keeps for one account.
type Storage struct {
	conn  *ns.Conn
	web   *web.Services
	allow func(*url.URL) error
	cid   atomic.Int64 // of the account in its address book

	// setting is filled while the picture is changed: that takes several calls.
	setting lazy.Slots
}

// Lists are the account's address book.
type Lists interface {
	// OnBook has f told of each address book that is applied, by the owner.
	OnBook(f func(*soap.Book) []event.Event)
}

// New returns what the service keeps. allow decides which addresses may be asked.
func New(conn *ns.Conn, services *web.Services, lists Lists, allow func(*url.URL) error) *Storage {
	s := &Storage{conn: conn, web: services, allow: allow}
	lists.OnBook(func(book *soap.Book) []event.Event {
		s.cid.Store(book.Me.CID)
		return nil
	})
	return s
}

// Kept reports whether the service keeps pictures: its address is known, and the dialect is MSNP15 or later.
func (s *Storage) Kept() bool {
	return s.conn.Dialect() >= wire.FirstSSO && s.web.Addresses().Storage != "" && s.web.Tickets() != nil
}

// Picture describes the picture that is kept.
type Picture struct {
	// Size is how many bytes it says to have, 0 when there is none.
	Size int64

	// URL is where it is.
	URL string
}

// Picture asks for the picture. The error is errs.ErrDialect when the service keeps none, or that of the call.
func (s *Storage) Picture(ctx context.Context) (p Picture, err error) {
	err = s.with(ctx, func(ctx context.Context, service *soap.Storage) error {
		profile, err := service.Profile(ctx)
		if profile.PhotoURL != "" {
			p = Picture{Size: max(profile.PhotoSize, 1), URL: profile.PhotoURL}
		}
		return err
	})
	return p, err
}

// Fetch returns the bytes of a picture. The error is errs.ErrDialect when the service keeps none, errs.ErrTooLong beyond MaxPicture, trust.ErrUntrusted when it
// is not where it may be asked for, errs.ErrTimeout when it does not come as soon as other answers have to, soap.ErrAnswer, or that of the connection.
func (s *Storage) Fetch(ctx context.Context, p Picture) ([]byte, error) {
	switch {
	case !s.Kept():
		return nil, errs.ErrDialect
	case s.conn.Reason() != nil:
		return nil, s.conn.Ended()
	}
	ctx, release := s.conn.Bind(ctx)
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, s.conn.Timeouts().Request, errs.ErrTimeout)
	defer cancel()
	data, err := s.fetch(ctx, p)
	if err != nil && context.Cause(ctx) == errs.ErrTimeout {
		err = errs.ErrTimeout
	}
	return data, err
}

func (s *Storage) fetch(ctx context.Context, p Picture) ([]byte, error) {
	from, err := url.Parse(p.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: the picture is nowhere", soap.ErrAnswer)
	}
	if err := s.allow(from); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: the picture is nowhere", soap.ErrAnswer)
	}
	response, err := s.web.RoundTrip(request) // which follows no redirects
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, &soap.StatusError{Status: response.StatusCode}
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, MaxPicture+1))
	if err == nil && len(data) > MaxPicture {
		err = errs.ErrTooLong
	}
	return data, err
}

// SetPicture has the service keep a PNG, or none without data. Errors are as for Picture, and errs.ErrTooLong.
func (s *Storage) SetPicture(ctx context.Context, data []byte) error {
	if len(data) > MaxPicture {
		return errs.ErrTooLong
	}
	setting := s.setting.Of(1)
	select {
	case setting <- struct{}{}:
		defer func() { <-setting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.with(ctx, func(ctx context.Context, service *soap.Storage) error {
		profile, err := service.Profile(ctx)
		if err != nil {
			return err
		}
		if profile.Photo != "" {
			if err := service.Unrelate(ctx, profile); err != nil && (len(data) == 0 || !web.Answered(err)) {
				return err // where there is no picture, there is nothing to take away
			}
		}
		if len(data) == 0 {
			return nil
		}
		photo, err := service.CreatePhoto(ctx, data)
		if err == nil {
			err = service.Relate(ctx, profile, photo)
		}
		if err != nil && profile.Photo != "" {
			_ = service.Relate(ctx, profile, profile.Photo) // the earlier one is better than none
		}
		return err
	})
}

// with makes calls with a ticket.
func (s *Storage) with(ctx context.Context, call func(context.Context, *soap.Storage) error) error {
	if !s.Kept() {
		return errs.ErrDialect
	}
	if s.conn.Reason() != nil {
		return s.conn.Ended()
	}
	ctx, release := s.conn.Bind(ctx)
	defer release()
	tickets := s.web.Tickets()
	service := &soap.Storage{Caller: s.web.Caller(), URL: s.web.Addresses().Storage, Ticket: tickets.Ticket(passport.ServiceStorage), CID: s.cid.Load()}
	return web.Error(tickets.With(ctx, passport.ServiceStorage, func() error { return call(ctx, service) }))
}
