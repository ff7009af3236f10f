package bridge

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

// Admins see all logins, those in trouble first, with what waits; others are told that it is not for them.
func TestAdminsSeeAllLogins(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.framework = func(config *bridgeconfig.BridgeConfig) {
			config.Permissions = bridgeconfig.PermissionConfig{"*": &bridgeconfig.PermissionLevelUser, string(fakeUser): &bridgeconfig.PermissionLevelAdmin}
		}
	})
	chat := b.management()
	if got := b.ask(chat, "logins"); got.body != "Nobody is logged in." {
		t.Errorf("answered %q", got.body)
	}
	login := b.login()
	room := b.dm(login, bob)
	second, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the second session", func() bool { return b.signedIn(second.ID) })
	if err := b.srv.Kick(carol, "OTH"); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, 0, "the state", func(r record) bool { return r.bridge.Error == "msn-signed-in-elsewhere" })
	b.write(room, "for when he is back") // Bob is offline: it is kept
	b.waitStatus(0)
	bot, _ := b.friend()
	b.matrix.failSending(errors.New("the homeserver is away"))
	if err := b.callAlice(bot).Say("Hi"); err != nil {
		t.Fatal(err)
	}
	b.eventually("what waits to be counted", func() bool {
		waiting, err := b.conn.db.Waiting.All(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return waiting[login.ID].In == 1 && !waiting[login.ID].Oldest.IsZero() && len(waiting) == 1
	})
	b.matrix.failSending(nil)
	from := b.matrix.position()
	b.write(chat, "logins")
	got, _ := b.waitMessage(from, "Accounts: 2")
	lines := strings.Split(got.body, "\n")
	if len(lines) != 3 || lines[0] != "Accounts: 2, signed in: 1." ||
		!regexp.MustCompile(`^• @alice:example\.test: carol@example\.com at Home, signed out \(msn-signed-in-elsewhere\) since 20\d\d-\d\d-\d\d \d\d:\d\d UTC$`).MatchString(lines[1]) ||
		!regexp.MustCompile(`^• @alice:example\.test: alice@example\.com at Home, signed in over MSNP12 since 20\d\d-\d\d-\d\d \d\d:\d\d UTC`).MatchString(lines[2]) {
		t.Errorf("answered %q", got.body)
	}
	other, err := b.br.GetUserByMXID(b.ctx, fakeDave)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := other.GetManagementRoom(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.askAs(fakeDave, theirs, "logins"); strings.Contains(got.body, alice) || !strings.Contains(got.body, "limited to bridge administrators") {
		t.Errorf("somebody else is answered %q", got.body)
	}
}
