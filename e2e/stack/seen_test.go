package stack

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// newQuietUser returns a user without a homeserver.
func newQuietUser() *User {
	u := &User{Client: &mautrix.Client{UserID: "@alice:localhost"}}
	u.seen = newRecord(u.ID().String(), describeSeen)
	return u
}

// parse makes an event of the form in which a sync has it.
func parse(t *testing.T, class event.TypeClass, text string) *event.Event {
	t.Helper()
	var evt event.Event
	if err := json.Unmarshal([]byte(text), &evt); err != nil {
		t.Fatal(err)
	}
	evt.Type.Class = class
	if err := evt.Content.ParseRaw(evt.Type); err != nil {
		t.Fatal(err)
	}
	return &evt
}

func textEvent(t *testing.T, eventID, body string) *event.Event {
	t.Helper()
	return parse(t, event.MessageEventType, `{"type":"m.room.message","event_id":"`+eventID+`","room_id":"!r","sender":"@bob:x","content":{"msgtype":"m.text","body":"`+body+`"}}`)
}

func TestWaitEventFindsWhatIsThereAndWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newQuietUser()
		u.seen.add(Seen{Event: textEvent(t, "$1", "one"), At: time.Now()})
		seen, err := u.WaitEvent(t.Context(), "one", Text("!r", "@bob:x", "one"))
		if err != nil || seen.ID != "$1" {
			t.Errorf("got %s, %v", seen.ID, err)
		}
		mark := u.Mark()
		time.AfterFunc(time.Second, func() {
			u.seen.add(Seen{Event: textEvent(t, "$2", "two"), At: time.Now()})
			u.seen.add(Seen{Event: textEvent(t, "$3", "one"), At: time.Now()})
		})
		seen, err = u.WaitEventAfter(t.Context(), mark, "one again", Text("!r", "", "one"))
		if err != nil || seen.ID != "$3" {
			t.Errorf("got %s, %v", seen.ID, err)
		}
	})
}

func TestWaitEventGivesUpAndSaysWhatItSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newQuietUser()
		u.seen.add(Seen{Event: textEvent(t, "$1", "one"), At: time.Now()})
		begun := time.Now()
		_, err := u.WaitEvent(t.Context(), "an answer", Text("!r", "", "two"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(begun); took != DefaultWait {
			t.Errorf("gave up after %s, want %s", took, DefaultWait)
		}
		for _, part := range []string{"@alice:localhost", "an answer", `"body":"one"`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error does not say %q: %v", part, err)
			}
		}
	})
}

func TestWaitEventEndsWithTheSync(t *testing.T) {
	u := newQuietUser()
	stopped := errors.New("stopped")
	u.seen.close(stopped)
	if _, err := u.WaitEvent(t.Context(), "anything", AnyText("", "")); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
}

func TestEventsAreKeptOnce(t *testing.T) {
	u := newQuietUser()
	s := newSyncer(u)
	s.keep(textEvent(t, "$1", "one"))
	s.keep(textEvent(t, "$1", "one"))
	s.keep(textEvent(t, "$2", "one"))
	if n := u.Count(0, Text("!r", "@bob:x", "one")); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
}

func TestMatches(t *testing.T) {
	const (
		room = id.RoomID("!r")
		bob  = id.UserID("@bob:x")
	)
	text := textEvent(t, "$1", "Hi there")
	notice := parse(t, event.MessageEventType, `{"type":"m.room.message","room_id":"!r","sender":"@bob:x","content":{"msgtype":"m.notice","body":"Contact is OFFLINE"}}`)
	edit := parse(t, event.MessageEventType, `{"type":"m.room.message","room_id":"!r","sender":"@bob:x","content":{"msgtype":"m.text","body":"Hi there","m.relates_to":{"rel_type":"m.replace","event_id":"$1"}}}`)
	typing := parse(t, event.EphemeralEventType, `{"type":"m.typing","room_id":"!r","content":{"user_ids":["@eve:x","@bob:x"]}}`)
	still := parse(t, event.EphemeralEventType, `{"type":"m.typing","room_id":"!r","content":{"user_ids":[]}}`)
	joined := parse(t, event.StateEventType, `{"type":"m.room.member","state_key":"@bob:x","room_id":"!r","sender":"@bob:x","content":{"membership":"join"}}`)
	redaction := parse(t, event.MessageEventType, `{"type":"m.room.redaction","room_id":"!r","sender":"@bob:x","redacts":"$1","content":{}}`)
	named := parse(t, event.StateEventType, `{"type":"m.room.name","state_key":"","room_id":"!r","sender":"@bob:x","content":{"name":"Walkers"}}`)
	all := []*event.Event{text, notice, edit, typing, still, joined, redaction, named}

	for _, test := range []struct {
		name  string
		match Match
		want  *event.Event // the only one of all that matches; nil for none
	}{
		{"text", Text(room, bob, "Hi there"), text},
		{"text of anybody anywhere", Text("", "", "Hi there"), text},
		{"text elsewhere", Text("!other", bob, "Hi there"), nil},
		{"text of another", Text(room, "@eve:x", "Hi there"), nil},
		{"part of a text", Text(room, bob, "Hi"), nil},
		{"any text", AnyText(room, bob), text},
		{"notice", Notice(room, bob, "contact", "offline"), notice},
		{"notice without one of the parts", Notice(room, bob, "contact", "online"), nil},
		{"typing", Typing(room, bob), typing},
		{"typing of another", Typing(room, "@carol:x"), nil},
		{"not typing", NotTyping(room, "@bob:x"), still},
		{"member", Member(room, bob, event.MembershipJoin), joined},
		{"member with another membership", Member(room, bob, event.MembershipLeave), nil},
		{"room name", RoomName("", "Walkers"), named},
		{"another room name", RoomName(room, "Walker"), nil},
		{"redaction", Redaction(room, "$1"), redaction},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, evt := range all {
				if got, want := test.match(Seen{Event: evt}), evt == test.want; got != want {
					t.Errorf("matching %s is %t, want %t", describeSeen(Seen{Event: evt}), got, want)
				}
			}
		})
	}
}

func TestFollowYieldsOldAndNewEvents(t *testing.T) {
	u := newQuietUser()
	u.seen.add(Seen{Event: textEvent(t, "$1", "one"), At: time.Now()})
	u.seen.add(Seen{Event: textEvent(t, "$2", "two"), At: time.Now()})
	var got []id.EventID
	for seen := range u.Follow(t.Context(), 1) {
		got = append(got, seen.ID)
		if seen.ID == "$2" {
			u.seen.add(Seen{Event: textEvent(t, "$3", "three"), At: time.Now()})
			u.seen.close(errors.New("over"))
		}
	}
	if len(got) != 2 || got[0] != "$2" || got[1] != "$3" {
		t.Errorf("got %q", got)
	}
}
