package bridge

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/provisionutil"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// New mail is a text, which clients count as unread; the number of those that wait, and other alerts, are
// notices.
func TestNewMailCountsAsUnread(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t)
	srv.AddAccount(alice, pass)
	b := newTestBridge(t, srv)
	b.login()
	if err := srv.Mail(alice, "Eve", "eve@example.org", "hello"); err != nil {
		t.Fatal(err)
	}
	if mail, _ := b.waitAlert(0, "New mail"); mail.msg != event.MsgText {
		t.Errorf("new mail is %+v", mail)
	}
	b.alert(calendar("done"))
	if other, _ := b.waitAlert(0, "done"); other.msg != event.MsgNotice {
		t.Errorf("another alert is %+v", other)
	}
}

// A wrong password does not end the dialogue: the bot says what is wrong, in words, and asks again.
func TestWrongPasswordDoesNotEndTheDialogue(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	chat := b.management()
	b.answerTo(chat, "login", "Please enter your e-mail address")
	b.answerTo(chat, alice, "Please enter your password")
	from := b.matrix.position()
	b.answerTo(chat, "wrong", "Home refused the e-mail address or the password.")
	b.waitMessage(from, "Please enter your password")
	for _, r := range b.matrix.all(func(r record) bool { return r.kind == "message" }) {
		if strings.Contains(r.body, "Failed to submit input") {
			t.Errorf("said %q", r.body)
		}
	}
	from = b.matrix.position()
	b.write(chat, pass)
	b.waitMessage(from, "Signed in to Home as "+alice)
}

// Whoever comes into a room has a name by then, so that no client shows a bare Matrix ID: in the room of a
// contact, in that of a group chat, and in one that the user has made.
func TestWhoComesIntoARoomHasAName(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]func(*testBridge, *bridgev2.UserLogin) id.RoomID{
		"a contact":    func(b *testBridge, login *bridgev2.UserLogin) id.RoomID { return b.dm(login, bob) },
		"a group chat": func(b *testBridge, login *bridgev2.UserLogin) id.RoomID { return b.makeGroup(login, bob, carol) },
		"create-group": func(b *testBridge, login *bridgev2.UserLogin) id.RoomID {
			ghost := login.Client.(*Client).account.GhostID
			made, err := provisionutil.CreateGroup(b.ctx, login, &bridgev2.GroupCreateParams{Type: "group", RoomID: "!made-by-alice:" + fakeServer,
				Participants: []networkid.UserID{ghost(bob), ghost(carol)}})
			if err != nil {
				b.Fatal(err)
			}
			b.eventually("the members", func() bool { return slices.Equal(b.members(made.MXID), []string{bob, carol}) })
			return made.MXID
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newCircleOfFriends(t))
			in := room(b, b.login())
			named := make(map[id.UserID]bool)
			came := 0
			for _, r := range b.matrix.all(func(record) bool { return true }) {
				_, ghost := b.matrix.ParseGhostMXID(r.sender)
				switch {
				case r.kind == "name":
					named[r.sender] = true
				case r.kind == "member" && r.room == in && ghost && strings.HasPrefix(r.body, string(event.MembershipJoin)):
					if came++; !named[r.sender] {
						t.Errorf("%s comes without a name", r.sender)
					}
				}
			}
			if came == 0 {
				t.Error("nobody came")
			}
		})
	}
}

// A new name of a contact is one change of the room, besides that of the member: none where rooms are called
// by who is in them.
func TestNewNameIsShownOnce(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"rooms have names": true, "rooms have none": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newTestServer(t)
			b := newTestBridge(t, srv)
			b.br.Config.PrivateChatPortalMeta = own
			login := b.login()
			bot, _ := b.friend()
			room := b.dm(login, bob)
			b.eventually("the name", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
			if err := b.callAlice(bot).Say("Hello"); err != nil {
				t.Fatal(err)
			}
			b.waitMessage(0, "Hello") // it comes behind the first name
			before := b.set(room, event.StateRoomName)
			srv.Account(bob).SetName("Bob the Builder")
			b.eventually("the new name", func() bool { return b.ghostName(login, bob) == "Bob the Builder (MSN)" })
			if err := b.callAlice(bot).Say("Hi"); err != nil {
				t.Fatal(err)
			}
			b.waitMessage(0, "Hi") // it comes behind the new name
			want := ""             // it may have been called by the list at first, before he said his name
			if own {
				want = "Bob the Builder (MSN)"
			}
			b.eventually("the room to be called so", func() bool {
				b.matrix.mu.Lock()
				defer b.matrix.mu.Unlock()
				return b.matrix.called[room] == want
			})
			if got := b.set(room, event.StateRoomName) - before; got > 1 {
				t.Errorf("the name of the room was set %d times", got)
			}
			if names := b.matrix.all(func(r record) bool { return r.kind == "name" && r.body == "Bob the Builder (MSN)" }); len(names) != 1 {
				t.Errorf("the contact was named %d times", len(names))
			}
		})
	}
}

// set returns how often a state of a room was set since it was made.
func (b *testBridge) set(room id.RoomID, kind event.Type) (times int) {
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	for _, state := range b.matrix.states[room] {
		if state == kind {
			times++
		}
	}
	return times
}
