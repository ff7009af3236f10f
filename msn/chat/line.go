package chat

import (
	"errors"
	"sync/atomic"

	"matrix-msn/msn/internal/errs"
)

// Line keeps texts from overtaking one that is sent again later: once a text of the line has failed
// with ErrOffline, or has not gone out before the end of the connection to the service, those behind
// it fail with ErrBehind, though the contact may just have come, or there is another connection.
// The zero value is ready. One that is broken stays so.
type Line struct{ broken atomic.Bool }

// Broken reports whether a text of the line has failed so that those behind it fail too.
func (l *Line) Broken() bool { return l.broken.Load() }

// Break has those behind a text of the line fail that is sent again later for another reason than these.
func (l *Line) Break() { l.broken.Store(true) }

// settled notes what became of a text of the line, and whether the connection had ended. It is
// called by the owner, before another text can be taken up.
func (l *Line) settled(err error, ended bool) {
	if l != nil && (errors.Is(err, errs.ErrOffline) || (ended || errors.Is(err, errs.ErrNotConnected)) && unsent(err)) {
		l.broken.Store(true)
	}
}

// unsent reports whether a text has failed of which surely nothing has arrived.
func unsent(err error) bool {
	_, partly := errors.AsType[*errs.PartsError](err)
	return err != nil && !partly && !errors.Is(err, errs.ErrUncertain)
}
