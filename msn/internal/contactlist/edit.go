package contactlist

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
)

// The user's own changes of the contact list (protocol/02-contacts.md, sections 3
// and 5.4). They are the same in every dialect; what they take is not. They are called by
// any goroutine but the owner.

// Add puts somebody on the contact list (FL) and lets them see the user (AL).
// message is shown to them with the request from MSNP13 on, at most MaxRequest bytes.
// Somebody who is there already is no error.
//
// The error is errs.ErrNoSuchContact when there is no such account, ErrListFull,
// errs.ErrArgument when account is invalid, errs.ErrTooLong, any other *errs.ServerError or
// *soap.Fault, or errs.ErrTimeout.
func (l *List) Add(ctx context.Context, account, message string) error {
	if !clean.IsAddress(account) {
		return fmt.Errorf("%w: %q is no account", errs.ErrArgument, account)
	}
	if len(message) > MaxRequest {
		return errs.ErrTooLong
	}
	return Error(l.source.add(ctx, strings.ToLower(account), message))
}

// MaxRequest is the longest text to somebody who is added, in bytes.
const MaxRequest = 512

// Remove takes somebody off the contact list (FL). They may see the user as
// before. Somebody who is not there is no error. The error is errs.ErrArgument when account is
// invalid, and so it is of Block and Allow.
func (l *List) Remove(ctx context.Context, account string) error {
	account, err := known(account)
	if err != nil {
		return err
	}
	return Error(l.source.remove(ctx, account))
}

// known returns an account in the form in which it is kept. Who is on the list already need
// not have a mail address.
func known(account string) (string, error) {
	form, ok := clean.Account(account)
	if !ok {
		return "", fmt.Errorf("%w: %q is no account", errs.ErrArgument, account)
	}
	return form, nil
}

// Block keeps somebody from seeing and reaching the user (BL instead of AL). They are
// off the list of those who wait for an answer then.
func (l *List) Block(ctx context.Context, account string) error {
	return l.move(ctx, account, roster.ListAllow, roster.ListBlock)
}

// Allow lets somebody see and reach the user (AL instead of BL), and answers those who
// wait for that.
func (l *List) Allow(ctx context.Context, account string) error {
	return l.move(ctx, account, roster.ListBlock, roster.ListAllow)
}

func (l *List) move(ctx context.Context, account string, from, to roster.List) error {
	account, err := known(account)
	if err != nil {
		return err
	}
	return Error(l.source.move(ctx, account, from, to))
}

// ErrListFull says that the contact list has no room.
var ErrListFull = errors.New("msn: the contact list is full")

// Error gives the errors of list changes their names.
func Error(err error) error {
	if refused, ok := errors.AsType[*errs.ServerError](err); ok {
		switch refused.Number {
		case 201, 205, 208:
			return fmt.Errorf("%w: %w", errs.ErrNoSuchContact, err)
		case 210:
			return fmt.Errorf("%w: %w", ErrListFull, err)
		}
	}
	if fault, ok := errors.AsType[*soap.Fault](err); ok {
		switch fault.ErrorCode {
		case "InvalidPassportUser", "BadEmailArgument":
			return fmt.Errorf("%w: %w", errs.ErrNoSuchContact, err)
		case "QuotaLimitReached":
			return fmt.Errorf("%w: %w", ErrListFull, err)
		}
	}
	return err
}
