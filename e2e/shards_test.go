package e2e

import (
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// A user moves from one of two bridges beside each other to another one: what docs/scaling.md has them do. Their contacts come in new
// rooms, the old ones say where things stand, and go with a command.
func TestLoginMovesToAnotherShard(t *testing.T) {
	t.Parallel()
	c := newFriends(t, alertedBridge)
	old := c.says("On the first shard").RoomID
	c.sends(old, "Me too")
	c.asks(c.management, "logout "+c.service.Key()+"/"+c.account, "You are logged out of", "clear-rooms")
	sent := c.writes(old, "To nobody")
	c.isTold(sent, "you are not logged in to MSN with the account of this chat")

	first := c.management
	c.bridge = parts.Bridges[contactsBridge]
	c.ghost = c.bridge.Ghost(c.service.RemoteID(c.bobAccount))
	var err error
	if c.management, err = c.alice.OpenChat(t.Context(), c.bridge.Bot()); err != nil {
		t.Fatal(err)
	}
	mark := c.bob.Mark()
	c.logIn()
	c.bobSees(mark, msn.Online)
	room := c.says("On the second shard").RoomID
	if room == old {
		t.Error("it came into the room of the first shard")
	}
	c.sends(room, "Here I am")
	for _, text := range []string{"Me too", "Here I am"} {
		c.heardOnce(0, text)
	}
	if n := c.bob.Count(0, stack.HeardText(c.account, "To nobody")); n != 0 {
		t.Error("what was refused has arrived")
	}
	if _, err := c.alice.Ask(t.Context(), first, parts.Bridges[alertedBridge].Bot(), "clear-rooms", "1 room"); err != nil {
		t.Error(err)
	}
}
