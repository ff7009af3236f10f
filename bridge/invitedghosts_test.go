package bridge

import (
	"strings"
	"testing"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Who invites people on MSN into a room that is not bridged is told once of each room that nothing of it
// reaches them, and what to do.
func TestGhostsInARoomThatIsNotBridged(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	b.login()
	chat := b.management()
	invites := func(by id.UserID, room id.RoomID, account string, direct bool) {
		b.conn.Member(b.ctx, &event.Event{
			Type: event.StateMember, Sender: by, RoomID: room, StateKey: ptr.Ptr(string(b.ghost(account))),
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipInvite, IsDirect: direct}},
		})
	}
	from := b.matrix.position()
	invites(fakeDave, "!daves:x", bob, false) // has no account
	invites(fakeUser, "!direct:x", bob, true) // the framework sees to it
	invites(fakeUser, "!ours:x", bob, false)
	got, _ := b.waitMessage(from, "a room that is not bridged")
	if got.room != chat || !strings.HasPrefix(got.body, "You have invited Bob Builder") || !strings.Contains(got.body, "%21ours:x") || !strings.Contains(got.body, "`!msn create-group`") {
		t.Errorf("told %+v", got)
	}
	invites(fakeUser, "!ours:x", carol, false)
	invites(fakeUser, "!other:x", carol, false)
	b.waitMessage(from, "You have invited Carol")
	if told := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "a room that is not bridged") }); len(told) != 2 {
		t.Errorf("told %+v", told)
	}
}
