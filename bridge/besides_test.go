package bridge

import (
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// datacast is a message that shakes, plays or says something.
func datacast(body string) wire.Message {
	return wire.Message{Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/x-msnmsgr-datacast"), Body: body}
}

// callAlice has bob open a conversation.
func (b *testBridge) callAlice(bot *msntest.Bot) *msntest.Chat {
	b.Helper()
	chat, err := bot.Call(b.ctx, alice)
	if err != nil {
		b.Fatal(err)
	}
	return chat
}

// A nudge makes the room as a text does, keeps its place among the texts, calls the user once, and
// the rest are a number.
func TestNudgeFromMSNCallsTheUser(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bot, _ := b.friend()
	chat := b.callAlice(bot)
	send := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	send(chat.Nudge())
	send(chat.Say("wake up"))
	nudge, next := b.waitMessage(0, "nudge")
	if nudge.msg != event.MsgText || nudge.body != "Bob Builder sent a nudge." || len(nudge.calls) != 1 || nudge.calls[0] != fakeUser ||
		nudge.sender != b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob)) {
		t.Errorf("the nudge is %+v", nudge)
	}
	if text, _ := b.waitMessage(next, "wake up"); text.room != nudge.room {
		t.Errorf("the text behind it is in %s", text.room)
	}
	for range 30 {
		send(chat.Nudge())
	}
	send(chat.Say("well?"))
	b.waitMessage(0, "well?")
	// Somebody else's is none of these.
	other, err := b.srv.Play(carol, msntest.Script{}).Call(b.ctx, alice)
	send(err)
	send(other.Nudge())
	if got, _ := b.waitMessage(0, "Carol ♥ 100% sent a nudge."); got.room == nudge.room || len(got.calls) != 1 {
		t.Errorf("the other nudge is %+v", got)
	}
	if all := b.matrix.all(func(r record) bool { return r.kind == "message" && r.body == nudge.body }); len(all) != 1 {
		t.Errorf("%d nudges are shown", len(all))
	}
	b.restart() // which tells what is left
	more, _ := b.waitMessage(0, "more nudges")
	if more.body != "Bob Builder sent 30 more nudges." || more.msg != event.MsgNotice || len(more.calls) != 0 || more.room != nudge.room {
		t.Errorf("the others are %+v", more)
	}
}

// What Messenger plays or says by itself is a line in the room.
func TestDatacastsAreNamed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	bot, _ := b.friend()
	chat := b.callAlice(bot)
	for body, want := range map[string]string{
		"ID: 2\r\nData: <msnobj Type=\"8\"/>\r\n\r\n":      "Bob Builder sent a wink, an animation.",
		"ID: 3\r\nData: <msnobj Type=\"11\"/>\r\n\r\n":     "Bob Builder sent a voice clip. Their Messenger does not say how to get it: ask them to write.",
		"ID: 4\r\nData: Bob wins: *Solitaire* <b>\r\n\r\n": "Bob wins: *Solitaire* <b>",
	} {
		if err := chat.Send(datacast(body)); err != nil {
			t.Fatal(err)
		}
		got, _ := b.waitMessage(0, want)
		if got.body != want || got.msg != event.MsgNotice || len(got.calls) != 0 || strings.Contains(got.html, "<b>") {
			t.Errorf("%q is shown as %+v", body, got)
		}
	}
}

// What a contact's Messenger says of them are lines like texts: more of them are shown than of what the
// bridge does not carry, and those beyond are called what they are. One in which nothing can be seen is
// none.
func TestLinesOfMessengersAreShown(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	bot, _ := b.friend()
	chat := b.callAlice(bot)
	says := func(text string) {
		t.Helper()
		if err := chat.Send(datacast("ID: 4\r\nData: " + text + "\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	says("\u200b\u2063")
	for i := range 22 {
		says(fmt.Sprintf("Bob scores %d", i))
	}
	if err := chat.Say("done"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "done")
	if all := b.matrix.all(func(r record) bool { return r.kind == "message" }); len(all) != 21 {
		t.Errorf("%d lines are shown", len(all)-1)
	}
	b.restart()
	b.waitMessage(0, "Bob Builder sent 2 more lines that their Messenger made.")
}

func TestNudgeCommand(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	nudges := make(chan string, 10)
	b.srv.Play(bob, msntest.Script{Nudge: func(_ *msntest.Chat, from string) { nudges <- "nudge of " + from }})
	b.eventually("bob to be online", func() bool {
		contact, _ := login.Client.(*Client).session.Current().Contact(bob)
		return contact.Status == msn.Online
	})
	room := b.dm(login, bob)
	says := func(command, want string) {
		t.Helper()
		if got := b.ask(room, command); got.body != want {
			t.Errorf("%s is answered by %q, want %q", command, got.body, want)
		}
	}
	says("!nudge", "Bob Builder (bob@example.com) was nudged.")
	b.receive(nudges, "nudge of "+alice)
	says("!nudge bob@example.com", "Bob Builder (bob@example.com) was not nudged: too many nudges in a short time. Wait a little and try again.")
	says("!nudge carol@example.com", "Carol ♥ 100% (carol@example.com) was not nudged: they are offline, or take nothing from you. Nudges are not kept for later.")
	says("!nudge bob@example.com hello", "A nudge carries no text. Write `!nudge` in the room with them, or `!nudge carol@example.com`.")
	says("!nudge wake up!", "A nudge carries no text. Write `!nudge` in the room with them, or `!nudge carol@example.com`.")
	says("!nudge alice@example.com", "alice@example.com is your own account. Name somebody else.")
	b.ask(room, "!block carol@example.com")
	says("!nudge carol@example.com", "Carol ♥ 100% (carol@example.com) was not nudged: you have blocked them. Unblock them with `!unblock` first.")
	if got := b.ask(b.management(), "nudge"); got.body != "Whom? Write `!nudge` in the room with them, or `!nudge carol@example.com`." || !strings.Contains(got.html, "Write <code>!nudge</code> in") {
		t.Errorf("without a name it says %q", got.body)
	}
	select {
	case got := <-nudges:
		t.Errorf("bob got %s", got)
	default:
	}
}

// Who offers a file of an old kind, or one that is too large, is told at once that nobody takes it, and the user what it was.
func TestOfferedFilesAreNamedAndDeclined(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	answers := make(chan string, 10)
	bot := b.srv.Play(bob, msntest.Script{Message: func(_ *msntest.Chat, _ string, m wire.Message) {
		switch {
		case m.MediaType() == "text/x-msmsgsinvite":
			fields := wire.Header(m.Body)
			answers <- fields.Get("Invitation-Command") + " " + fields.Get("Cancel-Code") + " " + fields.Get("Invitation-Cookie")
		case strings.Contains(m.Body, "MSNSLP/1.0 603 Decline"):
			answers <- "603"
		}
	}})
	chat := b.callAlice(bot)
	cookie, err := chat.OfferFile("readme.txt", 12345)
	if err != nil {
		t.Fatal(err)
	}
	b.receive(answers, "CANCEL REJECT "+cookie)
	if err := chat.SendFile(alice, "holiday ♥.png", 60<<20); err != nil {
		t.Fatal(err)
	}
	b.receive(answers, "603")
	first, next := b.waitMessage(0, "“readme.txt”")
	second, _ := b.waitMessage(next, "“holiday")
	if first.body != "Bob Builder offers the file “readme.txt” (12 KB). The bridge does not carry files of such an old kind: ask for it by e-mail. It has declined." || first.msg != event.MsgNotice ||
		second.body != "Bob Builder offers the file “holiday ♥.png”. The bridge has declined it: your homeserver takes files up to 52 MB. Ask them for it in another way." {
		t.Errorf("the room shows %q and %q", first.body, second.body)
	}
}

// In the room of several people all are nudged, and a nudge of one of them comes there.
func TestNudgesInAGroupRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	nudges := make(chan string, 10)
	for _, account := range []string{bob, carol} {
		b.srv.Play(account, msntest.Script{
			Nudge: func(chat *msntest.Chat, from string) {
				nudges <- account + " of " + from
				if account == carol {
					_ = chat.Nudge()
				}
			},
		})
	}
	b.eventually("the others to be online", func() bool {
		client := login.Client.(*Client).session.Current()
		first, _ := client.Contact(bob)
		second, _ := client.Contact(carol)
		return first.Status == msn.Online && second.Status == msn.Online
	})
	room := b.makeGroup(login, bob, carol)
	if got := b.ask(room, "!nudge"); got.body != "Everybody who is in the conversation was nudged." {
		t.Errorf("it is answered by %q", got.body)
	}
	got := map[string]bool{<-nudges: true, <-nudges: true}
	if !got[bob+" of "+alice] || !got[carol+" of "+alice] {
		t.Errorf("nudged were %v", got)
	}
	if back, _ := b.waitMessage(0, "sent a nudge."); back.room != room || back.body != "Carol ♥ 100% sent a nudge." || len(back.calls) != 1 {
		t.Errorf("the answer is %+v", back)
	}
	if got := b.ask(room, "!nudge"); got.body != "The conversation was not nudged: too many nudges in a short time. Wait a little and try again." {
		t.Errorf("the second is answered by %q", got.body)
	}
}
