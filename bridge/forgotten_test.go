package bridge

import (
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/database"
	"matrix-msn/msn/notify"
)

// forget has the bridge forget all rows of a kind that can be forgotten.
func (b *testBridge) forget(kind database.OldKind) (gone int) {
	b.Helper()
	for {
		n, err := b.conn.db.Old.Forget(b.ctx, kind, time.Now().Add(time.Hour), 100)
		if err != nil {
			b.Fatal(err)
		}
		if gone += n; n == 0 {
			return gone
		}
	}
}

// isForgotten waits for what the room is told of something that is about a message that is forgotten.
func (b *testBridge) isForgotten(from int) {
	b.Helper()
	got, _ := b.matrix.wait(b.T, from, "what is told", func(r record) bool { return r.kind == "status" && r.full.InternalError != nil })
	status := b.conn.InOwnWords(&got.full)
	const want = "does not know the message that this is about, or not any more"
	if said := status.ToNoticeEvent(&bridgev2.MessageStatusEventInfo{}).Body; !status.SendNotice || !strings.Contains(said, want) {
		b.Errorf("said is %q, %t", said, status.SendNotice)
	}
}

// What somebody does with messages that are forgotten goes on, or the room is told why not.
func TestMessagesThatAreForgotten(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.KeepMessages = "192h" }
	})
	login := b.login()
	friend, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "mine")
	b.receive(texts, alice+": mine")
	_, from = b.waitStatus(from)
	if err := friend.Say(b.ctx, alice, "theirs"); err != nil {
		t.Fatal(err)
	}
	theirs, _ := b.waitMessage(from, "theirs")
	gone := 0 // a message is not forgotten while it is in its queue
	b.eventually("both to be forgotten", func() bool { gone += b.forget(database.OldMessages); return gone == 2 })

	// An answer goes out, with or without what it answers.
	b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgText, Body: "an answer", RelatesTo: (&event.RelatesTo{}).SetReplyTo(theirs.id)})
	if got := <-texts; !strings.Contains(got, "an answer") {
		t.Errorf("got %q", got)
	}
	b.edit(room, "$user1", "mine, corrected")
	b.receive(texts, alice+": * mine, corrected")
	for _, about := range []id.EventID{"$user1", theirs.id} {
		from = b.matrix.position()
		b.br.QueueMatrixEvent(b.ctx, &event.Event{
			Type: event.EventReaction, ID: "$reaction" + about, RoomID: room, Sender: fakeUser, Timestamp: time.Now().UnixMilli(),
			Content: event.Content{Parsed: &event.ReactionEventContent{RelatesTo: event.RelatesTo{Type: event.RelAnnotation, EventID: about, Key: "👍"}}},
		})
		b.isForgotten(from)
		from = b.matrix.position()
		b.delete(room, about)
		got, _ := b.matrix.wait(b.T, from, "what is told of the deletion", func(r record) bool { return r.kind == "status" && r.full.InternalError != nil })
		if said := b.conn.InOwnWords(&got.full); said.SendNotice || !strings.Contains(said.Message, "does not know the message") {
			t.Errorf("of a deletion is told %+v", said)
		}
	}
	// And the conversation goes on.
	b.write(room, "more")
	b.receive(texts, alice+": more")
	if err := friend.Say(b.ctx, alice, "more from them"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "more from them")
}

// An alert that is forgotten is not listed any more, and a page not known by its bounce.
func TestNoticesThatAreForgotten(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	login := b.login()
	room := b.management()
	b.alert(calendar("an old alert"))
	b.waitAlert(0, "an old alert")
	b.eventually("the alert to be forgotten, which it is not while it waits", func() bool { return b.forget(database.OldAlerts) == 1 })
	if got := b.ask(room, "alerts"); !strings.Contains(got.body, ": there are none.") {
		t.Errorf("the list is %q", got.body)
	}
	b.ask(b.dm(login, bob), "!page Call me")
	page := b.awaitPage(1)
	b.eventually("the page to be forgotten, which it is not before it is told", func() bool { return b.forget(database.OldPages) == 1 })
	from := b.matrix.position()
	if err := b.srv.Bounce(page, notify.BounceTooLong); err != nil {
		t.Fatal(err)
	}
	b.waitAlert(from, "Your page to Bob Builder (bob@example.com) did not arrive after all")
}
