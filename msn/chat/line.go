package chat

import (
	"errors"
	"sync/atomic"

	"matrix-msn/msn/internal/errs"
)

// Line keeps texts from overtaking one that is sent again later: once a text of the line has failed
// with ErrOffline, those behind it fail with ErrBehind, though the contact may just have come.
// The zero value is ready. One that is broken stays so.
type Line struct{ broken atomic.Bool }

// Broken reports whether a text of the line has failed with ErrOffline.
func (l *Line) Broken() bool { return l.broken.Load() }

// settled notes what became of a text of the line. It is called by the owner, before another text
// can be taken up.
func (l *Line) settled(err error) {
	if l != nil && errors.Is(err, errs.ErrOffline) {
		l.broken.Store(true)
	}
}
