package relay

import (
	"slices"
	"sync"
	"time"

	"matrix-msn/bridge/words"

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
	there map[id.RoomID]map[id.UserID]string // who is in a room, and what they are called
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

// Members returns who is in a room.
type Members func() (map[id.UserID]*event.MemberEventContent, error)

// Change returns what a membership tells: who has come or gone, what they are called, and the words
// for it. They are "" for what is neither, such as a new name. Not all homeservers say what
// somebody was before: then it counts what was seen, and who is in the room when that is first
// asked.
func (j *Joins) Change(evt *event.Event, members Members) (who id.UserID, name, said string) {
	content, ok := evt.Content.Parsed.(*event.MemberEventContent)
	if !ok {
		return "", "", ""
	}
	who = id.UserID(evt.GetStateKey())
	name, was, err := j.known(evt.RoomID, who, members)
	if prev := evt.Unsigned.PrevContent; prev != nil {
		if prev.Parsed == nil {
			_ = prev.ParseRaw(event.StateMember) // what cannot be read counts as nothing
		}
		before := prev.AsMember()
		name, was = before.Displayname, before.Membership == event.MembershipJoin
	} else if err != nil {
		return "", "", "" // it is asked again with the next one
	}
	is := content.Membership == event.MembershipJoin
	j.mu.Lock()
	defer j.mu.Unlock()
	if !is {
		delete(j.there[evt.RoomID], who)
	} else if j.there[evt.RoomID] != nil {
		j.there[evt.RoomID][who] = content.Displayname
	}
	switch {
	case is && !was:
		return who, content.Displayname, words.Text("relay.has_joined")
	case was && !is:
		return who, name, words.Text("relay.has_left")
	}
	return "", "", ""
}

// Meet notes who is in a room before the first change there: what comes then is held against it.
func (j *Joins) Meet(room id.RoomID, members Members) error {
	j.mu.Lock()
	known := j.there[room] != nil
	j.mu.Unlock()
	if known {
		return nil
	}
	all, err := members()
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.remember(room, "", all)
	return nil
}

// known returns what somebody in a room is called, and reports whether they were in it before what
// is just heard of them. The homeserver is not asked under the lock: other rooms do not wait for it.
func (j *Joins) known(room id.RoomID, who id.UserID, members Members) (name string, there bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.there[room] == nil {
		j.mu.Unlock()
		all, err := members()
		j.mu.Lock()
		if err != nil {
			return "", false, err
		}
		j.remember(room, who, all)
	}
	name, there = j.there[room][who]
	return name, there, nil
}

// remember notes who is in a room besides somebody. mu is held.
func (j *Joins) remember(room id.RoomID, but id.UserID, all map[id.UserID]*event.MemberEventContent) {
	if j.there[room] != nil {
		return // somebody has been faster
	}
	if j.there == nil {
		j.there = make(map[id.RoomID]map[id.UserID]string)
	}
	for other := range j.there {
		if len(j.there) < maxRooms {
			break
		}
		delete(j.there, other)
	}
	j.there[room] = make(map[id.UserID]string)
	for user, member := range all {
		if user != but && member.Membership == event.MembershipJoin {
			j.there[room][user] = member.Displayname
		}
	}
}
