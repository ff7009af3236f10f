package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
)

// withRelay returns settings with which people without an account can speak through a login.
func withRelay(settings map[string]any) map[string]any {
	settings = maps.Clone(settings)
	settings["bridge.relay.enabled"] = true
	settings["bridge.relay.admin_only"] = false
	settings["network.relay_joins"] = true
	return settings
}

// third makes a user of Matrix who has no account at a service.
func (c *cast) third(name string) *stack.User {
	c.t.Helper()
	user, err := parts.Homeserver.NewUser(c.t.Context(), fmt.Sprintf("third%d", lastCast.Add(1)))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(user.Close)
	if err := user.Client.SetDisplayName(c.t.Context(), name); err != nil {
		c.t.Fatal(err)
	}
	return user
}

// joins has somebody come into a room that Alice is in.
func (c *cast) joins(user *stack.User, room id.RoomID) {
	c.t.Helper()
	if _, err := c.alice.Client.InviteUser(c.t.Context(), room, &mautrix.ReqInviteUser{UserID: user.ID()}); err != nil {
		c.t.Fatal(err)
	}
	if err := user.Join(c.t.Context(), room); err != nil {
		c.t.Fatal(err)
	}
}

// writesAs has somebody send a message into a room.
func (c *cast) writesAs(user *stack.User, room id.RoomID, content *event.MessageEventContent) id.EventID {
	c.t.Helper()
	sent, err := user.Client.SendMessageEvent(c.t.Context(), room, event.EventMessage, content)
	if err != nil {
		c.t.Fatal(err)
	}
	return sent.EventID
}

// Carol has no account at the service, and Bob hears her all the same, under her name: her texts, what she changes and
// what she answers, each once. What Bob says is in the room once, for her and for Alice.
func TestThirdPersonSpeaksByRelay(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	mark := c.bob.Mark()
	room := c.startChat()
	c.asks(room, "!msn set-relay", "will now be relayed")
	carol := c.third("Carol")
	c.joins(carol, room)
	c.hears(mark, "Carol coming", stack.HeardText(c.account, "Carol has joined the conversation (Matrix)."))
	hears := func(want string) {
		t.Helper()
		c.hears(mark, "Carol's message", stack.HeardText(c.account, want))
		if n := c.bob.Count(mark, stack.HeardText(c.account, want)); n != 1 {
			t.Errorf("Bob hears %q %d times", want, n)
		}
	}

	styled := text("Hello **Bob**\nDave: bye")
	styled.Format, styled.FormattedBody = event.FormatHTML, "Hello <b>Bob</b><br>Dave: bye"
	sent := c.writesAs(carol, room, styled)
	hears("Carol: Hello Bob\n  Dave: bye")
	c.writesAs(carol, room, edited(sent, "Hello Bobby"))
	hears("Carol: * Hello Bobby")

	said := c.says("Who is there?")
	if _, err := carol.WaitEventAfter(t.Context(), 0, "Bob's message", stack.Text(room, c.ghost, "Who is there?")); err != nil {
		t.Fatal(err)
	}
	answer := text("It is me")
	answer.RelatesTo = (&event.RelatesTo{}).SetReplyTo(said.ID)
	c.writesAs(carol, room, answer)
	hears("> " + c.bobName + ": Who is there?\nCarol: It is me")
	c.writesAs(carol, room, &event.MessageEventContent{MsgType: event.MsgEmote, Body: "waves"})
	hears("* Carol waves")
	c.sends(room, "And me")

	if n := carol.Count(0, stack.Text("", c.ghost, "Who is there?")); n != 1 {
		t.Errorf("Carol sees what Bob said %d times", n)
	}
	all := c.bob.Count(mark, func(h stack.Heard) bool { return strings.Contains(fmt.Sprint(h), "Carol") })
	if all != 5 {
		t.Errorf("Bob hears of Carol %d times, want 5", all)
	}
	if _, err := carol.Ask(t.Context(), room, c.bridge.Bot(), "!nudge", "logged in"); err != nil {
		t.Error(err)
	}
	if _, err := carol.Client.LeaveRoom(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	hears("Carol has left the conversation (Matrix).")
}

// A room in which people of Matrix are already becomes that of Bob, and is given back.
func TestRoomOfMatrixBecomesThatOfAContact(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	created, err := c.alice.Client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Name: "The club", Invite: []id.UserID{c.bridge.Bot()}})
	if err != nil {
		t.Fatal(err)
	}
	room := created.RoomID
	c.sees(0, "the bot in the room", stack.Member(room, c.bridge.Bot(), event.MembershipJoin))
	carol := c.third("Carol")
	c.joins(carol, room)
	c.asks(room, "!msn bridge "+c.bobAccount, "This room is now that of")
	c.sees(0, "Bob's ghost in the room", stack.Member(room, c.ghost, event.MembershipJoin))
	c.asks(room, "!msn set-relay", "will now be relayed")
	mark := c.bob.Mark()
	if _, err := carol.SendText(t.Context(), room, "Hello Bob"); err != nil {
		t.Fatal(err)
	}
	c.hears(mark, "Carol's message", stack.HeardText(c.account, "Carol: Hello Bob"))
	if said := c.says("Nice club"); said.RoomID != room {
		t.Errorf("Bob's message came into %s", said.RoomID)
	}
	seen := c.alice.Mark()
	c.writes(room, "!msn unbridge")
	c.sees(seen, "Bob's ghost leaving", stack.Member(room, c.ghost, event.MembershipLeave))
	if said := c.says("Where are you?"); said.RoomID == room {
		t.Error("Bob still speaks in the room that was given back")
	}
	members, err := c.alice.Members(t.Context(), room)
	if err != nil || members[carol.ID()] == "" {
		t.Errorf("the room has %v, %v", members, err)
	}
}
