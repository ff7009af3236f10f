package bridge

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// People of Matrix without an account.
const (
	fakeCarol = id.UserID("@carol:" + fakeServer)
	fakeDave  = id.UserID("@dave:" + fakeServer)
)

// withRelay allows relaying, with the formats of the example config.
func withRelay(b *testBridge) {
	data, err := os.ReadFile("../example-config.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var file struct {
		Bridge struct {
			Relay bridgeconfig.RelayConfig `yaml:"relay"`
		} `yaml:"bridge"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		b.Fatal(err)
	}
	relay := file.Bridge.Relay
	relay.Enabled, relay.AdminOnly = true, false
	b.framework = func(config *bridgeconfig.BridgeConfig) { config.Relay = relay }
}

// relayed makes the room with bob, with two people in it who speak through the login.
func (b *testBridge) relayed(login *bridgev2.UserLogin) id.RoomID {
	b.Helper()
	room := b.dm(login, bob)
	if got := b.ask(room, "!msn set-relay"); !strings.Contains(got.body, "will now be relayed") {
		b.Fatalf("answered %q", got.body)
	}
	b.matrix.call(fakeCarol, "Carol")
	b.matrix.call(fakeDave, "Dave")
	b.matrix.setMember(room, fakeCarol, event.MembershipJoin)
	b.matrix.setMember(room, fakeDave, event.MembershipJoin)
	return room
}

// latest is the event that was written last.
func (b *testBridge) latest() id.EventID { return id.EventID(fmt.Sprintf("$user%d", b.events)) }

// editAs is edit of somebody's.
func (b *testBridge) editAs(sender id.UserID, room id.RoomID, evt id.EventID, text string) {
	b.Helper()
	b.writeAs(sender, room, &event.MessageEventContent{
		MsgType: event.MsgText, Body: "* " + text, RelatesTo: (&event.RelatesTo{}).SetReplace(evt),
		NewContent: &event.MessageEventContent{MsgType: event.MsgText, Body: text},
	})
}

// happens has something else happen in a room than a message.
func (b *testBridge) happens(evt *event.Event) {
	b.Helper()
	b.events++
	evt.ID, evt.Timestamp = b.latest(), time.Now().UnixMilli()
	b.conn.Arriving(b.ctx, evt)
	b.br.QueueMatrixEvent(b.ctx, evt)
}

func TestRelayedPeopleSpeakUnderTheirNames(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.relayed(b.login())
	html := func(kind event.MessageType, body, html string) *event.MessageEventContent {
		return &event.MessageEventContent{MsgType: kind, Body: body, Format: event.FormatHTML, FormattedBody: html}
	}
	for _, said := range []struct {
		content *event.MessageEventContent
		want    string
	}{
		{plainText("hello"), "Carol: hello"},
		{plainText("one\nDave: two"), "Carol: one\r\n  Dave: two"},
		{html(event.MsgText, "**all** of it", "<b>all</b> of <code>it</code>"), "Carol: all of it"},
		{html(event.MsgEmote, "waves", "<em>waves</em>"), "* Carol waves"},
		{&event.MessageEventContent{MsgType: event.MsgImage, Body: "cat.png", URL: "mxc://x/y"}, "Carol sent an image"},
		{&event.MessageEventContent{MsgType: event.MsgFile, Body: "look", FileName: "a.pdf", URL: "mxc://x/y"}, "Carol sent a file: look"},
	} {
		b.writeAs(fakeCarol, room, said.content)
		b.receive(texts, alice+": "+said.want)
	}
	b.waitMessage(0, "Carol: The file itself cannot be brought to Bob Builder (bob@example.com) now: they are only told that you sent one.")
	b.waitMessage(0, "Carol: The file itself cannot be brought to Bob Builder (bob@example.com) now: only your words under it go to MSN.")
	b.write(room, "and I")
	b.receive(texts, alice+": and I")
}

// The user's own name, that of the contact and those of others in the room stay theirs.
func TestRelayedPersonIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.relayed(b.login())
	for _, test := range []struct{ name, want string }{
		{"Alice", "Alice (@carol:example.test): hi"},
		{"Bob Builder", "Bob Builder (@carol:example.test): hi"},
		{"dave", "dave (@carol:example.test): hi"},
		{"Bob", "Bob (@carol:example.test): hi"}, // his first name
		{"> alice", "alice (@carol:example.test): hi"},
		{"Carol\nDave: ho", "Carol Dave ho (@carol:example.test): hi"},
	} {
		b.matrix.call(fakeCarol, test.name)
		b.writeAs(fakeCarol, room, plainText("hi"))
		b.receive(texts, alice+": "+test.want)
	}
}

// Two people write at once, and the user, while the contact is away: all wait in one queue, over a
// restart too. Each changes their own text alone, and the room is told whose waits.
func TestTwoRelayedPeopleInOneQueue(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	room := b.relayed(login)
	ofCarol, ofDave := make(chan id.EventID, 1), make(chan id.EventID, 1)
	b.writeAs(fakeCarol, room, plainText("helo from carol"))
	ofCarol <- b.latest()
	b.writeAs(fakeDave, room, plainText("helo from dave"))
	ofDave <- b.latest()
	b.write(room, "hello from alice")
	// One of them is told, whose names are with it: who was found out first to write to nobody.
	told, _ := b.waitMessage(0, "bob@example.com is offline. The bridge keeps your message")
	if name, named := map[id.UserID]string{fakeCarol: "Carol: ", fakeDave: "Dave: "}[append(told.calls, "")[0]]; named != (len(told.calls) == 1) || !strings.HasPrefix(told.body, name+"bob") {
		t.Errorf("told %q, mentioned are %v", told.body, told.calls)
	}
	carols, daves := <-ofCarol, <-ofDave
	b.eventually("all three to be kept", func() bool { return len(b.kept()) == 3 })
	ofEdit := func() (told record) {
		t.Helper() // of the texts before something may be told meanwhile
		told, _ = b.matrix.wait(t, 0, "the status of the edit", func(r record) bool { return r.kind == "status" && r.answer == b.latest() })
		return told
	}
	b.editAs(fakeDave, room, carols, "I am carol")
	if told := ofEdit(); !strings.Contains(told.body, "somebody else's") {
		t.Errorf("of an edit of another's text is told %+v", told)
	}
	b.editAs(fakeDave, room, daves, "hello from dave")
	if told := ofEdit(); told.status != event.MessageStatusSuccess {
		t.Errorf("of an edit is told %+v", told)
	}
	b.restart()
	_, texts := b.friend()
	b.receive(texts, alice+": Carol: helo from carol")
	b.receive(texts, alice+": Dave: hello from dave")
	b.receive(texts, alice+": hello from alice")
	b.editAs(fakeCarol, room, carols, "hello from carol")
	b.receive(texts, alice+": Carol: * hello from carol")
	b.editAs(fakeDave, room, carols, "I am carol")
	b.write(room, "next")
	b.receive(texts, alice+": next")
}

// Another user of the bridge, with an account of their own, speaks through the login whose room it
// is, and what the contact says arrives once.
func TestTwoBridgeUsersInOneRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	user, err := b.br.GetUserByMXID(b.ctx, fakeCarol)
	if err != nil {
		t.Fatal(err)
	}
	b.as(user, func() {
		if _, err := b.tryLogin(carol, pass); err != nil {
			t.Fatal(err)
		}
	})
	b.matrix.wait(t, 0, "both to be signed in", func(r record) bool {
		return r.kind == "state" && r.bridge.StateEvent == status.StateConnected && r.bridge.RemoteID == loginID(carol)
	})
	bot, texts := b.friend()
	room := b.relayed(login)
	b.writeAs(fakeCarol, room, plainText("I am here too"))
	b.receive(texts, alice+": Carol: I am here too")
	b.write(room, "so am I")
	b.receive(texts, alice+": so am I")
	if err := bot.Say(t.Context(), alice, "hello to both"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "hello to both")
	b.write(room, "yes")
	b.receive(texts, alice+": yes")
	if all := b.matrix.all(func(r record) bool { return r.body == "hello to both" }); len(all) != 1 || all[0].room != room {
		t.Errorf("it arrived as %+v", all)
	}
	// Who is called is not called into a conversation of somebody else's.
	for _, command := range []string{"!invite " + dave, "!invite " + bob + " " + dave, "!invite eve@example.org"} {
		from := b.matrix.position()
		b.writeAs(fakeCarol, room, plainText(command))
		// Not in the room, where others read along.
		got, _ := b.matrix.wait(t, from, "the answer to "+command, func(r record) bool {
			return r.kind == "message" && r.sender == fakeBot && r.room != room
		})
		if !strings.Contains(got.body, "This is the chat of another user of the bridge.") {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	// What the user is asked to nudge is not the contact of somebody else's room.
	if got := b.askAs(fakeCarol, room, "!nudge"); strings.Contains(got.body, "Nudged") {
		t.Errorf("answered %q", got.body)
	}
}

// What a crash has left half-way is told of to who has written it.
func TestRelayedTextOfACrashIsToldToItsWriter(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	_, texts := b.friend()
	room := b.relayed(login)
	var swallowed atomic.Bool
	b.srv.Hook(msntest.Times(1, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "MSG" {
			return msntest.Action{}
		}
		swallowed.Store(true) // no acknowledgement for long
		return msntest.Swallow()
	}))
	b.writeAs(fakeCarol, room, plainText("half-way"))
	half := b.latest()
	b.eventually("the message to be on its way", swallowed.Load)
	b.restart()
	told, _ := b.waitMessage(0, "Carol: ")
	if told.answer != half || !strings.Contains(told.body, "may not have been bridged") {
		t.Errorf("told %+v", told)
	}
	b.writeAs(fakeDave, room, plainText("next"))
	b.receive(texts, alice+": Dave: next")
}

func TestRelayedEventThatTheHomeserverRepeatsGoesOutOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.relayed(b.login())
	b.writeAs(fakeCarol, room, plainText("once"))
	b.receive(texts, alice+": Carol: once")
	b.queueEnds()
	b.events-- // the same event again
	b.writeAs(fakeCarol, room, plainText("once"))
	b.writeAs(fakeDave, room, plainText("next"))
	b.receive(texts, alice+": Dave: next")
}

// What is answered is quoted, with the name of who is relayed as people on MSN know it.
func TestRelayedAnswerIsQuoted(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.relayed(b.login())
	b.matrix.call(fakeCarol, "Alice")
	b.writeAs(fakeCarol, room, plainText("when?"))
	asked := b.latest()
	b.receive(texts, alice+": Alice (@carol:example.test): when?")
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: asked, RoomID: room, Sender: fakeCarol, Content: event.Content{Parsed: plainText("when?")}})
	answer := plainText("at eight\nor nine")
	answer.RelatesTo = (&event.RelatesTo{}).SetReplyTo(asked)
	b.writeAs(fakeDave, room, answer)
	b.receive(texts, alice+": > Alice (@carol:example.test): when?\r\nDave: at eight\r\n  or nine")
}

// Programs answer each other without end: their notices are not relayed, unless the admin wants it.
func TestNoticesAreRelayedOnlyIfTheAdminWantsIt(t *testing.T) {
	t.Parallel()
	for _, wanted := range []bool{false, true} {
		t.Run(fmt.Sprint(wanted), func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), withRelay, func(b *testBridge) {
				relay := b.framework
				b.framework = func(config *bridgeconfig.BridgeConfig) { relay(config); config.BridgeNotices = wanted }
			})
			_, texts := b.friend()
			room := b.relayed(b.login())
			notice := &event.MessageEventContent{MsgType: event.MsgNotice, Body: "beep"}
			b.writeAs(fakeCarol, room, notice)
			if wanted {
				b.receive(texts, alice+": Carol: beep")
			}
			b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgNotice, Body: "mine"})
			b.receive(texts, alice+": mine")
		})
	}
}

func TestRelayedPollIsAListAndAVoteIsRefused(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.relayed(b.login())
	b.happens(&event.Event{Type: event.EventUnstablePollStart, RoomID: room, Sender: fakeCarol, Content: event.Content{
		Parsed: &event.PollStartEventContent{},
		Raw: map[string]any{"org.matrix.msc3381.poll.start": map[string]any{
			"question": map[string]any{"body": "When?"}, "answers": []any{map[string]any{"body": "now"}, map[string]any{"body": "later"}},
		}},
	}})
	b.receive(texts, alice+": Carol: 📊 When?\r\n  1. now\r\n  2. later")
	from := b.matrix.position()
	b.happens(&event.Event{Type: event.EventUnstablePollResponse, RoomID: room, Sender: fakeDave, Content: event.Content{Parsed: &event.PollResponseEventContent{}}})
	b.matrix.wait(t, from, "a vote to be refused", func(r record) bool { return r.kind == "status" && strings.Contains(r.html, "MSN has no votes") })
}

// Whose account it is lets others speak through it, and ends that, without power in the room; those
// others do not.
func TestRelayIsTheOwnersToSetAndEnd(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.dm(b.login(), bob)
	b.matrix.call(fakeCarol, "Carol")
	b.matrix.setMember(room, fakeCarol, event.MembershipJoin)
	b.matrix.mu.Lock()
	b.matrix.levels = map[id.RoomID]*event.PowerLevelsEventContent{room: {Users: map[id.UserID]int{fakeCarol: 0}}}
	b.matrix.mu.Unlock()
	answers := func(user id.UserID, command, want string) {
		t.Helper()
		if got := b.askAs(user, room, command); !strings.Contains(got.body, want) {
			t.Errorf("%s of %s is answered by %q, want %q", command, user, got.body, want)
		}
	}
	answers(fakeCarol, "!msn set-relay", "Only the user whose room this is")
	answers(fakeUser, "!msn set-relay please", "with nothing behind it")
	answers(fakeUser, "!msn set-relay home/"+bob, "This is a room of your account `home/alice@example.com`")
	answers(fakeUser, "!msn set-relay home/"+alice, "will now be relayed")
	answers(fakeUser, "!msn set-relay", "will now be relayed")
	answers(fakeCarol, "!msn unset-relay", "whose account it is")
	b.writeAs(fakeCarol, room, plainText("hello"))
	b.receive(texts, alice+": Carol: hello")
	answers(fakeUser, "!msn unset-relay", "not relayed any more")
	answers(fakeCarol, "!retry", "Nobody speaks for you to MSN in this room now")
	b.writeAs(fakeCarol, room, plainText("nobody hears"))
	b.write(room, "next")
	b.receive(texts, alice+": next")
}

// Where the admin alone lets others speak through an account nobody is told to have them do so.
func TestRelayOfAdminsIsPromisedToNobodyElse(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay, func(b *testBridge) {
		allow := b.framework
		b.framework = func(config *bridgeconfig.BridgeConfig) {
			allow(config)
			config.Relay.AdminOnly = true
		}
	})
	b.login()
	b.club()
	if got := b.ask(club, "!msn bridge bob@example.com"); !strings.Contains(got.body, "This room is now that of") || strings.Contains(got.body, "set-relay") {
		t.Errorf("answered %q", got.body)
	}
	b.answers(club, "!msn set-relay", "does not let people speak through your account")
}

// Through what is no chat nobody speaks.
func TestNobodyIsRelayedInTheRoomOfAlerts(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	b.login()
	b.alert(calendar("goto club"))
	got, _ := b.waitAlert(0, "goto club")
	b.answers(got.room, "!msn set-relay", "This room is no chat with people on MSN")
}

// Who is relayed sends their own text again, and gives no command that acts as the login.
func TestRelayedPeopleGiveNoCommandsForTheLogin(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	_, texts := b.friend()
	room := b.relayed(b.login())
	for _, command := range []string{"!nudge", "!block", "!contacts", "!nick Carol", "!status busy", "!remove bob@example.com", "!msn logout"} {
		if got := b.askAs(fakeCarol, room, command); !strings.Contains(got.body, "logged in") {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
	b.writeAs(fakeCarol, room, plainText("again"))
	failed := b.latest()
	told, _ := b.waitMessage(0, "Carol: ⚠️")
	if told.answer != failed {
		t.Errorf("told %+v", told)
	}
	b.queueEnds()
	b.matrix.keep(&event.Event{Type: event.EventMessage, ID: failed, RoomID: room, Sender: fakeCarol, Content: event.Content{Parsed: plainText("again")}})
	for _, other := range []id.UserID{fakeDave, fakeUser} {
		if got := b.askAs(other, room, "!retry"); !strings.Contains(got.body, "Nothing that you have written") {
			t.Errorf("%s sends again, answered %q", other, got.body)
		}
	}
	if got := b.askAs(fakeCarol, room, "!retry"); !strings.Contains(got.body, "It is being sent again") {
		t.Errorf("answered %q", got.body)
	}
	b.receive(texts, alice+": Carol: again")
}

// as has something done in the name of another user of the bridge.
func (b *testBridge) as(user *bridgev2.User, do func()) {
	b.Helper()
	b.acting = user
	defer func() { b.acting = nil }()
	do()
}

// askAs is ask of somebody.
func (b *testBridge) askAs(user id.UserID, room id.RoomID, command string) record {
	b.Helper()
	from := b.matrix.position()
	b.writeAs(user, room, plainText(command))
	return b.answer(from, command)
}

// Who speaks through the login of another calls nobody into its conversations.
func TestRelayedPeopleCallNobodyIn(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t), withRelay)
	login := b.login()
	room := b.relayed(login)
	ghost := b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(dave))
	b.matrix.setMember(room, ghost, event.MembershipInvite)
	key := string(ghost)
	b.conn.Member(b.ctx, &event.Event{Type: event.StateMember, StateKey: &key, RoomID: room, Sender: fakeCarol,
		Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipInvite}}})
	b.waitMessage(0, "Only "+string(fakeUser)+" can call people into this conversation")
	if info, err := b.matrix.GetMemberInfo(b.ctx, room, ghost); err != nil || info.Membership != event.MembershipLeave {
		t.Errorf("Dave is to the room %+v, %v", info, err)
	}
	if groups, err := b.conn.db.Group.GetAll(b.ctx, login.ID); err != nil || len(groups) > 0 {
		t.Errorf("there are the group chats %v, %v", groups, err)
	}
}
