package bridge

import (
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
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
