package bridge

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// inviteGhost has the user invite a ghost into a room of two that they have just made, as
// the homeserver hands it over.
func (b *testBridge) inviteGhost(account string) id.RoomID {
	b.Helper()
	return b.inviteGhostInto("!invited", account)
}

// inviteGhostInto is inviteGhost for another room with the same contact.
func (b *testBridge) inviteGhostInto(prefix, account string) id.RoomID {
	b.Helper()
	room := id.RoomID(prefix + strings.NewReplacer("@", "_", ".", "_").Replace(account) + ":example.test")
	ghost := b.matrix.FormatGhostMXID(b.conn.clientsOf(b.ctx, fakeUser)[0].account.GhostID(account))
	b.matrix.setMember(room, fakeUser, event.MembershipJoin)
	b.matrix.setMember(room, ghost, event.MembershipInvite)
	b.events++
	b.br.QueueMatrixEvent(b.ctx, &event.Event{
		Type: event.StateMember, StateKey: ptr.Ptr(string(ghost)), ID: id.EventID("$" + prefix + account), RoomID: room, Sender: fakeUser,
		Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipInvite, IsDirect: true}},
	})
	return room
}

// signedInWithBob returns a bridge with a login that is signed in, at a service where bob answers.
func signedInWithBob(t *testing.T) (*testBridge, *bridgev2.UserLogin) {
	t.Helper()
	srv := newTestServer(t)
	srv.Play(bob, msntest.Script{})
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	return b, login
}

// Who invites somebody in Matrix who is no contact is told so there, and how to make them one; of a
// contact there is nothing to say.
func TestGhostWhoIsNoContactIsInvited(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.AddAccount(dave, pass)
	for _, account := range []string{bob, dave} {
		srv.Play(account, msntest.Script{})
	}
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	said := func(room id.RoomID, part string) int {
		return len(b.matrix.all(func(r record) bool { return r.kind == "message" && r.room == room && strings.Contains(r.body, part) }))
	}
	withDave, withBob := b.inviteGhost(dave), b.inviteGhost(bob)
	b.eventually("both rooms", func() bool { return said(withDave, "portal created") == 1 && said(withBob, "portal created") == 1 })
	b.eventually("the notice", func() bool { return said(withDave, dave+" is not on your contact list") == 1 })
	if said(withBob, "contact list") > 0 {
		t.Error("a contact is said to be none")
	}
	if got := b.ask(withDave, "!add").body; !strings.Contains(got, dave) {
		t.Errorf("the answer is %q", got)
	}
	b.write(withDave, "hello")
	b.waitStatus(0)
}

// Who cannot be reached does not come, and the chat with the bot says why.
func TestGhostWhoCannotBeReachedIsInvited(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	from := b.matrix.position()
	b.inviteGhost("nobody@example.com")
	b.matrix.wait(b.T, from, "why not", func(r record) bool {
		return r.kind == "message" && strings.HasPrefix(r.body, "Your invitation did not work: ") && strings.Contains(r.body, "nobody@example.com")
	})
}

// What the framework has a ghost say of an invitation is said in words for people.
func TestGhostsSayInOwnWordsWhatBecameOfAnInvitation(t *testing.T) {
	t.Parallel()
	b, _ := signedInWithBob(t)
	says := func(room id.RoomID, framework string) string {
		t.Helper()
		said, _ := b.matrix.wait(t, 0, framework, func(r record) bool {
			return r.kind == "message" && r.room == room && strings.Contains(r.body, framework)
		})
		own := GhostInOwnWords(&event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgNotice, Body: said.body, FormattedBody: said.html}})
		return own.Parsed.(*event.MessageEventContent).Body
	}
	first := b.inviteGhost(bob)
	if got := says(first, "portal created"); got != "This room is the chat with this contact now." {
		t.Errorf("of a new chat is said %q", got)
	}
	second := b.inviteGhostInto("!again", bob)
	want := "There is a chat with this contact already: " + first.URI("example.test").MatrixToURL()
	if got := says(second, "already have a direct chat"); got != want {
		t.Errorf("of a second is said %q, not %q", got, want)
	}
	if got := says(b.inviteGhost("nobody@example.com"), "Failed to create chat"); !strings.HasPrefix(got, "This room did not become the chat") {
		t.Errorf("of nobody is said %q", got)
	}
}

// What somebody on MSN writes stays as it is, and so does what has other words.
func TestGhostsSayTheRestAsItIs(t *testing.T) {
	t.Parallel()
	for _, content := range []*event.MessageEventContent{
		{MsgType: event.MsgText, Body: "Failed to create chat"}, {MsgType: event.MsgNotice, Body: "hello"}, {MsgType: event.MsgEmote, Body: "Private chat portal created"},
	} {
		for _, said := range []*event.Content{{Parsed: content}, {Parsed: *content}} {
			if GhostInOwnWords(said) != said {
				t.Errorf("%+v is said in other words", content)
			}
		}
	}
	warned := GhostInOwnWords(&event.Content{Parsed: event.MessageEventContent{MsgType: event.MsgNotice, Body: "Private chat portal created\n\nWarning: no keys"}})
	if got := warned.Parsed.(*event.MessageEventContent).Body; !strings.HasSuffix(got, " now.\n\nWarning: no keys") {
		t.Errorf("said is %q", got)
	}
}

// A stop between that a room has become that of a contact and that it has a name is made good by the next sign-in.
func TestRoomOfAnInvitationIsDescribedAfterAStop(t *testing.T) {
	t.Parallel()
	b, login := signedInWithBob(t)
	var away atomic.Bool
	// From then on the room is that of the contact.
	b.matrix.beforeTexts(func(_ id.RoomID, text string) {
		if strings.Contains(text, "portal created") {
			away.Store(true)
		}
	})
	b.matrix.beforeStates(func(id.RoomID, string) error {
		if away.Load() {
			return errors.New("the homeserver is away")
		}
		return nil
	})
	room := b.inviteGhost(bob)
	b.waitMessage(0, "portal created")
	b.eventually("the bridge to have failed", func() bool {
		portal, err := b.br.DB.Portal.GetByMXID(b.ctx, room)
		return err == nil && portal != nil && portal.Topic != "" && !portal.TopicSet
	})
	b.stop()
	away.Store(false)
	b.matrix.beforeTexts(func(id.RoomID, string) {})
	topic := func() string {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		return b.matrix.topics[room]
	}
	if got := topic(); got != "" {
		t.Fatalf("its topic is %q before the stop", got)
	}
	b.start()
	b.eventually("its topic", func() bool { return strings.Contains(topic(), bob) })
	b.eventually("that it is described to be known", func() bool {
		return len(b.br.GetCachedUserLoginByID(login.ID).Client.(*Client).account.Stored().Undescribed) == 0
	})
}

// A service can have contacts whose address nobody would type. The room into which their ghost is invited is theirs, and not that of who has
// the address that is left of it.
func TestGhostWithAnAddressThatNobodyWouldTypeIsInvited(t *testing.T) {
	t.Parallel()
	b, login := signedInWithBob(t)
	const odd = bob + "."
	own := login.Client.(*Client).account
	if err := own.DB.Contact.Put(b.ctx, &database.Contact{LoginID: login.ID, Account: odd, Lists: int(msn.ListForward)}); err != nil {
		t.Fatal(err)
	}
	b.inviteGhost(odd)
	b.messenger(bob).says(t, alice, "here I am")
	said, _ := b.waitMessage(0, "here I am")
	for account, wrong := range map[string]id.RoomID{odd: said.room, bob: id.RoomID("!invitedbob_example_com.:example.test")} {
		portal, err := b.br.DB.Portal.GetByKey(b.ctx, own.PortalKey(account))
		if err != nil {
			t.Fatal(err)
		}
		if portal != nil && portal.MXID == wrong {
			t.Errorf("the room of %s is %s", account, wrong)
		}
	}
}

// Where the user cannot be called back the room of the invitation takes the place of the one before, and is described.
func TestRoomOfAnInvitationReplacesOneThatTheUserIsBannedFrom(t *testing.T) {
	t.Parallel()
	b, login := signedInWithBob(t)
	before := b.dm(login, bob)
	b.matrix.setMember(before, fakeUser, event.MembershipBan)
	b.restart() // the framework goes on with a new room for a moment, beside all else
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	room := b.inviteGhost(bob)
	b.matrix.wait(t, 0, "the new room", func(r record) bool {
		return r.kind == "message" && r.room == room && strings.Contains(r.body, "portal created")
	})
	b.eventually("its topic", func() bool { return strings.Contains(b.topic(room), bob) })
	b.messenger(bob).says(t, alice, "here I am")
	if said, _ := b.waitMessage(0, "here I am"); said.room != room {
		t.Errorf("it is said in %s", said.room)
	}
}

// While a portal is held nothing comes into its room, all else does, and then what has waited.
func TestTextForAHeldRoomWaits(t *testing.T) {
	t.Parallel()
	srv := newCircleOfFriends(t)
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	b.dm(login, bob)
	client := login.Client.(*Client)
	release := client.rooms.Hold(client.account.PortalKey(bob))
	b.messenger(bob).says(t, alice, "from bob")
	b.messenger(carol).says(t, alice, "from carol")
	b.waitMessage(0, "from carol")
	if n := b.texts("from bob"); n != 0 {
		t.Errorf("it is there %d times while the room is held", n)
	}
	release()
	b.waitMessage(0, "from bob")
	b.eventually("nothing to wait", func() bool {
		waiting, err := client.account.DB.MSNQueue.Count(b.ctx, login.ID, client.account.PortalKey(bob).ID)
		return err == nil && waiting == 0
	})
	if n := b.texts("from bob"); n != 1 {
		t.Errorf("it is there %d times", n)
	}
}

// The user can have removed the chat before a start comes to describe its room: it is not made anew by that.
func TestChatThatIsGoneIsNotDescribed(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	own := func() *account.Account {
		return b.br.GetCachedUserLoginByID(login.ID).Client.(*Client).account
	}
	if err := own().Remember(b.ctx, func(kept *account.Record) { kept.Undescribed = []string{"gone@example.com"} }); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.eventually("nothing to be left to describe", func() bool { return len(own().Stored().Undescribed) == 0 })
	if portal, err := b.br.DB.Portal.GetByKey(b.ctx, own().PortalKey("gone@example.com")); err != nil || portal != nil {
		t.Errorf("there is a chat: %+v, %v", portal, err)
	}
}
