package e2e

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
)

// Somebody whom nobody has met yet has a profile: the homeserver asks the bridge, so that clients do not say
// that they may not exist.
func TestUnmetContactExists(t *testing.T) {
	t.Parallel()
	needs(t, stack.AsksForProfiles)
	c := newFriends(t, sharedBridge)
	account := "unmet-" + c.bobAccount
	profile, err := c.alice.Client.GetProfile(t.Context(), c.bridge.Ghost(c.service.RemoteID(account)))
	if err != nil || profile.DisplayName != account+" (MSN)" {
		t.Errorf("the profile is %+v, %v", profile, err)
	}
	if profile, err := c.alice.Client.GetProfile(t.Context(), c.bridge.Ghost("nowhere/"+account)); err == nil {
		t.Errorf("at no service there is %+v", profile)
	}
}

// Nothing stands in a new room before the first message but how it is made and who comes in, each with a name.
func TestNewRoomBeginsWithTheMessage(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	mark := c.alice.Mark()
	first := c.says("Hi Alice!")
	if err := c.bob.Say(t.Context(), c.account, "And again"); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "the second message", stack.Text(first.RoomID, c.ghost, "And again"))
	found, err := c.alice.Client.Messages(t.Context(), first.RoomID, "", "", 'b', nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	created, messages := false, 0
	for i := len(found.Chunk) - 1; i >= 0; i-- {
		evt := found.Chunk[i]
		_ = evt.Content.ParseRaw(evt.Type)
		switch {
		case evt.Type == event.EventMessage:
			messages++
		case evt.StateKey == nil:
		case evt.Type == event.StateCreate:
			created = true
		case evt.Type == event.StateMember:
			if member := evt.Content.AsMember(); member.Displayname == "" || strings.HasPrefix(member.Displayname, "msn_") {
				t.Errorf("%s is %s without a name", evt.GetStateKey(), member.Membership)
			}
			if messages > 0 {
				t.Errorf("behind the first message: %s %s", evt.Type.Type, evt.GetStateKey())
			}
		case messages > 0:
			t.Errorf("behind the first message: %s", evt.Type.Type)
		case evt.Type == event.StateTopic && evt.Content.AsTopic().Topic == "", evt.Type == event.StateRoomName && evt.Content.AsRoomName().Name == "":
			t.Errorf("%s is empty", evt.Type.Type)
		}
	}
	if !created || messages != 2 {
		t.Errorf("there are %d messages, and the beginning is there: %v", messages, created)
	}
}
