package people

import (
	"sync"
	"time"

	"matrix-msn/msn"
)

// What is noted in a room within noteWindow: so much of one member, and of all. Who
// comes and goes all the time would fill the room.
const (
	noteWindow     = 10 * time.Minute
	maxMemberNotes = 3
	maxRoomNotes   = 2 * msn.MaxMembers
	maxRequests    = 5     // people told of who have added the user, also at a sign-in
	maxNoteCounts  = 10000 // members whose notes are counted at a time
)

// noteAbout is what is counted: notes of a kind about somebody.
type noteAbout struct {
	kind    noteKind
	group   string // of a noteMember
	account string // "" for everybody
}

// noteKind says what a note is about.
type noteKind uint8

const (
	noteMember  noteKind = iota // who comes and goes in a group chat
	noteRequest                 // who has added the user
	noteUnshown                 // a text of somebody whose address cannot be shown
	noteCircle                  // an invitation into a circle, whose ID stands for the account
)

// Notes counts notes, so that nobody fills a room with them. The zero value is ready.
type Notes struct {
	mu     sync.Mutex
	since  time.Time
	counts map[noteAbout]int
}

// turn begins a new window when the last is over. mu is held.
func (n *Notes) turn(now time.Time) {
	if now.Sub(n.since) >= noteWindow || len(n.counts) >= maxNoteCounts {
		n.since, n.counts = now, make(map[noteAbout]int)
	}
}

// allow reports whether there may be another note about somebody, and counts it.
func (n *Notes) allow(one noteAbout, now time.Time) bool {
	all := noteAbout{kind: one.kind, group: one.group}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn(now)
	if n.counts[one] >= maxMemberNotes || n.counts[all] >= maxRoomNotes {
		return false
	}
	n.counts[one]++
	n.counts[all]++
	return true
}

// AllowMember reports whether there may be another note about who comes and goes in a group chat,
// and counts it.
func (n *Notes) AllowMember(group, account string, now time.Time) bool {
	return n.allow(noteAbout{group: group, account: account}, now)
}

// AllowCircle reports whether there may be another note about an invitation into a circle, and
// counts it.
func (n *Notes) AllowCircle(circle string, now time.Time) bool {
	return n.allow(noteAbout{kind: noteCircle, account: circle}, now)
}

// AllowRequest reports whether there may be a notice of somebody's request, and counts people:
// one who changes their request all the time takes no place of others.
func (n *Notes) AllowRequest(account string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn(now)
	one, all := noteAbout{kind: noteRequest, account: account}, noteAbout{kind: noteRequest}
	if n.counts[one] > 0 {
		return true // it is told once a day
	}
	if n.counts[all] >= maxRequests {
		return false
	}
	n.counts[one]++
	n.counts[all]++
	return true
}

// Rest returns how long the window still lasts.
func (n *Notes) Rest(now time.Time) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.since.Add(noteWindow).Sub(now)
}
