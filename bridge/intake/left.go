package intake

import (
	"cmp"
	"context"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"
)

// againAfter is after how long events are handed on again that could not be stored elsewhere.
const againAfter = time.Minute

// Leave keeps an event that the framework was given and nobody could store: it is handed on
// again after a while, or at the next start, and so are those of its room behind it. It reports
// false for an event that is not in the intake's table: that one cannot be left.
func (i *Intake) Leave(evt id.EventID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	h := i.open[evt]
	if h == nil || h.received == nil {
		return false
	}
	h.left, h.waits = true, true
	i.comeBack()
	return true
}

// comeBack has what failed tried again after a while. mu is held.
func (i *Intake) comeBack() {
	if i.again == nil && i.cancel != nil {
		i.again = time.AfterFunc(againAfter, i.tryAgain)
	}
}

// Behind reports whether an event must be left since an earlier one of its room was, which is
// not dealt with yet.
func (i *Intake) Behind(evt id.EventID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	own := i.open[evt]
	if own == nil || own.received == nil {
		return false
	}
	for _, h := range i.open {
		if h.left && h.received.RoomID == own.received.RoomID && h.received.Position < own.received.Position {
			return true
		}
	}
	return false
}

// tryAgain hands on what was left, in order and before all else, and notes of what is dealt with
// that it is.
func (i *Intake) tryAgain() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.again = nil
	if i.cancel == nil {
		return
	}
	var left []item
	for evt, h := range i.open {
		switch {
		case h.over:
			h.over = false
			i.ended.Go(func() { i.finish(i.cfg.Log.WithContext(context.Background()), evt) })
		case h.waits:
			h.waits = false
			left = append(left, item{received: h.received})
		}
	}
	slices.SortFunc(left, func(a, b item) int { return cmp.Compare(a.received.Position, b.received.Position) })
	i.pending = append(left, i.pending...)
	i.signal()
}
