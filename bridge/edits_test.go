package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// edit changes a message of the user's.
func (b *testBridge) edit(room id.RoomID, evt id.EventID, text string) {
	b.Helper()
	b.writeContent(room, &event.MessageEventContent{
		MsgType: event.MsgText, Body: "* " + text, RelatesTo: (&event.RelatesTo{}).SetReplace(evt),
		NewContent: &event.MessageEventContent{MsgType: event.MsgText, Body: text},
	})
}

// delete redacts a message of the user's.
func (b *testBridge) delete(room id.RoomID, evt id.EventID) {
	b.Helper()
	redaction := &event.Event{
		Type: event.EventRedaction, ID: evt + "-redaction", RoomID: room, Sender: fakeUser, Timestamp: time.Now().UnixMilli(), Redacts: evt,
		Content: event.Content{Parsed: &event.RedactionEventContent{Redacts: evt}},
	}
	b.conn.Arriving(b.ctx, redaction)
	b.br.QueueMatrixEvent(b.ctx, redaction)
}

// What somebody does has one star before it, also when it is corrected.
func TestEditedEmoteHasOneStar(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	_, texts := b.friend()
	room := b.dm(b.login(), bob)
	emote := func(text string) *event.MessageEventContent {
		return &event.MessageEventContent{MsgType: event.MsgEmote, Body: text}
	}
	from := b.matrix.position()
	b.writeContent(room, emote("waves"))
	b.receive(texts, alice+": * waves")
	b.waitStatus(from)
	edited := emote("* waves back")
	edited.RelatesTo, edited.NewContent = (&event.RelatesTo{}).SetReplace(b.latest()), emote("waves back")
	b.writeContent(room, edited)
	b.receive(texts, alice+": * waves back")
}

// An edit in which people on MSN see nothing new is not sent, and is done all the same.
func TestEditThatChangesNothingIsNotSent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	_, texts := b.friend()
	room := b.dm(b.login(), bob)
	from := b.matrix.position()
	b.write(room, "hello you")
	b.receive(texts, alice+": hello you")
	_, from = b.waitStatus(from)
	b.writeContent(room, &event.MessageEventContent{
		MsgType: event.MsgText, Body: "* hello **you**", RelatesTo: (&event.RelatesTo{}).SetReplace("$user1"),
		NewContent: &event.MessageEventContent{MsgType: event.MsgText, Body: "hello **you**", Format: event.FormatHTML, FormattedBody: "hello <b>you</b>"},
	})
	if told, _ := b.waitStatus(from); told.status != event.MessageStatusSuccess || told.answer != b.latest() {
		t.Errorf("told %+v", told)
	}
	b.edit(room, "$user1", "hello all of you")
	b.receive(texts, alice+": * hello all of you")
	b.edit(room, "$user1", "hello you") // back again is another text than the last
	b.receive(texts, alice+": * hello you")
}

// Messages wait for a contact who is offline: one is changed twice, one is deleted, one is
// neither. When the contact is back, they get what the user left standing.
func TestEditsAndDeletionsReachWhatWaits(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	for _, text := range []string{"helo", "secret", "see you"} {
		b.write(room, text)
	}
	b.eventually("all messages to be kept", func() bool { return len(b.kept()) == 3 })
	from := b.matrix.position()
	b.edit(room, "$user1", "hallo")
	b.edit(room, "$user1", "hello")
	b.delete(room, "$user2")
	for range 2 {
		var told record
		if told, from = b.waitStatus(from); told.status != event.MessageStatusSuccess {
			t.Errorf("of an edit is told %+v", told)
		}
	}
	b.eventually("the deletion", func() bool {
		left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID)
		return err == nil && len(left) == 2
	})
	_, texts := b.friend()
	b.receive(texts, alice+": hello")
	b.receive(texts, alice+": see you")
	b.write(room, "that was all")
	b.receive(texts, alice+": that was all")
}

func TestEditOfWhatFailedIsANewText(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
	from := b.matrix.position()
	b.write(room, "helo")
	if told, _ := b.waitStatus(from); told.status == event.MessageStatusSuccess {
		t.Fatalf("told %+v", told)
	}
	b.edit(room, "$user1", "hello")
	b.receive(texts, alice+": hello")
}

func TestEditOfWhatIsUncertainIsNotSent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	client := login.Client.(*Client)
	e := &database.QueuedEvent{LoginID: login.ID, EventID: "$lost", RoomID: room, Sender: fakeUser, PortalID: client.account.PortalKey(bob).ID}
	if err := client.outbox.Tell(b.ctx, e, msn.ErrUncertain); err != nil {
		t.Fatal(err)
	}
	from := b.matrix.position()
	b.edit(room, "$lost", "hello")
	if told, _ := b.waitStatus(from); !strings.Contains(told.body, "not certain whether") {
		t.Errorf("told %+v", told)
	}
	b.write(room, "next")
	b.receive(texts, alice+": next")
}

// A deletion that comes too late is answered: MSN cannot call a message back.
func TestDeletionOfWhatIsOnItsWayIsAnswered(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	b.write(room, "first")
	b.receive(texts, alice+": first")
	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.Swallow()))) // no acknowledgement for long
	b.write(room, "second")
	b.eventually("the message to be on its way", func() bool {
		e, err := b.conn.db.MatrixQueue.Get(b.ctx, login.ID, "$user2")
		return err == nil && e != nil && e.Owner != ""
	})
	b.delete(room, "$user2")
	b.waitMessage(0, "MSN has no deletion")
}

// No edit is run as a command, and what looks like a command in the chat with the bot is
// left to it.
func TestEditIsNoCommand(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "help")
	b.receive(texts, alice+": help")
	b.waitStatus(from)
	b.edit(room, "$user1", "!msn logout "+string(login.ID))
	b.receive(texts, alice+": * !msn logout "+string(login.ID))
}

// The database does not take that a message was deleted, and the deletion cannot be kept: its
// room is told.
func TestDeletionThatCannotBeNotedIsToldOf(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.exec("ALTER TABLE matrix_queue RENAME TO away")
	from := b.matrix.position()
	b.delete(room, "$deleted")
	if got, _ := b.waitMessage(from, "could not be taken back"); got.room != room {
		t.Errorf("told %+v", got)
	}
	b.exec("ALTER TABLE away RENAME TO matrix_queue")
}

// The bridge is killed when it has given up a text or a deletion, and before it has told.
func TestWhatWasGivenUpIsToldAtTheNextStart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.stop()
	b.startWith(func() {
		for _, evt := range []string{"m.room.message", "m.room.redaction"} {
			b.exec(`INSERT INTO intake VALUES ('', '$` + evt + `', 1, '` + string(chat) + `', '` + string(fakeUser) + `', '{"type":"` + evt + `"}', 'given-up', '', ` + fmt.Sprint(time.Now().UnixMilli()) + `)`)
		}
	})
	b.waitMessage(0, "Your message was not sent: the bridge's database does not take it as it is")
	b.waitMessage(0, "The message that you deleted could not be taken back")
	b.eventually("their end", func() bool { return b.finished("$m.room.message") && b.finished("$m.room.redaction") })
}

// Of a long text that the contact has, they are sent what changed, and all of it where that could
// be misunderstood: the edit before may not have arrived.
func TestEditOfALongTextSaysWhatChanged(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	text := "shall we meet at the station around seven tonight, with Carol?"
	change := func(old, new string) {
		t.Helper()
		text = strings.Replace(text, old, new, 1)
		from = b.matrix.position()
		b.edit(room, "$user1", text)
	}
	arrives := func(want string) {
		t.Helper()
		b.receive(texts, alice+": "+want)
		b.waitStatus(from)
	}
	b.write(room, text)
	arrives(text)
	change("seven", "eight")
	arrives("* … around eight tonight, …")
	change("station", "harbour")
	arrives("* … the harbour around …")

	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
	change("Carol", "Dave")
	if told, _ := b.waitStatus(from); told.status == event.MessageStatusSuccess {
		t.Fatalf("told %+v", told)
	}
	change("eight", "nine")
	arrives("* " + text)
	b.restart()
	change("nine", "ten")
	arrives("* " + text)
}

// An edit to nothing is refused: what waits goes out as it was, and who has the message gets no empty
// correction.
func TestEditToNothingIsRefused(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	refused := func(evt id.EventID) {
		t.Helper()
		for _, nothing := range []string{"", " \n", "\u200b"} {
			from := b.matrix.position()
			b.edit(room, evt, nothing)
			if told := b.waitStatusOf(from, b.latest()); told.status != event.MessageStatusFail || !strings.Contains(told.html, "Delete the message instead.") {
				t.Errorf("of an edit to %q is told %+v", nothing, told)
			}
		}
	}
	b.write(room, "hello")
	b.waitMessage(0, "The bridge keeps your message")
	refused("$user1")
	_, texts := b.friend()
	b.receive(texts, alice+": hello")
	b.eventually("the end of it", func() bool { return b.finished("$user1") })
	refused("$user1")
	b.write(room, "that was all")
	b.receive(texts, alice+": that was all")
}

// A homeserver that was stopped can have lost a message on its way to the bridge. What its writer makes of it later
// goes out, as a correction: the bridge does not know that it was lost.
func TestEditOfWhatTheBridgeNeverGotIsSent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	b.edit(room, "$never-pushed", "hello again")
	b.receive(texts, alice+": * hello again")
}
