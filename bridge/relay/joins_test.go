package relay

import (
	"errors"
	"testing"
	"time"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Dendrite does not say what somebody was before: who has come is known all the same, and a new name
// is no coming.
func TestComingAndGoingIsKnownWithoutWhatWasBefore(t *testing.T) {
	t.Parallel()
	var joins Joins
	asked := 0
	members := func() (map[id.UserID]*event.MemberEventContent, error) {
		asked++
		return map[id.UserID]*event.MemberEventContent{
			mallory: {Membership: event.MembershipJoin, Displayname: "Mallory"}, dave: {Membership: event.MembershipJoin, Displayname: "Dave"},
		}, nil
	}
	for i, test := range []struct {
		who         id.UserID
		is          event.Membership
		name        string
		want, words string
	}{
		{mallory, event.MembershipJoin, "Mallory", "Mallory", "has joined the conversation (Matrix)."},
		{mallory, event.MembershipJoin, "Mal", "", ""},
		{dave, event.MembershipJoin, "David", "", ""},
		{dave, event.MembershipLeave, "", "David", "has left the conversation (Matrix)."},
		{dave, event.MembershipLeave, "", "", ""},
		{mallory, event.MembershipBan, "", "Mal", "has left the conversation (Matrix)."},
		{dave, event.MembershipInvite, "Dave", "", ""},
		{dave, event.MembershipJoin, "Dave", "Dave", "has joined the conversation (Matrix)."},
	} {
		_, name, words := joins.Change(&event.Event{
			Type: event.StateMember, RoomID: "!room", StateKey: ptr.Ptr(string(test.who)),
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: test.is, Displayname: test.name}},
		}, members)
		if name != test.want || words != test.words {
			t.Errorf("%d: %q %q, want %q %q", i, name, words, test.want, test.words)
		}
	}
	if asked != 1 {
		t.Errorf("the homeserver was asked %d times", asked)
	}
	_, _, words := joins.Change(&event.Event{RoomID: "!other", StateKey: ptr.Ptr(string(dave)), Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipLeave}}},
		func() (map[id.UserID]*event.MemberEventContent, error) { return nil, errors.New("no answer") })
	if words != "" {
		t.Errorf("of who is not known is told %q", words)
	}
}

func TestFewAreToldOfWithinAWhile(t *testing.T) {
	t.Parallel()
	var joins Joins
	now := time.Now()
	for i := range maxJoins {
		if !joins.Allow("!room", now) {
			t.Errorf("the %dth is not told of", i)
		}
	}
	if joins.Allow("!room", now.Add(joinsWindow-1)) || !joins.Allow("!other", now) || !joins.Allow("!room", now.Add(joinsWindow)) {
		t.Error("what is counted is another room or another time")
	}
}

// A homeserver that does not answer spoils nothing: nothing is told of what came meanwhile, it is
// asked again with the next one, and other rooms do not wait for it.
func TestMembersAreAskedAgainAndBesideOtherRooms(t *testing.T) {
	t.Parallel()
	var joins Joins
	change := func(room id.RoomID, is event.Membership, members Members) string {
		_, _, words := joins.Change(&event.Event{RoomID: room, StateKey: ptr.Ptr(string(dave)),
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: is, Displayname: "Dave"}}}, members)
		return words
	}
	waits, released := make(chan struct{}), make(chan struct{})
	done := make(chan string)
	go func() {
		done <- change("!room", event.MembershipLeave, func() (map[id.UserID]*event.MemberEventContent, error) {
			close(waits)
			<-released
			return nil, errors.New("no answer")
		})
	}()
	<-waits
	if !joins.Allow("!other", time.Now()) {
		t.Error("another room is not told of")
	}
	close(released)
	if words := <-done; words != "" {
		t.Errorf("told is %q", words)
	}
	mallorys := func() (map[id.UserID]*event.MemberEventContent, error) {
		return map[id.UserID]*event.MemberEventContent{mallory: {Membership: event.MembershipJoin}}, nil
	}
	if words := change("!room", event.MembershipJoin, mallorys); words != "has joined the conversation (Matrix)." {
		t.Errorf("then told is %q", words)
	}
}
