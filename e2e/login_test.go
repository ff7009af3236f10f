package e2e

import (
	"strings"
	"testing"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

func TestLoginInManagementRoom(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	c.bobComes()
	mark := c.bob.Mark()
	dialog := c.tryLogIn(password)
	if answer := dialog.Answer.Content.AsMessage().Body; !dialog.LoggedIn() || !strings.Contains(answer, c.account) {
		t.Fatalf("the bot says %q", answer)
	}
	c.bobSees(mark, msn.Online)
	c.sees(0, "the removal of the password", stack.Redaction(c.management, dialog.Password))
	c.asks(c.management, "list-logins", c.account)
}

func TestWrongPasswordIsToldInTheManagementRoom(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	dialog := c.tryLogIn("wrong")
	answer := dialog.Answer.Content.AsMessage().Body
	if dialog.LoggedIn() || !strings.Contains(answer, "refused the e-mail address or the password") {
		t.Errorf("the bot says %q", answer)
	}
	c.sees(0, "the removal of the password", stack.Redaction(c.management, dialog.Password))
	// The bot asks again, until the dialog is cancelled: then the next command is one.
	c.asks(c.management, "cancel", "cancelled")
	c.logIn()
}

func TestLoginAtAnUnknownServiceNamesTheServices(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	c.asks(c.management, "login nowhere", "no service of that name", "`login home`", "`login work`")
}

func TestLogoutSignsOutOfMSN(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Are you there?").RoomID
	mark := c.bob.Mark()
	c.asks(c.management, "logout "+c.service.RemoteID(c.account), "logged out")
	c.bobSees(mark, msn.Offline)

	seen := c.alice.Mark()
	c.writes(room, "Not any more")
	c.sees(seen, "that the message was not sent", stack.Notice(room, "", "not", "logged in"))
}

func TestTwoServicesAreKeptApart(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	c.logIn()
	c.bobComes()

	// Other people with the same addresses.
	work.AddPerson(c.account, password, "Alice at work")
	work.AddPerson(c.bobAccount, password, "Bob at work")
	work.Befriend(c.account, c.bobAccount)
	other := *c
	other.service, other.ghost = work, c.bridge.Ghost(work.RemoteID(c.bobAccount))
	other.logIn()
	other.bobComes()

	atHome := c.says("Dinner?").RoomID
	atWork := other.says("Meeting?").RoomID
	if atHome == atWork {
		t.Fatal("two people are in one room because they have the same address")
	}
	if c.ghost == other.ghost {
		t.Fatal("two people are one ghost because they have the same address")
	}
	c.sends(atHome, "Yes, dinner!")
	other.sends(atWork, "No meeting!")
	if c.bob.Count(0, stack.HeardText("", "No meeting!")) != 0 || other.bob.Count(0, stack.HeardText("", "Yes, dinner!")) != 0 {
		t.Error("a message went to the other service")
	}
}
