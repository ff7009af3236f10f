package picture

import (
	"sync"
	"time"
)

const (
	// mostShown is how many pictures of one contact are shown within shownWindow: each is fetched and stored, and is an
	// event in each of their rooms. Who has more is shown by the last one after that.
	mostShown   = 10
	shownWindow = 10 * time.Minute
	// maxPaced is of how many contacts that is counted.
	maxPaced = 10000
)

// pace counts how often contacts are shown by another picture. The zero value is ready.
type pace struct {
	mu sync.Mutex
	of map[string]*paced // by account
}

// paced is a contact whose pictures are counted.
type paced struct {
	since time.Time
	count int
	last  string // that was counted
	waits bool
}

// allow reports whether a contact may be shown by a picture now, "" for none, and counts it. Otherwise later is called,
// once, when they may again; not for those whom there is no room to count.
func (p *pace) allow(account, picture string, later func()) bool {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	over := func(who *paced) bool { // a clock that was set back ends it too
		age := now.Sub(who.since)
		return age >= shownWindow || age < 0
	}
	who := p.of[account]
	if who == nil && len(p.of) >= maxPaced {
		for account, other := range p.of {
			if over(other) && !other.waits {
				delete(p.of, account)
			}
		}
		if len(p.of) >= maxPaced {
			return false
		}
	}
	if who == nil || over(who) && !who.waits {
		who = &paced{since: now}
		if p.of == nil {
			p.of = make(map[string]*paced)
		}
		p.of[account] = who
	}
	switch {
	case who.waits:
		return false
	case who.count > 0 && who.last == picture:
		return true
	case who.count < mostShown:
		who.count, who.last = who.count+1, picture
		return true
	}
	who.waits = true
	time.AfterFunc(who.since.Add(shownWindow).Sub(now), func() {
		p.mu.Lock()
		who.waits, who.count, who.since = false, 0, time.Now()
		p.mu.Unlock()
		later()
	})
	return false
}
