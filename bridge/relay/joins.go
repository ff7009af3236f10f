package relay

import (
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	// maxJoins is of how many who come and go people on MSN are told in a room within
	// joinsWindow.
	maxJoins    = 6
	joinsWindow = 10 * time.Minute
	// maxRooms is in how many rooms that is counted.
	maxRooms = 1000
)

// Joins counts who comes and goes, so that nobody fills a conversation with it. The zero value is
// ready.
type Joins struct {
	mu    sync.Mutex
	rooms map[id.RoomID][]time.Time
}

// Allow reports whether people on MSN may be told of another one in a room, and counts it.
func (j *Joins) Allow(room id.RoomID, now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	told := slices.DeleteFunc(j.rooms[room], func(at time.Time) bool { return now.Sub(at) >= joinsWindow })
	if len(told) >= maxJoins {
		return false
	}
	if j.rooms == nil || len(j.rooms) >= maxRooms {
		j.rooms = make(map[id.RoomID][]time.Time)
	}
	j.rooms[room] = append(told, now)
	return true
}

// Change returns what a membership tells: who has come or gone, what they are called as far as it
// says, and the words for it. The words are "" for what is neither, such as a new name.
func Change(evt *event.Event) (who id.UserID, name, words string) {
	content, ok := evt.Content.Parsed.(*event.MemberEventContent)
	if !ok {
		return "", "", ""
	}
	var before event.MemberEventContent
	if prev := evt.Unsigned.PrevContent; prev != nil {
		if prev.Parsed == nil {
			_ = prev.ParseRaw(event.StateMember) // what cannot be read counts as nothing
		}
		before = *prev.AsMember()
	} else if evt.Unsigned.ReplacesState != "" {
		return "", "", "" // nobody says what it was
	}
	was, is := before.Membership == event.MembershipJoin, content.Membership == event.MembershipJoin
	switch {
	case is && !was:
		return id.UserID(evt.GetStateKey()), content.Displayname, "has joined the conversation (Matrix)."
	case was && !is:
		return id.UserID(evt.GetStateKey()), before.Displayname, "has left the conversation (Matrix)."
	}
	return "", "", ""
}
