package bridge

import (
	"errors"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/login"
	"matrix-msn/bridge/msnid"
)

// In an ID of Matrix an underscore takes two bytes. The one address is longer than what is taken of
// somebody new, the other one makes a longer ID than there are.
var (
	unusual  = strings.Repeat("_", 75) + "@b.c"
	overlong = strings.Repeat("_", 120) + "@b.c"
)

// stored puts a login into the database that an earlier bridge has made.
func (b *testBridge) stored(address string) networkid.UserLoginID {
	b.Helper()
	id := networkid.UserLoginID("home/" + address)
	sealed, err := b.conn.Config.SealPassword(id, pass)
	if err != nil {
		b.Fatal(err)
	}
	b.user()
	if err := b.br.DB.UserLogin.Insert(b.ctx, &bridgedb.UserLogin{UserMXID: fakeUser, ID: id, RemoteName: address,
		Metadata: account.NewMetadata(account.Record{Password: sealed})}); err != nil {
		b.Fatal(err)
	}
	return id
}

// relogin gives a login another password, as its command does.
func (b *testBridge) relogin(id networkid.UserLoginID) error {
	b.Helper()
	process, err := b.conn.CreateLogin(b.ctx, b.user(), "home")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := process.(bridgev2.LoginProcessWithOverride).StartWithOverride(b.ctx, b.br.GetCachedUserLoginByID(id)); err != nil {
		return err
	}
	_, err = process.(bridgev2.LoginProcessUserInput).SubmitUserInput(b.ctx, map[string]string{login.FieldPassword: pass})
	return err
}

// A login that was stored when longer addresses were taken is there, and goes on where Matrix lets it.
func TestLoginOfALongAddressGoesOn(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.AddAccount(unusual, pass)
	b := newTestBridge(t, srv)
	if _, err := b.tryLogin(unusual, pass); err == nil || !strings.Contains(err.Error(), "too long for Matrix") {
		t.Errorf("a new login: %v", err)
	}
	id := b.stored(unusual)
	b.restart()
	b.waitState(status.StateConnected)
	if err := b.relogin(id); err != nil {
		t.Errorf("another password: %v", err)
	}
}

// Where it makes an ID that Matrix does not have, the user is told what to do.
func TestLoginOfAnOverlongAddressIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	id := b.stored(overlong)
	b.restart()
	if b.br.GetCachedUserLoginByID(id) == nil {
		t.Fatal("the login is not loaded")
	}
	if r := b.waitState(status.StateUnknownError); !strings.Contains(r.bridge.Message, "Send `logout "+string(id)+"`") {
		t.Errorf("told %q", r.bridge.Message)
	}
	if err := b.relogin(id); !errors.Is(err, msnid.ErrLongID) && (err == nil || !strings.Contains(err.Error(), "too long for Matrix")) {
		t.Errorf("another password: %v", err)
	}
}
