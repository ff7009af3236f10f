package e2e

import (
	"context"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// comesBack bounds how long a bridge may wait between two attempts to sign in after a short outage, and a bit.
const comesBack = 90 * time.Second

func TestRefusedConversationGivesANotice(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.startChat()
	unhook := c.service.Hook(msntest.For(c.account, msntest.On("XFR", msntest.Refuse("280"))))
	defer unhook()
	c.isTold(c.writes(room, "Anybody there?"),
		"was not bridged: Home MSN refused to open a conversation. Try again in a minute.")
	unhook()
	c.sends(room, "There you are")
	if c.bob.Count(0, stack.HeardText("", "Anybody there?")) != 0 {
		t.Error("the message came after its notice")
	}
}

func TestMessageWhileTheAccountIsInUseElsewhereGivesANotice(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Hi Alice!").RoomID
	mark := c.bob.Mark()
	if err := c.service.Kick(c.account, "OTH"); err != nil {
		t.Fatal(err)
	}
	c.bobSees(mark, msn.Offline)
	c.isTold(c.writes(room, "Where am I?"),
		"was not bridged: Your account at Home MSN was signed in at another place, which signed the bridge out.")
	mark = c.bob.Mark()
	c.asks(c.management, "reconnect", "Signing in to MSN again")
	c.bobSees(mark, msn.Online)
	c.sends(room, "Here again")
	if c.bob.Count(0, stack.HeardText("", "Where am I?")) != 0 {
		t.Error("the message came after its notice")
	}
}

func TestBridgeComesBackAfterTheServiceWasAway(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, away)
	c.logIn()
	c.bobComes()
	room := c.says("Hi Alice!").RoomID
	away.Close()
	mark := c.alice.Mark()
	c.writes(room, "Hello?")
	c.sees(mark, "that the message waits", stack.Notice(room, "", "The bridge is not connected to Away MSN at the moment"))

	again, err := stack.StartMSN(t.Context(), awayOptions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	c.service = again
	c.addAccounts()
	waiting, cancel := context.WithTimeout(t.Context(), comesBack)
	defer cancel()
	if err := again.WaitOnline(waiting, c.account); err != nil {
		t.Fatalf("the bridge has not signed in again within %s; its log ends with\n%s", comesBack, c.bridge.Log())
	}
	c.bobComes()
	if back := c.says("Back again"); back.RoomID != room {
		t.Error("the message after the outage came into another room")
	}
	c.sends(room, "So am I")
	c.heardOnce(0, "Hello?")
}
