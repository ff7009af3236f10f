package bridge

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
)

// birth returns with what a room was made, and which states were set later, but for members.
func (b *testBridge) birth(room id.RoomID) (req *mautrix.ReqCreateRoom, later []event.Type) {
	b.Helper()
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if req = b.matrix.births[room]; req == nil {
		b.Fatalf("the room %s was not made", room)
	}
	return req, slices.Clone(b.matrix.states[room])
}

// bornWith returns a state with which a room was made, nil for none.
func bornWith[T any](req *mautrix.ReqCreateRoom) *T {
	for _, state := range req.InitialState {
		if content, ok := state.Content.Parsed.(*T); ok {
			return content
		}
	}
	return nil
}

// A room has its name and its topic from the start, so that nothing is written there before the first
// message but who comes in; the topic says in which account it is.
func TestRoomIsBornComplete(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	req, later := b.birth(room)
	name, topic, info := bornWith[event.RoomNameEventContent](req), bornWith[event.TopicEventContent](req), bornWith[event.BridgeEventContent](req)
	if name == nil || name.Name != "Bob Builder (MSN)" {
		t.Errorf("it is called %+v", name)
	}
	if topic == nil || topic.Topic != "bob@example.com, in your account alice@example.com at Home" {
		t.Errorf("its topic is %+v", topic)
	}
	if info == nil || info.Network == nil || info.Network.DisplayName != "alice@example.com at Home" || info.Network.ID != string(login.ID) {
		t.Errorf("it says of the bridge %+v", info)
	}
	if len(later) > 0 {
		t.Errorf("set later: %v", later)
	}
	bot, _ := b.friend()
	if err := b.callAlice(bot).Say("Hi"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "Hi")
	if _, later = b.birth(room); len(later) > 0 {
		t.Errorf("set with the first message: %v", later)
	}
}

// A room without a topic is not said to have an empty one.
func TestNoRoomIsBornWithAnEmptyTopic(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	room := b.makeGroup(login, bob, carol)
	req, _ := b.birth(room)
	if topic := bornWith[event.TopicEventContent](req); topic != nil {
		t.Errorf("the topic of a group chat is %+v", topic)
	}
}

// With the same contact in two accounts nothing is guessed, and each room says whose it is.
func TestAccountIsAskedFor(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Befriend(carol, bob)
	b := newTestBridge(t, srv)
	first := b.login()
	second, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the second session", func() bool { return b.signedIn(second.ID) })
	chat := b.management()
	for _, command := range []string{
		"start-chat " + bob, "pm " + bob, "resolve-identifier " + bob, "invite " + bob, "add " + bob, "nick X", "status busy", "psm x", "group", "circles", "places",
		"privacy", "whois " + bob, "block " + bob, "rename " + bob + " x", "nudge " + bob, "emoticons off",
	} {
		got := b.ask(chat, command)
		word, _, _ := strings.Cut(command, " ")
		if !strings.Contains(got.body, "You have several accounts: name the one to use right behind the command, as in `"+word+" --login home/alice@example.com …`.") {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	topics := make(map[string]bool)
	for _, of := range []string{string(first.ID), string(second.ID)} {
		got := b.ask(chat, "start-chat --login "+of+" "+bob)
		if !strings.Contains(got.body, "Your new room with Bob Builder") {
			t.Fatalf("answered %q", got.body)
		}
		portal, err := b.br.GetPortalByKey(b.ctx, b.br.GetCachedUserLoginByID(first.ID).Client.(*Client).account.PortalKey(bob))
		if of == string(second.ID) {
			portal, err = b.br.GetPortalByKey(b.ctx, second.Client.(*Client).account.PortalKey(bob))
		}
		if err != nil || portal.MXID == "" || !strings.HasSuffix(portal.Topic, strings.TrimPrefix(of, "home/")+" at Home") {
			t.Errorf("the room of %s has the topic %q, %v", of, portal.Topic, err)
		}
		topics[portal.Topic] = true
	}
	if len(topics) != 2 {
		t.Errorf("the topics are %v", topics)
	}
}

// create-group takes no account by chance, and that which fits where only one does.
func TestCreateGroupAsksForTheAccount(t *testing.T) {
	t.Parallel()
	srv := newCircleOfFriends(t)
	const dave = "dave@example.com"
	srv.AddAccount(dave, pass)
	b := newTestBridge(t, srv)
	b.login()
	second, err := b.tryLogin(dave, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the second session", func() bool { return b.signedIn(second.ID) })
	room := id.RoomID("!made-by-alice:" + fakeServer)
	for _, user := range []id.UserID{fakeUser, fakeBot, b.ghost(bob), b.ghost(carol)} {
		b.matrix.setMember(room, user, event.MembershipJoin)
	}
	if got := b.ask(room, "!msn create-group"); !strings.Contains(got.body, "You have several accounts") {
		t.Errorf("answered %q", got.body)
	}
	if got := b.ask(room, "!msn create-group --login "+string(second.ID)+" The Gang"); !strings.HasPrefix(got.body, "This room is now a group chat with ") {
		t.Errorf("answered %q", got.body)
	}
	portal, err := b.br.GetPortalByMXID(b.ctx, room)
	if err != nil || portal == nil || portal.Receiver != second.ID {
		t.Errorf("the room is that of %+v, %v", portal, err)
	}
}

// The space of an account names service and account, also one that an earlier version has made.
func TestSpaceNamesServiceAndAccount(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.filtering = true
		b.config = func(c *config.Config) { c.GroupSpaces = false }
	})
	login := b.login()
	b.dm(login, bob)
	var space id.RoomID
	b.eventually("the space", func() bool {
		stored, err := b.br.DB.UserLogin.GetByID(b.ctx, login.ID)
		if err == nil {
			space = stored.SpaceRoom
		}
		return space != ""
	})
	req, later := b.birth(space)
	info := bornWith[event.BridgeEventContent](req)
	if req.Name != "MSN: alice@example.com at Home" || req.Topic != "Your chats in alice@example.com at Home" || info == nil || info.Network == nil || info.Network.DisplayName != "alice@example.com at Home" {
		t.Errorf("made as %q, %q, %+v", req.Name, req.Topic, info)
	}
	if slices.Contains(later, event.StateRoomName) {
		t.Error("it is named once more")
	}
	// As an earlier version leaves it.
	b.exec(`UPDATE user_login SET metadata = json_remove(metadata, '$.space')`)
	b.matrix.mu.Lock()
	b.matrix.called[space] = "MSN Messenger (alice@example.com)"
	b.matrix.mu.Unlock()
	b.restart()
	b.eventually("another name", func() bool {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		return b.matrix.called[space] == "MSN: alice@example.com at Home" && b.matrix.topics[space] == "Your chats in alice@example.com at Home"
	})
}

// Who logs out and in again has all rooms in which they still are in the new space, before anything is said
// there; group chats too.
func TestRoomsComeBackIntoTheSpace(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t), func(b *testBridge) { b.filtering = true })
	login := b.login()
	withBob, group := b.dm(login, bob), b.makeGroup(login, bob, carol)
	left := b.dm(login, carol)
	space := func(id networkid.UserLoginID) (space id.RoomID) {
		b.eventually("the space", func() bool {
			stored, err := b.br.DB.UserLogin.GetByID(b.ctx, id)
			if err == nil && stored != nil {
				space = stored.SpaceRoom
			}
			return space != ""
		})
		return space
	}
	first := space(login.ID)
	b.eventually("the rooms in the space", func() bool { return b.matrix.holds(first, withBob) && b.matrix.holds(first, group) })
	b.leave(left)
	login.Logout(b.ctx)
	again := b.login()
	second := space(again.ID)
	if second == first {
		t.Fatal("it is the same space")
	}
	b.eventually("the rooms in the new space", func() bool { return b.matrix.holds(second, withBob) && b.matrix.holds(second, group) })
	if b.matrix.holds(second, left) {
		t.Error("a room that the user has left is in the new space")
	}
}
