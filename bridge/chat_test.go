package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/inbox"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestFirstMessageFromMSNMakesARoom(t *testing.T) {
	t.Parallel()
	byDialect(t, func(t *testing.T, b *testBridge) {
		b.login()
		bot, _ := b.friend()
		if err := bot.Say(b.ctx, alice, "hello <b>Alice</b> ♥"); err != nil {
			t.Fatal(err)
		}
		got, _ := b.waitMessage(0, "hello <b>Alice</b> ♥")
		if got.sender != b.matrix.FormatGhostMXID("home/bob@example.com") {
			t.Errorf("the message is from %s", got.sender)
		}
		if got.html != "" {
			t.Errorf("markup came of it: %q", got.html)
		}
		if name := b.matrix.names[got.sender]; name != "Bob Builder (MSN)" {
			t.Errorf("the ghost is named %q", name)
		}
	})
}

func TestMessagesGoBothWaysInOneRoom(t *testing.T) {
	t.Parallel()
	byDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		bot, texts := b.friend()
		room := b.dm(login, bob)
		b.write(room, "first")
		b.receive(texts, alice+": first")
		b.write(room, "second")
		b.receive(texts, alice+": second")
		if err := bot.Say(b.ctx, alice, "answer"); err != nil {
			t.Fatal(err)
		}
		got, _ := b.waitMessage(0, "answer")
		if got.room != room {
			t.Errorf("the answer is in %s, not in %s", got.room, room)
		}
		for _, r := range b.matrix.all(func(r record) bool { return r.kind == "status" }) {
			if r.status != event.MessageStatusSuccess {
				t.Errorf("a message failed: %s", r.body)
			}
		}
	})
}

func TestStyleOfTheWholeMessageIsKept(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	formats := make(chan string, 1)
	b.srv.Play(bob, msntest.Script{Message: func(_ *msntest.Chat, _ string, m wire.Message) {
		if m.MediaType() == "text/plain" {
			formats <- m.Header.Get("X-MMS-IM-Format")
		}
	}})
	b.writeContent(b.dm(login, bob), &event.MessageEventContent{
		MsgType: event.MsgText, Body: "**x**", Format: event.FormatHTML, FormattedBody: "<strong>x</strong>",
	})
	select {
	case format := <-formats:
		if !strings.Contains(format, "EF=B;") {
			t.Errorf("the format is %q", format)
		}
	case <-time.After(waitLimit):
		t.Fatal("nothing came")
	}
}

func TestLongTextArrivesWhole(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	long := strings.Repeat("ä 12345 ", 600)
	b.write(b.dm(login, bob), long)
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	var got string
	for parts := 0; len(got) < len(squeeze(long)); parts++ {
		select {
		case part := <-texts:
			got += squeeze(strings.TrimPrefix(part, alice+": "))
		case <-time.After(waitLimit):
			t.Fatalf("%d of %d bytes came, in %d parts", len(got), len(squeeze(long)), parts)
		}
	}
	if got != squeeze(long) {
		t.Errorf("%q came in", got)
	}
}

func TestTypingFromMSNShowsOnlyWhereARoomIs(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bot, _ := b.friend()
	chat, err := bot.Call(b.ctx, alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Type(); err != nil {
		t.Fatal(err)
	}
	if err := b.messenger(carol).Conversation(alice).SendText(b.ctx, "somebody else has a room", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "somebody else has a room")
	if rooms := b.matrix.all(func(r record) bool { return r.kind == "room" }); len(rooms) != 1 {
		t.Errorf("typing made a room: %+v", rooms)
	}
	if err := chat.Say("now there is a room"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "now there is a room")
	if err := chat.Type(); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, 0, "typing", func(r record) bool {
		return r.kind == "typing" && r.sender == b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob))
	})
}

func TestTypingFromMatrixReachesAnOpenConversation(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	b.write(room, "hi")
	b.receive(texts, alice+": hi")
	portal, err := b.br.GetPortalByMXID(b.ctx, room)
	if err != nil {
		t.Fatal(err)
	}
	client := login.Client.(*Client)
	if err := client.HandleMatrixTyping(b.ctx, &bridgev2.MatrixTyping{Portal: portal, IsTyping: true, Type: bridgev2.TypingTypeText}); err != nil {
		t.Fatal(err)
	}
	b.receive(texts, alice+" types")
}

func TestEveryFailureHasItsSentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(b *testBridge)
		to      string
		want    string
	}{
		{"offline", nil, bob, "Bob Builder (bob@example.com) is offline"},
		{"not on the list", nil, carol, "is not on your contact list"},
		{"no such account", func(b *testBridge) {
			b.srv.Hook(msntest.On("CAL", msntest.Refuse("208")))
		}, "nobody@example.com", "knows no account Somebody (nobody@example.com)"},
		{"blocked by the user", func(b *testBridge) {
			b.srv.SetList(alice, msntest.BL, bob, true)
		}, bob, "you have blocked Bob Builder (bob@example.com)"},
		{"blocked by the contact", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("CAL", msntest.Refuse("216")))
		}, bob, "has blocked you"},
		{"online but closed", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("CAL", msntest.Refuse("217")))
		}, bob, "shown as online but takes no messages"},
		{"session refused", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("XFR", msntest.Refuse("280")))
		}, bob, "refused to open a conversation"},
		{"session not answered for", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("XFR", msntest.Swallow()))
		}, bob, "Home did not answer in time"},
		{"switchboard that hangs", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
				if r.Kind == msntest.SB && r.Command.Verb != "" {
					return msntest.Swallow()
				}
				return msntest.Action{}
			}))
		}, bob, "Home did not answer in time"},
		{"too fast", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("XFR", msntest.Refuse("800")))
		}, bob, "you send too fast"},
		{"not acknowledged", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("MSG", msntest.NAK()))
		}, bob, "did not reach Bob Builder"},
		{"connection lost after sending", func(b *testBridge) {
			b.friend()
			b.srv.Hook(msntest.On("MSG", msntest.Drop()))
		}, bob, "Ask Bob Builder (bob@example.com) whether it arrived"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
				b.config = func(c *config.Config) { c.KeepForOffline = "0s" }
			})
			if test.prepare != nil {
				test.prepare(b)
			}
			login := b.login()
			if strings.Contains(test.want, "in time") {
				login = b.impatient()
			}
			b.meet(login, test.to)
			room := b.dm(login, test.to)
			from := b.matrix.position()
			b.write(room, "hello?")
			got, _ := b.waitStatus(from)
			if got.status == event.MessageStatusSuccess || !strings.Contains(got.body, test.want) {
				t.Errorf("got %s %q, want %q", got.status, got.body, test.want)
			}
			notice, _ := b.waitMessage(from, test.want)
			if notice.sender != fakeBot || notice.room != room || notice.msg != event.MsgNotice {
				t.Errorf("the notice is %+v", notice)
			}
		})
	}
}

// impatient signs in once more, with short waits for the service's answers. A sign-in that a busy machine makes longer than that is
// tried again then, which the first one is not.
func (b *testBridge) impatient() *bridgev2.UserLogin {
	b.Helper()
	b.stop()
	b.startWith(func() {
		waits := &b.conn.Config.Service("home").Template.Timeouts
		waits.Request, waits.Answer = time.Second, time.Second
	})
	b.waitState(status.StateConnected)
	return b.br.GetCachedUserLoginByID(loginID(alice))
}

// A contact whose Messenger hangs holds up its own messages only, and all of them
// fail together and not one after the other.
func TestOneThatHangsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Befriend(alice, carol)
	b := newTestBridge(t, srv)
	b.conn.Config.Service("home").Template.Timeouts.Answer = 2 * time.Second
	login := b.login()
	_, texts := b.friend()
	srv.Play(carol, msntest.Script{}).IgnoreCalls(true)
	silent, lively := b.dm(login, carol), b.dm(login, bob)
	from := b.matrix.position()
	for _, text := range []string{"one", "two", "three"} {
		b.write(silent, text)
	}
	b.write(lively, "hello")
	b.receive(texts, alice+": hello")
	failed := func(r record) bool {
		return r.kind == "status" && r.room == silent && strings.Contains(r.body, "did not come into the conversation")
	}
	for range 3 {
		_, from = b.matrix.wait(t, from, "a message that fails", failed)
	}
	calls := 0
	for _, r := range srv.Sent(alice) {
		if r.Command.Verb == "CAL" && r.Command.Arg(1) == carol {
			calls++
		}
	}
	if calls != 1 {
		t.Errorf("carol was called %d times for three messages", calls)
	}
}

func TestMessageWhileSignedOutSaysWhy(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	if err := b.srv.Kick(alice, "OTH"); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, 0, "the state", func(r record) bool { return r.bridge.Error == "msn-signed-in-elsewhere" })
	from := b.matrix.position()
	b.write(room, "hello?")
	got, _ := b.waitStatus(from)
	if !strings.Contains(got.body, "signed in at another place") {
		t.Errorf("got %q", got.body)
	}
}

func TestHomeserverOutageLosesNothingAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	bot, _ := b.friend()
	if err := bot.Say(b.ctx, alice, "zero"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "zero")
	b.matrix.failSending(errors.New("the homeserver is down"))
	for _, text := range []string{"one", "two", "three"} {
		if err := bot.Say(b.ctx, alice, text); err != nil {
			t.Fatal(err)
		}
	}
	b.waitQueued(3)
	b.matrix.failSending(nil)
	from := 0
	for _, text := range []string{"zero", "one", "two", "three"} {
		_, from = b.waitMessage(from, text)
	}
	b.waitQueued(0)
	if n := len(b.matrix.all(func(r record) bool { return r.kind == "message" && r.msg == event.MsgText })); n != 4 {
		t.Errorf("%d messages arrived, want 4", n)
	}
}

func TestQueuedMessagesOutlastARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	bot, _ := b.friend()
	b.matrix.failSending(errors.New("the homeserver is down"))
	if err := bot.Say(b.ctx, alice, "before the restart"); err != nil {
		t.Fatal(err)
	}
	b.waitQueued(1)
	b.restart()
	b.waitMessage(0, "before the restart")
}

// The bridge was killed in the middle of a message. The homeserver has it, but comes to an end with
// it only when the bridge is there again: it is not sent a second time, also not when the clock was
// set back between.
func TestMessageThatTheHomeserverStillWorksOnIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	login.Client.Disconnect()
	portal := login.Client.(*Client).account.PortalKey(bob).ID
	const named = "com.github.matrix_msn.message_id"
	m := &database.QueuedMessage{
		LoginID: login.ID, MessageID: "half", PortalID: portal, Sender: bob, At: time.Now(), Body: "half-way", GroupSize: 1, Kind: database.QueuedText,
	}
	if added, err := b.conn.db.MSNQueue.Put(b.ctx, m); err != nil || !added {
		t.Fatal(added, err)
	}
	if _, err := b.br.DB.Exec(b.ctx, `UPDATE msn_queue SET position=position+3600000000000`); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.start()
	done := make(chan struct{})
	time.AfterFunc(time.Second, func() {
		defer close(done)
		b.matrix.add(record{kind: "message", room: room, sender: b.matrix.FormatGhostMXID("home/" + bob), body: "half-way", raw: map[string]any{named: "half"}})
	})
	<-done
	b.waitQueued(0)
	if sent := b.matrix.all(func(r record) bool { return r.body == "half-way" }); len(sent) != 1 {
		t.Errorf("the room has %+v", sent)
	}
}

// queued returns what waits for Matrix on disk.
func (b *testBridge) queued(login networkid.UserLoginID) (all []*database.QueuedMessage, err error) {
	portals, err := b.conn.db.MSNQueue.Portals(b.ctx, login)
	for _, portal := range portals {
		rows, err := b.conn.db.MSNQueue.ForPortal(b.ctx, login, portal, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, err
}

// waitQueued waits until n messages are in the queue on disk.
func (b *testBridge) waitQueued(n int) {
	b.Helper()
	b.eventually(fmt.Sprintf("%d messages in the queue", n), func() bool {
		unsaved := 0 // and on their way there
		if login := b.br.GetCachedUserLoginByID(loginID(alice)); login != nil {
			unsaved = login.Client.(*Client).inbox.Unsaved()
		}
		queued, err := b.queued(loginID(alice))
		if err != nil {
			b.Fatal(err)
		}
		return unsaved+len(queued) == n
	})
}

func TestMessagesThatACrashLeftAreSentOnceOrSaidToBeUncertain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	login.Client.Disconnect() // so that the rows are those of a run that is over
	leave := func(event id.EventID, text, owner string) {
		_, err := b.conn.db.MatrixQueue.Put(b.ctx, &database.QueuedEvent{
			LoginID: login.ID, EventID: event, RoomID: room, Sender: fakeUser, PortalID: login.Client.(*Client).account.PortalKey(bob).ID,
			Body: text, WrittenAt: time.Now(), Owner: owner,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	leave("$begun", "may have gone out", "an earlier run")
	leave("$waiting", "was never sent", "")
	b.restart()
	b.receive(texts, alice+": was never sent")
	b.matrix.wait(t, 0, "the uncertain one", func(r record) bool {
		return r.kind == "message" && strings.Contains(r.body, "may not have been bridged") && strings.Contains(r.body, "Ask Bob Builder")
	})
	b.matrix.wait(t, 0, "the sent one", func(r record) bool { return r.kind == "status" && r.status == event.MessageStatusSuccess })
	b.eventually("an empty queue", func() bool {
		left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID)
		return err == nil && len(left) == 0
	})
	select {
	case text := <-texts:
		t.Errorf("the contact also got %q", text)
	default:
	}
}

func TestEventThatTheHomeserverRepeatsGoesOutOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "once")
	b.receive(texts, alice+": once")
	b.waitStatus(from)
	b.events = 0 // the same event ID again
	b.write(room, "once")
	b.write(room, "next")
	b.receive(texts, alice+": next")
}

func TestRestartKeepsRoomsAndGhosts(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	bot, texts := b.friend()
	if err := bot.Say(b.ctx, alice, "before"); err != nil {
		t.Fatal(err)
	}
	first, _ := b.waitMessage(0, "before")
	b.restart()
	b.waitState("CONNECTED")
	if err := bot.Say(b.ctx, alice, "after"); err != nil {
		t.Fatal(err)
	}
	second, _ := b.waitMessage(0, "after")
	if first.room != second.room || first.sender != second.sender {
		t.Errorf("before: %s in %s; after: %s in %s", first.sender, first.room, second.sender, second.room)
	}
	if again := b.matrix.all(func(r record) bool { return r.kind == "message" && r.body == "before" }); len(again) > 0 {
		t.Error("a message came twice")
	}
	b.write(first.room, "answer")
	b.receive(texts, alice+": answer")
}

func TestContactsAreNamedAfterTheirListAndCannotTakeAnothersName(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	names := map[string]string{
		carol:               "bob builder",
		"c1@example.com":    "Bob Buil\u200bder",
		"c2@example.com":    "B\u043eb Builder", // a Cyrillic letter
		"c3@example.com":    "Dave (dave@example.com)",
		"c4@example.com":    "Alice",
		"c5@example.com":    "MSN Messenger bridge bot",
		"c6@example.com":    strings.Repeat("x", 100),
		"c7@example.com":    strings.Repeat("x", 120),
		"frank@example.com": "Frank",
	}
	for account, name := range names {
		srv.AddAccount(account, pass)
		srv.Befriend(alice, account)
		srv.Account(account).SetName(name)
	}
	b := newTestBridge(t, srv)
	client := b.login().Client.(*Client)
	for account := range names {
		got := client.account.MatrixName(b.ctx, account, client.account.Names(b.ctx))
		marked := strings.Contains(got, "("+account+")")
		if want := account != "frank@example.com" && account != "c6@example.com" && account != "c7@example.com"; marked != want {
			t.Errorf("%s is named %q", account, got)
		}
	}
	if got := client.account.MatrixName(b.ctx, "nobody@example.com", client.account.Names(b.ctx)); got != "nobody@example.com (MSN)" {
		t.Errorf("somebody unknown is named %q", got)
	}
}

func TestNewNameOfAContactReachesItsGhost(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.dm(login, bob)
	b.restart() // the framework still reads the first name in the background
	b.waitState("CONNECTED")
	b.friend()
	b.srv.Account(bob).SetName("Robert\u202e\r\n")
	b.matrix.wait(t, 0, "the new name", func(r record) bool { return r.kind == "name" && r.body == "Robert (MSN)" })
}

func TestContactsCommandListsEverybodyWithStatus(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.AddAccount("dave@example.com", pass, msntest.Name("<script>Dave"))
	srv.Befriend(alice, carol)
	srv.SetList(alice, msntest.BL, "dave@example.com", true)
	b := newTestBridge(t, srv)
	login := b.login()
	bot, _ := b.friend()
	bot.SetStatus("BSY")
	room := b.dm(login, bob)
	client := login.Client.(*Client)
	b.eventually("bob to be busy", func() bool {
		contact, _ := client.session.Current().Contact(bob)
		return contact.Status == "BSY"
	})
	for _, command := range []string{"!contacts", "!Contacts", "!msn contacts"} {
		from := b.matrix.position()
		b.write(room, command)
		got, _ := b.matrix.wait(t, from, "the list", func(r record) bool { return r.kind == "message" && r.sender == fakeBot })
		for _, want := range []string{"Bob Builder (bob@example.com): busy", "Carol ♥ 100% (carol@example.com): offline", "Dave (dave@example.com): blocked"} {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: %q is not in %q", command, want, got.body)
			}
		}
		if strings.Contains(got.html, "<script>") {
			t.Errorf("markup in a name came through: %q", got.html)
		}
	}
}

func TestWhatOnlyLooksLikeACommandGoesToTheContact(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	for _, text := range []string{"!contactsfoo", "!unknown", "!msnfoo bar", "!", "! contacts"} {
		b.write(room, text)
		b.receive(texts, alice+": "+text)
	}
}

func TestRoomThatRefusesAMessageTakesTheNext(t *testing.T) {
	t.Parallel()
	var waits atomic.Int64
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.waited = func() { waits.Add(1) } })
	login := b.login()
	client := login.Client.(*Client)
	b.dm(login, bob)
	put := func(id networkid.MessageID, body string) {
		client.inbox.Put(b.ctx, &database.QueuedMessage{LoginID: login.ID, MessageID: id, PortalID: client.account.PortalKey(bob).ID,
			Sender: bob, At: time.Now(), Body: body})
	}
	b.matrix.mu.Lock()
	b.matrix.maxBody = 1000
	b.matrix.mu.Unlock()
	put("refused", strings.Repeat("x", 2000))
	put("next", "the next")
	_, from := b.waitMessage(0, "could not be brought into this room")
	_, from = b.waitMessage(from, "the next")
	b.matrix.failSending(errors.New("down"))
	waits.Store(0)
	put("again", strings.Repeat("x", 2000))
	b.eventually("more attempts than a refused message gets", func() bool { return waits.Load() > 2*inbox.MaxAttempts })
	if queued, err := b.queued(login.ID); err != nil || len(queued) != 1 {
		t.Errorf("a message is given up while nothing at all gets through: %v, %v", queued, err)
	}
	b.matrix.failSending(nil)
	b.waitMessage(from, "could not be brought into this room")
}

func TestVeryLongTextComesInParts(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.friend()
	client := b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client)
	b.matrix.mu.Lock()
	b.matrix.maxBody = 10_000
	b.matrix.mu.Unlock()
	text := strings.Repeat("all of it ", 10_000) + "the end"
	client.session.Dispatch(b.ctx, msn.TextReceived{Conversation: new(msn.Conversation), From: bob, Text: text, Session: "s", Seq: 1, At: time.Now()})
	b.waitMessage(0, "the end")
	var got strings.Builder
	for _, r := range b.matrix.all(func(r record) bool { return r.kind == "message" && r.msg == event.MsgText }) {
		got.WriteString(r.body)
	}
	if got.String() != text {
		t.Errorf("%d of %d bytes came", got.Len(), len(text))
	}
}

func TestHomeserverThatHangsDoesNotStopTheSession(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.dm(login, bob)
	client := login.Client.(*Client)
	hang := make(chan struct{})
	b.matrix.setHang(hang)
	defer close(hang)
	for i := range 200 {
		client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: bob})
		client.session.Dispatch(b.ctx, msn.PresenceChanged{Contact: msn.Contact{Account: bob, Name: fmt.Sprint("Bob ", i), Lists: 11}})
	}
	client.session.Dispatch(b.ctx, msn.TextReceived{Conversation: new(msn.Conversation), From: carol, Text: "hello", Session: "s", Seq: 1, At: time.Now()})
	b.eventually("the message of somebody else to be kept", func() bool {
		queued, err := b.queued(login.ID)
		arrived := b.matrix.all(func(r record) bool { return r.kind == "message" && r.body == "hello" })
		return err == nil && len(queued)+len(arrived) > 0
	})
}

func TestMessageOfAnEndingSessionIsKept(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	ended, cancel := context.WithCancel(b.ctx)
	cancel()
	login.Client.(*Client).session.Dispatch(ended, msn.TextReceived{Conversation: new(msn.Conversation), From: bob, Text: "last words", Session: "s", Seq: 1, At: time.Now()})
	b.waitMessage(0, "last words")
}

func TestDeliveredMessageIsNotCalledUncertainAfterACrash(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	room := b.dm(login, bob)
	e := &database.QueuedEvent{LoginID: login.ID, EventID: "$done", RoomID: room, Sender: fakeUser, PortalID: client.account.PortalKey(bob).ID,
		Body: "x", WrittenAt: time.Now(), Owner: "an earlier run"}
	if err := client.outbox.Tell(b.ctx, e, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.conn.db.MatrixQueue.Put(b.ctx, e); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.eventually("an empty queue", func() bool {
		left, err := b.conn.db.MatrixQueue.GetAll(b.ctx, login.ID)
		return err == nil && len(left) == 0
	})
	if notices := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "may not have been") }); len(notices) > 0 {
		t.Errorf("it was called uncertain: %+v", notices)
	}
}

func TestEditGoesOutAsACorrection(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "helo")
	b.receive(texts, alice+": helo")
	b.waitStatus(from)
	b.writeContent(room, &event.MessageEventContent{
		MsgType: event.MsgText, Body: "* hello", RelatesTo: (&event.RelatesTo{}).SetReplace("$user1"),
		NewContent: &event.MessageEventContent{MsgType: event.MsgText, Body: "hello"},
	})
	b.receive(texts, alice+": * hello")
}

func TestReactionIsRefusedInTheRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "hello")
	b.receive(texts, alice+": hello")
	_, from = b.waitStatus(from)
	b.br.QueueMatrixEvent(b.ctx, &event.Event{
		Type: event.EventReaction, ID: "$reaction", RoomID: room, Sender: fakeUser, Timestamp: time.Now().UnixMilli(),
		Content: event.Content{Parsed: &event.ReactionEventContent{RelatesTo: event.RelatesTo{Type: event.RelAnnotation, EventID: "$user1", Key: "👍"}}},
	})
	got, _ := b.waitStatus(from)
	if !strings.Contains(got.body, "MSN has no reactions") || got.html == "" {
		t.Errorf("got %+v", got)
	}
}

func TestDatabaseThatFailsAtFirstSendsNothingTwice(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	client := login.Client.(*Client)
	client.Disconnect()
	_, err := b.conn.db.MatrixQueue.Put(b.ctx, &database.QueuedEvent{LoginID: login.ID, EventID: "$old", RoomID: room, Sender: fakeUser,
		PortalID: client.account.PortalKey(bob).ID, Body: "already on the wire", WrittenAt: time.Now(), Owner: "an earlier run"})
	if err != nil {
		t.Fatal(err)
	}
	b.exec("ALTER TABLE matrix_queue RENAME TO away")
	client.Connect(b.ctx)
	b.eventually("a session", func() bool { return client.session.Current() != nil })
	b.exec("ALTER TABLE away RENAME TO matrix_queue")
	b.waitMessage(0, "may not have been bridged")
	select {
	case got := <-texts:
		t.Errorf("sent a second time: %q", got)
	default:
	}
}

func TestIncomingTextOutlastsADatabaseOutage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	b.exec("ALTER TABLE msn_queue RENAME TO away")
	for i, text := range []string{"one", "two"} {
		client.session.Dispatch(b.ctx, msn.TextReceived{Conversation: new(msn.Conversation), From: bob, Text: text, Session: "s", Seq: i, At: time.Now()})
	}
	b.exec("ALTER TABLE away RENAME TO msn_queue")
	_, from := b.waitMessage(0, "one")
	b.waitMessage(from, "two")
}

func TestRoomThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	b.dm(login, bob)
	b.meet(login, carol)
	b.dm(login, carol)
	release := b.block(login, bob)
	for _, from := range []string{bob, carol} {
		client.session.Dispatch(b.ctx, msn.TextReceived{Conversation: new(msn.Conversation), From: from, Text: "from " + from, Session: "s", Seq: 1, At: time.Now()})
	}
	b.waitMessage(0, "from "+carol)
	release()
	b.waitMessage(0, "from "+bob)
}

func TestUnsentTextIsSentAfterAReconnect(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.srv.Play(bob, msntest.Script{}).IgnoreCalls(true)
	b.write(room, "hello")
	b.eventually("the call", func() bool {
		return slices.ContainsFunc(b.srv.Sent(alice), func(r msntest.Record) bool { return r.Command.Verb == "CAL" })
	})
	_, texts := b.friend()
	login.Client.(*Client).session.Reconnect(b.ctx)
	b.receive(texts, alice+": hello")
}
