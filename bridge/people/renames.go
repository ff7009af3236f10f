package people

import (
	"context"
	"sync"
	"time"

	"matrix-msn/internal/lazy"
)

// How often somebody is shown by another name. Everybody can call themselves something else all
// the time, and each name is an event in each of their rooms.
var (
	// contactRenames holds for people on the contact list, strangerRenames for anybody else.
	contactRenames  = renameLimit{most: 20, pause: time.Minute}
	strangerRenames = renameLimit{most: 3, pause: renameWindow}
)

const (
	renameWindow = 10 * time.Minute
	renameTick   = 10 * time.Second // how late a name that waits may be shown
	maxRenamers  = 10000            // people who are counted at a time
	fullPause    = time.Minute      // how long it is not looked whether there is room for more
)

// renameLimit is how many names of somebody are shown at once within renameWindow, and how long
// the last one waits after that.
type renameLimit struct {
	most  int
	pause time.Duration
}

// renames counts how often people are shown by another name. Who has changed theirs too often is
// shown by the last one after a while. The zero value is ready; Stop ends it.
type renames struct {
	mu    sync.Mutex
	of    lazy.Table[string, renamer] // by account
	waits map[string]*lateRenamer     // those of them who wait
	timer *time.Timer                 // ticks while somebody waits
	full  time.Time                   // when there was no room for more
}

// renamer is somebody who changes their name.
type renamer struct {
	name  string // the last that was counted
	since int64  // in nanoseconds since 1970
	count int
}

// lateRenamer is somebody who waits to be shown by another name.
type lateRenamer struct {
	due   time.Time // when the last name is shown that was not
	later func()
}

// over reports whether the window of somebody has passed. A clock that was set back ends it too.
func (r *renamer) over(now time.Time) bool {
	age := now.Sub(time.Unix(0, r.since))
	return age >= renameWindow || age < 0
}

// allow reports whether somebody may be shown by a name now, and counts it. Otherwise later is
// called, once, when they may again; not for those whom there is no room to count: they are shown
// by their next name.
func (r *renames) allow(account, name string, limit renameLimit, later func()) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	who, known := r.of.Get(account)
	switch {
	case r.waits[account] != nil:
		return false
	case !known && !r.makeRoom(now):
		return false
	case !known || who.over(now):
		who = renamer{since: now.UnixNano()}
	}
	switch {
	case who.count > 0 && who.name == name:
		return true // told in two ways
	case who.count < limit.most:
		r.of.Put(account, renamer{name: name, since: who.since, count: who.count + 1})
		return true
	}
	due := now.Add(limit.pause)
	if end := time.Unix(0, who.since).Add(renameWindow); due.After(end) {
		due = end
	}
	if r.waits == nil {
		r.waits = make(map[string]*lateRenamer)
		r.timer = time.AfterFunc(renameTick, r.tick)
	}
	r.waits[account] = &lateRenamer{due: due, later: later}
	return false
}

// tick has those shown who have waited long enough.
func (r *renames) tick() {
	now := time.Now()
	var due []func()
	r.mu.Lock()
	if r.timer == nil { // it was stopped
		r.mu.Unlock()
		return
	}
	for account, late := range r.waits {
		if now.Before(late.due) && late.due.Sub(now) <= renameWindow {
			continue
		}
		due = append(due, late.later)
		who, _ := r.of.Get(account)
		if who.over(now) {
			who.since, who.count = now.UnixNano(), 1
		}
		who.name = ""
		r.of.Put(account, who)
		delete(r.waits, account)
	}
	if r.timer = nil; len(r.waits) > 0 {
		r.timer = time.AfterFunc(renameTick, r.tick)
	} else {
		r.waits = nil
	}
	r.mu.Unlock()
	for _, show := range due {
		show()
	}
}

// Start implements session.Part.
func (*renames) Start(context.Context) {}

// Stop implements session.Part. Names that wait are shown by the next sign-in.
func (r *renames) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.of, r.timer, r.waits = lazy.Table[string, renamer]{}, nil, nil
}

// makeRoom forgets people when too many are counted: those whose window is over, or else all for
// whom no name waits. It reports whether one more can be counted. mu is held.
func (r *renames) makeRoom(now time.Time) bool {
	if r.of.Len() < maxRenamers {
		return true
	}
	if age := now.Sub(r.full); age >= 0 && age < fullPause {
		return false
	}
	for _, all := range []bool{false, true} {
		r.of.DeleteFunc(func(account string, who renamer) bool {
			return r.waits[account] == nil && (all || who.over(now))
		})
		if r.of.Len() < maxRenamers/2 {
			return true
		}
	}
	// Looking through them again and again for a few places would cost more than it is worth.
	r.full = now
	return r.of.Len() < maxRenamers
}
