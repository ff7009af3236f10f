package msn

import (
	"context"
	"errors"
	"slices"

	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// webError is the failure of a web service while signing in: with a dialect that needs none it may go.
type webError struct{ error }

func (e *webError) Unwrap() error { return e.error }

// refusals are what a service says of the user: another dialect changes nothing of that.
var refusals = []error{ErrBadCredentials, ErrAccountLocked, ErrTicket, context.Canceled}

// refuses reports whether an error is such a refusal.
func refuses(err error) bool {
	return slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) })
}

// ofWeb marks the error of a web service, unless it is that of a connection that has ended meanwhile.
func ofWeb(conn *ns.Conn, err error) error {
	if err == nil || refuses(err) || conn.Dialect() < wire.FirstSOAP || conn.Reason() != nil {
		return err
	}
	return &webError{err}
}

// withoutWeb returns the config of a sign-in that needs no web services, after one that they have failed. It reports
// false when that is not to be tried.
func (c Config) withoutWeb(err error) (Config, bool) {
	if _, failed := errors.AsType[*webError](err); !failed || !c.FallBack || c.NexusURL == "" {
		return c, false
	}
	c.Web = WebServices{}
	c.Dialects = slices.DeleteFunc(slices.Clone(c.Dialects), func(d wire.Dialect) bool { return d >= wire.FirstSOAP })
	return c, len(c.Dialects) > 0
}
