package bridge

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// What the user calls a contact is for the user alone: where others read along the contact is called as
// they call themselves, in the name of the room too.
func TestPrivateNamesAreShownToNobodyElse(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t), withRelay)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	room := b.dm(login, bob)
	bot, texts := b.friend()
	b.eventually("bob's own name", func() bool { return strings.HasPrefix(b.dmName(login, bob), "Bob Builder") })
	b.ask(b.management(), "rename "+bob+" Grumpy")
	b.eventually("the room to be called so", func() bool { return strings.HasPrefix(b.dmName(login, bob), "Grumpy") })
	group := b.makeGroup(login, bob, carol)
	named := func(room id.RoomID) string {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		return b.matrix.called[room]
	}
	if name := named(group); !strings.Contains(name, "Grumpy") {
		t.Errorf("the group chat is called %q", name)
	}
	undelivered := func(name string) {
		t.Helper()
		from := b.matrix.position()
		b.srv.Hook(msntest.Times(1, msntest.On("MSG", msntest.NAK())))
		b.write(room, "hello")
		b.waitMessage(from, "did not reach "+name+" (bob@example.com)")
	}
	undelivered("Grumpy")
	for _, room := range []id.RoomID{room, group} {
		b.comes(room, fakeCarol, "Carol", "", event.MembershipInvite)
		b.eventually("the room "+string(room)+" to be called otherwise, not "+named(room), func() bool {
			return strings.Contains(named(room), "Bob Builder") && !strings.Contains(named(room), "Grumpy")
		})
	}
	from := b.matrix.position()
	undelivered("Bob Builder")
	if got := b.ask(room, "!nudge"); !strings.HasPrefix(got.body, "Bob Builder (bob@example.com) was nudged") {
		t.Errorf("answered by %q", got.body)
	}
	if err := b.callAlice(bot).Nudge(); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(from, "Bob Builder sent a nudge.")
	said := b.keeps(room, b.ghost(bob), plainText("who is it?"))
	replied := b.matrix.position()
	b.replyTo(room, said, "me")
	b.receive(texts, alice+": > Bob Builder: who is it?\r\nme")
	b.waitStatus(replied)
	notTold := func(from int) {
		t.Helper()
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		for _, r := range b.matrix.records[from:] {
			if strings.Contains(r.body+r.html, "Grumpy") {
				t.Errorf("told %+v", r)
			}
		}
	}
	notTold(from)
	b.club()
	b.restart() // so that the framework is done with the room that it has made
	b.friend()
	b.answers(club, "!msn bridge "+bob, "There is a room for it already")
	b.write(club, "!msn bridge --move "+bob)
	b.waitMessage(0, "This room is now that of “Bob Builder")
	notTold(0)
	// Alone again.
	b.comes(group, fakeCarol, "Carol", event.MembershipInvite, event.MembershipLeave)
	b.eventually("the group chat to be called as before", func() bool { return strings.Contains(named(group), "Grumpy") })
}

// Nor does anything in the room of a circle tell others what the user calls a member of it.
func TestPrivateNamesAreNotShownInTheRoomOfACircle(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	login := b.login()
	room := b.circleRoom(login.ID, circle)
	bobs, heard := b.inCircle(bob, circle)
	b.ask(b.management(), "rename "+bob+" Grumpy")
	b.eventually("the new name", func() bool {
		return login.Client.(*Client).account.Person(b.ctx, bob).Name == "Grumpy ("+bob+")"
	})
	b.comes(room, fakeCarol, "Carol", "", event.MembershipInvite)
	from := b.matrix.position()
	for _, command := range []string{"!invite " + bob, "!nudge " + bob, "!whois " + bob} {
		b.ask(room, command)
	}
	if err := bobs.SayInCircle(circle, "who is it?"); err != nil {
		t.Fatal(err)
	}
	asked, _ := b.waitMessage(from, "who is it?")
	b.replyTo(room, asked.id, "me")
	b.receive(heard, alice+": > Bob Builder: who is it?\r\nme")
	b.member(room, b.ghost(bob), event.MembershipJoin, event.MembershipLeave)
	b.waitMessage(from, "still belongs to the circle")
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	for _, r := range b.matrix.records[from:] {
		if r.room == room && strings.Contains(r.body+r.html, "Grumpy") {
			t.Errorf("told %+v", r)
		}
	}
}
