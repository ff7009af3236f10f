package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
)

// Who is offline is called with each text of the user's, and does not come: the bot says so once, in one
// line of all of them, and nobody speaks or joins for that, also after a restart.
func TestMembersWhoAreOfflineAreToldOfOnce(t *testing.T) {
	t.Parallel()
	srv := newCircleOfFriends(t)
	srv.AddAccount(dave, pass)
	srv.Befriend(alice, dave)
	b := newTestBridge(t, srv)
	login := b.login()
	bobs := b.messenger(bob)
	room := b.makeGroup(login, bob, carol, dave)
	from := b.matrix.position()
	writes := func(text string) {
		t.Helper()
		b.write(room, text)
		bobs.expect(t, alice, text)
		_ = bobs.Close()
		b.waitLeft(room, bob)
		bobs = b.messenger(bob)
		b.eventually("bob to be seen online", func() bool {
			contact, _ := login.Client.(*Client).session.Current().Contact(bob)
			return contact.Status != "FLN" && contact.Status != ""
		})
	}
	writes("who is there?")
	told, _ := b.waitMessage(from, "do not hear what is said in the conversation.")
	if told.sender != fakeBot || told.room != room || !strings.Contains(told.body, "Carol") || !strings.Contains(told.body, "dave@example.com") {
		t.Errorf("told %+v", told)
	}
	ghost := b.matrix.FormatGhostMXID(msnid.MakeUserID(msnid.Identity{Service: "home", Account: carol}))
	b.matrix.setMember(room, ghost, event.MembershipLeave)
	from = b.matrix.position()
	for _, text := range []string{"still nobody?", "and now?"} {
		writes(text)
	}
	said := 0
	b.matrix.mu.Lock()
	seen := b.matrix.records[from:]
	b.matrix.mu.Unlock()
	for _, r := range seen {
		switch {
		case r.kind == "message" && strings.Contains(r.body, "offline"):
			said++
		case r.kind == "message" && r.sender != fakeBot, r.kind == "member" && r.sender == ghost && strings.HasPrefix(r.body, "join"):
			t.Errorf("seen is %+v", r)
		}
	}
	if said != 0 {
		t.Errorf("it is said %d times more", said)
	}
	b.restart()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	b.write(room, "after a restart")
	b.waitMessage(0, "do not hear what is said in the conversation.")
	b.eventually("the topic", func() bool { return strings.Contains(b.topic(room), "Carol") })
	if is := b.membership(room, ghost); is != event.MembershipLeave {
		t.Errorf("carol's ghost is %s", is)
	}
}
