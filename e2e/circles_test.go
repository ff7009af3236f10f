package e2e

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// A circle has a room with its name and its members. What is said there goes both ways, what the user says in their own
// Messenger too, and an invitation is accepted by a command.
func TestCircleHasARoomOnMatrix(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, modern)
	circle := modern.AddCircle("Walkers "+c.account, c.bobAccount, c.account)
	c.logIn()
	room := c.sees(0, "the room of the circle", stack.RoomName("", "Walkers "+c.account)).RoomID
	c.sees(0, "Bob in the room", stack.Member(room, c.ghost, event.MembershipJoin))
	c.bobComes()
	own, err := modern.SignIn(t.Context(), c.account, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })

	say := func(by *stack.Person, text string) {
		t.Helper()
		if err := by.Client.CircleChat(circle).SendText(t.Context(), text, ""); err != nil {
			t.Fatal(err)
		}
	}
	inCircle := func(text string) func(stack.Heard) bool {
		return func(h stack.Heard) bool {
			got, ok := h.Event.(msn.TextReceived)
			return ok && got.Text == text && got.From == c.account && got.Conversation.Circle() == circle
		}
	}
	say(own, "Written in Messenger")
	c.sees(0, "what the Messenger says", stack.Text(room, c.alice.ID(), "Written in Messenger"))
	say(c.bob, "Who comes along?")
	c.sees(0, "what Bob says", stack.Text(room, c.ghost, "Who comes along?"))
	ownHears(t, own, stack.HeardText(c.bobAccount, "Who comes along?"))
	mark := c.bob.Mark()
	c.writes(room, "Written on Matrix")
	c.hears(mark, "what Alice writes", inCircle("Written on Matrix"))
	ownHears(t, own, heardOwnText("Written on Matrix"))
	for _, text := range []string{"Written in Messenger", "Who comes along?", "Written on Matrix"} {
		c.sawOnce(0, text, stack.Text("", "", text))
	}

	cooks := modern.AddCircle("Cooks "+c.account, c.bobAccount)
	modern.InviteToCircle(cooks, c.account)
	c.sees(0, "the invitation", func(s stack.Seen) bool {
		return s.Type == event.EventMessage && strings.Contains(s.Content.AsMessage().Body, "You are invited into the circle “Cooks ")
	})
	c.asks(c.management, "!circles accept Cooks "+c.account, "You belong to the circle")
	second := c.sees(0, "the room of the second circle", stack.RoomName("", "Cooks "+c.account)).RoomID
	c.asks(second, "!circles leave", "You have left the circle")
	c.isTold(c.writes(second, "too late"), "does not carry it to this circle")
}
