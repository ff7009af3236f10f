package bridge

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
)

// keeps has the homeserver know a message that was written in a room.
func (b *testBridge) keeps(room id.RoomID, sender id.UserID, content *event.MessageEventContent) id.EventID {
	evt := id.EventID(fmt.Sprintf("$kept%d", time.Now().UnixNano()))
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: evt, RoomID: room, Sender: sender, Content: event.Content{Parsed: content}})
	return evt
}

// replyTo answers a message as the user.
func (b *testBridge) replyTo(room id.RoomID, answered id.EventID, text string) {
	b.Helper()
	b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgText, Body: text, RelatesTo: (&event.RelatesTo{}).SetReplyTo(answered)})
}

// ghost returns the user that a contact is in Matrix.
func (b *testBridge) ghost(account string) id.UserID {
	return b.matrix.FormatGhostMXID(msnid.MakeUserID(msnid.Identity{Service: "home", Account: account}))
}

func TestAnswersQuoteWhatTheyAnswer(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	friend, texts := b.friend()
	room := b.dm(login, bob)
	b.write(room, "where are you?")
	b.receive(texts, alice+": where are you?")

	said := b.matrix.position()
	if err := friend.Say(b.ctx, alice, "at home\r\nand you?"); err != nil {
		t.Fatal(err)
	}
	got, _ := b.waitMessage(said, "at home")
	b.replyTo(room, got.id, "in town")
	b.receive(texts, alice+": > Bob Builder: at home and you?\r\nin town")

	text := func(body string) *event.MessageEventContent {
		return &event.MessageEventContent{MsgType: event.MsgText, Body: body}
	}
	own := b.keeps(room, fakeUser, text("see you"))
	b.replyTo(room, own, "tomorrow")
	b.receive(texts, alice+": > Alice: see you\r\ntomorrow")
	b.replyTo(room, b.keeps(room, fakeUser, &event.MessageEventContent{MsgType: event.MsgImage, Body: "cat.png", URL: "mxc://x/y"}), "mine")
	b.receive(texts, alice+": > Alice: (a picture)\r\nmine")
	b.replyTo(room, b.keeps(room, b.ghost(bob), &event.MessageEventContent{MsgType: event.MsgEmote, Body: "waves"}), "hi")
	b.receive(texts, alice+": > * Bob Builder waves\r\nhi")
	b.replyTo(room, b.keeps(room, b.ghost(bob), text("> Alice: where?\nhere")), "where?")
	b.receive(texts, alice+": > Bob Builder: here\r\nwhere?")
	b.replyTo(room, b.keeps(room, fakeBot, text("The bridge is not connected")), "what the bridge says is not theirs")
	b.receive(texts, alice+": what the bridge says is not theirs")
	b.replyTo(room, "$unknown", "to nothing")
	b.receive(texts, alice+": to nothing")
}

// In a thread clients name the latest message as that which is answered, for clients that show no
// threads.
func TestThreadsQuoteWhatIsReallyAnswered(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	root := b.keeps(room, b.ghost(bob), &event.MessageEventContent{MsgType: event.MsgText, Body: "dinner?"})
	latest := b.keeps(room, fakeUser, &event.MessageEventContent{MsgType: event.MsgText, Body: "yes"})
	for _, test := range []struct {
		relation *event.RelatesTo
		want     string
	}{
		{(&event.RelatesTo{}).SetThread(root, latest), "text"},
		{&event.RelatesTo{Type: event.RelThread, EventID: root, InReplyTo: &event.InReplyTo{EventID: latest}}, "> Alice: yes\r\ntext"},
		{&event.RelatesTo{Type: event.RelThread, EventID: root}, "> Bob Builder: dinner?\r\ntext"},
		{&event.RelatesTo{Type: event.RelThread, EventID: root, IsFallingBack: true}, "text"},
	} {
		b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgText, Body: "text", RelatesTo: test.relation})
		b.receive(texts, alice+": "+test.want)
	}
}

// What waits keeps its quote when it is changed, also when the bridge was started meanwhile.
func TestCorrectedAnswerKeepsItsQuote(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	own := b.keeps(room, b.ghost(bob), &event.MessageEventContent{MsgType: event.MsgText, Body: "when?"})
	for _, day := range []string{"monday", "tuesday"} {
		b.replyTo(room, own, day)
	}
	b.eventually("both to be kept", func() bool { return len(b.kept()) == 2 })
	from := b.matrix.position()
	b.edit(room, "$user1", "Monday")
	b.waitStatus(from)
	b.restart()
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: "$user2", RoomID: room, Sender: fakeUser, Content: event.Content{
		Parsed: &event.MessageEventContent{MsgType: event.MsgText, Body: "tuesday", RelatesTo: (&event.RelatesTo{}).SetReplyTo(own)},
	}})
	from = b.matrix.position()
	b.edit(room, "$user2", "Tuesday")
	b.waitStatus(from)
	_, texts := b.friend()
	b.receive(texts, alice+": > bob@example.com: when?\r\nMonday")
	b.receive(texts, alice+": > bob@example.com: when?\r\nTuesday")
}

// A homeserver that does not say what was answered holds nothing up for long.
func TestAnswerGoesOutWithoutItsQuote(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*fakeMatrix){
		"no answer": func(f *fakeMatrix) { f.setHang(make(chan struct{})) },
		"an error":  func(f *fakeMatrix) { f.failEvents(errors.New("out of order")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := emptyWorld(t)
				w.start()
				login, err := w.b.tryLogin(alice, pass)
				if err != nil {
					t.Fatal(err)
				}
				_, texts := w.b.friend()
				room := w.b.dm(login, bob)
				asked := w.b.keeps(room, w.b.ghost(bob), &event.MessageEventContent{MsgType: event.MsgText, Body: "when?"})
				synctest.Wait()
				fail(w.matrix)
				began := time.Now()
				w.b.replyTo(room, asked, "soon")
				w.b.receive(texts, alice+": soon")
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %s", took)
				}
				w.matrix.setHang(nil)
				w.b.stop()
				time.Sleep(time.Minute) // what the framework does not wait for
				synctest.Wait()
			})
		})
	}
}
