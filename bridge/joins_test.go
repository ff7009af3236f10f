package bridge

import (
	"fmt"
	"testing"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
)

// comes has somebody come into a room, or go.
func (b *testBridge) comes(room id.RoomID, user id.UserID, name string, was, is event.Membership) *event.Event {
	b.Helper()
	b.events++
	evt := &event.Event{
		Type: event.StateMember, StateKey: ptr.Ptr(string(user)), ID: b.latest(), RoomID: room, Sender: user,
		Content:  event.Content{Parsed: &event.MemberEventContent{Membership: is, Displayname: name}},
		Unsigned: event.Unsigned{PrevContent: &event.Content{Parsed: &event.MemberEventContent{Membership: was, Displayname: name}}},
	}
	b.matrix.setMember(room, user, is)
	b.conn.Member(b.ctx, evt)
	return evt
}

// People on MSN are told who comes and goes of those whom they hear, each time once, and of so
// many; and only if the admin wants it.
func TestJoinsAreToldIfTheAdminWantsIt(t *testing.T) {
	t.Parallel()
	for _, wanted := range []bool{false, true} {
		t.Run(fmt.Sprint(wanted), func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), withRelay, func(b *testBridge) {
				b.config = func(c *config.Config) { c.RelayJoins = wanted }
			})
			_, texts := b.friend()
			login := b.login()
			room := b.relayed(login)
			join, leave := event.MembershipJoin, event.MembershipLeave
			expect := func(want string) {
				t.Helper()
				if wanted {
					b.receive(texts, alice+": "+want)
				}
			}
			came := b.comes(room, fakeCarol, "Carol", event.MembershipInvite, join)
			expect("Carol has joined the conversation (Matrix).")
			b.queueEnds()
			b.conn.Member(b.ctx, came)                    // the homeserver repeats it
			b.comes(room, fakeCarol, "Carol", join, join) // a new name
			b.comes(room, fakeUser, "Alice", event.MembershipInvite, join)
			b.comes(room, fakeBot, "Bot", event.MembershipInvite, join)
			b.comes(room, b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(bob)), "Bob", event.MembershipInvite, join)
			b.comes(room, fakeCarol, "Carol", join, leave)
			expect("Carol has left the conversation (Matrix).")
			b.comes(room, fakeCarol, "Bob Builder", leave, join)
			expect("Bob Builder (@carol:example.test) has joined the conversation (Matrix).")
			for i := range 20 {
				b.comes(room, id.UserID(fmt.Sprintf("@user%d:%s", i, fakeServer)), fmt.Sprintf("User %d", i), event.MembershipInvite, join)
			}
			for i := range 2 { // the repeated one counts too
				expect(fmt.Sprintf("User %d has joined the conversation (Matrix).", i))
			}
			b.write(room, "that was all")
			b.receive(texts, alice+": that was all")
		})
	}
}

// That somebody has come is nothing to be kept for a contact who is away.
func TestJoinsAreNotKept(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay, func(b *testBridge) {
		b.config = func(c *config.Config) { c.RelayJoins = true }
	})
	room := b.relayed(b.login())
	b.comes(room, fakeCarol, "Carol", event.MembershipInvite, event.MembershipJoin)
	b.writeAs(fakeCarol, room, plainText("hello"))
	b.waitMessage(0, "Carol: bob@example.com is offline")
	_, texts := b.friend()
	b.receive(texts, alice+": Carol: hello")
	if told := b.matrix.all(func(r record) bool { return r.kind == "message" && len(r.calls) > 0 && r.calls[0] == fakeBot }); len(told) > 0 {
		t.Errorf("the room was told %+v", told)
	}
}

// Homeservers need not say what somebody was before: a new name is no coming, also when it is the first
// thing that is heard of a room after a start, or after the user has let others speak there.
func TestNewNameIsNoComingAfterAStart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withRelay, func(b *testBridge) {
		b.config = func(c *config.Config) { c.RelayJoins = true }
	})
	_, texts := b.friend()
	login := b.login()
	b.matrix.setMember(b.dm(login, bob), fakeCarol, event.MembershipJoin)
	room := b.relayed(login)
	renamed := func(name string) {
		b.events++
		b.matrix.call(fakeCarol, name)
		b.conn.Member(b.ctx, &event.Event{
			Type: event.StateMember, StateKey: ptr.Ptr(string(fakeCarol)), ID: b.latest(), RoomID: room, Sender: fakeCarol,
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipJoin, Displayname: name}},
		})
	}
	renamed("Caro")
	b.writeAs(fakeCarol, room, plainText("hello"))
	b.receive(texts, alice+": Caro: hello")
	renamed("Caroline")
	b.writeAs(fakeCarol, room, plainText("me again"))
	b.receive(texts, alice+": Caroline: me again")
	b.restart()
	_, texts = b.friend()
	renamed("Carolina")
	b.writeAs(fakeCarol, room, plainText("and again"))
	b.receive(texts, alice+": Carolina: and again")
	b.comes(room, fakeCarol, "Carolina", event.MembershipJoin, event.MembershipLeave)
	b.receive(texts, alice+": Carolina has left the conversation (Matrix).")
}
