package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// password is the one of every MSN account.
const password = "correct horse"

// lastCast numbers the casts, so that no two tests share anybody.
var lastCast atomic.Int32

// cast are the people of a test: Alice on Matrix with an account at a service, and Bob on MSN, who are friends.
type cast struct {
	t       *testing.T
	bridge  *stack.Bridge
	service *stack.MSN

	alice      *stack.User
	account    string    // Alice's MSN account
	management id.RoomID // Alice's chat with the bridge's bot

	bob        *stack.Person // nil while he is offline
	bobAccount string
	bobName    string
	ghost      id.UserID // Bob as Matrix knows him
}

// newCast makes the people of a test with their accounts. Alice, whose client the options change, has a chat with the
// bot and is not logged in to MSN; Bob is offline.
func newCast(t *testing.T, bridge int, service *stack.MSN, options ...stack.UserOption) *cast {
	t.Helper()
	n := lastCast.Add(1)
	c := &cast{
		t:          t,
		bridge:     parts.Bridges[bridge],
		service:    service,
		account:    fmt.Sprintf("alice%d@example.com", n),
		bobAccount: fmt.Sprintf("bob%d@example.com", n),
		bobName:    fmt.Sprintf("Bob %d", n),
	}
	c.ghost = c.bridge.Ghost(service.RemoteID(c.bobAccount))
	c.addAccounts()

	var err error
	if c.alice, err = parts.Homeserver.NewUser(t.Context(), fmt.Sprintf("alice%d", n), options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.alice.Close)
	if c.management, err = c.alice.OpenChat(t.Context(), c.bridge.Bot()); err != nil {
		t.Fatal(err)
	}
	return c
}

// addAccounts makes Alice's and Bob's accounts at the service. Both have mobile devices.
func (c *cast) addAccounts() {
	c.service.AddPerson(c.account, password, "Alice on MSN", msntest.Property("PHM", "15550001111"))
	c.service.AddPerson(c.bobAccount, password, c.bobName, msntest.Mobile())
	c.service.Befriend(c.account, c.bobAccount)
}

// newFriends makes the people of a test with Alice logged in to MSN and Bob online.
func newFriends(t *testing.T, bridge int) *cast {
	t.Helper()
	return newFriendsAt(t, bridge, home)
}

// newFriendsAt is newFriends at another service.
func newFriendsAt(t *testing.T, bridge int, service *stack.MSN) *cast {
	t.Helper()
	c := newCast(t, bridge, service)
	c.logIn()
	c.bobComes()
	return c
}

// logIn logs Alice in to MSN by her chat with the bot.
func (c *cast) logIn() {
	c.t.Helper()
	if dialog := c.tryLogIn(password); !dialog.LoggedIn() {
		c.t.Fatalf("the bot has refused the login: %s", dialog.Answer.Content.AsMessage().Body)
	}
}

// tryLogIn goes through the login dialog with this password.
func (c *cast) tryLogIn(password string) stack.LoginDialog {
	c.t.Helper()
	dialog, err := c.alice.LogIn(c.t.Context(), c.management, c.bridge.Bot(), c.service.Key(), c.account, password)
	if err != nil {
		c.t.Fatal(err)
	}
	return dialog
}

// bobComes signs Bob in to MSN.
func (c *cast) bobComes() {
	c.t.Helper()
	bob, err := c.service.SignIn(c.t.Context(), c.bobAccount, password)
	if err != nil {
		c.t.Fatal(err)
	}
	c.bob = bob
	c.t.Cleanup(func() { _ = bob.Close() })
}

// bobSees waits until Bob sees Alice with this status, if he has not since mark.
func (c *cast) bobSees(mark stack.Mark, status msn.Status) {
	c.t.Helper()
	c.hears(mark, fmt.Sprintf("Alice being %s", status), stack.HeardStatus(c.account, status))
}

// says has Bob say something to Alice on MSN, and returns the event as which it came to Matrix.
func (c *cast) says(text string) stack.Seen {
	c.t.Helper()
	mark := c.alice.Mark()
	if err := c.bob.Say(c.t.Context(), c.account, text); err != nil {
		c.t.Fatal(err)
	}
	return c.sees(mark, "Bob's message", stack.Text("", c.ghost, text))
}

// sends has Alice say something in a room on Matrix, and waits until it came to Bob on MSN.
func (c *cast) sends(room id.RoomID, text string) {
	c.t.Helper()
	mark := c.bob.Mark()
	c.writes(room, text)
	c.hears(mark, "Alice's message", stack.HeardText(c.account, text))
}

// writes has Alice say something in a room on Matrix.
func (c *cast) writes(room id.RoomID, text string) id.EventID {
	c.t.Helper()
	sent, err := c.alice.SendText(c.t.Context(), room, text)
	if err != nil {
		c.t.Fatal(err)
	}
	return sent
}

// asks has Alice give the bot a command in a room, and returns the answer with these parts.
func (c *cast) asks(room id.RoomID, command string, parts ...string) string {
	c.t.Helper()
	answer, err := c.alice.Ask(c.t.Context(), room, c.bridge.Bot(), command, parts...)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.Content.AsMessage().Body
}

// isTold waits until Alice is told in the room, within a minute, that what she sent did not go out, with these words, and
// returns what tells her so.
func (c *cast) isTold(sent id.EventID, words string) stack.Seen {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	about := noticeAbout(sent)
	told, err := c.alice.WaitEvent(ctx, "a notice that says "+words, func(s stack.Seen) bool {
		return about(s) && strings.Contains(s.Content.AsMessage().Body, words)
	})
	if err != nil {
		c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
	}
	return told
}

// noticeAbout matches a notice in answer to a message.
func noticeAbout(sent id.EventID) stack.Match {
	notice := stack.Notice("", "")
	return func(s stack.Seen) bool {
		return notice(s) && s.Content.AsMessage().RelatesTo.GetReplyTo() == sent
	}
}

// startChat has Alice open the chat with Bob by the bot's command, and returns its room.
func (c *cast) startChat() id.RoomID {
	c.t.Helper()
	mark := c.alice.Mark()
	c.writes(c.management, "start-chat "+c.bobAccount)
	return c.sees(mark, "Bob's ghost in a room", stack.Member("", c.ghost, event.MembershipJoin)).RoomID
}

// sees waits for what Alice sees after mark.
func (c *cast) sees(mark stack.Mark, what string, match stack.Match) stack.Seen {
	c.t.Helper()
	seen, err := c.alice.WaitEventAfter(c.t.Context(), mark, what, match)
	if err != nil {
		c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
	}
	return seen
}

// hears waits for what Bob hears after mark.
func (c *cast) hears(mark stack.Mark, what string, match func(stack.Heard) bool) stack.Heard {
	c.t.Helper()
	heard, err := c.bob.WaitEventAfter(c.t.Context(), mark, what, match)
	if err != nil {
		c.t.Fatalf("%v\nthe bridge's log ends with\n%s", err, c.bridge.Log())
	}
	return heard
}

// sawOnce fails the test unless Alice has seen exactly one match since mark.
func (c *cast) sawOnce(mark stack.Mark, what string, match stack.Match) {
	c.t.Helper()
	if err := c.alice.Settle(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	if n := c.alice.Count(mark, match); n != 1 {
		c.t.Errorf("Alice has seen %s %d times, want once", what, n)
	}
}

// heardOnce fails the test unless Bob has heard the text from Alice exactly once since mark.
func (c *cast) heardOnce(mark stack.Mark, text string) {
	c.t.Helper()
	if n := c.bob.Count(mark, stack.HeardText(c.account, text)); n != 1 {
		c.t.Errorf("Bob has heard %q %d times, want once", text, n)
	}
}

// heardTexts returns what Bob has heard Alice say since mark, in the order in which it came.
func (c *cast) heardTexts(mark stack.Mark) (texts []string) {
	all := func(h stack.Heard) bool {
		if message, ok := h.Event.(msn.TextReceived); ok && message.From == c.account {
			texts = append(texts, message.Text)
		}
		return false
	}
	c.bob.Count(mark, all)
	return texts
}

// seenTexts returns what Alice has seen Bob say in the room since mark, in the order in which it came.
func (c *cast) seenTexts(mark stack.Mark, room id.RoomID) (texts []string) {
	ofBob := stack.AnyText(room, c.ghost)
	c.alice.Count(mark, func(s stack.Seen) bool {
		if ofBob(s) {
			texts = append(texts, s.Content.AsMessage().Body)
		}
		return false
	})
	return texts
}

// rooms returns the rooms that Alice is in.
func (c *cast) rooms() []id.RoomID {
	c.t.Helper()
	rooms, err := c.alice.Rooms(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return rooms
}

// members returns who is in the room, with their names.
func (c *cast) members(room id.RoomID) map[id.UserID]string {
	c.t.Helper()
	members, err := c.alice.Members(c.t.Context(), room)
	if err != nil {
		c.t.Fatal(err)
	}
	return members
}
