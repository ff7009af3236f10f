package bridge

import (
	"testing"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/id"
)

// The room of a portal is that which the database has told for as long as the framework finds the portal by it.
func TestRoomIsRememberedWhileTheFrameworkKnowsIt(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	portal := &bridgedb.Portal{PortalKey: client.account.PortalKey(carol), MXID: "!one:x", Metadata: map[string]any{}}
	if err := b.br.DB.Portal.Insert(b.ctx, portal); err != nil {
		t.Fatal(err)
	}
	look := func(want id.RoomID) {
		t.Helper()
		if room, err := client.account.StoredRoom(b.ctx, portal.PortalKey); err != nil || room != want {
			t.Errorf("the room is %q and not %q, %v", room, want, err)
		}
	}
	move := func(to id.RoomID) {
		t.Helper()
		portal.MXID = to
		if err := b.br.DB.Portal.Update(b.ctx, portal); err != nil {
			t.Fatal(err)
		}
	}
	look("!one:x")
	move("!two:x")
	look("!two:x") // the framework has not looked at the portal yet
	look("!two:x") // now it has, and would know of changes
	move("!three:x")
	look("!two:x")
}
