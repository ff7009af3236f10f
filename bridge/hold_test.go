package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/inbox"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/outbox"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// kept returns how often it was shown of each message that it is kept.
func (b *testBridge) kept() map[id.EventID]int {
	counts := make(map[id.EventID]int)
	for _, r := range b.matrix.all(func(r record) bool {
		return r.kind == "status" && strings.Contains(r.body, "The bridge keeps your message")
	}) {
		counts[r.answer]++
	}
	return counts
}

func TestMessageWaitsForAContactWhoIsOffline(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "first")
	b.waitMessage(0, "The bridge keeps your message and sends it when they are seen online, within 7 days.")
	b.write(room, "second")
	b.eventually("the second to be kept", func() bool { return len(b.kept()) == 2 })
	b.restart()
	_, texts := b.friend()
	b.receive(texts, alice+": first")
	b.receive(texts, alice+": second")
	b.eventually("the queue to be empty", func() bool {
		queue, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID)
		return err == nil && len(queue) == 0
	})
}

func TestWhatIsNewDoesNotOvertakeWhatWaits(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "first")
	b.waitMessage(0, "keeps your message")
	_, texts := b.friend()
	b.write(room, "second")
	b.receive(texts, alice+": first")
	b.receive(texts, alice+": second")
}

func TestMessageThatWaitedTooLongIsSaidToBeUndelivered(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "too late")
	b.waitMessage(0, "keeps your message")
	b.exec("UPDATE matrix_queue SET held_at=1")
	from := b.matrix.position()
	b.restart()
	got, _ := b.waitStatus(min(from, 0))
	if !strings.Contains(got.body, "was not online in all the time that the bridge keeps messages") {
		t.Errorf("told %q", got.body)
	}
}

// serve has the inbox of a login that is stopped do what is to be done for a room.
func (b *testBridge) serve(client *Client, portal networkid.PortalID) {
	b.Helper()
	client.inbox.Start(b.ctx)
	b.eventually("the inbox to have done its work", func() bool { return client.inbox.Idle(portal) })
	client.inbox.Stop()
}

// The middle of three parts is refused: the service keeps the message, and each part
// comes once.
func TestOfflineMessageThatMatrixRefusesStaysWithTheService(t *testing.T) {
	t.Parallel()
	waits := 0
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.waited = func() { waits++ } })
	login := b.login()
	room := b.dm(login, bob)
	login.Client.Disconnect() // the test says when the inbox works
	client := login.Client.(*Client)
	portal := client.account.PortalKey(bob).ID
	body := map[int]string{2: "the beginning", 1: strings.Repeat("x", 500), 0: "the end"}
	// signIn brings the message as a sign-in does, and returns how often was waited, what
	// came into the room, and what is removed from the service.
	signIn := func() (waited int, texts, notices, removed []string) {
		t.Helper()
		waits = 0
		from := b.matrix.position()
		for _, left := range []int{2, 1, 0} {
			client.inbox.Put(b.ctx, &database.QueuedMessage{
				LoginID: login.ID, MessageID: msnid.MakeOfflineMessageID("a", left), PortalID: portal, Sender: bob,
				At: time.Now(), Body: body[left], GroupSize: 1, Kind: database.QueuedOffline,
			})
		}
		b.serve(client, portal)
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		for _, r := range b.matrix.records[from:] {
			switch {
			case r.kind == "message" && r.msg == event.MsgText:
				texts = append(texts, r.body)
			case r.kind == "message" && r.room == room:
				notices = append(notices, r.body)
			}
		}
		return waits, texts, notices, client.heard.Removals.Take()
	}
	refuse := func(longer int) {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		b.matrix.maxBody = longer
	}
	refuse(400)
	waited, texts, notices, removed := signIn()
	if waited != inbox.MaxAttempts-1 || !slices.Equal(texts, []string{"the beginning", "the end"}) || len(removed) != 0 {
		t.Errorf("%d waits, texts %q, removed %q", waited, texts, removed)
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "could not be brought into this room") || !strings.Contains(notices[0], "Home keeps it") {
		t.Errorf("the room is told %q", notices)
	}
	if waited, texts, notices, removed = signIn(); waited != 0 || len(texts)+len(notices)+len(removed) != 0 {
		t.Errorf("the next time: %d waits, texts %q, notices %q, removed %q", waited, texts, notices, removed)
	}
	b.restart() // what is known outlasts it
	again := b.br.GetCachedUserLoginByID(login.ID)
	b.waitState("CONNECTED")
	again.Client.Disconnect()
	login, client = again, again.Client.(*Client)
	b.waited = func() {
		if waits++; waits == 3 {
			b.matrix.failSending(nil)
		}
	}
	refuse(400)
	if waited, texts, notices, removed = signIn(); waited != 0 || len(texts)+len(notices)+len(removed) != 0 {
		t.Errorf("after a restart: %d waits, texts %q, notices %q, removed %q", waited, texts, notices, removed)
	}
	b.matrix.failSending(errors.New("down")) // until the third wait
	if waited, texts, notices, removed = signIn(); waited != 3 || len(texts)+len(notices)+len(removed) != 0 {
		t.Errorf("while the homeserver is down: %d waits, texts %q, notices %q, removed %q", waited, texts, notices, removed)
	}
	refuse(0)
	if waited, texts, notices, removed = signIn(); waited != 0 || !slices.Equal(texts, []string{body[1]}) || len(notices) != 0 || !slices.Equal(removed, []string{"a"}) {
		t.Errorf("when it is taken: %d waits, texts %q, notices %q, removed %q", waited, texts, notices, removed)
	}
	if left := client.account.Stored().Refused; len(left) != 0 {
		t.Errorf("still known as refused: %q", left)
	}
}

// A part that was refused before is there when the homeserver, which was down at the
// sign-in, takes it now; also when it came back right after the attempt.
func TestOutageDoesNotCountAsTheRefusalOfAnOfflineMessage(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]bool{"later": false, "right after the attempt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waits := 0
			b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
				b.waited = func() {
					waits++
					b.matrix.failSending(nil)
				}
			})
			login := b.login()
			b.dm(login, bob)
			login.Client.Disconnect() // the test says when the inbox works
			client := login.Client.(*Client)
			m := &database.QueuedMessage{
				LoginID: login.ID, MessageID: msnid.MakeOfflineMessageID("a", 0), PortalID: client.account.PortalKey(bob).ID, Sender: bob,
				At: time.Now(), Body: "hello", GroupSize: 1, Kind: database.QueuedOffline,
			}
			inbox.NewOffline(client.account, nil).NoteRefused(b.ctx, m)
			b.matrix.failSending(errors.New("down"))
			b.matrix.mu.Lock()
			b.matrix.failOnce = back
			b.matrix.mu.Unlock()
			client.inbox.Put(b.ctx, m)
			b.serve(client, m.PortalID)
			texts := b.matrix.all(func(r record) bool { return r.kind == "message" && r.body == "hello" })
			if removed := client.heard.Removals.Take(); waits != 1 || len(texts) != 1 || !slices.Equal(removed, []string{"a"}) {
				t.Errorf("%d waits, texts %v, removed %q", waits, texts, removed)
			}
		})
	}
}

// The database is slow with what waited in memory for it: what comes meanwhile waits behind,
// and the session that hands it in does not.
func TestNobodyWaitsForWhatIsBeingStored(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	put := func(text string, store inbox.Store) {
		client.inbox.PutBy(b.ctx, &database.QueuedMessage{
			LoginID: login.ID, MessageID: networkid.MessageID(text), PortalID: client.account.PortalKey(bob).ID,
			Sender: bob, At: time.Now(), Body: text, GroupSize: 1, Kind: database.QueuedText,
		}, store)
	}
	storing, slow := make(chan struct{}), make(chan struct{})
	attempts := 0
	put("first", func(ctx context.Context, m *database.QueuedMessage) (bool, error) {
		if attempts++; attempts == 1 {
			return false, errors.New("the database takes nothing")
		}
		close(storing)
		<-slow
		return b.conn.db.MSNQueue.Put(ctx, m)
	})
	<-storing
	handedIn := make(chan struct{})
	go func() {
		put("second", b.conn.db.MSNQueue.Put)
		close(handedIn)
	}()
	select {
	case <-handedIn:
	case <-time.After(waitLimit):
		t.Error("who handed in a message waits for the one before")
	}
	close(slow)
	_, from := b.waitMessage(0, "first")
	b.waitMessage(from, "second")
}

// The answer of the database was lost, and more comes while what waits is stored: each message
// is shown once, in order, also what is stored by the stop.
func TestWhatWaitsInMemoryIsStoredOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const messages = 20
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	put := func(n int, store inbox.Store) {
		client.inbox.PutBy(b.ctx, &database.QueuedMessage{
			LoginID: login.ID, MessageID: networkid.MessageID(fmt.Sprint("m", n)), PortalID: client.account.PortalKey(bob).ID,
			Sender: bob, At: time.Now(), Body: fmt.Sprint("number ", n), GroupSize: 1, Kind: database.QueuedText,
		}, store)
	}
	again, slow := make(chan struct{}), make(chan struct{})
	attempts := 0
	put(0, func(ctx context.Context, m *database.QueuedMessage) (bool, error) {
		added, err := b.conn.db.MSNQueue.Put(ctx, m)
		switch attempts++; attempts {
		case 1:
			return false, errors.New("the answer of the database was lost")
		case 2:
			close(again)
			<-slow
		}
		return added, err
	})
	<-again
	for n := 1; n < messages; n++ {
		put(n, b.conn.db.MSNQueue.Put)
	}
	stopped := make(chan struct{})
	go func() {
		login.Client.Disconnect()
		close(stopped)
	}()
	close(slow)
	<-stopped
	if attempts != 2 {
		t.Errorf("the first was stored in %d attempts", attempts)
	}
	login.Client.Connect(b.ctx)
	b.waitMessage(0, fmt.Sprint("number ", messages-1))
	shown := b.matrix.all(func(r record) bool { return r.kind == "message" && strings.HasPrefix(r.body, "number ") })
	for n, r := range shown {
		if r.body != fmt.Sprint("number ", n) {
			t.Errorf("as number %d came %q", n, r.body)
		}
	}
	if len(shown) != messages {
		t.Errorf("%d messages are shown, want %d", len(shown), messages)
	}
}

// gate is a Chats that lets the conversation of the second text be found only when it is opened.
type gate struct {
	outbox.Chats
	texts         atomic.Int32
	reached, open chan struct{}
}

func (g *gate) Conversation(ctx context.Context, session *msn.Client, to msnid.Peer) (*msn.Conversation, error) {
	if g.texts.Add(1) == 2 {
		close(g.reached)
		<-g.open
	}
	return g.Chats.Conversation(ctx, session, to)
}

// The second text is begun before the first is found to have nobody to go to, and would be sent
// when the contact has come meanwhile. It does not overtake the first.
func TestTextDoesNotOvertakeOneThatIsHeld(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	client := login.Client.(*Client)
	g := &gate{Chats: client.chat, reached: make(chan struct{}), open: make(chan struct{})}
	client.outbox.Use(g)
	called, answer := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	b.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "CAL" && calls.Add(1) == 1 {
			close(called)
			<-answer
		}
		return msntest.Action{}
	}))
	b.write(room, "first")
	<-called
	b.write(room, "second")
	<-g.reached
	close(answer)
	b.waitMessage(0, "keeps your message")
	_, texts := b.friend()
	b.eventually("the contact to be seen", func() bool {
		contact, ok := client.session.Current().Contact(bob)
		return ok && contact.Status == msn.Online
	})
	close(g.open)
	b.receive(texts, alice+": first")
	b.receive(texts, alice+": second")
}

// A contact who comes online while the service still says that they are not gets the message at once.
func TestContactComesOnlineWhileTheyAreCalled(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	called, online := make(chan struct{}), make(chan struct{})
	comes := sync.OnceFunc(func() { close(online) })
	defer comes()
	var calls atomic.Int64
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Kind != msntest.SB || r.Command.Verb != "CAL" || calls.Add(1) > 1 {
			return msntest.Action{}
		}
		close(called)
		<-online
		return msntest.Refuse("217")
	})
	from := b.matrix.position()
	b.write(room, "hello")
	<-called
	_, texts := b.friend()
	b.eventually("bob to be online", func() bool { return login.Client.(*Client).account.Person(b.ctx, bob).Online })
	comes()
	b.receive(texts, alice+": hello")
	if got, _ := b.waitStatus(from); got.status != event.MessageStatusSuccess {
		t.Errorf("its fate is %s %q", got.status, got.body)
	}
}
