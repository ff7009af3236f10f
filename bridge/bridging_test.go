package bridge

import (
	"strings"
	"testing"

	"matrix-msn/msn/msntest"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const club = id.RoomID("!club:" + fakeServer)

// club makes a room of the user's and carol's, with the bot in it.
func (b *testBridge) club() {
	b.Helper()
	b.matrix.call(fakeCarol, "Carol")
	for _, user := range []id.UserID{fakeUser, fakeCarol, fakeBot} {
		b.matrix.setMember(club, user, event.MembershipJoin)
	}
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	b.matrix.called[club] = "The club"
}

// answers gives the bot a command and reports whether it answers so.
func (b *testBridge) answers(room id.RoomID, command, want string) {
	b.Helper()
	if got := b.ask(room, command); !strings.Contains(got.body, want) {
		b.Errorf("%s is answered by %q, want %q", command, got.body, want)
	}
}

func (b *testBridge) membership(room id.RoomID, user id.UserID) event.Membership {
	return b.matrix.memberships()[room][user]
}

// A room becomes that of a contact, keeps its name and its people, also over a restart, and is
// given back.
func TestRoomBecomesThatOfAContact(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	bot, texts := b.friend()
	b.club()
	b.write(club, "from before")
	b.answers(club, "!msn bridge bob@example.com", "This room is now that of “")
	ghost := b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob))
	b.eventually("the contact in the room", func() bool { return b.membership(club, ghost) == event.MembershipJoin })
	b.answers(club, "!msn set-relay", "will now be relayed")
	for range 2 {
		b.writeAs(fakeCarol, club, plainText("hello"))
		b.receive(texts, alice+": Carol: hello")
		if err := bot.Say(t.Context(), alice, "welcome"); err != nil {
			t.Fatal(err)
		}
		b.matrix.wait(t, 0, "the answer", func(r record) bool { return r.room == club && r.body == "welcome" })
		b.answers(club, "!msn bridge bob@example.com", "is bridged already")
		from := b.matrix.position()
		b.write(club, "!msn sync-portal")
		b.matrix.wait(t, from, "the end of the command", func(r record) bool { return r.kind == "event" && r.body == event.EventReaction.Type })
		if got := b.membership(club, fakeCarol); got != event.MembershipJoin {
			t.Errorf("carol is now %q", got)
		}
		b.matrix.mu.Lock()
		if got := b.matrix.called[club]; got != "The club" {
			t.Errorf("the room is now called %q", got)
		}
		b.matrix.mu.Unlock()
		b.restart()
		b.waitState(status.StateConnected)
		bot, texts = b.friend()
	}
	b.write(club, "!msn unbridge")
	b.eventually("the contact to leave", func() bool {
		return b.membership(club, ghost) == event.MembershipLeave && b.membership(club, fakeCarol) == event.MembershipJoin
	})
	if told, _ := b.waitMessage(0, "The room is given back"); told.room == club || !strings.Contains(told.body, "%21"+string(club[1:])) {
		t.Errorf("told %+v", told)
	}
	b.writeAs(fakeCarol, club, plainText("among us"))
	if err := bot.Say(t.Context(), alice, "and now"); err != nil {
		t.Fatal(err)
	}
	said, _ := b.waitMessage(0, "and now")
	if said.room == club {
		t.Error("it was said in the room that was given back")
	}
	b.write(said.room, "here")
	b.receive(texts, alice+": here")
}

// A room that there is already is replaced only if the user says so; then its people are told
// where it goes on.
func TestRoomTakesThePlaceOfAnother(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	login := b.login()
	before := b.dm(login, bob)
	b.club()
	b.restart() // so that the framework is done with the room that it has made
	_, texts := b.friend()
	b.answers(club, "!msn bridge bob@example.com", string(before))
	b.write(club, "!msn bridge bob@example.com --move")
	b.matrix.wait(t, 0, "the old room to be told", func(r record) bool {
		return r.room == before && strings.Contains(r.body, "goes on in another room") && strings.Contains(r.html, string(club))
	})
	b.waitMessage(0, "This room is now that of")
	b.write(club, "hello")
	b.receive(texts, alice+": hello")
	ghost := b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob))
	b.eventually("the contact to leave the old room", func() bool { return b.membership(before, ghost) == event.MembershipLeave })
}

// Others were allowed to speak in the old room alone: in the new one they are not heard before the user
// says so again.
func TestRelayEndsWithTheRoomThatIsReplaced(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	b.relayed(b.login())
	b.club()
	b.restart() // so that the framework is done with the room that it has made
	_, texts := b.friend()
	b.write(club, "!msn bridge bob@example.com --move")
	b.waitMessage(0, "Those who spoke through your account in the old room do not here.")
	b.writeAs(fakeCarol, club, plainText("among us"))
	b.write(club, "hello")
	b.receive(texts, alice+": hello")
	b.answers(club, "!msn set-relay", "will now be relayed")
	b.writeAs(fakeCarol, club, plainText("now me"))
	b.receive(texts, alice+": Carol: now me")
	b.restart()
	_, texts = b.friend()
	b.writeAs(fakeCarol, club, plainText("and again"))
	b.receive(texts, alice+": Carol: and again")
}

func TestRoomBecomesThatOfAGroupChat(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	b.srv.Befriend(alice, carol)
	b.login()
	before := b.dm(b.br.GetCachedUserLoginByID(loginID(alice)), bob)
	b.answers(before, "!invite "+carol, "There is a new room")
	b.club()
	name := ""
	b.matrix.mu.Lock()
	for room, called := range b.matrix.called {
		if strings.Contains(called, ", ") && room != club {
			name = called
		}
	}
	b.matrix.mu.Unlock()
	b.restart() // so that the framework is done with the room that it has made
	_, texts := b.friend()
	carolHears := make(chan string, 10)
	b.playAs(carol, carolHears)
	b.answers(club, "!msn bridge nothing of the kind", "No group chat and no circle")
	b.write(club, "!msn bridge --move "+name)
	b.waitMessage(0, "This room is now that of")
	b.write(club, "hello all")
	b.receive(texts, alice+": hello all")
	b.receive(carolHears, alice+": hello all")
}

// Who has no power in a room does not bridge it, and neither does a bot that cannot invite.
func TestRoomIsBridgedOnlyByWhoMay(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay)
	b.login()
	b.club()
	set := func(levels *event.PowerLevelsEventContent) {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		b.matrix.levels = map[id.RoomID]*event.PowerLevelsEventContent{club: levels}
	}
	invite := 50
	set(&event.PowerLevelsEventContent{Users: map[id.UserID]int{fakeUser: 49}})
	b.answers(club, "!msn bridge bob@example.com", "power level of 50 in this room, and you have 49")
	set(&event.PowerLevelsEventContent{Users: map[id.UserID]int{fakeUser: 100}, InvitePtr: &invite})
	b.answers(club, "!msn bridge bob@example.com", "I may not invite anybody")
	set(&event.PowerLevelsEventContent{Users: map[id.UserID]int{fakeUser: 100}})
	b.matrix.failInvites(mautrix.MForbidden)
	b.answers(club, "!msn bridge bob@example.com", "does not let me invite")
	b.answers(b.management(), "bridge bob@example.com", "your chat with me")
	if portal, err := b.br.GetPortalByMXID(b.ctx, club); err != nil || portal != nil {
		t.Errorf("the room is bridged all the same: %v, %v", portal, err)
	}
}

// playAs has somebody be online at the MSN server and hand over what reaches them.
func (b *testBridge) playAs(account string, texts chan<- string) {
	b.srv.Play(account, msntest.Script{Text: func(_ *msntest.Chat, from, text string) { texts <- from + ": " + text }})
}

// A bridge that encrypts nothing leaves encrypted rooms alone, and says so where it can be read.
func TestEncryptedRoomIsNotBridgedWithoutEncryption(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.club()
	chat := b.management()
	b.matrix.mu.Lock()
	b.matrix.secret = map[id.RoomID]bool{club: true}
	b.matrix.mu.Unlock()
	encrypts := false
	b.conn.Encrypts = func() bool { return encrypts }
	for _, command := range []string{"!msn bridge bob@example.com", "!msn create-group"} {
		if got := b.ask(club, command); got.room != chat || !strings.Contains(got.body, "is encrypted") || !strings.Contains(got.html, string(club)) {
			t.Errorf("%s is answered by %+v", command, got)
		}
	}
	if is := b.membership(club, b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob))); is != "" {
		t.Errorf("the contact is in the room: %q", is)
	}
	encrypts = true
	b.answers(club, "!msn bridge bob@example.com", "This room is now that of “bob@")
}
