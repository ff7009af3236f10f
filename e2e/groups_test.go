package e2e

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
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

// Who leaves a conversation of several people leaves its room, who is invited into the room is called,
// and who leaves the room is in the conversation no more until somebody calls them.
func TestRoomOfSeveralPeopleFollowsTheirConversation(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	carolAccount, daveAccount := "carol-"+c.bobAccount, "dave-"+c.bobAccount
	carol, dave := c.friendComes(carolAccount, "Carol"), c.friendComes(daveAccount, "Dave")
	c.logIn()
	c.bobComes()

	mark := c.alice.Mark()
	talk := c.bob.Client.GroupChat("all of us", c.account, carolAccount)
	if err := talk.SendText(t.Context(), "Hello you two", ""); err != nil {
		t.Fatal(err)
	}
	room := c.sees(mark, "Bob's text", stack.Text("", c.ghost, "Hello you two")).RoomID
	carolsGhost, davesGhost := c.bridge.Ghost(c.service.RemoteID(carolAccount)), c.bridge.Ghost(c.service.RemoteID(daveAccount))
	c.sees(mark, "Carol in the room", stack.Member(room, carolsGhost, event.MembershipJoin))
	heard, err := carol.WaitEventAfter(t.Context(), 0, "the text", stack.HeardText(c.bobAccount, "Hello you two"))
	if err != nil {
		t.Fatal(err)
	}
	heard.Event.(msn.TextReceived).Conversation.Close()
	left := c.sees(mark, "Carol leave", stack.Member(room, carolsGhost, event.MembershipLeave))
	if why := left.Content.AsMember().Reason; left.Sender != carolsGhost || why != "has left the conversation" {
		t.Errorf("%s says that Carol %q", left.Sender, why)
	}
	c.sees(mark, "the topic", func(s stack.Seen) bool {
		return s.Type == event.StateTopic && s.RoomID == room && strings.Contains(s.Content.AsTopic().Topic, "Carol") && strings.Contains(s.Content.AsTopic().Topic, "who has left")
	})

	if _, err := c.alice.Client.InviteUser(t.Context(), room, &mautrix.ReqInviteUser{UserID: davesGhost}); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "Dave in the room", stack.Member(room, davesGhost, event.MembershipJoin))
	before := c.bob.Mark()
	c.sends(room, "Welcome, Dave, I have to go")
	if _, err := c.alice.Client.LeaveRoom(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	otherHears(t, dave, c.account, "Welcome, Dave, I have to go")
	if _, err := c.bob.WaitEventAfter(t.Context(), before, "Alice leave", func(h stack.Heard) bool {
		left, ok := h.Event.(msn.ParticipantLeft)
		return ok && left.Account == c.account
	}); err != nil {
		t.Fatal(err)
	}
	if err := talk.SendText(t.Context(), "She is gone", ""); err != nil {
		t.Fatal(err)
	}
	otherHears(t, dave, c.bobAccount, "She is gone")
	if err := talk.Invite(t.Context(), c.account); err != nil {
		t.Fatal(err)
	}
	if err := talk.SendText(t.Context(), "Come back", ""); err != nil {
		t.Fatal(err)
	}
	back := c.sees(mark, "the call", stack.Member(room, c.alice.ID(), event.MembershipInvite))
	if back.Sender == c.alice.ID() {
		t.Error("she has invited herself")
	}
	c.sees(mark, "what was said then", stack.Text(room, c.ghost, "Come back"))
	if n := c.alice.Count(0, stack.Text("", "", "She is gone")); n > 0 {
		t.Errorf("what was said without her is shown %d times", n)
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
