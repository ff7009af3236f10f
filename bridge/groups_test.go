package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/provisionutil"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

const dave = "dave@example.com"

// newCircleOfFriends starts a server where alice, bob, carol and dave are friends.
func newCircleOfFriends(t *testing.T) *msntest.Server {
	srv := newTestServer(t)
	srv.AddAccount(dave, pass, msntest.Name("Dave"))
	everybody := []string{alice, bob, carol, dave}
	for i, a := range everybody {
		for _, b := range everybody[:i] {
			srv.Befriend(a, b)
		}
	}
	return srv
}

// messenger is a friend at their own client.
type messenger struct {
	*msn.Client
	texts chan msn.TextReceived
}

func (b *testBridge) messenger(account string) *messenger {
	b.Helper()
	client, err := msn.Login(b.ctx, msn.Config{Account: account, Password: pass, Server: b.srv.Addr(),
		NexusURL: b.srv.NexusURL(), RootCAs: b.srv.CertPool(), Dialects: []wire.Dialect{12}, Trust: msn.Trust{AllowPrivate: true}})
	if err != nil {
		b.Fatal(err)
	}
	m := &messenger{Client: client, texts: make(chan msn.TextReceived, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for evt := range client.Events() {
			if text, ok := evt.(msn.TextReceived); ok {
				m.texts <- text
			}
		}
	}()
	b.Cleanup(func() {
		_ = client.Close()
		<-ended
	})
	return m
}

// expect waits for a text in a group chat.
func (m *messenger) expect(t *testing.T, from, text string) msn.TextReceived {
	t.Helper()
	timeout := time.After(waitLimit)
	for {
		select {
		case got := <-m.texts:
			if got.From == from && got.Text == text {
				return got
			}
		case <-timeout:
			t.Fatalf("%s does not get %q of %s", m.Account(), text, from)
		}
	}
}

// members returns which contacts are in a room on the Matrix side.
func (b *testBridge) members(room id.RoomID) (accounts []string) {
	members, err := b.matrix.GetMembers(b.ctx, room)
	if err != nil {
		b.Fatal(err)
	}
	for user, member := range members {
		ghost, ok := b.matrix.ParseGhostMXID(user)
		identity, isContact := msnid.ParseUserID(ghost)
		if ok && isContact && identity.Account != alice && member.Membership == event.MembershipJoin {
			accounts = append(accounts, identity.Account)
		}
	}
	slices.Sort(accounts)
	return accounts
}

// groupRoom waits until there are so many group rooms and returns one of them.
func (b *testBridge) groupRoom(login *bridgev2.UserLogin, n int) id.RoomID {
	b.Helper()
	var room id.RoomID
	b.eventually(fmt.Sprintf("%d group rooms", n), func() bool {
		groups, err := b.conn.db.Group.GetAll(b.ctx, login.ID)
		if err != nil {
			b.Fatal(err)
		}
		rooms := 0
		for group := range groups {
			if r := b.roomOfPortal(msnid.MakeGroupPortalKey(login.ID, group)); r != "" {
				rooms, room = rooms+1, r
			}
		}
		return rooms == n
	})
	return room
}

func (b *testBridge) roomOfPortal(key networkid.PortalKey) id.RoomID {
	portal, err := b.br.DB.Portal.GetByKey(b.ctx, key)
	if err != nil {
		b.Fatal(err)
	}
	if portal == nil {
		return ""
	}
	return portal.MXID
}

func TestGroupChatOfFriendsGetsARoomOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	chat := bobs.GroupChat("friends", alice, carol)
	if err := chat.SendText(b.ctx, "hello everybody", ""); err != nil {
		t.Fatal(err)
	}
	carols.expect(t, bob, "hello everybody")
	first, _ := b.waitMessage(0, "hello everybody")
	room := b.groupRoom(login, 1)
	if first.room != room || first.body != "hello everybody" {
		t.Errorf("shown %q in %s, the room is %s", first.body, first.room, room)
	}
	b.eventually("the members", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	b.write(room, "hello from Matrix")
	bobs.expect(t, alice, "hello from Matrix")
	got := carols.expect(t, alice, "hello from Matrix")
	if err := got.Conversation.SendText(b.ctx, "and from carol", ""); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "and from carol"); r.room != room {
		t.Errorf("carol's text came into %s", r.room)
	}
	if rooms := b.matrix.all(func(r record) bool { return r.kind == "room" }); len(rooms) != 1 {
		t.Errorf("rooms made: %v", rooms)
	}
}

func TestGroupRoomOutlivesItsSessionAndARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	chat := bobs.GroupChat("friends", alice, carol)
	if err := chat.SendText(b.ctx, "before", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "before")
	room := b.groupRoom(login, 1)
	b.restart()
	b.eventually("nobody to be in a conversation", func() bool { return b.srv.Switchboards(alice) == 0 })
	b.write(room, "called in again")
	bobs.expect(t, alice, "called in again")
	carols.expect(t, alice, "called in again")
	if err := carols.GroupChat("other", alice, bob).SendText(b.ctx, "the same people", ""); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "the same people"); r.room != room {
		t.Errorf("it came into %s", r.room)
	}
}

// Nobody has named the group chat since the sign-in when its people call.
func TestFirstCallAfterARestartComesIntoTheRoomOfItsPeople(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, _ := b.messenger(bob), b.messenger(carol)
	if err := bobs.GroupChat("friends", alice, carol).SendText(b.ctx, "before", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "before")
	room := b.groupRoom(login, 1)
	b.restart()
	b.eventually("a session", func() bool {
		session := b.br.GetCachedUserLoginByID(login.ID).Client.(*Client).session.Current()
		return session != nil && b.srv.Switchboards(alice) == 0
	})
	if err := bobs.GroupChat("again", alice, carol).SendText(b.ctx, "after", ""); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "after"); r.room != room {
		t.Errorf("it came into %s", r.room)
	}
}

func TestInviteCallsAContactIntoTheGroupChatAndMailsStrangers(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, _, daves := b.messenger(bob), b.messenger(carol), b.messenger(dave)
	if err := bobs.GroupChat("friends", alice, carol).SendText(b.ctx, "hello", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "hello")
	room := b.groupRoom(login, 1)
	if got := b.ask(room, "!invite "+dave); !strings.Contains(got.body, "is a contact of yours and has been called") {
		t.Errorf("the bot says %q", got.body)
	}
	b.eventually("dave to be shown", func() bool { return slices.Contains(b.members(room), dave) })
	b.write(room, "welcome")
	daves.expect(t, alice, "welcome")
	if got := b.ask(room, "!invite stranger@example.org Join us"); !strings.Contains(got.body, "is no contact of yours") {
		t.Errorf("the bot says %q", got.body)
	}
	if mails := b.srv.Invitations(); len(mails) != 1 || mails[0].To != "stranger@example.org" || mails[0].Text != "Join us" {
		t.Errorf("mails %+v", mails)
	}
	_ = daves.Close()
	b.eventually("dave to be gone", func() bool { return !b.srv.Online(dave) })
	// He is in the conversation until its switchboard has said that he left.
	b.eventually("the bot to say that dave is offline", func() bool {
		return strings.Contains(b.ask(room, "!invite "+dave).body, "offline")
	})
}

func TestInviteInTheRoomOfOneContactMakesAGroupRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	dm := b.dm(login, bob)
	if got := b.ask(dm, "!invite "+carol); !strings.Contains(got.body, "There is a new room for Bob Builder (bob@example.com), Carol ♥ 100% (carol@example.com) and you") {
		t.Errorf("the bot says %q", got.body)
	}
	room := b.groupRoom(login, 1)
	if got := b.ask(dm, "!invite "+carol); !strings.Contains(got.body, "There is a room already for ") || !strings.Contains(got.body, "%21"+string(room[1:])) {
		t.Errorf("the second time the bot says %q", got.body)
	}
	if again := b.groupRoom(login, 1); again != room {
		t.Errorf("there is another room, %s", again)
	}
	b.write(room, "hello you two")
	bobs.expect(t, alice, "hello you two")
	carols.expect(t, alice, "hello you two")
	b.write(dm, "for bob alone")
	if got := bobs.expect(t, alice, "for bob alone"); got.Others != nil || got.Conversation.Group() != "" {
		t.Errorf("it came as %+v", got)
	}
}

func TestRoomTellsWhoOfTheGroupChatIsMissing(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs := b.messenger(bob)
	room := b.makeGroup(login, bob, carol)
	b.write(room, "who is there?")
	bobs.expect(t, alice, "who is there?")
	if note, _ := b.waitMessage(0, "is offline, or takes no calls"); note.room != room || !strings.Contains(note.body, "Carol") || note.msg != event.MsgNotice {
		t.Errorf("the note is %+v", note)
	}
	_ = bobs.Close()
	b.waitLeft(room, bob)
	from := b.matrix.position()
	b.write(room, "nobody hears this")
	if r, _ := b.matrix.wait(t, from, "the refusal", func(r record) bool {
		return r.kind == "status" && r.status == event.MessageStatusRetriable || r.kind == "status" && r.status == event.MessageStatusFail
	}); !strings.Contains(r.body, "everybody else in this conversation is offline") {
		t.Errorf("told %q", r.body)
	}
}

// makeGroup makes a group chat as create-group does.
func (b *testBridge) makeGroup(login *bridgev2.UserLogin, accounts ...string) id.RoomID {
	b.Helper()
	var participants []networkid.UserID
	for _, account := range accounts {
		participants = append(participants, login.Client.(*Client).account.GhostID(account))
	}
	made, err := login.Client.(*Client).CreateGroup(b.ctx, &bridgev2.GroupCreateParams{Type: "group", Participants: participants})
	if err != nil {
		b.Fatal(err)
	}
	portal, err := b.br.GetPortalByKey(b.ctx, made.PortalKey)
	if err != nil {
		b.Fatal(err)
	}
	if err := portal.CreateMatrixRoom(b.ctx, login, made.PortalInfo); err != nil {
		b.Fatal(err)
	}
	return portal.MXID
}

func TestCreateGroupTakesTheRoomInWhichItIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, _ := b.messenger(bob), b.messenger(carol)
	client := login.Client.(*Client)
	room := id.RoomID("!made-by-alice:" + fakeServer)
	made, err := provisionutil.CreateGroup(b.ctx, login, &bridgev2.GroupCreateParams{Type: "group", RoomID: room,
		Participants: []networkid.UserID{client.account.GhostID(bob), client.account.GhostID(carol)}})
	if err != nil {
		t.Fatal(err)
	}
	if made.MXID != room {
		t.Errorf("the group chat is in %s", made.MXID)
	}
	b.eventually("the members", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	b.write(room, "hello from the room")
	got := bobs.expect(t, alice, "hello from the room")
	if err := got.Conversation.SendText(b.ctx, "an answer", ""); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "an answer"); r.room != room {
		t.Errorf("the answer came into %s", r.room)
	}
	if rooms := b.matrix.all(func(r record) bool { return r.kind == "room" }); len(rooms) != 0 {
		t.Errorf("rooms made: %v", rooms)
	}
}

// One contact makes no group chat, which would take over what they write next.
func TestOneContactIsNoGroupChat(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	client := login.Client.(*Client)
	bobs := b.messenger(bob)
	_, err := client.CreateGroup(b.ctx, &bridgev2.GroupCreateParams{Type: "group", Participants: []networkid.UserID{client.account.GhostID(bob), client.account.UserID()}})
	if err == nil || !strings.Contains(err.Error(), "A group chat needs two contacts at least") {
		t.Errorf("made, and told %v", err)
	}
	room := b.dm(login, bob)
	b.write(room, "hello")
	got := bobs.expect(t, alice, "hello")
	if err := got.Conversation.SendText(b.ctx, "an answer", ""); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.waitMessage(0, "an answer"); r.room != room {
		t.Errorf("the answer came into %s", r.room)
	}
}

func TestCreateGroupAnswersWithTheMembers(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	client := login.Client.(*Client)
	room := id.RoomID("!made-by-alice:" + fakeServer)
	for _, user := range []id.UserID{fakeUser, fakeBot} {
		b.matrix.setMember(room, user, event.MembershipJoin)
	}
	if answer := b.ask(room, "!msn create-group"); !strings.Contains(answer.body, "at least two contacts") {
		t.Errorf("without members: %q", answer.body)
	}
	for _, account := range []string{bob, carol} {
		if account == carol {
			if answer := b.ask(room, "!msn create-group"); !strings.Contains(answer.body, "A group chat needs two contacts at least") {
				t.Errorf("with one member: %q", answer.body)
			}
		}
		b.matrix.setMember(room, b.matrix.FormatGhostMXID(client.account.GhostID(account)), event.MembershipInvite)
	}
	answer := b.ask(room, "!msn create-group")
	if !strings.HasPrefix(answer.body, "This room is now a group chat with ") || !strings.Contains(answer.body, bob) || !strings.Contains(answer.body, carol) {
		t.Errorf("the answer is %q", answer.body)
	}
	if answer = b.ask(room, "!msn create-group"); !strings.HasPrefix(answer.body, "This room is bridged already: to “") || strings.Contains(answer.body, "group:") ||
		strings.Contains(answer.body, string(login.ID)) || strings.Contains(answer.html, "group:") {
		t.Errorf("the second time: %q, %q", answer.body, answer.html)
	}
}

// The words behind the command are the name of the group chat, and of its room. The chat with the bot
// stays what it is.
func TestCreateGroupTakesAName(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	client := b.login().Client.(*Client)
	if answer := b.ask(b.management(), "create-group"); !strings.HasPrefix(answer.body, "This is your chat with me. Write `!invite carol@example.com`") {
		t.Errorf("in the chat with the bot: %q", answer.body)
	}
	b.matrix.setMember(b.management(), b.ghost(bob), event.MembershipJoin)
	if answer := b.ask(b.management(), "create-group"); !strings.HasPrefix(answer.body, "This is your chat with me.") {
		t.Errorf("in the chat with the bot and bob: %q", answer.body)
	}
	room := id.RoomID("!made-by-alice:" + fakeServer)
	for _, user := range []id.UserID{fakeUser, fakeBot, b.ghost(bob), b.ghost(carol)} {
		b.matrix.setMember(room, user, event.MembershipJoin)
	}
	if answer := b.ask(room, "!msn create-group bob and "+carol); !strings.Contains(answer.body, "without addresses") {
		t.Errorf("with an address: %q", answer.body)
	}
	if answer := b.ask(room, "!msn create-group The Gang"); !strings.HasPrefix(answer.body, "This room is now a group chat with ") {
		t.Errorf("with a name: %q", answer.body)
	}
	b.matrix.mu.Lock()
	called := b.matrix.called[room]
	b.matrix.mu.Unlock()
	if called != "The Gang" {
		t.Errorf("the room is called %q", called)
	}
	portal, err := b.br.GetPortalByMXID(b.ctx, room)
	if err != nil || portal == nil || portal.Receiver != client.account.Login.ID {
		t.Errorf("the room is that of %+v, %v", portal, err)
	}
}

// The name and the people of a room stay that the user has made that of a group chat.
func TestChosenNameOfAGroupChatStays(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	client := login.Client.(*Client)
	bobs := b.messenger(bob)
	b.messenger(carol)
	daves := b.messenger(dave)
	room := id.RoomID("!made-by-alice:" + fakeServer)
	b.matrix.setMember(room, "@eve:example.test", event.MembershipJoin)
	if _, err := provisionutil.CreateGroup(b.ctx, login, &bridgev2.GroupCreateParams{Type: "group", RoomID: room,
		Participants: []networkid.UserID{client.account.GhostID(bob), client.account.GhostID(carol)}}); err != nil {
		t.Fatal(err)
	}
	b.eventually("the members", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	b.ask(room, "!invite "+dave)
	b.eventually("dave among them", func() bool { return slices.Equal(b.members(room), []string{bob, carol, dave}) })
	_ = daves.Close()
	b.waitLeft(room, dave)
	b.write(room, "who is there?")
	bobs.expect(t, alice, "who is there?")
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if name := b.matrix.called[room]; name != "" {
		t.Errorf("the room is called %q now", name)
	}
	if eve := b.matrix.rooms[room]["@eve:example.test"]; eve != event.MembershipJoin {
		t.Errorf("Eve is to the room %q now", eve)
	}
	if topic := b.matrix.topics[room]; topic != "" {
		t.Errorf("the topic is %q now", topic)
	}
}

func TestNameOfAMemberIsNoFormat(t *testing.T) {
	t.Parallel()
	srv := newCircleOfFriends(t)
	srv.AddAccount("percent@example.com", pass, msntest.Name("100%"))
	srv.Befriend(alice, "percent@example.com")
	b := newTestBridge(t, srv)
	login := b.login()
	bobs := b.messenger(bob)
	room := b.makeGroup(login, bob, "percent@example.com")
	b.write(room, "who is there?")
	bobs.expect(t, alice, "who is there?")
	if note, _ := b.waitMessage(0, "is offline, or takes no calls"); !strings.Contains(note.body, "100% (percent@example.com) is") {
		t.Errorf("the note is %q", note.body)
	}
}

func TestWhoComesAndGoesDoesNotFillTheRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	b.login()
	bobs, _ := b.messenger(bob), b.messenger(carol)
	chat := bobs.GroupChat("friends", alice, carol)
	if err := chat.SendText(b.ctx, "hello", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "hello")
	for i := range 300 {
		mallory := fmt.Sprintf("mallory%d@example.com", i%150)
		b.srv.PushChat(alice, wire.New("JOI", mallory, "Mallory"))
		b.srv.PushChat(alice, wire.New("BYE", mallory))
	}
	for range 100 {
		b.srv.PushChat(alice, wire.New("JOI", "eve@example.com", "Eve"))
		b.srv.PushChat(alice, wire.New("BYE", "eve@example.com"))
	}
	if err := chat.SendText(b.ctx, "after", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "people have come into this conversation")
	b.waitMessage(0, "after")
	shown := b.matrix.all(func(r record) bool { return r.kind == "member" && strings.HasPrefix(r.body, "leave") })
	if len(shown) > 2*msn.MaxMembers {
		t.Errorf("the room is told %d times that somebody has left", len(shown))
	}
}

func TestGroupThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	client := b.login().Client.(*Client)
	many := make([]networkid.UserID, msn.MaxMembers+1)
	for i := range many {
		many[i] = client.account.GhostID(fmt.Sprintf("friend%d@example.com", i))
	}
	for name, participants := range map[string][]networkid.UserID{
		"nobody": nil, "oneself": {client.GetUserID()}, "another service": {"elsewhere/bob@example.com"},
		"no account": {"home/bob"}, "too many": many,
	} {
		if made, err := client.CreateGroup(context.Background(), &bridgev2.GroupCreateParams{Participants: participants}); err == nil {
			t.Errorf("%s: made %+v", name, made)
		}
	}
}

// Neither a new member of a group chat nor a new name calls back a user who has left its
// room.
func TestGroupRoomThatWasLeft(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	client := login.Client.(*Client)
	room, other := b.makeGroup(login, bob, carol), b.dm(login, dave)
	b.eventually("the invitations", func() bool { return b.isIn(room) && b.isIn(other) })
	b.leave(room)
	var group string
	groups, err := b.conn.db.Group.GetAll(b.ctx, login.ID)
	if err != nil {
		t.Fatal(err)
	}
	for group = range groups {
	}
	from := b.matrix.position()
	talk := client.session.Current().GroupChat(group, bob, carol, dave)
	client.session.Dispatch(b.ctx, msn.ParticipantJoined{Conversation: talk, Account: dave})
	if members, err := b.conn.db.Group.Get(b.ctx, login.ID, group); err != nil || !slices.Contains(members, dave) {
		t.Fatalf("the members are %q, %v", members, err)
	}
	// Done after that.
	client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: dave})
	b.matrix.wait(t, from, "typing", func(r record) bool { return r.kind == "typing" && r.room == other })
	from = b.matrix.position()
	client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: dave})
	b.matrix.wait(t, from, "typing", func(r record) bool { return r.kind == "typing" && r.room == other })
	if b.isIn(room) {
		t.Error("the user is called back")
	}
}
