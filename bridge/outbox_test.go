package bridge

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// fates returns what was told of the user's messages: the sentences of each, "" for one
// that was delivered.
func (b *testBridge) fates() map[id.EventID][]string {
	told := make(map[id.EventID][]string)
	for _, r := range b.matrix.all(func(r record) bool { return r.kind == "status" && strings.HasPrefix(string(r.answer), "$user") }) {
		switch r.status {
		case event.MessageStatusSuccess:
			told[r.answer] = append(told[r.answer], "")
		case event.MessageStatusPending:
		default:
			told[r.answer] = append(told[r.answer], r.body)
		}
	}
	return told
}

// More messages than a conversation takes at once wait for a contact; when they are back,
// the conversation takes its time to open.
func TestHoweverManyMessagesWaitAllAreSentInOrder(t *testing.T) {
	t.Parallel()
	const many = msn.MaxOutbox + 44
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	for i := range many {
		b.write(room, fmt.Sprint("text ", i))
	}
	for some := 0; some < many; some += 50 { // each takes the bridge its time
		b.eventually(fmt.Sprintf("%d messages to be kept", some), func() bool { return len(b.kept()) >= some })
	}
	b.eventually("all messages to be kept", func() bool { return len(b.kept()) == many })
	b.srv.Hook(msntest.On("XFR", msntest.Delay(time.Second)))
	texts := make(chan string, many)
	b.srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { texts <- text }})
	for i := range many {
		b.receive(texts, fmt.Sprint("text ", i))
	}
	for some := 0; some < many; some += 50 {
		b.eventually(fmt.Sprintf("the fate of %d messages", some), func() bool { return len(b.fates()) >= some })
	}
	b.eventually("the fate of all messages", func() bool { return len(b.fates()) == many })
	for event, told := range b.fates() {
		if len(told) != 1 || told[0] != "" {
			t.Errorf("of %s is told %q", event, told)
		}
	}
	for event, times := range b.kept() {
		if times != 1 {
			t.Errorf("that %s is kept is shown %d times", event, times)
		}
	}
	b.waitMessage(0, fmt.Sprintf(": %d messages.", many))
	if told := b.matrix.all(func(r record) bool {
		return r.kind == "message" && strings.Contains(r.body, "The bridge keeps your message")
	}); len(told) != 1 {
		t.Errorf("the room is told %d times that messages are kept", len(told))
	}
}

// Messages are refused, acknowledged too late, and cut off by the end of the session, while
// the homeserver repeats them: of each is told once what became of it, and that is true.
func TestFateOfAMessageIsToldOnceAndIsTrue(t *testing.T) {
	t.Parallel()
	const many = 120
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	var mu sync.Mutex
	received := make(map[string]int)
	b.srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, _, text string) {
		mu.Lock()
		defer mu.Unlock()
		received[text]++
	}})
	var n atomic.Int64
	b.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "MSG" {
			return msntest.Action{}
		}
		switch n.Add(1) % 7 {
		case 3:
			return msntest.NAK()
		case 5:
			return msntest.Delay(20 * time.Millisecond)
		}
		return msntest.Action{}
	}))
	var events []id.EventID
	for i := range many {
		b.write(room, fmt.Sprint("text ", i))
		events = append(events, id.EventID(fmt.Sprintf("$user%d", b.events)))
		switch {
		case i%10 == 4: // the homeserver repeats it
			b.events--
			b.write(room, fmt.Sprint("text ", i))
		case i%40 == 25:
			login.Client.(*Client).session.Reconnect(b.ctx)
		}
	}
	b.eventually("the fate of all messages", func() bool { return len(b.fates()) == many })
	b.eventually("an empty queue", func() bool {
		left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID)
		return err == nil && len(left) == 0
	})
	mu.Lock()
	defer mu.Unlock()
	fates := b.fates()
	for i, event := range events {
		text := fmt.Sprint("text ", i)
		told := strings.Join(fates[event], "; ")
		switch {
		case len(fates[event]) != 1 || received[text] > 1:
			t.Errorf("%q came %d times; told %q", text, received[text], told)
		case told == "" && received[text] != 1:
			t.Errorf("%q did not come and was told as delivered", text)
		case told != "" && !strings.Contains(told, "whether it arrived") && received[text] != 0:
			t.Errorf("%q came and was told as not delivered: %q", text, told)
		}
	}
}

// A message that the database does not let go out is not said to have failed: it goes out when
// the database does.
func TestMessageGoesOutWhenTheDatabaseTakesThatItDoes(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	texts := make(chan string, 10)
	b.srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { texts <- text }})
	b.exec("CREATE TABLE attempts (n INTEGER)")
	b.exec("CREATE TRIGGER no BEFORE UPDATE OF owner ON matrix_queue BEGIN INSERT INTO attempts VALUES (1); SELECT RAISE(FAIL, 'disk full'); END")
	// A client that is not connected stores it for nobody, so that it is claimed by itself.
	replaced := newClient(b.conn, login, login.Client.(*Client).account.Identity)
	if err := replaced.outbox.Put(b.ctx, &database.QueuedEvent{
		LoginID: login.ID, EventID: "$userhello", RoomID: room, Sender: fakeUser, PortalID: replaced.account.PortalKey(bob).ID, Body: "hello", WrittenAt: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	b.eventually("an attempt to send it", func() bool {
		var attempts int
		// FAIL keeps what the statement did before.
		return b.br.DB.Database.QueryRow(b.ctx, "SELECT COUNT(*) FROM attempts").Scan(&attempts) == nil && attempts > 0
	})
	b.exec("DROP TRIGGER no")
	b.receive(texts, "hello")
	b.eventually("its fate", func() bool { return len(b.fates()) > 0 })
	for _, told := range b.fates() {
		if len(told) != 1 || told[0] != "" {
			t.Errorf("was told %q", told)
		}
	}
}

// Two clients of a login, one of which has just been replaced: what is put in through the
// other one is sent too, without a look at the table every now and then.
func TestMessageForAClientThatWasReplacedIsSent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	replaced := newClient(b.conn, login, login.Client.(*Client).account.Identity)
	if err := replaced.outbox.Put(b.ctx, &database.QueuedEvent{LoginID: login.ID, EventID: "$late", RoomID: room, Sender: fakeUser,
		PortalID: replaced.account.PortalKey(bob).ID, Body: "late", WrittenAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	b.receive(texts, alice+": late")
}

// At log-out each message is told of, also when the room of one takes nothing for a while.
func TestWhatIsLeftAtLogOutIsTold(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "kept")
	b.waitMessage(0, "keeps your message")
	if _, err := b.conn.db.MatrixQueue.Put(b.ctx, &database.QueuedEvent{LoginID: login.ID, EventID: "$user90", RoomID: room, Sender: fakeUser,
		PortalID: login.Client.(*Client).account.PortalKey(carol).ID, Body: "begun", WrittenAt: time.Now(), Owner: "an earlier run"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	login.Client.LogoutRemote(ctx)
	fates := b.fates()
	if told := fates["$user1"]; len(told) != 1 || !strings.Contains(told[0], "has just signed out") {
		t.Errorf("of the message that was kept is told %q", told)
	}
	if told := fates["$user90"]; len(told) != 1 || !strings.Contains(told[0], "whether it arrived") {
		t.Errorf("of the message that was begun is told %q", told)
	}
	if left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// What is written when all that waited was told of a logout is not stored with the login, which is still there: it would be gone with it, without a word.
func TestMessageAtTheEndOfALogoutIsNotStoredWithTheLogin(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "kept")
	b.waitMessage(0, "keeps your message")
	login.Client.LogoutRemote(b.ctx)
	b.write(room, "late")
	b.eventually("that it is told", func() bool { return len(b.fates()["$user2"]) == 1 })
	if told := b.fates()["$user2"][0]; !strings.Contains(told, "has just signed out") {
		t.Errorf("told is %q", told)
	}
	if left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// The contact comes online while the bridge has no session: the next one shows that they
// are there.
func TestMessageIsSentToAContactWhoCameWhileThereWasNoSession(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "are you there?")
	b.waitMessage(0, "keeps your message")
	away := b.srv.Hook(msntest.OnConnect(msntest.NS, msntest.Drop()))
	if err := b.srv.Kick(alice, ""); err != nil {
		t.Fatal(err)
	}
	b.eventually("the end of the session", func() bool { return login.Client.(*Client).session.Current() == nil })
	_, texts := b.friend()
	away()
	b.receive(texts, alice+": are you there?")
}

// The service is away for some seconds while the user writes: all of it arrives, in order,
// and nothing is said to have failed.
func TestTextsWrittenInAnOutageWaitForItsEnd(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	_, texts := b.friend()
	login := b.br.GetCachedUserLoginByID(loginID(alice))
	room := b.dm(login, bob)
	b.write(room, "before")
	b.receive(texts, alice+": before")
	b.eventually("the first to be settled", func() bool { return len(b.fates()) == 1 })
	var away atomic.Bool
	away.Store(true)
	b.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if away.Load() && r.Command.Verb == "USR" {
			return msntest.Drop()
		}
		return msntest.Action{}
	}))
	from := b.matrix.position()
	if err := b.srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, from, "the outage", func(r record) bool { return r.bridge.StateEvent == status.StateTransientDisconnect })
	for i := range 6 {
		b.write(room, fmt.Sprint("text ", i))
	}
	away.Store(false)
	for i := range 6 {
		b.receive(texts, fmt.Sprintf("%s: text %d", alice, i))
	}
	b.eventually("the fate of all", func() bool { return len(b.fates()) == 7 })
	for evt, told := range b.fates() {
		if len(told) != 1 || told[0] != "" {
			t.Errorf("of %s is told %q", evt, told)
		}
	}
}

// The status of a text is sent beside what comes next, also when nothing does.
func TestStatusOfTheLastTextIsSent(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "the last")
	b.receive(texts, alice+": the last")
	told, _ := b.waitStatus(from)
	b.eventually("the queue to be empty", func() bool { return b.rows("matrix_queue") == 0 })
	login.Client.(*Client).Disconnect() // the queue is at its end then, as it is when it is empty
	if err := told.ctx.Err(); told.status != event.MessageStatusSuccess || err != nil {
		t.Errorf("the status %q is given up: %v", told.status, err)
	}
}

// A text that the database never takes is refused, and holds up nothing behind it.
func TestTextThatTheDatabaseRefusesHoldsUpNothing(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	b.exec(`CREATE TRIGGER refuses BEFORE INSERT ON matrix_queue WHEN NEW.body='poison' BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	from := b.matrix.position()
	b.write(room, "poison")
	if got, _ := b.waitStatus(from); got.status != event.MessageStatusFail || !strings.Contains(got.body, "Write it in other words") {
		t.Errorf("told %+v", got)
	}
	b.write(room, "wholesome")
	b.receive(texts, alice+": wholesome")
}

// A text goes out in parts, and one of them comes back: the room is told how much arrived.
func TestRoomIsToldHowMuchOfALongTextArrived(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	var parts atomic.Int32
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "MSG" && len(r.Command.Payload) > 1000 && parts.Add(1) == 3 {
			return msntest.NAK()
		}
		return msntest.Action{}
	})
	from := b.matrix.position()
	b.write(room, strings.Repeat("long ", 800))
	<-texts
	told, _ := b.waitMessage(from, "only the first 2,800 of its 3,999 characters surely reached Bob Builder")
	if !strings.Contains(told.body, "Send the rest.") {
		t.Errorf("told %q", told.body)
	}
}
