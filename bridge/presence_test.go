package bridge

import (
	"html"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/presence"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

const ghostOfBob = networkid.UserID("home/" + bob)

// waitPresence waits until Matrix shows bob so.
func (b *testBridge) waitPresence(when string, want presence.State) {
	b.Helper()
	b.eventually(when+" that bob is shown as "+string(want.Presence)+" "+want.Text, func() bool { return b.matrix.shown.of(ghostOfBob) == want })
}

func state(presenceOf event.Presence, text string) presence.State {
	return presence.State{Presence: presenceOf, Text: text}
}

// What a contact is goes to Matrix once there is a room, from the start-chat on, with text; and
// they are offline when they leave, are removed, or when the user signs out or does not want it.
func TestContactsAreShownAsOnline(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	friend, _ := b.friend()
	friend.SetStatus("BSY")
	friend.SetPersonalMessage("Gone <sailing>")
	b.eventually("the status", func() bool {
		contact, _ := login.Client.(*Client).session.Current().Contact(bob)
		return contact.Status == msn.Busy && contact.Personal != ""
	})
	if shown := b.matrix.shown.of(ghostOfBob); shown != (presence.State{}) {
		t.Errorf("without a room bob is shown as %+v", shown)
	}
	b.dm(login, bob)
	busy := state(event.PresenceUnavailable, "Busy · Gone <sailing>")
	b.waitPresence("with a room", busy)
	management := b.management()
	if got := b.ask(management, "!presence off").body; !strings.Contains(got, "Matrix does not show") {
		t.Errorf("the answer is %q", got)
	}
	offline := state(event.PresenceOffline, "")
	// The next request about bob is ten seconds later: the end of the bridge does not wait.
	b.restart()
	b.waitPresence("after the restart", offline)
	b.waitState("CONNECTED")
	if got := b.ask(management, "!presence").body; !strings.Contains(got, "`!presence on`") {
		t.Errorf("the answer is %q", got)
	}
	if got := b.ask(management, "!presence on").body; !strings.Contains(got, "Matrix shows which") {
		t.Errorf("the answer is %q", got)
	}
	b.waitPresence("when it is wanted again", busy)
	if got := b.ask(management, "!presence maybe").body; !strings.Contains(got, "Nothing was changed") {
		t.Errorf("the answer is %q", got)
	}
	b.stop()
	if shown := b.matrix.shown.of(ghostOfBob); shown != offline {
		t.Errorf("after the end bob is shown as %+v", shown)
	}
	if left, err := b.listedAsOnline(); err != nil || len(left) > 0 {
		t.Errorf("on disk are %v, %v", left, err)
	}
	b.start()
}

// Where the homeserver takes fields in profiles, the status is there too, also when it shows no
// presence, and goes with the contact, the wish to see it, and the bridge.
func TestStatusOfContactsIsInTheirProfiles(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.matrix.shown.refuse(mautrix.MForbidden)
	login := b.login()
	friend, _ := b.friend()
	friend.SetStatus("LUN")
	friend.SetPersonalMessage("Gone <sailing>")
	b.eventually("the status", func() bool {
		contact, _ := login.Client.(*Client).session.Current().Contact(bob)
		return contact.Status == msn.OutToLunch && contact.Personal != ""
	})
	b.dm(login, bob)
	want := presence.State{Presence: event.PresenceUnavailable, Text: "Out to lunch · Gone <sailing>", Emoji: "🍴"}
	b.eventually("the status in the profile", func() bool { return b.matrix.profiles.of(ghostOfBob) == want })
	b.stop()
	if got := b.matrix.profiles.of(ghostOfBob); got != state(event.PresenceOffline, "") {
		t.Errorf("after the end the profile has %+v", got)
	}
	b.start()
	b.waitState("CONNECTED")
	b.eventually("the status in the profile again", func() bool { return b.matrix.profiles.of(ghostOfBob) == want })
}

// listedAsOnline reads the list on disk of a bridge that was stopped.
func (b *testBridge) listedAsOnline() ([]networkid.UserID, error) {
	b.Helper()
	db := b.openDatabase()
	defer db.Close()
	return database.New("", db, b.dbLog()).Presence.All(b.ctx)
}

// An admin who does not want presence has none, and what an older run left is put right.
func TestPresenceThatTheAdminDoesNotWant(t *testing.T) {
	t.Parallel()
	off := false
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) {
			if off {
				c.Presence = config.PresenceOff
			}
		}
	})
	login := b.login()
	b.friend()
	b.dm(login, bob)
	b.waitPresence("at first", state(event.PresenceOnline, ""))
	off = true
	b.restart()
	b.waitState("CONNECTED")
	if got := b.ask(b.management(), "!presence on").body; !strings.Contains(got, "This bridge does not show") {
		t.Errorf("the answer is %q", got)
	}
	if shown := b.matrix.shown.of(ghostOfBob); shown != state(event.PresenceOffline, "") {
		t.Errorf("bob is shown as %+v", shown)
	}
}

// Who is online is shown also when the login signs in while their room is being made.
func TestSignInWhileARoomIsMadeForgetsNobody(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	b.friend()
	b.eventually("bob to be online", func() bool {
		contact, _ := client.session.Current().Contact(bob)
		return contact.Status == "NLN"
	})
	b.matrix.beforeRooms(func() error { return client.contacts.Switch(b.ctx, true) }) // begins as a sign-in does
	b.dm(login, bob)
	b.waitPresence("in the new room", state(event.PresenceOnline, ""))
}

// A homeserver without presence is no reason to stop anything else, and users are told why they
// see nobody.
func TestHomeserverWithoutPresence(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	contacts := []string{bob, carol, "dave@example.com"}
	for _, contact := range contacts {
		srv.Play(contact, msntest.Script{})
		srv.Befriend(alice, contact)
	}
	b := newTestBridge(t, srv)
	b.matrix.shown.refuse(mautrix.MForbidden)
	login := b.login()
	for _, contact := range contacts {
		b.dm(login, contact)
	}
	b.eventually("the bridge to give up", func() bool { return !b.conn.keepers.Works() })
	if got := b.ask(b.management(), "!presence").body; !strings.Contains(got, "in their profiles only") {
		t.Errorf("the answer is %q", got)
	}
	b.stop()
	b.startWith(func() {
		b.matrix.shown.refuse(mautrix.MForbidden)
		b.conn.Profile = nil
	})
	b.waitState("CONNECTED")
	login = b.br.GetCachedUserLoginByID(login.ID)
	b.eventually("the bridge to give up again", func() bool { return !b.conn.keepers.Works() })
	if got := b.ask(b.management(), "!presence").body; !strings.Contains(got, "this homeserver shows nobody") {
		t.Errorf("without profiles the answer is %q", got)
	}
	room := b.dm(login, bob)
	friend, texts := b.friend()
	_ = friend
	b.write(room, "hello")
	b.receive(texts, alice+": hello")
}

// matrixSays hands over what the homeserver says that the user does.
func (b *testBridge) matrixSays(content any, kind event.Type) {
	b.Helper()
	b.conn.Ephemeral(b.ctx, &event.Event{Type: kind, Sender: fakeUser, Content: event.Content{Parsed: content}})
}

// seen is what contacts see of alice.
type seen struct{ status, personal string }

func (b *testBridge) aliceIs() (s seen) {
	b.Helper()
	return seen{b.srv.Status(alice), html.UnescapeString(b.srv.Account(alice).PersonalMessage())}
}

func (b *testBridge) waitAlice(when string, want seen) {
	b.Helper()
	b.eventually(when+" that alice is "+want.status+" "+want.personal, func() bool { return b.aliceIs() == want })
}

// The user chooses as what they are seen, in words that say what holds; it lasts over a restart,
// a new sign-in, and is that of one login.
func TestUsersChooseTheirStatus(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	room := b.management()
	for word, want := range map[string]string{"online": "NLN", "busy": "BSY", "away": "AWY", "brb": "BRB", "phone": "PHN", "lunch": "LUN", "idle": "IDL", "HIDDEN": "HDN"} {
		if got := b.ask(room, "!status "+word).body; !strings.Contains(got, "until you choose something else") {
			t.Errorf("%s is answered by %q", word, got)
		}
		if got := b.aliceIs().status; got != want {
			t.Errorf("%s makes %s", word, got)
		}
	}
	b.ask(room, "!status phone")
	if got := b.ask(room, "!status gone").body; !strings.Contains(got, "follow, activity, online, busy") || b.aliceIs().status != "PHN" {
		t.Errorf("the answer is %q, the status %v", got, b.aliceIs())
	}
	if got := b.ask(room, "!psm  Gone\nsailing & <more>").body; !strings.Contains(got, "Your contacts read") {
		t.Errorf("the answer is %q", got)
	}
	b.waitAlice("as she has chosen", seen{"PHN", "Gone sailing & <more>"})
	b.restart()
	b.waitState("CONNECTED")
	b.waitAlice("after a restart", seen{"PHN", "Gone sailing & <more>"})
	if _, err := b.tryLogin(alice, pass); err != nil {
		t.Fatal(err)
	}
	b.waitAlice("after a new sign-in", seen{"PHN", "Gone sailing & <more>"})
	if got := b.ask(room, "!status").body; !strings.Contains(got, "“on the phone”") || !strings.Contains(got, "Gone sailing") {
		t.Errorf("the answer is %q", got)
	}
	if got := b.ask(room, "!psm").body; !strings.Contains(got, "read “Gone sailing & <more>”") {
		t.Errorf("the answer is %q", got)
	}
	b.waitAlice("after a look", seen{"PHN", "Gone sailing & <more>"})
	if got := b.ask(room, "!psm -").body; !strings.Contains(got, "nothing below your name") {
		t.Errorf("the answer is %q", got)
	}
	b.waitAlice("without a text", seen{"PHN", ""})
	if got := b.ask(room, "!psm "+strings.Repeat("x", 130)).body; !strings.Contains(got, "at most 129 characters, and this has 130") {
		t.Errorf("the answer is %q", got)
	}
	if got := b.ask(room, "!status activity").body; !strings.Contains(got, "while you write and read") || !strings.Contains(got, "Just now that is “online”") {
		t.Errorf("the answer is %q", got)
	}
}

// Who follows is seen as Matrix shows them, with its status message; what the bridge was told
// before counts until the homeserver tells.
func TestStatusFollowsMatrix(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	room := b.management()
	if got := b.ask(room, "!status").body; !strings.Contains(got, "The homeserver has not told the bridge") {
		t.Errorf("the answer is %q", got)
	}
	b.ask(room, "!psm my own")
	b.waitAlice("before Matrix tells", seen{"NLN", "my own"})
	b.matrixSays(&event.PresenceEventContent{Presence: event.PresenceUnavailable, StatusMessage: "at\nlunch"}, event.EphemeralEventPresence)
	b.waitAlice("when Matrix tells", seen{"IDL", "at lunch"})
	if got := b.ask(room, "!status").body; !strings.Contains(got, "as Matrix shows you") || !strings.Contains(got, "Just now that is “idle”") {
		t.Errorf("the answer is %q", got)
	}
	if got := b.ask(room, "!psm other").body; !strings.Contains(got, "your status message of Matrix") {
		t.Errorf("the answer is %q", got)
	}
	b.matrixSays(&event.PresenceEventContent{Presence: "busy"}, event.EphemeralEventPresence)
	b.waitAlice("when Matrix tells again", seen{"BSY", "other"})
	b.ask(room, "!status lunch")
	b.matrixSays(&event.PresenceEventContent{Presence: event.PresenceOnline, StatusMessage: "x"}, event.EphemeralEventPresence)
	if got := b.ask(room, "!status").body; !strings.Contains(got, "“out to lunch”") || b.aliceIs() != (seen{"LUN", "other"}) {
		t.Errorf("the answer is %q, the status %v", got, b.aliceIs())
	}
}

// After a restart nobody knows whether the user is there: they are not shown as online until
// they write or read.
func TestNobodyIsOnlineWhoIsNotThere(t *testing.T) {
	t.Parallel()
	for name, sign := range map[string]func(b *testBridge){
		"writes": func(b *testBridge) { b.write("!some:room", "hello") },
		"types": func(b *testBridge) {
			b.matrixSays(&event.TypingEventContent{UserIDs: []id.UserID{fakeUser}}, event.EphemeralEventTyping)
		},
		"reads": func(b *testBridge) {
			b.matrixSays(&event.ReceiptEventContent{"$e": {event.ReceiptTypeRead: {fakeUser: {Timestamp: time.Now()}}}}, event.EphemeralEventReceipt)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			b.login()
			b.waitAlice("who has just logged in", seen{"NLN", ""})
			b.restart()
			b.waitState("CONNECTED")
			b.waitAlice("after a restart", seen{"AWY", ""})
			sign(b)
			b.waitAlice("when she is there", seen{"NLN", ""})
		})
	}
}
