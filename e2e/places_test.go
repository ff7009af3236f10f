package e2e

import (
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

// The user's own Messenger is signed in beside the bridge: both write, both read, nothing is doubled and nobody is
// thrown out.
func TestOwnMessengerBesideTheBridge(t *testing.T) {
	t.Parallel()
	c := newFriendsAt(t, sharedBridge, modern)
	bobs := c.bob.Mark()
	own, err := modern.SignIn(t.Context(), c.account, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	if d := own.Client.Dialect(); d != msn.MaxDialect {
		t.Fatalf("the Messenger signed in by %s", d)
	}
	c.asks(c.management, "!places", "Matrix", "this bridge")

	c.hears(bobs, "both places of Alice", func(h stack.Heard) bool {
		_, ok := h.Event.(msn.PersonalMessageChanged)
		return ok
	})

	// What Bob says is heard at both.
	room := c.says("Hi Alice!").RoomID
	ownHears(t, own, stack.HeardText(c.bobAccount, "Hi Alice!"))
	// What is written in the Messenger is Alice's in the room, and what is written in the room is heard in the Messenger
	// as written by Alice.
	mark := c.alice.Mark()
	bobs = c.bob.Mark()
	if err := own.Say(t.Context(), c.bobAccount, "Written in Messenger"); err != nil {
		t.Fatal(err)
	}
	c.hears(bobs, "what the Messenger says", stack.HeardText(c.account, "Written in Messenger"))
	c.sees(mark, "what the Messenger says", stack.Text(room, c.alice.ID(), "Written in Messenger"))
	c.sends(room, "Written on Matrix")
	ownHears(t, own, heardOwnText("Written on Matrix"))
	if answer := c.says("To both of you"); answer.RoomID != room {
		t.Error("the answer came into another room")
	}
	ownHears(t, own, stack.HeardText(c.bobAccount, "To both of you"))

	for _, text := range []string{"Hi Alice!", "Written in Messenger", "Written on Matrix", "To both of you"} {
		c.sawOnce(0, text, stack.Text("", "", text))
	}
	for _, text := range []string{"Written in Messenger", "Written on Matrix"} {
		c.heardOnce(0, text)
	}
	for _, text := range []string{"Hi Alice!", "To both of you"} {
		if n := own.Count(0, stack.HeardText(c.bobAccount, text)); n != 1 {
			t.Errorf("the Messenger has heard %q %d times", text, n)
		}
	}
	if err := own.Client.Err(); err != nil {
		t.Errorf("the Messenger was thrown out: %v", err)
	}
	// Signing it out leaves the bridge where it is.
	c.asks(c.management, "!places out all", "Asked to sign out")
	<-own.Client.Done()
	c.sends(room, "And on it goes")
}

// ownHears waits for what the user's own Messenger hears.
func ownHears(t *testing.T, own *stack.Person, match func(stack.Heard) bool) {
	t.Helper()
	if _, err := own.WaitEventAfter(t.Context(), 0, "the Messenger hearing it", match); err != nil {
		t.Fatal(err)
	}
}

// heardOwnText matches a text that was written at another place of the same account.
func heardOwnText(text string) func(stack.Heard) bool {
	return func(h stack.Heard) bool {
		sent, ok := h.Event.(msn.TextSent)
		return ok && sent.Text == text
	}
}
