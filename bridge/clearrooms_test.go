package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// The rooms of an account that is gone say so when somebody writes there, and go with one command: but for
// those in which others are, and those of other users.
func TestRoomsOfALoginThatIsGoneAreCleared(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Befriend(alice, carol)
	srv.Befriend(carol, bob)
	b := newTestBridge(t, srv)
	login := b.login()
	chat := b.management()
	withBob, withCarol := b.dm(login, bob), b.dm(login, carol)
	other, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the second session", func() bool { return b.signedIn(other.ID) })
	alive := b.dm(other, bob)
	if got := b.ask(chat, "clear-rooms"); got.body != "There are no rooms of accounts that you are logged out of." {
		t.Errorf("answered %q", got.body)
	}
	b.matrix.setMember(withCarol, fakeDave, event.MembershipJoin)
	if got := b.ask(chat, "logout "+string(login.ID)); !strings.Contains(got.body, "`clear-rooms` takes them away") {
		t.Errorf("answered %q", got.body)
	}
	from := b.matrix.position()
	b.write(withBob, "hello?")
	status, _ := b.matrix.wait(t, from, "what the room says", func(r record) bool { // which may be of an earlier text at first
		return r.kind == "status" && InOwnWords(&r.full).Message != ""
	})
	if said := InOwnWords(&status.full).Message; !strings.Contains(said, "you are not logged in to MSN with the account of this chat") || !strings.Contains(said, "`clear-rooms`") {
		t.Errorf("the room says %q", said)
	}
	want := "1 room of accounts that are logged out is gone. Log in again, and people get new ones. 1 room stays, where others are too: leave when you like."
	if got := b.ask(chat, "clear-rooms"); got.body != want {
		t.Errorf("answered %q", got.body)
	}
	if portal, err := b.br.GetPortalByMXID(b.ctx, withBob); err != nil || portal != nil {
		t.Errorf("the room is that of %+v, %v", portal, err)
	}
	if is := b.membership(withBob, fakeBot); is != event.MembershipLeave {
		t.Errorf("the bot is %q in the room", is)
	}
	for _, kept := range []struct{ room, what string }{{string(withCarol), "with others"}, {string(alive), "of an account that is there"}} {
		if is := b.membership(id.RoomID(kept.room), fakeBot); is != event.MembershipJoin {
			t.Errorf("the bot is %q in the room %s", is, kept.what)
		}
	}
	// Also without any account, and in such a room itself.
	b.ask(chat, "logout "+string(other.ID))
	from = b.matrix.position()
	b.write(alive, "!msn clear-rooms")
	if got, _ := b.waitMessage(from, "1 room of accounts that are logged out is gone."); got.room != chat {
		t.Errorf("answered in %s", got.room)
	}
	if again := b.dm(b.login(), bob); again == withBob {
		t.Error("the room is used again")
	}
}
