package e2e

import (
	"slices"
	"testing"

	"matrix-msn/e2e/stack"
	"maunium.net/go/mautrix/event"
)

// A conversation of several people has a room of its own, where !invite calls contacts in and mails strangers.
func TestGroupChatAndInvitationsInItsRoom(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	carolAccount, daveAccount := "carol-"+c.bobAccount, "dave-"+c.bobAccount
	carol, dave := c.friendComes(carolAccount, "Carol"), c.friendComes(daveAccount, "Dave")
	c.logIn()
	c.bobComes()

	mark := c.alice.Mark()
	if err := c.bob.Client.GroupChat("all of us", c.account, carolAccount).SendText(t.Context(), "Hello you two", ""); err != nil {
		t.Fatal(err)
	}
	room := c.sees(mark, "Bob's text", stack.Text("", c.ghost, "Hello you two")).RoomID
	carolsGhost := c.bridge.Ghost(c.service.RemoteID(carolAccount))
	c.sees(mark, "Carol in the room", stack.Member(room, carolsGhost, event.MembershipJoin))
	c.sends(room, "Hello from Matrix")
	otherHears(t, carol, c.account, "Hello from Matrix")
	if alone := c.says("For Alice alone").RoomID; alone == room {
		t.Error("what Bob says to Alice alone comes into the room of all")
	}

	c.asks(room, "!invite "+daveAccount, "is a contact of yours and has been called")
	c.sees(mark, "Dave in the room", stack.Member(room, c.bridge.Ghost(c.service.RemoteID(daveAccount)), event.MembershipJoin))
	c.sends(room, "Welcome, Dave")
	otherHears(t, dave, c.account, "Welcome, Dave")

	stranger := "eve-" + c.bobAccount
	c.asks(room, "!invite "+stranger+" Come and talk to us", stranger, "mail")
	var mailed []string
	for _, invitation := range c.service.Invitations() {
		if invitation.From == c.account {
			mailed = append(mailed, invitation.To+": "+invitation.Text)
		}
	}
	if want := []string{stranger + ": Come and talk to us"}; !slices.Equal(mailed, want) {
		t.Errorf("the service has mailed %q, want %q", mailed, want)
	}
}

// friendComes makes another friend of Alice and Bob, and signs them in.
func (c *cast) friendComes(account, name string) *stack.Person {
	c.t.Helper()
	c.service.AddPerson(account, password, name)
	c.service.Befriend(c.account, account)
	c.service.Befriend(c.bobAccount, account)
	friend, err := c.service.SignIn(c.t.Context(), account, password)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = friend.Close() })
	return friend
}

// otherHears waits for what somebody beside Bob hears.
func otherHears(t *testing.T, p *stack.Person, from, text string) {
	t.Helper()
	if _, err := p.WaitEventAfter(t.Context(), 0, text, stack.HeardText(from, text)); err != nil {
		t.Fatal(err)
	}
}
