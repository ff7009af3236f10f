package bridge

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// ghostName returns what a contact's ghost is called.
func (b *testBridge) ghostName(login *bridgev2.UserLogin, account string) string {
	b.Helper()
	ghost, err := b.br.DB.Ghost.GetByID(b.ctx, login.Client.(*Client).account.GhostID(account))
	if err != nil {
		b.Fatal(err)
	}
	if ghost == nil {
		return ""
	}
	return ghost.Name
}

// dmName returns what the room with a contact is called.
func (b *testBridge) dmName(login *bridgev2.UserLogin, account string) string {
	b.Helper()
	portal, err := b.br.DB.Portal.GetByKey(b.ctx, login.Client.(*Client).account.PortalKey(account))
	if err != nil || portal == nil {
		b.Fatalf("the room with %s: %v", account, err)
	}
	return portal.Name
}

// signedIn reports whether a login has its session.
func (b *testBridge) signedIn(id networkid.UserLoginID) bool {
	login := b.br.GetCachedUserLoginByID(id)
	return login != nil && login.Client.(*Client).session.Current() != nil
}

// What a user calls a contact stays in that user's rooms. The ghost, which others see too,
// is called what the contact calls itself.
func TestPrivateNicknameStaysPrivate(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(15))
	srv.Befriend(carol, bob)
	b := newTestBridge(t, srv, speaking(srv, "MSNP15"))
	srv.SetAlias(alice, bob, "The boss (careful)")
	alices := b.login()
	carols, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		b.eventually(when, func() bool {
			return b.ghostName(alices, bob) == "Bob Builder (MSN)" && b.dmName(alices, bob) == "The boss (careful) (MSN)" &&
				b.dmName(carols, bob) == "Bob Builder (MSN)"
		})
	}
	b.dm(alices, bob)
	b.dm(carols, bob)
	check("the names while Bob is offline")
	b.restart()
	b.eventually("the sign-in", func() bool { return b.signedIn(alices.ID) })
	check("the names after a restart")
	from := b.matrix.position()
	bobs, _ := b.friend()
	if err := bobs.Say(b.ctx, alice, "it is me"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(from, "it is me")
	check("the names when Bob is there")
	for user, name := range b.matrix.displayNames() {
		if name == "The boss (careful) (MSN)" {
			t.Errorf("%s is called %q", user, name)
		}
	}
}

// Two lists have old names of a contact. They do not take turns: what the contact says
// counts.
func TestListsDoNotRenameAGhostInTurns(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(9))
	srv.Befriend(carol, bob)
	b := newTestBridge(t, srv)
	alices := b.login()
	b.friend()
	b.dm(alices, bob)
	b.eventually("the name that Bob tells", func() bool { return b.ghostName(alices, bob) == "Bob Builder (MSN)" })
	other, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	client := other.Client.(*Client)
	for _, name := range []string{"Old name", "Older name"} {
		client.session.Dispatch(b.ctx, msn.ContactChanged{Contact: msn.Contact{Account: bob, Name: name, Lists: msn.ListForward}})
		b.dm(other, bob)
		found, err := client.ResolveIdentifier(b.ctx, bob, true)
		if err != nil {
			t.Fatal(err)
		}
		found.Ghost.UpdateInfo(b.ctx, found.UserInfo)
		if got := b.ghostName(alices, bob); got != "Bob Builder (MSN)" {
			t.Errorf("Bob has become %q", got)
		}
	}
}

// Ghosts that exist are named by the template of today.
func TestGhostsFollowTheNameTemplate(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	bobs, _ := b.friend()
	if err := bobs.Say(b.ctx, alice, "one"); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "one")
	b.eventually("the name", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
	b.config = func(c *config.Config) { c.DisplaynameTemplate = "{{or .Name .Account}} [msn]" }
	b.restart()
	b.eventually("the new name", func() bool { return b.ghostName(login, bob) == "Bob Builder [msn]" })
}

// Somebody who is on no list is called what they call themselves, and marked.
func TestStrangerIsNamedAndMarked(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv)
	login := b.login()
	stranger := b.srv.Play(carol, msntest.Script{})
	if err := stranger.Say(b.ctx, alice, "hello"); err != nil {
		t.Fatal(err)
	}
	said, _ := b.waitMessage(0, "hello")
	b.eventually("the name", func() bool { return b.ghostName(login, carol) == "Carol ♥ 100% (MSN)" })
	b.matrix.wait(t, 0, "the mark", func(r record) bool {
		return r.kind == "message" && r.room == said.room && r.body == carol+" is not on your contact list. They have chosen the name that you see themselves."
	})
}

// Who leaves a room stays out until somebody on their contact list writes.
func TestStrangersDoNotCallBackWhoHasLeft(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"at once": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.login()
			stranger, friend := b.srv.Play(carol, msntest.Script{}), b.srv.Play(bob, msntest.Script{})
			rooms := make(map[*msntest.Bot]id.RoomID)
			for _, bot := range []*msntest.Bot{stranger, friend} {
				if err := bot.Say(b.ctx, alice, "hello from "+bot.Account().Email()); err != nil {
					t.Fatal(err)
				}
				said, _ := b.waitMessage(0, "hello from "+bot.Account().Email())
				rooms[bot] = said.room
				b.eventually("the invitation", func() bool { return b.isIn(said.room) })
				// What names them is queued in the room by then.
				b.eventually("the name", func() bool {
					return b.ghostName(login, bot.Account().Email()) == bot.Account().Name()+" (MSN)"
				})
				b.leave(said.room)
			}
			if restart {
				b.restart()
				b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
			}
			from := b.matrix.position()
			for _, bot := range []*msntest.Bot{stranger, friend} {
				if err := bot.Say(b.ctx, alice, "again from "+bot.Account().Email()); err != nil {
					t.Fatal(err)
				}
				b.waitMessage(from, "again from "+bot.Account().Email())
			}
			if b.isIn(rooms[stranger]) {
				t.Error("somebody who is on no list has called the user back")
			}
			if !b.isIn(rooms[friend]) {
				t.Error("a contact has not called the user back")
			}
		})
	}
}

// says has a contact say a text under a name.
func (b *testBridge) says(login *bridgev2.UserLogin, account, name, text string) {
	b.events++
	login.Client.(*Client).session.Dispatch(b.ctx, msn.TextReceived{
		Conversation: new(msn.Conversation), From: account, FromName: name, Text: text, Session: "s", Seq: b.events, At: time.Now(),
	})
}

// roomOf returns the room with a contact.
func (b *testBridge) roomOf(login *bridgev2.UserLogin, account string) id.RoomID {
	b.Helper()
	client := login.Client.(*Client)
	room, err := client.rooms.Stored(b.ctx, client.account.PortalKey(account))
	if err != nil || room == "" {
		b.Fatalf("the room with %s: %q, %v", account, room, err)
	}
	return room
}

// A stranger who takes the name of a friend, or one that looks so, gets a room whose name says
// who it is, also where rooms have no names of their own otherwise.
func TestStrangerDoesNotPassForAFriend(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"rooms have names": true, "rooms have none": false} {
		for _, taken := range []string{"Bob Builder", "bob  BUILDER", "B\u043eb Builder"} {
			t.Run(name+"/"+taken, func(t *testing.T) {
				t.Parallel()
				b := newTestBridge(t, newTestServer(t))
				b.br.Config.PrivateChatPortalMeta = own
				login := b.login()
				b.says(login, "mallory@strangers.example", taken, "it is me, Bob")
				b.waitMessage(0, "it is me, Bob")
				want := strings.Join(strings.Fields(taken), " ") + " (mallory@strangers.example) (MSN)"
				b.eventually("the name", func() bool { return b.dmName(login, "mallory@strangers.example") == want })
			})
		}
	}
}

// Somebody who takes their name back is called by their address.
func TestNameThatIsTakenBackIsGone(t *testing.T) {
	t.Parallel()
	for name, nothing := range map[string]string{"the address": carol, "nothing that is seen": "\u200b\u00a0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.login()
			b.says(login, carol, "Carol", "hello")
			b.waitMessage(0, "hello")
			called := func(name string) func() bool {
				return func() bool { return b.ghostName(login, carol) == name && b.dmName(login, carol) == name }
			}
			b.eventually("the name", called("Carol (MSN)"))
			b.says(login, carol, nothing, "I am nobody")
			b.eventually("the address", called(carol+" (MSN)"))
			b.restart()
			login = b.br.GetCachedUserLoginByID(login.ID)
			b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
			if got, err := login.Client.(*Client).ResolveIdentifier(b.ctx, carol, false); err != nil {
				t.Fatal(err)
			} else if got.Ghost.UpdateInfo(b.ctx, got.UserInfo); !called(carol + " (MSN)")() {
				t.Error("the name has come back")
			}
		})
	}
}

// What strangers are called outlasts a restart: their rooms and ghosts are named by another
// template.
func TestNamesOfStrangersOutlastARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.says(login, carol, "Carol", "hello")
	b.waitMessage(0, "hello")
	b.eventually("the name", func() bool { return b.dmName(login, carol) == "Carol (MSN)" })
	b.config = func(c *config.Config) { c.DisplaynameTemplate = "{{or .Name .Account}} [msn]" }
	b.restart()
	b.eventually("the new names", func() bool {
		return b.ghostName(login, carol) == "Carol [msn]" && b.dmName(login, carol) == "Carol [msn]"
	})
}

// While nobody is signed in, a room has no name of its own unless the user has given one.
func TestRoomsHaveNoNamesOfTheirOwnWhileSignedOut(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.friend()
	b.dm(login, bob)
	b.eventually("the name", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
	login.Client.Disconnect()
	client := login.Client.(*Client)
	if name, own := client.account.RoomName(b.ctx, bob, client.account.Names(b.ctx)); own || name != "Bob Builder (MSN)" {
		t.Errorf("the room is called %q, of its own: %t", name, own)
	}
}

// A sign-in that changes nothing asks the homeserver for nothing because of names, be it of a
// new process or not.
func TestSignInThatChangesNoNameAsksNothing(t *testing.T) {
	t.Parallel()
	const others = 20
	srv := newTestServer(t)
	srv.Befriend(alice, carol)
	other := func(n int) string { return fmt.Sprintf("friend%d@example.com", n) }
	for n := range others {
		srv.AddAccount(other(n), pass, msntest.Name(fmt.Sprint("Friend ", n)))
		srv.Befriend(alice, other(n))
		srv.Play(other(n), msntest.Script{})
	}
	b := newTestBridge(t, srv)
	login := b.login()
	srv.Play(carol, msntest.Script{})
	rooms := make(map[string]id.RoomID)
	for n := range others {
		rooms[other(n)] = b.dm(login, other(n))
		b.eventually("the name", func() bool {
			return b.ghostName(login, other(n)) == fmt.Sprintf("Friend %d (MSN)", n) && b.dmName(login, other(n)) == fmt.Sprintf("Friend %d (MSN)", n)
		})
	}
	rooms[carol] = b.dm(login, carol)
	// renamed waits until a new name is shown, and what came before it has been looked at.
	renamed := func(name string) {
		t.Helper()
		srv.Account(carol).SetName(name)
		b.eventually("the name", func() bool { return b.ghostName(login, carol) == name+" (MSN)" })
	}
	renamed("Caroline")
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"sign-in", func() { login.Client.(*Client).session.Reconnect(b.ctx) }},
		{"restart", b.restart},
	} {
		for _, room := range rooms {
			b.matrix.askedFor(room)
		}
		from := b.matrix.position()
		step.do()
		login = b.br.GetCachedUserLoginByID(login.ID)
		b.eventually("the sign-in", func() bool {
			session := login.Client.(*Client).session.Current()
			if session == nil {
				return false
			}
			for n := range others {
				if contact, _ := session.Contact(other(n)); contact.Status == msn.Offline || contact.Status == "" {
					return false
				}
			}
			return true
		})
		renamed("Carol after the " + step.name)
		renamed("Caroline after the " + step.name)
		for account, room := range rooms {
			if n := b.matrix.askedFor(room); n != 0 && account != carol {
				t.Errorf("the %s asks %d times for the members of the room with %s", step.name, n, account)
			}
		}
		b.matrix.mu.Lock()
		for _, r := range b.matrix.records[min(from, len(b.matrix.records)):] {
			if r.kind == "name" && r.sender != b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(carol)) {
				t.Errorf("the %s names %s", step.name, r.sender)
			}
		}
		b.matrix.mu.Unlock()
	}
}

// A name that cannot be shown at once is shown later: when the homeserver answers again, or
// when the user is back in the room.
func TestNameThatIsToldIsNotLost(t *testing.T) {
	t.Parallel()
	t.Run("the homeserver does not answer", func(t *testing.T) {
		t.Parallel()
		b := newTestBridge(t, newTestServer(t))
		login := b.login()
		b.says(login, carol, "Carol", "hello")
		b.waitMessage(0, "hello")
		b.eventually("the name", func() bool { return b.dmName(login, carol) == "Carol (MSN)" })
		room := b.roomOf(login, carol)
		b.matrix.failMembers(errors.New("no answer"))
		b.matrix.askedFor(room)
		b.says(login, carol, "Caroline", "I am Caroline")
		b.eventually("an attempt", func() bool { return b.matrix.askedFor(room) > 0 })
		// Another reason to name her, which knows nothing of what she has told.
		login.Client.(*Client).session.Dispatch(b.ctx, msn.ContactChanged{Contact: msn.Contact{Account: carol, Name: "x"}})
		b.eventually("another attempt", func() bool { return b.matrix.askedFor(room) > 0 })
		b.matrix.failMembers(nil)
		b.eventually("the name", func() bool { return b.ghostName(login, carol) == "Caroline (MSN)" })
	})
	for name, comeBack := range map[string]func(*testBridge, *bridgev2.UserLogin){
		"start-chat": func(b *testBridge, _ *bridgev2.UserLogin) { b.ask(b.management(), "start-chat "+carol) },
		"the user joins by themselves": func(b *testBridge, login *bridgev2.UserLogin) {
			b.matrix.setMember(b.roomOf(login, carol), fakeUser, event.MembershipJoin)
			b.says(login, carol, "Caroline", "there you are")
		},
	} {
		t.Run("the user has left/"+name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			login := b.login()
			b.says(login, carol, "Carol", "hello")
			b.waitMessage(0, "hello")
			b.eventually("the name", func() bool { return b.dmName(login, carol) == "Carol (MSN)" })
			room := b.roomOf(login, carol)
			b.eventually("the invitation", func() bool { return b.isIn(room) })
			b.leave(room)
			b.matrix.askedFor(room)
			b.says(login, carol, "Caroline", "I am Caroline")
			b.waitMessage(0, "I am Caroline")
			b.eventually("that it is looked whether the user is there", func() bool { return b.matrix.askedFor(room) > 0 })
			comeBack(b, login)
			b.eventually("the name", func() bool {
				return b.ghostName(login, carol) == "Caroline (MSN)" && b.dmName(login, carol) == "Caroline (MSN)"
			})
		})
	}
}

// Who says much under one name may still change it.
func TestNamesAreCountedByChangeNotByMessage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	for range 10 {
		b.says(login, carol, "Carol", "and another thing")
	}
	b.says(login, carol, "Caroline", "I am Caroline")
	b.waitMessage(0, "I am Caroline")
	b.eventually("the name", func() bool { return b.ghostName(login, carol) == "Caroline (MSN)" })
	for i := range 10 {
		b.says(login, carol, fmt.Sprint("Carol ", i), "who am I?")
	}
	b.says(login, bob, "", "the end")
	b.waitMessage(0, "the end")
	if names := b.matrix.all(func(r record) bool { return r.kind == "name" && strings.HasPrefix(r.body, "Carol") }); len(names) > 3 {
		t.Errorf("%d names within a moment: %+v", len(names), names)
	}
}

// Two logins hear of somebody at different times, and show it in any order: what was heard last
// counts, also after a restart.
func TestLatestNameCountsWhoeverHeardIt(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	first := b.login()
	second, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the sign-ins", func() bool { return b.signedIn(first.ID) && b.signedIn(second.ID) })
	const mallory = "mallory@strangers.example"
	// hears has a login hear of a name, and says who has no room with them to show it.
	hears := func(login *bridgev2.UserLogin, name string) {
		login.Client.(*Client).session.Dispatch(b.ctx, msn.PresenceChanged{Contact: msn.Contact{Account: mallory, Told: name, Status: msn.Online}})
	}
	called := func(when, name string) {
		t.Helper()
		if got := b.ghostName(first, mallory); got != name+" (MSN)" {
			t.Errorf("%s they are called %q, want %q", when, got, name)
		}
	}
	hears(first, "Old")
	hears(second, "New")
	b.srv.Play(mallory, msntest.Script{}) // somebody who is there
	b.dm(second, mallory)
	b.eventually("the name", func() bool { return b.ghostName(second, mallory) == "New (MSN)" })
	b.dm(first, mallory) // heard of it before there was a ghost
	b.dm(first, bob)
	called("when the first shows what it heard,", "New")
	hears(first, "Newer")
	b.eventually("the newer name", func() bool { return b.ghostName(first, mallory) == "Newer (MSN)" })
	b.restart()
	b.eventually("the sign-ins", func() bool { return b.signedIn(first.ID) && b.signedIn(second.ID) })
	b.dm(b.br.GetCachedUserLoginByID(second.ID), mallory)
	called("after a restart", "Newer")
}

// Somebody on no list whose presence is told changes their name every moment: few names are shown.
// What a user calls a contact is shown at once, however often that is.
func TestNamesThatChangeAllTheTimeAreShownSeldom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.srv.Play(carol, msntest.Script{})
	b.dm(login, carol)
	b.dm(login, bob)
	is := func(account, name string, on msn.List) {
		login.Client.(*Client).session.Dispatch(b.ctx, msn.PresenceChanged{Contact: msn.Contact{Account: account, Name: name, Told: name, Status: msn.Online, Lists: on}})
	}
	for i := range 15 {
		is(carol, fmt.Sprint("Carol ", i), 0)
		// What follows from that is done when a friend's name is shown that came after it.
		is(bob, fmt.Sprint("Bob ", i), msn.ListForward)
		b.eventually("the friend's name", func() bool { return b.ghostName(login, bob) == fmt.Sprintf("Bob %d (MSN)", i) })
	}
	shown := b.matrix.all(func(r record) bool { return r.kind == "name" && strings.HasPrefix(r.body, "Carol ") })
	if len(shown) == 0 || len(shown) > 5 { // one may come late
		t.Errorf("Carol is shown by %d names", len(shown))
	}
	for i := range 25 {
		name := fmt.Sprint("Bobby ", i)
		if got := b.ask(b.management(), "rename "+bob+" "+name); !strings.Contains(got.body, "is called") {
			t.Fatalf("answered by %q", got.body)
		}
		b.eventually("the user's name for Bob", func() bool { return b.dmName(login, bob) == name+" (MSN)" })
	}
}

// A stranger takes the name that the user has given a friend, or that the friend has: the room
// is named apart, and it is said there once, whoever had the name first.
func TestStrangerDoesNotPassForAFriendByWhatTheUserCallsThem(t *testing.T) {
	t.Parallel()
	const mallory = "mallory@strangers.example"
	const warning = "Take care: " + mallory + " bears the name of " + bob + ", who is on your contact list, or one that looks like it. They are two accounts."
	for name, taken := range map[string]string{"the user's name": "Bobby", "one that looks like it": "Bоbby", "the friend's own": "Bob Builder"} {
		for order, first := range map[string]bool{"stranger first": true, "friend first": false} {
			t.Run(name+"/"+order, func(t *testing.T) {
				t.Parallel()
				b := newTestBridge(t, newTestServer(t))
				login := b.login()
				b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
				// In this dialect what the contact calls itself is known when it is there.
				b.friend()
				b.dm(login, bob)
				b.eventually("the friend's name", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
				warned := func() int {
					return len(b.matrix.all(func(r record) bool { return r.body == warning && r.room == b.roomOf(login, mallory) }))
				}
				chat := b.management()
				calls := func() {
					b.write(chat, "rename "+bob+" Bobby")
					b.matrix.wait(t, 0, "the answer", func(r record) bool { return r.room == chat && strings.Contains(r.body, "is called") })
				}
				if !first {
					calls()
				}
				b.says(login, mallory, taken, "it is me")
				b.waitMessage(0, "it is me")
				if first {
					calls()
				}
				b.eventually("the warning", func() bool { return warned() == 1 })
				if name != "the friend's own" {
					want := taken + " (" + mallory + ") (MSN)"
					b.eventually("the name of the room", func() bool { return b.dmName(login, mallory) == want })
				}
				b.restart()
				login = b.br.GetCachedUserLoginByID(login.ID)
				b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
				b.says(login, mallory, taken, "it is still me")
				b.waitMessage(0, "it is still me")
				b.says(login, mallory, "Mallory", "now I am not")
				b.eventually("another name", func() bool { return b.ghostName(login, mallory) == "Mallory (MSN)" })
				if n := warned(); n != 0 { // the records are of the new process
					t.Errorf("warned %d times again", n)
				}
			})
		}
	}
}

// However many find out at the same moment for whom a stranger could be taken: it is said once.
func TestLikenessIsSaidOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	b.friend()
	client := login.Client.(*Client)
	b.eventually("the friend's name", func() bool { return client.account.DisplayName(b.ctx, bob) == "Bob Builder" })
	const strangers = 10
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range strangers {
		b.srv.AddAccount(stranger(i), pass, msntest.Name("Bob Builder"))
		b.srv.Play(stranger(i), msntest.Script{})
		b.dm(login, stranger(i))
		client.account.Tells(stranger(i), "Bob Builder")
		for range 20 {
			all.Go(func() {
				<-start
				client.people.Strangers.RoomMade(b.ctx, &database.QueuedMessage{LoginID: login.ID, PortalID: client.account.PortalKey(stranger(i)).ID, Sender: stranger(i)})
			})
		}
	}
	close(start)
	all.Wait()
	if said := b.matrix.all(func(r record) bool { return strings.HasPrefix(r.body, "Take care: ") }); len(said) != strangers {
		t.Errorf("said %d times of %d", len(said), strangers)
	}
}

// A room that does not answer when it is said there for whom somebody could be taken holds up no
// other stranger, nor what is said of another one.
func TestLikenessInARoomThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const warning = "Take care: "
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	b.friend()
	b.eventually("the friend's name", func() bool {
		return login.Client.(*Client).account.DisplayName(b.ctx, bob) == "Bob Builder"
	})
	hung, release := make(chan struct{}), make(chan struct{})
	b.Cleanup(func() { close(release) })
	var once sync.Once
	b.matrix.beforeTexts(func(_ id.RoomID, text string) {
		if strings.HasPrefix(text, warning+stranger(0)) {
			once.Do(func() { close(hung) })
			<-release
		}
	})
	b.says(login, stranger(0), "Bob Builder", "it is me")
	select {
	case <-hung:
	case <-time.After(waitLimit):
		t.Fatal("nothing is said")
	}
	b.says(login, stranger(1), "Somebody", "hello")
	b.waitMessage(0, "hello")
	b.says(login, stranger(2), "Bob Builder", "no, it is me")
	b.waitMessage(0, "no, it is me")
	b.matrix.wait(t, 0, "the other warning", func(r record) bool { return strings.HasPrefix(r.body, warning+stranger(2)) })
}

// Where others read along it is nobody else's business who is on the user's contact list.
func TestLikenessIsNotSaidBeforeOthers(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.loginWithRoom()
	b.friend()
	chat := b.management()
	b.says(login, stranger(0), "Somebody", "hello")
	b.waitMessage(0, "hello")
	room := b.roomOf(login, stranger(0))
	b.matrix.setMember(room, "@other:example.test", event.MembershipJoin)
	b.says(login, stranger(0), "Bob Builder", "it is me")
	said, _ := b.matrix.wait(t, 0, "the warning", func(r record) bool { return strings.HasPrefix(r.body, "Take care: "+stranger(0)) })
	if said.room != chat {
		t.Errorf("it is said in %s, the chat with the bot is %s", said.room, chat)
	}
}
