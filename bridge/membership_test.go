package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/provisionutil"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
)

// waitLeft waits until somebody has left a room.
func (b *testBridge) waitLeft(room id.RoomID, account string) {
	b.Helper()
	ghost := b.matrix.FormatGhostMXID(msnid.MakeUserID(msnid.Identity{Service: "home", Account: account}))
	b.matrix.wait(b.T, 0, account+" to leave", func(r record) bool {
		return r.kind == "member" && r.room == room && r.sender == ghost && r.body == "leave has left the conversation"
	})
}

// topic returns that of a room.
func (b *testBridge) topic(room id.RoomID) string {
	b.Helper()
	portal, err := b.br.DB.Portal.GetByMXID(b.ctx, room)
	if err != nil || portal == nil {
		b.Fatal(err)
	}
	return portal.Topic
}

// Who leaves a conversation of several people leaves its room behind what they have said, and comes
// back when they do. The topic says so meanwhile.
func TestWhoLeavesAGroupChatLeavesItsRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	talk := bobs.GroupChat("friends", alice, carol)
	if err := talk.SendText(b.ctx, "hello", ""); err != nil {
		t.Fatal(err)
	}
	heard := carols.expect(t, bob, "hello")
	b.waitMessage(0, "hello")
	room := b.groupRoom(login, 1)
	b.eventually("both to be shown", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	if err := heard.Conversation.SendText(b.ctx, "bye all", ""); err != nil {
		t.Fatal(err)
	}
	heard.Conversation.Close()
	b.waitLeft(room, carol)
	records := b.matrix.all(func(r record) bool { return r.body == "bye all" || r.body == "leave has left the conversation" })
	if len(records) != 2 || records[0].body != "bye all" {
		t.Errorf("shown is %+v", records)
	}
	if got := b.members(room); !slices.Equal(got, []string{bob}) {
		t.Errorf("in the room are %v", got)
	}
	b.eventually("the topic", func() bool {
		return b.topic(room) == "Not in the conversation now: Carol ♥ 100% (MSN), who has left"
	})
	if err := talk.SendText(b.ctx, "carol is gone", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "carol is gone")
	if got := b.members(room); !slices.Equal(got, []string{bob}) {
		t.Errorf("after a text in the room are %v", got)
	}
	if err := talk.Invite(b.ctx, carol); err != nil {
		t.Fatal(err)
	}
	b.eventually("carol to be back", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) && b.topic(room) == "" })
}

// Who has left a room that was the user's before comes back also when the bridge was started anew.
func TestWhoHasLeftComesBackAfterARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	client := login.Client.(*Client)
	bobs, carols := b.messenger(bob), b.messenger(carol)
	room := id.RoomID("!made-by-alice:" + fakeServer)
	if _, err := provisionutil.CreateGroup(b.ctx, login, &bridgev2.GroupCreateParams{Type: "group", RoomID: room,
		Participants: []networkid.UserID{client.account.GhostID(bob), client.account.GhostID(carol)}}); err != nil {
		t.Fatal(err)
	}
	b.eventually("the members", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	b.write(room, "hello")
	bobs.expect(t, alice, "hello")
	carols.expect(t, alice, "hello").Conversation.Close()
	b.waitLeft(room, carol)
	b.restart()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	if got := b.members(room); !slices.Equal(got, []string{bob}) {
		t.Errorf("after the restart in the room are %v", got)
	}
	if err := bobs.GroupChat("again", alice, carol).SendText(b.ctx, "all of us", ""); err != nil {
		t.Fatal(err)
	}
	b.eventually("carol to be back", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
}

// participants waits until those are in a conversation.
func (m *messenger) participants(b *testBridge, conversation *msn.Conversation, want ...string) {
	b.Helper()
	b.eventually("participants "+strings.Join(want, ", "), func() bool {
		got := conversation.Participants()
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

// The user leaves the room right after they have written: the text goes out, they are in the
// conversation no more, and nothing brings them back but a call.
func TestLeavingTheRoomLeavesTheConversation(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	room := b.makeGroup(login, bob, carol)
	b.eventually("the invitation", func() bool { return b.isIn(room) })
	// The homeserver pushes both at once.
	body, err := json.Marshal(map[string]any{"events": []pushed{said("$go", room, "I have to go"), {
		"event_id": "$gone", "room_id": room, "type": "m.room.member", "sender": fakeUser, "state_key": fakeUser, "content": map[string]any{"membership": "leave"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	b.conn.Receive(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.leave(room) }), func(*http.Request) bool { return true }).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", bytes.NewReader(body)))
	heard := bobs.expect(t, alice, "I have to go")
	carols.expect(t, alice, "I have to go")
	bobs.participants(b, heard.Conversation, carol)
	if err := heard.Conversation.SendText(b.ctx, "she is gone", ""); err != nil {
		t.Fatal(err)
	}
	carols.expect(t, bob, "she is gone")
	if b.isIn(room) {
		t.Error("the user is called back")
	}
	if err := heard.Conversation.Invite(b.ctx, alice); err != nil {
		t.Fatal(err)
	}
	if err := heard.Conversation.SendText(b.ctx, "come back", ""); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "come back"); r.room != room || !b.isIn(room) {
		t.Errorf("it came into %s; the user is there: %t", r.room, b.isIn(room))
	}
	if got := b.matrix.all(func(r record) bool { return r.body == "she is gone" }); len(got) > 0 {
		t.Errorf("the user hears what was said without them: %+v", got)
	}
}

// A user who leaves the room of a contact and comes back at once stays in the conversation.
func TestWhoComesBackAtOnceStaysInTheConversation(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs := b.messenger(bob)
	room := b.makeGroup(login, bob, carol)
	b.eventually("the invitation", func() bool { return b.isIn(room) })
	b.write(room, "hello")
	heard := bobs.expect(t, alice, "hello")
	b.member(room, fakeUser, event.MembershipJoin, event.MembershipLeave) // when it is looked, they are back
	b.write(room, "I am still here")
	bobs.expect(t, alice, "I am still here")
	if got := heard.Conversation.Participants(); !slices.Contains(got, alice) {
		t.Errorf("in the conversation are %v", got)
	}
}

// Who is invited into a room in Matrix is called into its conversation, and leaves the room again when
// they do not come, which is said.
func TestGhostWhoIsInvitedIntoAGroupRoomIsCalled(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	client := login.Client.(*Client)
	bobs, carols := b.messenger(bob), b.messenger(carol)
	room := b.makeGroup(login, bob, carol)
	b.write(room, "hello")
	bobs.expect(t, alice, "hello")
	invite := func(in id.RoomID, account string) id.UserID {
		ghost := b.matrix.FormatGhostMXID(client.account.GhostID(account))
		b.matrix.setMember(in, ghost, event.MembershipInvite)
		b.member(in, ghost, event.MembershipLeave, event.MembershipInvite)
		return ghost
	}
	membership := func(in id.RoomID, ghost id.UserID) event.Membership {
		info, err := b.matrix.GetMemberInfo(b.ctx, in, ghost)
		if err != nil {
			t.Fatal(err)
		}
		return info.Membership
	}
	ghost := invite(room, dave)
	if r, _ := b.waitMessage(0, "Dave (dave@example.com) is offline"); r.room != room {
		t.Errorf("it is said in %s", r.room)
	}
	b.eventually("dave to leave", func() bool { return membership(room, ghost) == event.MembershipLeave })
	daves := b.messenger(dave)
	b.eventually("dave to be seen online", func() bool {
		contact, ok := client.session.Current().Contact(dave)
		return ok && contact.Status != msn.Offline
	})
	invite(room, dave)
	b.eventually("dave to be there", func() bool { return membership(room, ghost) == event.MembershipJoin })
	b.write(room, "welcome")
	daves.expect(t, alice, "welcome")

	// The room of one contact stays theirs.
	dm := b.dm(login, bob)
	ghost = invite(dm, carol)
	said, _ := b.waitMessage(0, "There is a new room for Bob Builder (bob@example.com), Carol ♥ 100% (carol@example.com) and you")
	b.eventually("carol to leave", func() bool { return membership(dm, ghost) == event.MembershipLeave })
	rooms := b.matrix.all(func(r record) bool { return r.kind == "room" })
	if made := rooms[len(rooms)-1].room; said.room != dm || !strings.Contains(said.body, "%21"+string(made[1:])) {
		t.Errorf("said is %+v, the last room is %s", said, made)
	}
	// Those whom a client invites one after the other come into one conversation.
	ghost = invite(dm, carol)
	second := invite(dm, dave)
	invite(dm, carol) // the same again
	b.waitMessage(0, "There is a room already for Bob Builder (bob@example.com), Carol ♥ 100% (carol@example.com), Dave (dave@example.com) and you")
	for _, ghost := range []id.UserID{ghost, second} {
		b.eventually("those to leave who were invited", func() bool { return membership(dm, ghost) == event.MembershipLeave })
	}
	if again := b.matrix.all(func(r record) bool {
		return r.kind == "message" && strings.Contains(r.body, "and you. They are called")
	}); len(again) != 2 {
		t.Errorf("of %d conversations is said that there is a room", len(again))
	}
	b.write(dm, "for bob alone")
	if got := bobs.expect(t, alice, "for bob alone"); got.Others != nil {
		t.Errorf("it came as %+v", got)
	}
	_ = carols

	b.member(room, ghost, event.MembershipJoin, event.MembershipLeave)
	b.waitMessage(0, "MSN has no way to put somebody out of a conversation: Carol ♥ 100% (carol@example.com) still hears")
}

// Of a crowd that is invited into the room of a contact nobody stays there unanswered.
func TestCrowdIsSentAway(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	client := login.Client.(*Client)
	var crowd []id.UserID
	for i := range msn.MaxMembers + 10 {
		ghost := b.matrix.FormatGhostMXID(client.account.GhostID(fmt.Sprintf("guest%d@example.com", i)))
		b.matrix.setMember(room, ghost, event.MembershipInvite)
		crowd = append(crowd, ghost)
	}
	for _, ghost := range crowd {
		b.member(room, ghost, event.MembershipLeave, event.MembershipInvite)
	}
	b.eventually("all of them to leave", func() bool {
		for _, ghost := range crowd {
			if info, err := b.matrix.GetMemberInfo(b.ctx, room, ghost); err != nil || info.Membership != event.MembershipLeave {
				return false
			}
		}
		return true
	})
	b.waitMessage(0, fmt.Sprintf("at most %d members", msn.MaxMembers))
}

// A third person comes into the conversation with one contact: it goes on in a room of its own, to
// which the room of the contact has a link, once.
func TestConversationThatBecomesAGroupChatHasALink(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	b.messenger(carol)
	bot, _ := b.friend()
	talk := b.callAlice(bot)
	if err := talk.Say("just us"); err != nil {
		t.Fatal(err)
	}
	alone, _ := b.waitMessage(0, "just us")
	if err := talk.Invite(b.ctx, carol); err != nil {
		t.Fatal(err)
	}
	note, _ := b.waitMessage(0, "Carol ♥ 100% (carol@example.com) has come into your conversation with Bob Builder (bob@example.com)")
	room := b.groupRoom(login, 1)
	if note.room != alone.room || !strings.Contains(note.body, "https://matrix.to/#/%21"+string(room[1:])) {
		t.Errorf("the note is %+v, the room %s", note, room)
	}
	if err := talk.Say("all of us"); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "all of us"); r.room != room {
		t.Errorf("it came into %s", r.room)
	}
	if notes := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "has come into your conversation") }); len(notes) != 1 {
		t.Errorf("it is said %d times", len(notes))
	}
}

func TestSeveralContactsAreCalledAtOnce(t *testing.T) {
	t.Parallel()
	srv := newCircleOfFriends(t)
	srv.AddAccount("erin@example.com", pass)
	srv.Befriend(alice, "erin@example.com")
	b := newTestBridge(t, srv)
	login := b.login()
	bobs, carols, daves := b.messenger(bob), b.messenger(carol), b.messenger(dave)
	dm := b.dm(login, bob)
	for command, want := range map[string]string{
		"!invite " + carol + " " + alice:         "is here already",
		"!invite " + carol + " " + bob:           "is here already",
		"!invite " + carol + " eve@example.org":  "eve@example.org is no contact of yours. Several at once works with contacts only.",
		"!invite " + carol + ", eve@example.org": "eve@example.org is no contact of yours. Several at once works with contacts only.",
	} {
		if got := b.ask(dm, command); !strings.Contains(got.body, want) || !strings.Contains(got.body, "Nobody was called") {
			t.Errorf("%s: the bot says %q", command, got.body)
		}
	}
	if got := b.ask(dm, "!invite "+carol+" "+dave+" "+carol); !strings.Contains(got.body, "There is a new room for Bob Builder (bob@example.com), Carol ♥ 100% (carol@example.com), Dave (dave@example.com) and you") {
		t.Errorf("the bot says %q", got.body)
	}
	b.write(b.groupRoom(login, 1), "hello you three")
	for _, m := range []*messenger{bobs, carols, daves} {
		m.expect(t, alice, "hello you three")
	}
	other := b.makeGroup(login, bob, "erin@example.com")
	from := b.matrix.position()
	b.write(other, "first")
	bobs.expect(t, alice, "first")
	b.waitMessage(from, "erin@example.com is offline") // which is no answer
	if got := b.ask(other, "!invite "+carol+" "+dave); strings.Count(got.body, "has been called") != 2 {
		t.Errorf("the bot says %q", got.body)
	}
	if got := b.ask(b.management(), "!invite "+carol+" "+dave); !strings.Contains(got.body, "Nothing was sent") {
		t.Errorf("the bot says %q", got.body)
	}
}

// Two users of the bridge in one conversation each see each message once, in rooms of their own.
func TestTwoUsersOfTheBridgeInOneConversation(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	b.login()
	other, err := b.br.GetUserByMXID(b.ctx, "@carol:"+fakeServer)
	if err != nil {
		t.Fatal(err)
	}
	process, err := b.conn.CreateLogin(b.ctx, other, "home")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.Start(b.ctx); err != nil {
		t.Fatal(err)
	}
	step, err := process.(bridgev2.LoginProcessUserInput).SubmitUserInput(b.ctx, map[string]string{"account": carol, "password": pass})
	if err != nil {
		t.Fatal(err)
	}
	carols := step.CompleteParams.UserLogin
	b.eventually("carol to be signed in", func() bool { return carols.Client.(*Client).session.Current() != nil })
	bobs := b.messenger(bob)
	talk := bobs.GroupChat("friends", alice, carol)
	for _, text := range []string{"hello you two", "and once more"} {
		if err := talk.SendText(b.ctx, text, ""); err != nil {
			t.Fatal(err)
		}
	}
	heard := func(text string) (rooms []id.RoomID) {
		for _, r := range b.matrix.all(func(r record) bool { return r.kind == "message" && r.body == text }) {
			rooms = append(rooms, r.room)
		}
		return rooms
	}
	b.eventually("both to hear it", func() bool { return len(heard("and once more")) == 2 })
	rooms := heard("hello you two")
	if len(rooms) != 2 || rooms[0] == rooms[1] {
		t.Fatalf("the rooms are %v", rooms)
	}
	from := rooms[0]
	writer := fakeUser
	if members := b.matrix.memberships()[from]; !members[fakeUser].IsInviteOrJoin() {
		writer = other.MXID
	}
	b.writeAs(writer, from, &event.MessageEventContent{MsgType: event.MsgText, Body: "from one of them"})
	b.eventually("the other to hear it", func() bool { return len(heard("from one of them")) == 1 })
	account := alice
	if writer != fakeUser {
		account = carol
	}
	bobs.expect(t, account, "from one of them")
	if got := heard("from one of them"); len(got) != 1 || got[0] != rooms[1] {
		t.Errorf("it is shown in %v", got)
	}
}

// Who has left a conversation while the homeserver took nothing is seen to leave its room after the next start.
func TestWhoHasLeftIsShownAfterARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	if err := bobs.GroupChat("friends", alice, carol).SendText(b.ctx, "hello", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "hello")
	room := b.groupRoom(login, 1)
	b.eventually("both to be shown", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	b.matrix.beforeStates(func(_ id.RoomID, key string) error {
		if strings.Contains(key, "carol") {
			return errors.New("the homeserver is down")
		}
		return nil
	})
	_ = carols.Close()
	b.eventually("it to be stored", func() bool { return b.rows("group_change") == 1 })
	if got := b.members(room); !slices.Equal(got, []string{bob, carol}) {
		t.Errorf("in the room are %v", got)
	}
	b.stop()
	b.matrix.beforeStates(nil)
	b.start()
	b.waitLeft(room, carol)
	b.eventually("nothing to be left", func() bool { return b.rows("group_change") == 0 })
	if got := b.members(room); !slices.Equal(got, []string{bob}) {
		t.Errorf("in the room are %v", got)
	}
}
