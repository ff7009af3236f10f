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

// fails has a text of the user's fail for sure, and returns it as the homeserver keeps it.
func (b *testBridge) fails(room id.RoomID, content *event.MessageEventContent) id.EventID {
	b.Helper()
	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
	kept := *content // the bridge changes what it is given
	from := b.matrix.position()
	b.writeContent(room, content)
	evt := id.EventID(fmt.Sprintf("$user%d", b.events))
	told, _ := b.matrix.wait(b.T, from, "its fate", func(r record) bool { return r.kind == "status" && r.answer == evt })
	if told.status == event.MessageStatusSuccess {
		b.Fatalf("told %+v", told)
	}
	b.queueEnds()
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: evt, RoomID: room, Sender: fakeUser, Content: event.Content{Parsed: &kept}})
	return evt
}

// queueEnds waits until everything is told of what the user has written.
func (b *testBridge) queueEnds() {
	b.Helper()
	b.eventually("the end of the queue", func() bool {
		left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, loginID(alice))
		return err == nil && len(left) == 0
	})
}

func plainText(body string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgText, Body: body}
}

// The text that has failed is sent again, once, and its room is told what becomes of it as of any
// other.
func TestTextThatFailedIsSentAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	answers := func(command, want string) {
		t.Helper()
		if got := b.ask(room, command); !strings.Contains(got.body, want) {
			t.Errorf("%s is answered by %q, want %q", command, got.body, want)
		}
	}
	answers("!retry", "nothing to send again")
	b.write(room, "arrives")
	b.receive(texts, alice+": arrives")
	answers("!retry", "nothing to send again")
	failed := b.fails(room, plainText("hello\nyou"))

	from := b.matrix.position()
	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
	b.write(room, "!retry")
	b.waitMessage(from, "It is being sent again: “hello you”. I tell you here if it does not arrive.")
	b.matrix.wait(t, from, "that it has failed again", func(r record) bool {
		return r.kind == "message" && r.answer == failed && strings.Contains(r.body, "Home reported that it did not reach")
	})
	b.matrix.wait(t, from, "the status", func(r record) bool { return r.kind == "status" && r.answer == failed })
	b.queueEnds()

	from = b.matrix.position()
	b.write(room, "!RETRY")
	b.receive(texts, alice+": hello\r\nyou")
	b.matrix.wait(t, from, "its fate", func(r record) bool {
		return r.kind == "status" && r.answer == failed && r.status == event.MessageStatusSuccess
	})
	answers("!retry", "nothing to send again")
	answers("!retry anyway", "nothing to send again")
	b.fails(room, plainText("what does $cmdprefix mean?"))
	answers("!retry", "“what does $cmdprefix mean?”")
	b.receive(texts, alice+": what does $cmdprefix mean?")
	answers("!retry now", "Write `!retry` in the room")
	if got := b.ask(b.management(), "retry"); !strings.Contains(got.body, "Write `!retry` in the room") {
		t.Errorf("answered by %q", got.body)
	}
	b.write(room, "that was all")
	b.receive(texts, alice+": that was all")
}

// One that may have arrived is sent again only when the user says that it has not.
func TestTextThatMayHaveArrivedIsSentAgainAnyway(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	b.fails(room, plainText("older"))
	client := login.Client.(*Client)
	e := &database.QueuedEvent{LoginID: login.ID, EventID: "$lost", RoomID: room, Sender: fakeUser, PortalID: client.account.PortalKey(bob).ID, QueuedAt: time.Now()}
	if err := client.outbox.Tell(b.ctx, e, msn.ErrUncertain); err != nil {
		t.Fatal(err)
	}
	if got := b.ask(room, "!retry"); !strings.Contains(got.body, "does not say what your last text was") {
		t.Errorf("of a text that is gone is said %q", got.body)
	}
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: "$lost", RoomID: room, Sender: fakeUser, Content: event.Content{Parsed: plainText("lost")}})
	if got := b.ask(room, "!retry"); !strings.Contains(got.body, "may have reached Bob Builder") {
		t.Errorf("answered by %q", got.body)
	}
	b.write(room, "!retry anyway")
	b.receive(texts, alice+": lost")
	b.eventually("its end", func() bool {
		row, err := b.conn.db.Intake.Get(b.ctx, "$lost")
		return err == nil && row != nil && row.Outcome == database.EventDelivered
	})
	b.write(room, "!retry")
	b.receive(texts, alice+": older")
}

// What was written again as an edit is not sent again: that would come too late. Nor is what
// others have written.
func TestTextThatWasReplacedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	failed := b.fails(room, plainText("helo"))
	b.edit(room, failed, "hello")
	b.receive(texts, alice+": hello")
	if err := b.conn.db.Intake.SetOutcome(b.ctx, database.Received{EventID: "$other", RoomID: room, Sender: "@other:example.test", Outcome: database.EventRefused, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if got := b.ask(room, "!retry"); !strings.Contains(got.body, "nothing to send again") {
		t.Errorf("answered by %q", got.body)
	}
}

// A correction that has failed is sent again as one.
func TestCorrectionIsSentAgainAsOne(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "helo")
	b.receive(texts, alice+": helo")
	b.waitStatus(from)
	b.fails(room, &event.MessageEventContent{
		MsgType: event.MsgText, Body: "for clients without edits", RelatesTo: (&event.RelatesTo{}).SetReplace("$user1"), NewContent: plainText("hello"),
	})
	b.write(room, "!retry")
	b.receive(texts, alice+": * hello")
}

// A text of which the bridge is still telling that it has failed is not taken for sent.
func TestTextThatIsStillToldOfIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	failed := b.fails(room, plainText("hello"))
	b.exec(`INSERT INTO matrix_queue (bridge_id, login_id, event_id, position, room_id, sender, portal_id, body, format, written_at, held_at, owner)
		VALUES ('', '` + string(login.ID) + `', '` + string(failed) + `', 1, '` + string(room) + `', '` + string(fakeUser) + `', 'dm:` + bob + `', 'hello', '', 1, 0, 'another')`)
	if got := b.ask(room, "!retry"); !strings.Contains(got.body, "not done with your last text yet") {
		t.Errorf("answered by %q", got.body)
	}
	b.exec(`DELETE FROM matrix_queue`)
	b.write(room, "!retry")
	b.receive(texts, alice+": hello")
}

// What holds nothing to be seen can never go out: it is refused at once, and not kept to be sent again.
func TestTextWithoutAnythingToSeeIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	room := b.dm(b.login(), bob)
	for _, text := range []string{"", "   ", "\u200b", "\u2060\ufeff \n"} {
		from := b.matrix.position()
		b.write(room, text)
		if told, _ := b.waitStatus(from); told.status == event.MessageStatusSuccess || !strings.Contains(told.html, "no text") {
			t.Errorf("of %q is told %+v", text, told)
		}
	}
	if got := b.ask(room, "!retry"); !strings.Contains(got.body, "nothing to send again") {
		t.Errorf("answered %q", got.body)
	}
}

// While the bridge asks the homeserver what it needs to send a text again, the text has failed as before:
// a bridge that is killed then has lost nothing.
func TestTextThatIsSentAgainIsLostByNoKill(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	asked := b.keeps(room, b.ghost(bob), plainText("Lunch?"))
	failed := b.fails(room, &event.MessageEventContent{MsgType: event.MsgText, Body: "yes", RelatesTo: (&event.RelatesTo{}).SetReplyTo(asked)})
	read := make(chan string, 10)
	b.matrix.mu.Lock()
	b.matrix.reading = func(evt id.EventID) {
		row, err := b.conn.db.Intake.Get(b.ctx, failed)
		if err != nil || row == nil || row.Outcome != database.EventRefused {
			t.Errorf("while %s is read, the text is %+v, %v", evt, row, err)
		}
		read <- string(evt)
	}
	b.matrix.mu.Unlock()
	b.write(room, "!retry")
	b.receive(texts, alice+": > Bob Builder: Lunch?\r\nyes")
	b.receive(read, string(failed))
	b.receive(read, string(asked))
}
