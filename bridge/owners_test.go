package bridge

import (
	"testing"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/id"
)

// What a user does concerns their own logins. Who has none costs the database nothing, however many there are of them.
func TestLoginsOfAUserAreFoundWithoutThoseOfOthers(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.statements = &statements{DatabaseLogger: dbutil.NoopLogger} })
	login := b.login()
	other, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the second session", func() bool { return b.signedIn(other.ID) })
	of := func(user id.UserID) (logins []*Client) { return b.conn.clientsOf(b.ctx, user) }
	if found := of(fakeUser); len(found) != 2 {
		t.Errorf("the user has %d logins, and not two", len(found))
	}
	b.eventually("a moment without statements of others", func() bool {
		b.statements.take()
		if found := of("@stranger:" + fakeServer); len(found) > 0 {
			t.Errorf("a stranger has %d logins", len(found))
		}
		return len(b.statements.take()) == 0
	})
	other.Logout(b.ctx)
	if found := of(fakeUser); len(found) != 1 || found[0] != login.Client {
		t.Errorf("the user has %d logins when one is gone", len(found))
	}
}
