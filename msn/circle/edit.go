package circle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/contactlist"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
)

// The user's own changes of their circles. They are made by the web services
// (protocol/02-contacts.md, section 5.3), after which the lists are downloaded again:
// servers do not tell of every one.

const (
	// MaxName is the longest name of a circle, in bytes.
	MaxName = 256
	// MaxInvitation is the longest text to somebody who is invited, in bytes.
	MaxInvitation = contactlist.MaxRequest
)

// Create makes a circle of the user's own and returns its ID. Changed comes before it
// returns.
//
// The error is errs.ErrArgument for a name that is empty or too long, errs.ErrDialect below
// MSNP18, or what the service said.
func (c *Circles) Create(ctx context.Context, name string) (id string, err error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > MaxName {
		return "", fmt.Errorf("%w: a circle needs a name of at most %d bytes", errs.ErrArgument, MaxName)
	}
	var ownName string
	c.conn.Query(func() { ownName = cmp.Or(c.people.OwnName(), c.conn.Account()) })
	err = c.change(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		id, err = book.CreateCircle(ctx, name, ownName)
		return err
	})
	if err != nil {
		return "", err
	}
	return id + host, nil
}

// host ends the address of circles that are made here.
const host = "@live.com"

// Answer accepts or declines the invitation into a circle. Changed comes before it returns.
// The error is errs.ErrArgument when there is no such invitation, errs.ErrDialect below
// MSNP18, or what the service said.
func (c *Circles) Answer(ctx context.Context, id string, accept bool) error {
	circle, ok := c.get(id)
	if !ok || circle.Member {
		return fmt.Errorf("%w: no invitation into a circle %q", errs.ErrArgument, id)
	}
	return c.change(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		return book.AnswerCircle(ctx, bare(circle.ID), accept)
	})
}

// Invite invites somebody into a circle. message is shown to them, at most
// MaxInvitation bytes. Somebody who is invited already is no error.
//
// The error is ErrCircle when the user does not belong to the circle, ErrMember
// when the other one does already, errs.ErrNoSuchContact when there is no such account,
// errs.ErrArgument when account is invalid or the user's own, errs.ErrTooLong,
// errs.ErrDialect below MSNP18, errs.ErrUncertain, or what the service said: most circles
// let their administrators invite only.
func (c *Circles) Invite(ctx context.Context, id, account, message string) error {
	circle, ok := c.get(id)
	switch {
	case !clean.IsAddress(account), strings.EqualFold(account, c.conn.Account()):
		return fmt.Errorf("%w: %q cannot be invited", errs.ErrArgument, account)
	case len(message) > MaxInvitation:
		return errs.ErrTooLong
	case !ok || !circle.Member:
		return fmt.Errorf("%w: the user does not belong to it", ErrCircle)
	}
	return c.change(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		err := book.InviteToCircle(ctx, bare(circle.ID), strings.ToLower(account), message)
		if soap.IsDone(err) {
			return fmt.Errorf("%w: %w", ErrMember, err)
		}
		return err
	})
}

// Leave takes the user out of a circle. Changed comes before it returns.
// The error is errs.ErrArgument when the user does not belong to it, errs.ErrDialect below
// MSNP18, or what the service said.
func (c *Circles) Leave(ctx context.Context, id string) error {
	circle, ok := c.get(id)
	if !ok || !circle.Member {
		return fmt.Errorf("%w: no circle %q", errs.ErrArgument, id)
	}
	var own string
	c.conn.Query(func() { own = c.ownID })
	if own == "" {
		return fmt.Errorf("%w: the address book does not have the user in it", ErrCircle)
	}
	return c.change(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		return book.LeaveCircle(ctx, bare(circle.ID), own)
	})
}

func (c *Circles) get(id string) (Circle, bool) {
	circles := c.List()
	i := slices.IndexFunc(circles, func(circle Circle) bool { return strings.EqualFold(circle.ID, id) })
	if i < 0 {
		return Circle{}, false
	}
	return circles[i], true
}

// change makes a change and downloads the lists. A change that was made is no
// error, whatever comes of the lists.
func (c *Circles) change(ctx context.Context, change func(context.Context, *soap.AddressBook) error) error {
	if !c.Carried() {
		return fmt.Errorf("%w: circles", errs.ErrDialect)
	}
	begun := false
	err := c.lists.Call(ctx, func(ctx context.Context, book *soap.AddressBook) error {
		begun = true
		return change(ctx, book)
	})
	if err != nil {
		return editError(err, begun)
	}
	c.lists.Reload(ctx)
	return nil
}

// editError gives the errors of a change their names. begun tells whether the
// service was asked for it at all.
func editError(err error, begun bool) error {
	switch named := contactlist.Error(err); {
	case errors.Is(named, errs.ErrNoSuchContact), errors.Is(named, ErrMember):
		return named
	case web.Answered(err), web.NeverConnected(err):
		return fmt.Errorf("%w: %w", errs.ErrBusy, err)
	case !begun, errors.Is(err, passport.ErrUntrusted):
		return web.Error(err)
	}
	return fmt.Errorf("%w: %w", errs.ErrUncertain, err)
}
