package bridge

import (
	"testing"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Most joins are those of the bridge's own ghosts and its bot: no list of all logins is made for
// them.
func TestJoinsOfTheBridgeItselfCostNothing(t *testing.T) {
	b := newTestBridge(t, newTestServer(t))
	b.login()
	ghost := b.matrix.FormatGhostMXID("home/" + bob)
	least := func(do func()) float64 { // others may have something to do just then
		n := testing.AllocsPerRun(100, do)
		for range 5 {
			n = min(n, testing.AllocsPerRun(100, do))
		}
		return n
	}
	join := func(user id.UserID) float64 {
		evt := &event.Event{
			Type: event.StateMember, Sender: user, StateKey: ptr.Ptr(string(user)), RoomID: "!r:" + fakeServer,
			Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipJoin}},
		}
		return least(func() { b.conn.Member(b.ctx, evt) })
	}
	// To tell a ghost by its name is all that is done.
	if n, telling := join(ghost), least(func() { b.br.IsGhostMXID(ghost) }); n != telling {
		t.Errorf("the join of a ghost allocates %v times, want %v", n, telling)
	}
	if n := join(fakeBot); n > 0 {
		t.Errorf("the join of the bot allocates %v times", n)
	}
	if join(fakeUser) == 0 {
		t.Error("nothing is done for the join of a user")
	}
}
