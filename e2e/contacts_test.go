package e2e

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// Carol adds Alice, who accepts, calls her by another name, blocks and unblocks her. Each of them sees what the other
// does, and all of it is there after the bridge was killed.
func TestContactListIsKeptFromBothSides(t *testing.T) {
	t.Parallel()
	c := newFriends(t, contactsBridge)
	account := "carol-" + c.bobAccount
	c.service.AddPerson(account, password, "Carol")
	carol, err := c.service.SignIn(t.Context(), account, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = carol.Close() })
	ghost := c.bridge.Ghost(c.service.RemoteID(account))
	sees := func(mark stack.Mark, status msn.Status) {
		t.Helper()
		if _, err := carol.WaitEventAfter(t.Context(), mark, "Alice being "+string(status), stack.HeardStatus(c.account, status)); err != nil {
			t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
		}
	}

	mark := c.alice.Mark()
	if err := carol.Client.AddContact(t.Context(), c.account, ""); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "the request", func(s stack.Seen) bool {
		return s.Type == event.EventMessage && strings.Contains(s.Content.AsMessage().Body, account+") has added you")
	})
	heard := carol.Mark()
	c.asks(c.management, "!accept "+account, account)
	added := func(h stack.Heard) bool {
		added, ok := h.Event.(msn.AddedYou)
		return ok && added.Contact.Account == c.account
	}
	if _, err := carol.WaitEventAfter(t.Context(), heard, "that Alice has her on her list", added); err != nil {
		t.Fatal(err)
	}
	c.asks(c.management, "!contacts", "Carol ("+account+"): online")

	mark = c.alice.Mark()
	if err := carol.Say(t.Context(), c.account, "Thank you!"); err != nil {
		t.Fatal(err)
	}
	room := c.sees(mark, "Carol's message", stack.Text("", ghost, "Thank you!")).RoomID
	mark = c.alice.Mark()
	c.asks(room, "!rename Caz", "“Caz”")
	c.sees(mark, "the room by the name that Alice has given", stack.RoomName(room, "Caz (MSN)"))
	mark = c.alice.Mark()
	if err := carol.Client.SetDisplayName(t.Context(), "Carol II"); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "the name that Carol has given herself", func(s stack.Seen) bool {
		return s.Type == event.StateMember && s.GetStateKey() == ghost.String() && strings.HasPrefix(s.Content.AsMember().Displayname, "Carol II")
	})

	heard = carol.Mark()
	c.asks(room, "!block", account)
	sees(heard, msn.Offline)
	if err := c.bridge.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.bridge.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := c.asks(c.management, "!contacts", account)
	for line := range strings.Lines(list) {
		if strings.Contains(line, account) && !(strings.Contains(line, "Caz") && strings.Contains(line, "blocked")) {
			t.Errorf("after the start she is %q", line)
		}
	}
	heard = carol.Mark()
	c.asks(room, "!unblock", account)
	sees(heard, msn.Online)
}

// The bridge looks for ten seconds whether somebody is there whom a user invites and who does not answer. What others write goes out meanwhile.
func TestInvitationHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	c, others := newFriends(t, sharedBridge), newFriends(t, sharedBridge)
	room := others.says("Are you there?").RoomID
	silent := "silent-" + c.account
	home.AddAccount(silent, password)
	home.Play(silent, msntest.Script{}).IgnoreCalls(true)
	mark := c.alice.Mark()
	before := home.Mark()
	ghost := c.bridge.Ghost(home.RemoteID(silent))
	invited, err := c.alice.InviteToChat(t.Context(), ghost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.AwaitAfter(t.Context(), before, func(r msntest.Record) bool { return r.Command.Verb == "CAL" && slices.Contains(r.Command.Args, silent) }); err != nil {
		t.Fatal(err)
	}
	others.sends(room, "I am")
	if err := c.alice.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := stack.Notice(invited, ghost, "This room ")
	if c.alice.Count(mark, answer) > 0 {
		t.Error("what somebody else writes has waited for an invitation")
	}
	c.sees(mark, "what became of the invitation", answer)
}
