package chat

import (
	"sync"
	"time"
)

// How often somebody is shown by another name within renameWindow. Everybody can call themselves
// something else all the time, and each name is an event in each of their rooms.
const (
	renameWindow       = 10 * time.Minute
	maxRenames         = 20    // of somebody on the contact list
	maxStrangerRenames = 3     // of anybody else
	maxRenamers        = 10000 // people who are counted at a time
)

// renames counts how often people are shown by another name. Who has changed theirs too often
// is shown by the last one when their window is over. The zero value is ready.
type renames struct {
	mu sync.Mutex
	of map[string]*renamer // by account
}

// renamer is somebody who changes their name.
type renamer struct {
	since time.Time
	count int
	name  string // the last that was counted
	waits bool   // for the end of the window
}

// over reports whether the window of somebody has passed. A clock that was set back ends it too.
func (r *renamer) over(now time.Time) bool {
	age := now.Sub(r.since)
	return age >= renameWindow || age < 0
}

// allow reports whether somebody may be shown by a name now, as by one of so many, and counts it.
// Otherwise later is called, once, when they may again.
func (r *renames) allow(account, name string, most int, later func()) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	who := r.of[account]
	if who != nil && who.waits {
		return false
	}
	if who == nil || who.over(now) {
		r.makeRoom(now)
		who = &renamer{since: now}
		r.of[account] = who
	}
	if who.count > 0 && who.name == name {
		return true // told in two ways
	}
	if who.count < most {
		who.count, who.name = who.count+1, name
		return true
	}
	who.waits = true
	time.AfterFunc(who.since.Add(renameWindow).Sub(now), func() {
		r.mu.Lock()
		*who = renamer{since: time.Now(), count: 1}
		r.mu.Unlock()
		later()
	})
	return false
}

// makeRoom forgets people when too many are counted: those whose window is over, or else all for
// whom no name waits. mu is held.
func (r *renames) makeRoom(now time.Time) {
	if r.of == nil {
		r.of = make(map[string]*renamer)
	}
	if len(r.of) < maxRenamers {
		return
	}
	for _, all := range []bool{false, true} {
		for account, who := range r.of {
			if !who.waits && (all || who.over(now)) {
				delete(r.of, account)
			}
		}
		if len(r.of) < maxRenamers {
			return
		}
	}
}
