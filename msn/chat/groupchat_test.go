package chat

import (
	"testing"
	"time"
)

// Of several group chats that a session could belong to, that with exactly these people is it, then
// that which the fewest have left, then that in which something was said last.
func TestGroupChatOfASession(t *testing.T) {
	t.Parallel()
	type known struct {
		members, departed []string
		used              time.Duration
	}
	for name, test := range map[string]struct {
		people []string
		groups map[string]known
		want   string
	}{
		"exactly these":            {[]string{"b", "c"}, map[string]known{"1": {[]string{"b", "c", "d"}, []string{"d"}, 9}, "2": {[]string{"c", "b"}, nil, 1}}, "2"},
		"whoever had left":         {[]string{"b", "c"}, map[string]known{"1": {[]string{"b", "c", "d"}, []string{"d"}, 9}, "2": {[]string{"b", "c"}, []string{"c"}, 1}}, "2"},
		"the fewest have left":     {[]string{"b", "c"}, map[string]known{"1": {[]string{"b", "c", "d", "e"}, []string{"d", "e"}, 9}, "2": {[]string{"b", "c", "d"}, []string{"d"}, 1}}, "2"},
		"the latest":               {[]string{"b", "c"}, map[string]known{"1": {[]string{"b", "c"}, nil, 1}, "2": {[]string{"b", "c"}, nil, 2}, "3": {[]string{"b", "c"}, nil, 1}}, "2"},
		"the latest that was left": {[]string{"b", "c"}, map[string]known{"1": {[]string{"b", "c", "d"}, []string{"d"}, 1}, "2": {[]string{"b", "c", "e"}, []string{"e"}, 2}}, "2"},
		"neither was used":         {[]string{"b", "c"}, map[string]known{"2": {[]string{"b", "c"}, nil, 0}, "1": {[]string{"b", "c"}, nil, 0}}, "1"},
		"somebody has not left":    {[]string{"b", "c"}, map[string]known{"1": {[]string{"b", "c", "d"}, nil, 1}, "2": {[]string{"b"}, nil, 1}}, ""},
		"nobody":                   {[]string{"b", "c"}, nil, ""},
	} {
		for range 10 { // the order of a map is another one each time
			c := &Chats{conversations: map[ID]*Conversation{{Contact: "b"}: {id: ID{Contact: "b"}, group: group{members: []string{"b", "c"}}}}}
			for id, known := range test.groups {
				cv := &Conversation{id: ID{Group: id}, group: group{members: known.members}, used: time.Time{}.Add(known.used)}
				for _, account := range known.departed {
					cv.group.depart(account)
				}
				c.conversations[cv.id] = cv
			}
			got := ""
			if cv := c.groupOf(test.people); cv != nil {
				got = cv.id.Group
			}
			if got != test.want {
				t.Fatalf("%s: it is that of %q, want %q", name, got, test.want)
			}
		}
	}
}
