package msn_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

const carol, dave = "carol@example.com", "dave@example.com"

// four signs in alice, bob, carol and dave, who have each other on their lists.
func four(t *testing.T, d wire.Dialect) (users [4]*user) {
	t.Helper()
	srv := newService(t)
	srv.AddAccount(carol, password)
	srv.AddAccount(dave, password)
	accounts := []string{alice, bob, carol, dave}
	for i, a := range accounts {
		for _, b := range accounts[:i] {
			srv.Befriend(a, b)
		}
	}
	for i, account := range accounts {
		cfg := configFor(srv, account, d)
		cfg.Timeouts.Answer = 3 * time.Second
		users[i] = signIn(t, cfg)
	}
	for i, u := range users {
		for j, account := range accounts {
			if i != j {
				u.waitPresence(account, msn.Online)
			}
		}
	}
	return users
}

// eachOf runs a test in the oldest dialect, the newest without web services, and one
// in between.
func eachOf(t *testing.T, test func(t *testing.T, d wire.Dialect)) {
	for _, d := range []wire.Dialect{2, 8, 12} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// text waits for a text in a group chat and returns it.
func (u *user) groupText(text string) msn.TextReceived {
	u.t.Helper()
	return wait(u, text, func(e msn.TextReceived) bool { return e.Text == text && e.Conversation.Group() != "" })
}

func TestGroupChatCallsItsMembersAndReachesThem(t *testing.T) {
	t.Parallel()
	eachOf(t, func(t *testing.T, d wire.Dialect) {
		u := four(t, d)
		chat := u[0].GroupChat("friends", bob, carol, "no account", alice)
		if got := chat.Members(); !slices.Equal(got, []string{bob, carol}) {
			t.Fatalf("members %v", got)
		}
		if err := chat.SendText(t.Context(), "hello both", ""); err != nil {
			t.Fatal(err)
		}
		b, c := u[1].groupText("hello both"), u[2].groupText("hello both")
		if got := b.Conversation.Members(); len(got) != 2 || !slices.Contains(got, alice) || !slices.Contains(got, carol) {
			t.Errorf("bob sees the members %v", got)
		}
		if err := b.Conversation.SendText(t.Context(), "hi from bob", ""); err != nil {
			t.Fatal(err)
		}
		a := u[0].groupText("hi from bob")
		u[2].groupText("hi from bob")
		if a.Conversation != chat || a.From != bob || !slices.Equal(a.Others, []string{carol}) {
			t.Errorf("alice got %+v", a)
		}
		if err := c.Conversation.SendText(t.Context(), "and carol", ""); err != nil {
			t.Fatal(err)
		}
		u[0].groupText("and carol")
	})
}

func TestInvitedContactComesIntoTheGroupChat(t *testing.T) {
	t.Parallel()
	eachOf(t, func(t *testing.T, d wire.Dialect) {
		u := four(t, d)
		chat := u[0].GroupChat("friends", bob, carol)
		if err := chat.SendText(t.Context(), "first", ""); err != nil {
			t.Fatal(err)
		}
		u[1].groupText("first")
		if err := chat.Invite(t.Context(), dave); err != nil {
			t.Fatal(err)
		}
		if err := chat.SendText(t.Context(), "second", ""); err != nil {
			t.Fatal(err)
		}
		u[3].groupText("second")
		if got := chat.Members(); !slices.Contains(got, dave) {
			t.Errorf("members %v", got)
		}
		if err := chat.Invite(t.Context(), "nobody@example.com"); err == nil {
			t.Error("nobody came")
		}
		if err := u[0].Conversation(bob).Invite(t.Context(), dave); !errors.Is(err, msn.ErrArgument) {
			t.Errorf("into the conversation with bob: %v", err)
		}
	})
}

func TestGroupChatIsOpenedAgainWithItsMembers(t *testing.T) {
	t.Parallel()
	eachOf(t, func(t *testing.T, d wire.Dialect) {
		u := four(t, d)
		chat := u[0].GroupChat("friends", bob, carol)
		if err := chat.SendText(t.Context(), "first", ""); err != nil {
			t.Fatal(err)
		}
		b := u[1].groupText("first")
		u[2].groupText("first")
		chat.Close()
		wait(u[1], "alice to leave", func(e msn.ParticipantLeft) bool { return e.Account == alice })
		b.Conversation.Close()
		if err := chat.SendText(t.Context(), "again", ""); err != nil {
			t.Fatal(err)
		}
		if again := u[1].groupText("again"); again.Conversation != b.Conversation {
			t.Errorf("another chat: %v, %v", again.Conversation, b.Conversation)
		}
		u[2].groupText("again")
	})
}

// Who has left a group chat by themselves need not be there for the others to call the user into it
// again. Who has not makes it another one.
func TestGroupChatGoesOnWithoutWhoHasLeft(t *testing.T) {
	t.Parallel()
	eachOf(t, func(t *testing.T, d wire.Dialect) {
		u := four(t, d)
		chat := u[0].GroupChat("friends", bob, carol, dave)
		if err := chat.SendText(t.Context(), "hello all", ""); err != nil {
			t.Fatal(err)
		}
		b, c := u[1].groupText("hello all"), u[2].groupText("hello all")
		c.Conversation.Close()
		wait(u[0], "carol leave", func(e msn.ParticipantLeft) bool { return e.Account == carol && !e.Idle })
		chat.Close()
		wait(u[1], "alice leave", func(e msn.ParticipantLeft) bool { return e.Account == alice })
		if err := b.Conversation.Invite(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		if err := b.Conversation.SendText(t.Context(), "welcome back", ""); err != nil {
			t.Fatal(err)
		}
		if again := u[0].groupText("welcome back"); again.Conversation != chat {
			t.Errorf("it is %v", again.Conversation)
		}
		if other := u[1].GroupChat("of three", alice, carol); other.SendText(t.Context(), "without dave", "") != nil || u[0].groupText("without dave").Conversation == chat {
			t.Error("a conversation without somebody who has not left is the same")
		}
	})
}

func TestThirdPersonMakesAGroupChatOfASession(t *testing.T) {
	t.Parallel()
	eachOf(t, func(t *testing.T, d wire.Dialect) {
		u := four(t, d)
		u[0].say(bob, "for bob alone")
		u[1].waitText("for bob alone")
		chat := u[1].GroupChat("mine", alice, carol)
		if err := chat.SendText(t.Context(), "for both", ""); err != nil {
			t.Fatal(err)
		}
		group := u[0].groupText("for both")
		u[0].say(bob, "for bob again")
		got := u[1].waitText("for bob again")
		if got.Conversation.Group() != "" || got.Others != nil {
			t.Errorf("it came as %+v", got)
		}
		if group.Conversation.Peer() != "" {
			t.Errorf("the group chat is with %q", group.Conversation.Peer())
		}
	})
}

func TestMemberWhoIsOfflineIsToldAndTheOthersAreReached(t *testing.T) {
	t.Parallel()
	eachOf(t, func(t *testing.T, d wire.Dialect) {
		u := four(t, d)
		u[2].quit()
		u[0].waitPresence(carol, msn.Offline)
		chat := u[0].GroupChat("friends", bob, carol)
		if err := chat.SendText(t.Context(), "who is there?", ""); err != nil {
			t.Fatal(err)
		}
		u[1].waitText("who is there?")
		failed := wait(u[0], "carol's absence", anyOf[msn.CallFailed])
		if failed.Account != carol || !errors.Is(failed.Err, msn.ErrOffline) {
			t.Errorf("told %+v", failed)
		}
		u[1].quit()
		u[0].waitPresence(bob, msn.Offline)
		if err := chat.SendText(t.Context(), "anybody?", ""); !errors.Is(err, msn.ErrOffline) {
			t.Errorf("to nobody: %v", err)
		}
		if err := u[0].GroupChat("empty").SendText(t.Context(), "x", ""); !errors.Is(err, msn.ErrNoSuchContact) {
			t.Errorf("to no members: %v", err)
		}
	})
}
