package msn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
)

// The user's own changes of their circles. They are made by the web services
// (protocol/02-contacts.md, section 5.3), after which the lists are downloaded again:
// servers do not tell of every one.

// MaxCircleName is the longest name of a circle, in bytes.
const MaxCircleName = 256

// CreateCircle makes a circle of the user's own and returns its ID. CirclesChanged
// comes before it returns.
//
// The error is ErrArgument for a name that is empty or too long, ErrDialect below
// MSNP18, or what the service said.
func (c *Client) CreateCircle(ctx context.Context, name string) (id string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > MaxCircleName {
		return "", fmt.Errorf("%w: a circle needs a name of at most %d bytes", ErrArgument, MaxCircleName)
	}
	err = c.changeCircles(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		id, err = book.CreateCircle(ctx, name, c.DisplayName())
		return err
	})
	if err != nil {
		return "", err
	}
	return id + circleHost, nil
}

// circleHost ends the address of circles that are made here.
const circleHost = "@live.com"

// AnswerCircle accepts or declines the invitation into a circle. CirclesChanged comes
// before it returns. The error is ErrArgument when there is no such invitation,
// ErrDialect below MSNP18, or what the service said.
func (c *Client) AnswerCircle(ctx context.Context, id string, accept bool) error {
	circle, ok := c.findCircle(id)
	if !ok || circle.Member {
		return fmt.Errorf("%w: no invitation into a circle %q", ErrArgument, id)
	}
	return c.changeCircles(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		return book.AnswerCircle(ctx, bare(circle.ID), accept)
	})
}

// InviteToCircle invites somebody into a circle. message is shown to them, at most
// MaxRequest bytes. Somebody who is invited already is no error.
//
// The error is ErrCircle when the user does not belong to the circle, ErrCircleMember
// when the other one does already, ErrNoSuchContact when there is no such account,
// ErrArgument when account is none or the user's own, ErrTooLong, ErrDialect below
// MSNP18, ErrUncertain, or what the service said: most circles let their administrators
// invite only.
func (c *Client) InviteToCircle(ctx context.Context, id, account, message string) error {
	circle, ok := c.findCircle(id)
	switch {
	case !isAddress(account), strings.EqualFold(account, c.account):
		return fmt.Errorf("%w: %q cannot be invited", ErrArgument, account)
	case len(message) > MaxRequest:
		return ErrTooLong
	case !ok || !circle.Member:
		return fmt.Errorf("%w: the user does not belong to it", ErrCircle)
	}
	return c.changeCircles(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		err := book.InviteToCircle(ctx, bare(circle.ID), strings.ToLower(account), message)
		if soap.IsDone(err) {
			return fmt.Errorf("%w: %w", ErrCircleMember, err)
		}
		return err
	})
}

// ErrCircleMember says that somebody belongs to the circle already.
var ErrCircleMember = errors.New("msn: they belong to the circle already")

// LeaveCircle takes the user out of a circle. CirclesChanged comes before it returns.
// The error is ErrArgument when the user does not belong to it, ErrDialect below
// MSNP18, or what the service said.
func (c *Client) LeaveCircle(ctx context.Context, id string) error {
	circle, ok := c.findCircle(id)
	if !ok || !circle.Member {
		return fmt.Errorf("%w: no circle %q", ErrArgument, id)
	}
	var own string
	c.query(func() { own = c.book.ownID })
	if own == "" {
		return fmt.Errorf("%w: the address book does not have the user in it", ErrCircle)
	}
	return c.changeCircles(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		return book.LeaveCircle(ctx, bare(circle.ID), own)
	})
}

func (c *Client) findCircle(id string) (Circle, bool) {
	circles := c.Circles()
	i := slices.IndexFunc(circles, func(circle Circle) bool { return strings.EqualFold(circle.ID, id) })
	if i < 0 {
		return Circle{}, false
	}
	return circles[i], true
}

// bare is the ID of a circle as web services have it.
func bare(id string) string {
	id, _, _ = strings.Cut(id, "@")
	return id
}

// changeCircles makes a change and downloads the lists. A change that was made is no
// error, whatever comes of the lists.
func (c *Client) changeCircles(ctx context.Context, change func(context.Context, *soap.AddressBook) error) error {
	r, ok := c.roster.(*soapRoster)
	if !ok || !c.CarriesCircles() {
		return fmt.Errorf("%w: circles", ErrDialect)
	}
	begun := false
	err := r.tickets.with(ctx, serviceOfBook, func() error {
		begun = true
		return change(ctx, r.service)
	})
	if err != nil {
		return circleEditError(err, begun)
	}
	r.reload(ctx)
	return nil
}

// circleEditError gives the errors of a change their names. begun tells whether the
// service was asked for it at all.
func circleEditError(err error, begun bool) error {
	_, fault := errors.AsType[*soap.Fault](err)
	_, status := errors.AsType[*soap.StatusError](err)
	switch named := listError(err); {
	case errors.Is(named, ErrNoSuchContact), errors.Is(named, ErrCircleMember):
		return named
	case fault, status, neverConnected(err):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case !begun, errors.Is(err, passport.ErrUntrusted):
		return webError(err)
	}
	return fmt.Errorf("%w: %w", ErrUncertain, err)
}
