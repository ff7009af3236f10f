package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
)

func TestFirstMessageFromMSNMakesARoom(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	first := c.says("Hi Alice!")
	members := c.members(first.RoomID)
	if name := members[c.ghost]; name != c.bobName+" (MSN)" {
		t.Errorf("Bob is called %q in the room", name)
	}
	if _, ok := members[c.alice.ID()]; !ok {
		t.Errorf("Alice is not in the room, only %v", members)
	}
	if second := c.says("And again"); second.RoomID != first.RoomID {
		t.Error("the second message came into another room")
	}
}

func TestAnswerGoesToMSN(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Hi Alice!").RoomID
	c.sends(room, "Hi Bob!")
	c.sends(room, "Größe, žluť, 你好, 👋\nand a second line")
}

func TestFirstMessageFromMatrixOpensASwitchboard(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.startChat()
	if n := c.service.Switchboards(c.account); n != 0 {
		t.Errorf("Alice is in %d switchboards before anything was said", n)
	}
	c.sends(room, "Hi Bob!")
	if n := c.service.Switchboards(c.account); n != 1 {
		t.Errorf("Alice is in %d switchboards after the first message", n)
	}
	if answer := c.says("Hi Alice!"); answer.RoomID != room {
		t.Error("the answer came into another room")
	}
}

func TestInvitingAGhostOpensAChat(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room, err := c.alice.OpenChat(t.Context(), c.ghost)
	if err != nil {
		t.Fatal(err)
	}
	c.sends(room, "Hi Bob!")
	if answer := c.says("Hi Alice!"); answer.RoomID != room {
		t.Error("the answer came into another room")
	}
}

// Clients make a room, invite the contact and send what was written, all at once: before the contact's ghost has joined, when no homeserver
// pushes anything.
func TestTextsRightBehindAnInvitationArrive(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	mark := c.bob.Mark()
	room, err := c.alice.InviteToChat(t.Context(), c.ghost)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"Hi Bob!", "It is me", "Are you there?"}
	for _, text := range texts {
		c.writes(room, text)
	}
	c.hears(mark, "the last text", stack.HeardText(c.account, texts[len(texts)-1]))
	if got := c.heardTexts(mark); !slices.Equal(got, texts) {
		t.Errorf("heard %q", got)
	}
}

// The bot is asked something before it has joined.
func TestCommandRightBehindAnInvitationIsAnswered(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	bot := c.bridge.Bot()
	room, err := c.alice.InviteToChat(t.Context(), bot)
	if err != nil {
		t.Fatal(err)
	}
	c.asks(room, "!msn contacts", c.bobAccount)
}

func TestTypingFromMSNIsSeenOnMatrix(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Wait …").RoomID
	mark := c.alice.Mark()
	if err := c.bob.Type(t.Context(), c.account); err != nil {
		t.Fatal(err)
	}
	c.sees(mark, "Bob typing", stack.Typing(room, c.ghost))
	mark = c.alice.Mark()
	c.says("Here it is")
	c.sees(mark, "Bob not typing any more", stack.NotTyping(room, c.ghost))
}

func TestTypingFromMatrixIsSeenOnMSN(t *testing.T) {
	t.Parallel()
	needs(t, stack.TellsTyping)
	c := newFriends(t, sharedBridge)
	room := c.says("Well?").RoomID
	mark := c.bob.Mark()
	if err := c.alice.SendTyping(t.Context(), room, true); err != nil {
		t.Fatal(err)
	}
	c.hears(mark, "Alice typing", stack.HeardTyping(c.account))
}

// Not every homeserver tells bridges of typing, so this plays the homeserver for two transactions.
func TestTypingFromAnInjectedTransactionIsSeenOnMSN(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Well?").RoomID
	mark := c.bob.Mark()
	if err := c.bridge.InjectTyping(t.Context(), room, c.alice.ID()); err != nil {
		t.Fatal(err)
	}
	c.hears(mark, "Alice typing", stack.HeardTyping(c.account))
	if err := c.bridge.InjectTyping(t.Context(), room); err != nil {
		t.Fatal(err)
	}
}

func TestMessageToAnOfflineContactGivesANotice(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	c.logIn()
	room := c.startChat()
	mark := c.alice.Mark()
	begun := time.Now()
	c.writes(room, "Hi Bob!")
	notice := c.sees(mark, "that Bob is offline", stack.Notice(room, "", "offline"))
	if took := notice.At.Sub(begun); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	// The room goes on working when he comes.
	c.bobComes()
	c.sends(room, "There you are")
}

// What waits for somebody who is offline and is deleted meanwhile is not sent, where the homeserver tells bridges of that.
func TestDeletedMessageThatWaitsIsNotSent(t *testing.T) {
	t.Parallel()
	needs(t, stack.TellsRedactions)
	c := newCast(t, sharedBridge, home)
	c.logIn()
	room := c.startChat()
	mark := c.alice.Mark()
	sent := c.writes(room, "Better not")
	c.sees(mark, "that it waits", stack.Notice(room, "", "offline"))
	if _, err := c.alice.Client.RedactEvent(t.Context(), room, sent); err != nil {
		t.Fatal(err)
	}
	c.writes(room, "Hello again")
	c.asks(room, "!contacts", c.bobAccount) // which is behind the deletion
	c.bobComes()
	c.hears(0, "what was kept", stack.HeardText(c.account, "Hello again"))
	c.sends(room, "There you are")
	if texts := c.heardTexts(0); !slices.Equal(texts, []string{"Hello again", "There you are"}) {
		t.Errorf("Bob has heard %q", texts)
	}
}

func TestDoublePuppetJoinsChatsByItself(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Hi Alice!").RoomID
	joined := c.sees(0, "Alice joining", stack.Member(room, c.alice.ID(), event.MembershipJoin))
	if joined.Sender != c.alice.ID() {
		t.Errorf("Alice was joined by %s", joined.Sender)
	}
	c.sees(0, "the room in the list of direct chats", func(s stack.Seen) bool {
		if s.Type != event.AccountDataDirectChats {
			return false
		}
		chats, ok := s.Content.Parsed.(*event.DirectChatsEventContent)
		return ok && slices.Contains((*chats)[c.ghost], room)
	})

	// Who has left is called back by the next message, and comes under their name, as they did first.
	if err := c.alice.Client.SetDisplayName(t.Context(), "Alice Liddell"); err != nil {
		t.Fatal(err)
	}
	from := c.alice.Mark()
	if _, err := c.alice.Client.LeaveRoom(t.Context(), room); err != nil {
		t.Fatal(err)
	}
	c.hears(0, "Alice leaving the conversation", func(h stack.Heard) bool {
		left, ok := h.Event.(msn.ParticipantLeft)
		return ok && left.Account == c.account
	})
	if back := c.says("Are you there?").RoomID; back != room {
		t.Errorf("she was called into %s", back)
	}
	joined = c.sees(from, "Alice joining again", stack.Member(room, c.alice.ID(), event.MembershipJoin))
	if name := joined.Content.AsMember().Displayname; name != "Alice Liddell" {
		t.Errorf("Alice came back as %q", name)
	}
}

func TestMessagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	c := newFriends(t, sharedBridge)
	room := c.says("Count for me").RoomID
	numbers := []string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

	heardFrom := c.bob.Mark()
	for _, number := range numbers {
		c.writes(room, number)
	}
	c.hears(heardFrom, "the last number", stack.HeardText(c.account, numbers[len(numbers)-1]))
	if heard := c.heardTexts(heardFrom); !slices.Equal(heard, numbers) {
		t.Errorf("to MSN came %q", heard)
	}

	seenFrom := c.alice.Mark()
	for _, number := range numbers {
		if err := c.bob.Say(t.Context(), c.account, number); err != nil {
			t.Fatal(err)
		}
	}
	c.sees(seenFrom, "the last number", stack.Text(room, c.ghost, numbers[len(numbers)-1]))
	if seen := c.seenTexts(seenFrom, room); !slices.Equal(seen, numbers) {
		t.Errorf("to Matrix came %q", seen)
	}
}

func TestContactsCommand(t *testing.T) {
	t.Parallel()
	c := newCast(t, sharedBridge, home)
	absent := "carol-" + c.bobAccount
	c.service.AddPerson(absent, password, "Carol")
	c.service.Befriend(c.account, absent)
	c.bobComes()
	c.logIn()
	room := c.says("Who else is there?").RoomID
	for _, in := range []id.RoomID{c.management, room} {
		lines := strings.Split(c.asks(in, "!contacts", c.bobAccount, absent), "\n")
		for _, want := range []string{
			"🟢 " + c.bobName + " (" + c.bobAccount + "): online",
			"⚪ Carol (" + absent + "): offline",
		} {
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.TrimLeft(line, "*-● ") == want }) {
				t.Errorf("no line is %q in\n%s", want, strings.Join(lines, "\n"))
			}
		}
	}
	if c.bob.Count(0, stack.HeardText("", "!contacts")) != 0 {
		t.Error("the command was sent to the contact")
	}
}
