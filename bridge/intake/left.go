package intake

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

const (
	// againAfter is after how long events are handed on again that could not be stored elsewhere: most outages of a database are
	// its restart. Each time takes twice as long as the one before, up to a minute.
	againAfter        = 2 * time.Second
	longestAgainAfter = time.Minute
	// maxPasses is how often an event is handed on that nobody can store, while the database
	// takes other things: then the event is to blame. That takes some twelve minutes.
	maxPasses = 16
	// sayAfter is after how many passes the room is told that it waits: two minutes.
	sayAfter = 6
)

// Leave keeps an event that the framework was given and nobody could store: it is handed on
// again after a while, or at the next start, and so are those of its room behind it. It reports
// false for an event that cannot be left: it is not in the intake's table, or was left too
// often by a database that takes other things. That one is not handed on any more, and its sender
// is to be told: the next start does it if this one does not come to it.
func (i *Intake) Leave(evt id.EventID) bool {
	i.mu.Lock()
	h := i.open[evt]
	known, often := h != nil && h.received != nil, h != nil && h.pass >= maxPasses
	i.mu.Unlock()
	if !known || often && i.giveUp(evt) {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.open[evt] != h {
		return true
	}
	h.stage = waiting
	i.comeBack(h.received.RoomID)
	return true
}

// LeaveBehind leaves an event if an earlier one of its room was left, which is not dealt with yet, and reports whether it did. That is
// nothing that has failed with it: however often it is left so, it is not given up.
func (i *Intake) LeaveBehind(evt id.EventID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.behind(evt) {
		return false
	}
	h := i.open[evt]
	h.stage = waitingBehind
	i.comeBack(h.received.RoomID)
	return true
}

// giveUp notes that an event is not handed on any more, and reports whether the database took
// that. It is finished when its room's loop has come past it: then its sender was told.
func (i *Intake) giveUp(evt id.EventID) bool {
	ctx, cancel := context.WithTimeout(i.ctx(), storeTimeout)
	defer cancel()
	if err := i.cfg.Store.GiveUp(ctx, evt); err != nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if h := i.open[evt]; h != nil && h.stage.left() {
		h.stage = inHand // those behind it wait for it no more
		i.calm(h.received.RoomID)
	}
	return true
}

// Untold leaves it to the next start to tell the sender of an event that was given up.
func (i *Intake) Untold(evt id.EventID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if h := i.open[evt]; h != nil {
		h.stage = untold
	}
}

// ctx is that of what is done for nobody who waits.
func (i *Intake) ctx() context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.own != nil {
		return i.own
	}
	return i.cfg.Log.WithContext(context.Background()) // nothing was started yet
}

// comeBack has what was left of a room tried again after a while: the longer the more often it was. Other rooms have their own wait.
// mu is held.
func (i *Intake) comeBack(room id.RoomID) {
	if i.again[room] != nil || i.cancel == nil {
		return
	}
	passes := 0
	for _, h := range i.open {
		if h.stage.waits() && h.received.RoomID == room {
			passes = max(passes, h.pass)
		}
	}
	i.again[room] = time.AfterFunc(min(againAfter<<min(passes, maxPasses), longestAgainAfter), func() { i.tryAgain(room) })
}

// noteLater has noted after a while what is dealt with and could not be noted to be. mu is held.
func (i *Intake) noteLater() {
	if i.noting == nil && i.cancel != nil {
		i.noting = time.AfterFunc(againAfter, i.noteAgain)
	}
}

// sayWaits has a room told that what is written there waits, once until nothing of it does. What
// fails is tried again with the next pass. mu is held.
func (i *Intake) sayWaits(received *database.Received) {
	if i.said[received.RoomID] {
		return
	}
	i.said[received.RoomID] = true
	ctx := i.own
	i.ended.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		if err := i.cfg.Waits(ctx, received); err != nil {
			zerolog.Ctx(ctx).Err(err).Stringer("room_id", received.RoomID).Msg("Failed to tell a room that its messages wait")
			i.mu.Lock()
			defer i.mu.Unlock()
			delete(i.said, received.RoomID)
		}
	})
}

// calm forgets that a room was told, when nothing of it waits any more. mu is held.
func (i *Intake) calm(room id.RoomID) {
	for _, h := range i.open {
		if h.stage.left() && h.received.RoomID == room {
			return
		}
	}
	delete(i.said, room)
}

// behind reports whether an event must be left since an earlier one of its room was, which is
// not dealt with yet. mu is held.
func (i *Intake) behind(evt id.EventID) bool {
	own := i.open[evt]
	if own == nil || own.received == nil {
		return false
	}
	for _, h := range i.open {
		if h.stage.left() && h.received.RoomID == own.received.RoomID && h.received.Position < own.received.Position {
			return true
		}
	}
	return false
}

// tryAgain hands on what was left of a room, in order and before all else.
func (i *Intake) tryAgain(room id.RoomID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.again, room)
	if i.cancel == nil {
		return
	}
	var left []item
	for evt, h := range i.open {
		if !h.stage.waits() || h.received.RoomID != room {
			continue
		}
		// The framework may still end the earlier pass, which must not end this one.
		next := &handed{received: h.received, invites: h.invites, stage: handedAgain, pass: h.pass}
		if h.stage != waitingBehind {
			next.pass++
		}
		i.open[evt] = next
		left = append(left, item{received: h.received})
		if next.pass >= sayAfter {
			i.sayWaits(h.received)
		}
	}
	slices.SortFunc(left, func(a, b item) int { return cmp.Compare(a.received.Position, b.received.Position) })
	i.pending = append(left, i.pending...)
	i.signal()
}

// noteAgain notes of what is dealt with that it is.
func (i *Intake) noteAgain() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.noting = nil
	if i.cancel == nil {
		return
	}
	for evt, h := range i.open {
		if h.stage == unnoted {
			h.stage = inHand
			ctx := i.own
			i.ended.Go(func() { i.finish(ctx, evt, h) })
		}
	}
}
