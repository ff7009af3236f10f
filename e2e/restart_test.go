package e2e

import (
	"maps"
	"slices"
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"maunium.net/go/mautrix/event"
)

func TestRestartKeepsRoomsAndGhosts(t *testing.T) {
	t.Parallel()
	c := newFriends(t, restartedBridge)
	survives(c, c.bridge.Stop)
}

func TestKillKeepsRoomsAndGhosts(t *testing.T) {
	t.Parallel()
	c := newFriends(t, killedBridge)
	survives(c, c.bridge.Kill)
}

// survives shows that a conversation goes on in its room after the bridge was ended and started, with nothing lost
// and nothing twice.
func survives(c *cast, end func() error) {
	c.t.Helper()
	room := c.says("Before, from MSN").RoomID
	c.sends(room, "Before, from Matrix")
	// The space for the login's rooms is made beside the first of them.
	c.sees(0, "the room in its space", func(s stack.Seen) bool {
		return s.Type == event.StateSpaceChild && s.GetStateKey() == room.String()
	})
	rooms, members := c.rooms(), c.members(room)

	mark := c.bob.Mark()
	if err := end(); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Offline)
	c.writes(room, "Meanwhile, from Matrix")
	mark = c.bob.Mark()
	if err := c.bridge.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.bobSees(mark, msn.Online)
	if after := c.says("After, from MSN"); after.RoomID != room {
		c.t.Error("a message after the restart came into another room")
	}
	c.hears(0, "what was said meanwhile", stack.HeardText(c.account, "Meanwhile, from Matrix"))
	c.sends(room, "After, from Matrix")

	for _, text := range []string{"Before, from Matrix", "Meanwhile, from Matrix", "After, from Matrix"} {
		c.heardOnce(0, text)
	}
	for _, text := range []string{"Before, from MSN", "After, from MSN"} {
		c.sawOnce(0, text, stack.Text("", "", text))
	}
	if now := c.rooms(); !slices.Equal(now, rooms) {
		c.t.Errorf("Alice was in the rooms %v and is in %v", rooms, now)
	}
	if now := c.members(room); !maps.Equal(now, members) {
		c.t.Errorf("in the room were %v and are %v", members, now)
	}
}
