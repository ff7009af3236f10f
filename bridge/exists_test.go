package bridge

import (
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
)

// Before anybody has met a user the homeserver learns whether there can be one.
func TestUsersWhoCanExist(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.friend()
	b.dm(login, bob)
	b.eventually("the name", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
	user := func(service, account string) id.UserID {
		return b.matrix.FormatGhostMXID(msnid.MakeUserID(msnid.Identity{Service: service, Account: account}))
	}
	for who, want := range map[id.UserID]string{
		user("home", bob): "Bob Builder (MSN)", user("home", "eve@example.org"): "eve@example.org (MSN)",
		user("elsewhere", bob): "", user("home", "eve"): "", user("home", "EVE@example.org"): "", fakeUser: "", fakeBot: "", "@msn_x:" + fakeServer: "",
		user("home", strings.Repeat("x", 250)+"@example.org"): "",
	} {
		if name, ok := b.conn.CanExist(b.ctx, who); ok != (want != "") || name != want {
			t.Errorf("%s is %q, %v, want %q", who, name, ok, want)
		}
	}
	if got := b.conn.UsersOf(" BOB@example.com"); !slices.Equal(got, []id.UserID{user("home", bob)}) {
		t.Errorf("of bob's address: %v", got)
	}
	if got := b.conn.UsersOf("bob"); len(got) > 0 {
		t.Errorf("of no address: %v", got)
	}
	if address, service, ok := b.conn.AddressOf(user("home", bob)); !ok || address != bob || service != "home" {
		t.Errorf("bob is %q at %q, %v", address, service, ok)
	}
	if _, _, ok := b.conn.AddressOf(user("elsewhere", bob)); ok {
		t.Error("somebody at no service is known")
	}
}
