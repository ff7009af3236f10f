package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/people"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

const fullNotice = "10 people who are not on your contact list have written to you within an hour and got rooms. What others write waits for 60 minutes, up to 20 messages of each. " +
	"If you expect somebody, send `!msn start-chat` and their address: then what they wrote is shown at once."

// stranger is the account of one of many.
func stranger(n int) string { return fmt.Sprintf("s%d@strangers.example", n) }

// loginWithRoom is login, and makes a room: from rooms that are made at the same time before
// the first is there, the framework touches the user's ghost all at once.
func (b *testBridge) loginWithRoom() *bridgev2.UserLogin {
	b.Helper()
	login := b.login()
	b.dm(login, bob)
	return login
}

// hears has a login hear a text.
func (b *testBridge) hears(login *bridgev2.UserLogin, account, text string, seq int) {
	login.Client.(*Client).session.Dispatch(b.ctx, msn.TextReceived{
		Conversation: new(msn.Conversation), From: account, Text: text, Session: "s-" + account, Seq: seq, At: time.Now(),
	})
}

// texts returns how many messages with a text are in rooms.
func (b *testBridge) texts(text string) int {
	return len(b.matrix.all(func(r record) bool { return r.kind == "message" && r.body == text }))
}

// held waits until messages of so many strangers are held, and no others wait.
func (b *testBridge) held(login *bridgev2.UserLogin, portals, messages int) {
	b.Helper()
	b.eventually(fmt.Sprintf("%d strangers to wait", portals), func() bool {
		return len(login.Client.(*Client).inbox.Held()) == portals
	})
	b.waitQueued(messages)
}

// fill has so many strangers write that no more get rooms.
func (b *testBridge) fill(login *bridgev2.UserLogin) {
	b.Helper()
	for i := range 10 {
		b.hears(login, fmt.Sprintf("f%d@strangers.example", i), "we fill it", 0)
	}
	b.eventually("the rooms", func() bool { return b.texts("we fill it") == 10 })
	b.waitQueued(0)
}

// Strangers get so many rooms at a time, also after a restart. What more of them write waits,
// and is not lost.
func TestRoomsOfStrangersAreLimited(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	const writers = 25
	for i := range writers {
		b.hears(login, stranger(i), "let me in", 0)
	}
	b.matrix.wait(t, 0, "the notice", func(r record) bool { return r.kind == "message" && r.body == fullNotice })
	b.held(login, writers-10, writers-10)
	if n := b.texts("let me in"); n != 10 {
		t.Errorf("%d strangers have rooms", n)
	}
	from := b.matrix.position()
	b.hears(login, bob, "I am on the list", 0)
	b.waitMessage(from, "I am on the list")
	for i := range writers { // who has a room keeps it
		b.hears(login, stranger(i), "again", 1)
	}
	b.held(login, writers-10, 2*(writers-10))
	if n := b.texts("again"); n != 10 {
		t.Errorf("%d of 10 with rooms are heard", n)
	}
	b.restart()
	login = b.br.GetCachedUserLoginByID(login.ID)
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	b.held(login, writers-10, 2*(writers-10))
	if n, told := b.texts("let me in"), b.texts(fullNotice); n != 0 || told != 0 {
		t.Errorf("a restart makes %d rooms, and tells %d times", n, told)
	}
	// The hour is over.
	b.pass(login, time.Hour)
	b.eventually("the next to be let in", func() bool { return b.texts("let me in") == 10 && b.texts("again") == 10 })
	b.held(login, writers-20, 2*(writers-20))
	b.pass(login, time.Hour)
	b.waitQueued(0)
	if n := b.texts("let me in"); n != writers-10 {
		t.Errorf("%d are let in", n)
	}
}

// pass is that time passes for those who wait.
func (b *testBridge) pass(login *bridgev2.UserLogin, how time.Duration) {
	b.Helper()
	client := login.Client.(*Client)
	if err := client.account.Remember(b.ctx, func(kept *account.Record) { kept.Admissions.Since = kept.Admissions.Since.Add(-how) }); err != nil {
		b.Fatal(err)
	}
	for _, portal := range client.inbox.Held() {
		client.inbox.Release(portal)
	}
}

// The bridge stops while it looks whether a stranger may have a room: they get none by that.
func TestStopLetsNoStrangerIn(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	client := login.Client.(*Client)
	b.hears(login, stranger(0), "let me in", 0)
	b.eventually("the room", func() bool { return b.texts("let me in") == 1 })
	client.session.Stop()
	ctx, stop := context.WithCancel(b.ctx)
	stop()
	row := &database.QueuedMessage{LoginID: login.ID, PortalID: client.account.PortalKey(stranger(1)).ID, Sender: stranger(1)}
	if until, err := client.people.Strangers.Admit(ctx, row); err == nil {
		t.Errorf("they wait until %v", until)
	}
}

// A room that is not made at once is no room more.
func TestFailedAttemptsAreNoRooms(t *testing.T) {
	t.Parallel()
	var waits atomic.Int64
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.waited = func() { waits.Add(1) } })
	login := b.loginWithRoom()
	var attempts atomic.Int64
	b.matrix.beforeRooms(func() error {
		if attempts.Add(1) <= 50 {
			return errors.New("the homeserver has trouble")
		}
		return nil
	})
	for i := range 10 {
		b.hears(login, stranger(i), "let me in", 0)
	}
	b.eventually("the rooms", func() bool { return b.texts("let me in") == 10 })
	if n := b.texts(fullNotice); n != 0 {
		t.Error("the user is told of more than there were")
	}
	// Waiting is not trying: it is not given up, nor done again and again.
	b.waitQueued(0)
	waits.Store(0)
	b.hears(login, stranger(10), "let me in", 0)
	b.held(login, 1, 1)
	for range 3 * 12 {
		login.Client.(*Client).inbox.Release(login.Client.(*Client).account.PortalKey(stranger(10)).ID)
		b.held(login, 1, 1)
	}
	if n := waits.Load(); n != 0 {
		t.Errorf("%d attempts have failed", n)
	}
	b.pass(login, time.Hour)
	b.waitQueued(0)
	if n := b.texts("let me in"); n != 11 {
		t.Errorf("%d are let in", n)
	}
}

// Of each stranger who waits so much is kept, and whole messages only; the rest is said to be
// left out. Of people so many.
func TestWhatWaitsOfStrangersIsBounded(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	b.fill(login)
	const talker = "talker@strangers.example"
	long := strings.Repeat("all or nothing ", 4000) // several parts
	for seq := range 19 {
		b.hears(login, talker, fmt.Sprint("text ", seq), seq)
	}
	b.hears(login, talker, long, 19)
	for seq := range 20 {
		b.hears(login, talker, long, 20+seq)
	}
	rows, err := b.conn.db.MSNQueue.ForPortal(b.ctx, login.ID, login.Client.(*Client).account.PortalKey(talker).ID, 1000)
	if err != nil || len(rows) < 20 || rows[len(rows)-1].Body != people.LeftOut {
		t.Fatalf("%d rows wait: %v", len(rows), err)
	}
	var whole strings.Builder
	for _, row := range rows[19 : len(rows)-1] {
		whole.WriteString(row.Body)
	}
	if got := strings.Count(whole.String(), "nothing"); got != 4000 || len(rows) < 22 {
		t.Errorf("of a text of 4000 words %d wait, in %d rows", got, len(rows)-20)
	}
	for i := range 120 {
		b.hears(login, stranger(i), "let me in", 0)
	}
	b.held(login, 100, len(rows)+99)
	b.matrix.wait(t, 0, "that people are left out", func(r record) bool {
		return r.kind == "message" && r.body == "Messages of 100 people who are not on your contact list wait. What others of them write is left out until fewer wait."
	})
	// A restart forgets nothing of that, nor do other ways to write.
	b.restart()
	login = b.br.GetCachedUserLoginByID(login.ID)
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	b.held(login, 100, len(rows)+99)
	client := login.Client.(*Client)
	b.hears(login, stranger(120), "let me in", 0)
	client.session.Dispatch(b.ctx, msn.PageReceived{Contact: stranger(121), From: "tel:+1", Text: "let me in", At: time.Now()})
	client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: "offline", From: stranger(122), Text: "let me in", At: time.Now()})
	b.hears(login, talker, "one more", 100)
	b.held(login, 100, len(rows)+99)
	if removed := client.heard.Removals.Take(); len(removed) != 0 {
		t.Errorf("the service is to forget %q, which is not kept here", removed)
	}
	b.pass(login, time.Hour) // ten are let in: there is room for others
	b.eventually("ten to be let in", func() bool { return len(client.inbox.Held()) == 90 })
	b.hears(login, stranger(123), "let me in", 0)
	b.eventually("another to wait", func() bool { return len(client.inbox.Held()) == 91 })
}

// Who is expected by the user does not wait.
func TestStrangerWhomTheUserExpectsIsLetIn(t *testing.T) {
	t.Parallel()
	for name, let := range map[string]func(*testBridge, *bridgev2.UserLogin){
		"start-chat": func(b *testBridge, _ *bridgev2.UserLogin) {
			chat, from := b.management(), b.matrix.position()
			b.write(chat, "start-chat "+carol)
			b.waitMessage(from, "Your new room with ")
		},
		"add": func(b *testBridge, _ *bridgev2.UserLogin) { b.ask(b.management(), "add "+carol) },
		"the user writes in Messenger": func(b *testBridge, login *bridgev2.UserLogin) {
			client := login.Client.(*Client)
			client.session.Dispatch(b.ctx, msn.TextSent{
				Conversation: client.session.Current().Conversation(carol), Text: "it is me", Session: "own", Seq: 1, At: time.Now(),
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.loginWithRoom()
			b.fill(login)
			for seq := range 3 {
				b.hears(login, carol, fmt.Sprint("let me in ", seq), seq)
			}
			b.held(login, 1, 3)
			from := b.matrix.position()
			let(b, login)
			for seq := range 3 {
				_, from = b.waitMessage(from, fmt.Sprint("let me in ", seq))
			}
			b.waitQueued(0)
			b.hears(login, stranger(1), "me too", 0)
			b.held(login, 1, 1)
		})
	}
}

// The list was changed elsewhere while the bridge was signed out: who is on it is let in.
func TestStrangerWhoIsAContactByNowIsLetIn(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		login := b.loginWithRoom()
		b.fill(login)
		b.hears(login, carol, "let me in", 0)
		b.held(login, 1, 1)
		b.srv.SetList(alice, msntest.FL, carol, true)
		login.Client.(*Client).session.Reconnect(b.ctx)
		b.waitMessage(0, "let me in")
	})
}

// Two logins do not share what strangers may bring about.
func TestStrangersOfOneUserLeaveAnotherAlone(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	b.fill(login)
	other, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the sign-in", func() bool { return b.signedIn(other.ID) })
	b.hears(login, stranger(0), "to Alice", 0)
	b.hears(other, stranger(0), "to Carol", 0)
	b.waitMessage(0, "to Carol")
	b.held(login, 1, 1)
}

// What somebody writes into a room that the user has left is told of once for each time that
// they leave, and start-chat brings them back there, not into another room.
func TestWhoWritesIntoARoomThatWasLeftIsToldOf(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	told := carol + " writes to you in the room that you have left. Send `!msn start-chat " + carol + "` to come back to it. Until then you are not told again."
	var room id.RoomID
	seq := 0
	says := func(text string) {
		t.Helper()
		seq++
		b.hears(login, carol, text, seq)
		said, _ := b.waitMessage(0, text)
		if room == "" {
			room = said.room
		}
		if said.room != room {
			t.Errorf("%q is in another room", text)
		}
		b.waitQueued(0)
	}
	says("hello")
	for absence := 1; absence <= 2; absence++ {
		b.eventually("the invitation", func() bool { return b.isIn(room) })
		b.leave(room)
		for i := range 3 {
			says(fmt.Sprintf("are you there? %d.%d", absence, i))
		}
		if n := b.texts(told); n != absence {
			t.Errorf("in absence %d told %d times", absence, n)
		}
		got := b.ask(b.management(), "start-chat "+carol)
		if !strings.HasPrefix(got.body, "You already have a room with ") || !b.isIn(room) {
			t.Fatalf("start-chat is answered by %q, and the user is in the old room: %t", got.body, b.isIn(room))
		}
		says(fmt.Sprint("there you are ", absence))
	}
	b.leave(room)
	says("are you there once more?")
	b.restart()
	login = b.br.GetCachedUserLoginByID(login.ID)
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	says("still not there?")
	if n := b.texts(told); n != 0 {
		t.Errorf("told %d times again after a restart", n)
	}
}

// The homeserver does not answer: the old room stays what it is.
func TestStartChatReplacesNoRoomInAnOutage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.leave(room)
	client := login.Client.(*Client)
	b.matrix.failInvites(errors.New("no answer"))
	if _, err := client.ResolveIdentifier(b.ctx, bob, true); err == nil {
		t.Error("the room is to be replaced")
	}
	b.matrix.failInvites(nil)
	if again := b.dm(login, bob); again != room || !b.isIn(room) {
		t.Errorf("the room is %s, and was %s", again, room)
	}
}

// What people write is no alert: without alerts it is told in the chat with the bot.
func TestUserIsToldOfPeopleAlsoWithoutAlerts(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.Alerts = config.AlertsOff }
	})
	login := b.loginWithRoom()
	b.fill(login)
	b.hears(login, carol, "let me in", 0)
	told, _ := b.matrix.wait(t, 0, "the notice", func(r record) bool { return r.kind == "message" && r.body == fullNotice })
	if management := b.management(); told.room != management {
		t.Errorf("told in %s, and not in %s", told.room, management)
	}
}

// The service brings offline messages again at each sign-in: those that wait are not left out.
func TestOfflineMessagesOfAStrangerComeAgain(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	b.fill(login)
	client := login.Client.(*Client)
	for range 2 {
		for i := range 20 {
			client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: fmt.Sprint("o", i), From: carol, Text: fmt.Sprint("offline ", i), At: time.Now()})
		}
		b.held(login, 1, 20)
	}
	for range 2 {
		client.session.Dispatch(b.ctx, msn.OfflineReceived{ID: "one more", From: carol, Text: "one more", At: time.Now()})
		b.held(login, 1, 21)
	}
	b.pass(login, time.Hour)
	b.waitQueued(0)
	if n := b.texts(people.LeftOut); n != 1 {
		t.Errorf("left out is told %d times", n)
	}
}

// Who writes much before their room is there loses nothing: they are to have one.
func TestFirstTextsOfAStrangerAllArrive(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	for i := range 30 {
		b.hears(login, stranger(1), fmt.Sprintf("text %d", i), i)
	}
	b.waitQueued(0)
	for i := range 30 {
		if n := b.texts(fmt.Sprintf("text %d", i)); n != 1 {
			t.Errorf("text %d is there %d times", i, n)
		}
	}
}

// However many ask at the same moment, and whoever of them is first: no more get rooms than may.
func TestStrangersAtOnceGetNoMoreRooms(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	var admitted atomic.Int32
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			until, err := client.people.Strangers.Admit(b.ctx, &database.QueuedMessage{
				LoginID: login.ID, PortalID: client.account.PortalKey(stranger(i)).ID, Sender: stranger(i),
			})
			if err != nil {
				t.Error(err)
			} else if until.IsZero() {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if n := admitted.Load(); n != 10 {
		t.Errorf("%d got rooms", n)
	}
}

// Who has waited longest is let in first, whoever of them asks when there are places again.
func TestStrangersAreLetInInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	client := login.Client.(*Client)
	b.fill(login)
	const writers = 15
	for i := range writers {
		b.hears(login, stranger(i), fmt.Sprint("let me in ", i), 0)
		b.held(login, i+1, i+1)
	}
	if err := client.account.Remember(b.ctx, func(kept *account.Record) { kept.Admissions.Since = kept.Admissions.Since.Add(-time.Hour) }); err != nil {
		t.Fatal(err)
	}
	client.inbox.Release(client.account.PortalKey(stranger(writers - 1)).ID)
	b.held(login, writers-10, writers-10)
	for i := range writers {
		if n := b.texts(fmt.Sprint("let me in ", i)); n != 1 && i < 10 || n != 0 && i >= 10 {
			t.Errorf("number %d is heard %d times", i, n)
		}
	}
}

// A stranger writes while start-chat makes the room with them, and the user is not invited yet:
// nobody says that they have left it.
func TestRoomThatIsBeingMadeHasNotBeenLeft(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]bool{"who waits for a room": true, "who has not written before": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.loginWithRoom()
			b.srv.Play(carol, msntest.Script{})
			if waits {
				b.fill(login)
				b.hears(login, carol, "let me in", 0)
				b.held(login, 1, 1)
			}
			chat := b.management()
			var once sync.Once
			looked := make(chan id.RoomID, 100)
			b.matrix.aroundInvites(func(room id.RoomID) {
				once.Do(func() {
					b.matrix.setMember(room, fakeUser, event.MembershipLeave) // as who was never there
					b.hears(login, carol, "hello", 1)
					if waits {
						return // what comes later waits with it
					}
					for timeout := time.After(waitLimit); ; {
						select {
						case seen := <-looked:
							if seen == room {
								return
							}
						case <-timeout:
							t.Error("nobody looks whether the user is in the room")
							return
						}
					}
				})
			}, func(room id.RoomID) {
				select {
				case looked <- room:
				default:
				}
			})
			from := b.matrix.position()
			b.write(chat, "start-chat "+carol)
			b.matrix.wait(b.T, from, "the new room", func(r record) bool { return r.room == chat && strings.HasPrefix(r.body, "Your new room with ") })
			b.waitMessage(0, "hello")
			b.waitQueued(0)
			told := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "in the room that you have left") })
			if len(told) > 0 || !b.isIn(b.roomOf(login, carol)) {
				t.Errorf("told %+v, and the user is in the room: %t", told, b.isIn(b.roomOf(login, carol)))
			}
		})
	}
}

// saysToAll has somebody say something in the group chat of these people, the first of whom has
// begun it.
func (b *testBridge) saysToAll(login *bridgev2.UserLogin, group, account, text string, seq int, members ...string) {
	client := login.Client.(*Client)
	client.session.Dispatch(b.ctx, msn.TextReceived{
		Conversation: client.session.Current().GroupChat(group, members...), From: account, Text: text, Session: "s-" + group, Seq: seq, At: time.Now(),
	})
}

// Who calls two people at once gets round nothing: what a stranger begins takes a place, whoever else
// is in it. What a contact or the user begins does not.
func TestConversationsThatStrangersBeginTakeTheirPlaces(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	for i := range 8 {
		b.saysToAll(login, fmt.Sprint("theirs", i), stranger(i), "let us in", 0, stranger(i), stranger(100))
	}
	for i := range 7 {
		group := fmt.Sprint("with a contact", i)
		b.saysToAll(login, group, stranger(i), "let us in", 0, stranger(i), bob)
		b.saysToAll(login, group, bob, "who is that?", 1)
	}
	b.matrix.wait(t, 0, "the notice", func(r record) bool { return r.kind == "message" && r.body == fullNotice })
	b.held(login, 5, 15)
	if n := b.texts("let us in"); n != 10 {
		t.Errorf("%d conversations of strangers have rooms", n)
	}
	b.hears(login, carol, "me too", 0) // one more, alone
	b.held(login, 6, 16)
	b.saysToAll(login, "a contact's", stranger(1), "I was called", 0, bob, stranger(1))
	b.waitMessage(0, "I was called")
	client := login.Client.(*Client)
	b.saysToAll(login, "the user's", stranger(1), "you called", 0, stranger(1), bob)
	b.held(login, 7, 18)
	client.session.Dispatch(b.ctx, msn.TextSent{Conversation: client.session.Current().GroupChat("the user's"), Text: "it is me", Session: "own", Seq: 1, At: time.Now()})
	b.waitMessage(0, "you called")
	b.held(login, 6, 16)
	b.restart()
	login = b.br.GetCachedUserLoginByID(login.ID)
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	b.held(login, 6, 16)
	b.pass(login, time.Hour)
	b.waitQueued(0)
	if n := b.texts("let us in") + b.texts("who is that?") + b.texts("me too"); n != 11 {
		t.Errorf("%d of 11 messages that waited are shown", n)
	}
}

// The conversations that somebody has begun are let in with them, and dropped with them.
func TestConversationsWaitForWhoBeganThem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		command string
		shown   int
	}{"add": {"add " + carol, 1}, "start-chat": {"start-chat " + carol, 1}, "block": {"block " + carol, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.loginWithRoom()
			b.srv.Play(carol, msntest.Script{})
			b.fill(login)
			b.saysToAll(login, "theirs", stranger(1), "let us in", 0, carol, stranger(1))
			b.held(login, 1, 2)
			b.write(b.management(), test.command)
			b.held(login, 0, 0)
			if n := b.texts("let us in"); n != test.shown {
				t.Errorf("shown %d times", n)
			}
		})
	}
}

// Among several people it is said of each whom the user does not know, once in each room and before
// what they say first, also after a restart.
func TestStrangersAreMarkedAmongSeveral(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	marks := func(account string) int {
		return b.texts(account + " is not on your contact list. They have chosen the name that you see themselves.")
	}
	says := func(group, account, text string, seq int) {
		t.Helper()
		b.saysToAll(login, group, account, text, seq, bob, carol, stranger(0))
		b.waitMessage(0, text)
	}
	says("one", bob, "look who is here", 0)
	if marks(bob) != 0 || marks(carol) != 0 {
		t.Error("somebody is marked who is a contact, or has said nothing")
	}
	says("one", carol, "hello", 1)
	if n := marks(carol); n != 1 {
		t.Errorf("a stranger who has said something is marked %d times", n)
	}
	says("one", carol, "hello again", 2)
	client := login.Client.(*Client)
	client.session.Dispatch(b.ctx, msn.NudgeReceived{Origin: msn.Origin{
		Conversation: client.session.Current().GroupChat("one"), From: stranger(0), Session: "n", Seq: 1, At: time.Now(),
	}})
	b.eventually("the mark of who sends a nudge", func() bool { return marks(stranger(0)) == 1 })
	says("two", carol, "here as well", 0)
	if n := marks(carol); n != 2 {
		t.Errorf("in two rooms a stranger is marked %d times", n)
	}
	b.restart()
	login = b.br.GetCachedUserLoginByID(login.ID)
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	says("one", carol, "still me", 3)
	if n := marks(carol); n != 0 {
		t.Errorf("after a restart a stranger is marked %d times again", n)
	}
}
