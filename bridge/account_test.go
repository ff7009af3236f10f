package bridge

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/login"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestEveryFailedLoginHasItsSentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name              string
		prepare           func(b *testBridge)
		account, password string
		want              string
	}{
		{"wrong password", nil, alice, "wrong", "Home refused the e-mail address or the password"},
		{"unknown account", nil, "nobody@example.com", pass, "Home refused the e-mail address or the password"},
		{"no address", nil, "alice", pass, "An MSN account is an e-mail address"},
		{"empty password", nil, alice, "", "The password is empty."},
		{"password with a line end", nil, alice, "a\r\nOUT", "line end"},
		{"unknown host", func(b *testBridge) {
			b.conn.Config.Service("home").Template.Server = "host-that-is-not.invalid:1863"
		}, alice, pass, "was not found"},
		{"nothing listens", func(b *testBridge) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			l.Close()
			b.conn.Config.Service("home").Template.Server = l.Addr().String()
		}, alice, pass, "cannot reach Home"},
		{"service busy", func(b *testBridge) {
			b.srv.Hook(msntest.On("USR", msntest.Refuse("601").ThenClose()))
		}, alice, pass, "busy or has trouble (error 601)"},
		{"suspended", func(b *testBridge) {
			b.srv.Hook(msntest.On("USR", msntest.Refuse("927").ThenClose()))
		}, alice, pass, "the account is suspended"},
		{"no common dialect", func(b *testBridge) {
			b.conn.Config.Service("home").Template.Dialects = []wire.Dialect{3}
		}, alice, pass, "none of the versions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var opts []msntest.Option
			if test.name == "no common dialect" {
				opts = append(opts, msntest.WithDialects(12))
			}
			b := newTestBridge(t, newTestServer(t, opts...))
			if test.prepare != nil {
				test.prepare(b)
			}
			_, err := b.tryLogin(test.account, test.password)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if b.br.GetCachedUserLoginByID(loginID(alice)) != nil {
				t.Error("a login was made all the same")
			}
		})
	}
}

func TestPasswordIsStoredEncrypted(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	meta := login.Metadata.(*account.Metadata).Get()
	if meta.Password == "" || strings.Contains(meta.Password, pass) {
		t.Errorf("the password is stored as %q", meta.Password)
	}
	if _, err := b.conn.Config.OpenPassword("home/"+bob, meta.Password); err == nil {
		t.Error("the password of one login can be used for another")
	}
	b.conn.Config.CredentialKey = "another key, just as long"
	if _, err := b.conn.Config.OpenPassword(login.ID, meta.Password); err == nil {
		t.Error("the password can be read with another key")
	}
}

func TestConnectionLostComesBack(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	from := b.matrix.position()
	if err := b.srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	_, from = b.matrix.wait(t, from, "the interruption", func(r record) bool {
		return r.bridge.StateEvent == status.StateTransientDisconnect
	})
	b.matrix.wait(t, from, "the return", func(r record) bool { return r.bridge.StateEvent == status.StateConnected })
}

func TestSignedInElsewhereIsNoFight(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	logins := func() (n int) {
		for _, r := range b.srv.Sent(alice) {
			if r.Command.Verb == "VER" {
				n++
			}
		}
		return n
	}
	before := logins()
	if err := b.srv.Kick(alice, "OTH"); err != nil {
		t.Fatal(err)
	}
	state, _ := b.matrix.wait(t, 0, "the state", func(r record) bool { return r.bridge.Error == "msn-signed-in-elsewhere" })
	if state.bridge.StateEvent != status.StateUnknownError || !strings.Contains(state.bridge.Message, "reconnect") {
		t.Errorf("state is %+v", state.bridge)
	}
	// A restart does not change it, and neither does the framework's own way of
	// coming back.
	b.restart()
	b.matrix.wait(t, 0, "the state after the restart", func(r record) bool { return r.bridge.Error == "msn-signed-in-elsewhere" })
	if logins() != before {
		t.Error("the bridge signed in again by itself")
	}
	login = b.br.GetCachedUserLoginByID(login.ID)
	login.Client.(*Client).session.Reconnect(b.ctx)
	b.waitState(status.StateConnected)
	if !b.srv.Online(alice) {
		t.Error("alice is not online")
	}
}

func TestRefusedPasswordIsTriedOnceOnly(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.srv.Account(alice).SetPassword("another one")
	if err := b.srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	state, _ := b.matrix.wait(t, 0, "the state", func(r record) bool { return r.bridge.StateEvent == status.StateBadCredentials })
	if state.bridge.Error != "msn-bad-credentials" || state.bridge.UserAction != status.UserActionRelogin {
		t.Errorf("state is %+v", state.bridge)
	}
	if login.Client.IsLoggedIn() {
		t.Error("still counts as logged in")
	}
	if _, err := b.tryLogin(alice, "another one"); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, 0, "the return", func(r record) bool {
		return r.bridge.StateEvent == status.StateConnected && b.srv.Online(alice)
	})
}

func TestLogoutSignsOutAndForgets(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	login.Logout(b.ctx)
	b.eventually("alice to be offline", func() bool { return !b.srv.Online(alice) })
	contacts, err := b.conn.db.Contact.GetAll(b.ctx, login.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(contacts) > 0 {
		t.Errorf("%d contacts are left", len(contacts))
	}
}

func TestLoggingInAgainReplacesTheSession(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	if _, err := b.tryLogin(alice, pass); err != nil {
		t.Fatal(err)
	}
	bot, texts := b.friend()
	_ = bot
	login := b.br.GetCachedUserLoginByID(loginID(alice))
	b.write(b.dm(login, bob), "still here")
	b.receive(texts, alice+": still here")
	if elsewhere := b.matrix.all(func(r record) bool { return r.bridge.Error == "msn-signed-in-elsewhere" }); len(elsewhere) > 0 {
		t.Error("the two sessions threw each other out")
	}
}

// strangersLogin is the log-in of another Matrix user than the one of the bridge.
func (b *testBridge) strangersLogin() bridgev2.LoginProcessUserInput {
	b.Helper()
	other, err := b.br.GetUserByMXID(b.ctx, "@mallory:example.test")
	if err != nil {
		b.Fatal(err)
	}
	process, err := b.conn.CreateLogin(b.ctx, other, "home")
	if err != nil {
		b.Fatal(err)
	}
	return process.(bridgev2.LoginProcessUserInput)
}

// Neither the right password nor a wrong one does anything to the session of another user.
func TestLoginOfAnotherMatrixUserIsNotTouched(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	session := client.session.Current()
	for _, password := range []string{pass, "a guess"} {
		_, err := b.strangersLogin().SubmitUserInput(b.ctx, map[string]string{login.FieldAccount: alice, login.FieldPassword: password})
		if err == nil || !strings.Contains(err.Error(), "another Matrix user") {
			t.Errorf("got %v", err)
		}
	}
	if client.session.Current() != session || session.Err() != nil {
		t.Error("the owner's session was touched")
	}
}

func TestPasswordsAreNotGuessed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	refused := 0
	for range 40 {
		if _, err := b.tryLogin(bob, "a guess"); err != nil && strings.Contains(err.Error(), "refused the e-mail address or the password") {
			refused++
		} else if err == nil || !strings.Contains(err.Error(), "Too many wrong passwords") {
			t.Fatalf("got %v", err)
		}
	}
	if refused != 5 {
		t.Errorf("the service was asked %d times", refused)
	}
	if _, err := b.tryLogin(bob, pass); err == nil || !strings.Contains(err.Error(), "Try again in") {
		t.Errorf("the right password after that: %v", err)
	}
	if _, err := b.tryLogin(alice, pass); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestReconnectingAgainAndAgainAtOnceLeavesOneSession(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { client.session.Reconnect(b.ctx) })
		all.Go(client.Disconnect)
	}
	all.Wait()
	client.session.Reconnect(b.ctx)
	b.eventually("a session", func() bool { return client.session.Current() != nil })
	client.Disconnect()
	b.eventually("alice to be offline", func() bool { return !b.srv.Online(alice) })
}

func TestLoggingInTwiceAtOnceLeavesOneClient(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	first := b.login().Client.(*Client)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := b.tryLogin(alice, pass); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { first.session.Reconnect(b.ctx) })
	}
	all.Wait()
	login := b.br.GetCachedUserLoginByID(loginID(alice))
	client := login.Client.(*Client)
	b.eventually("a session", func() bool { return client.session.Current() != nil })
	if first.session.Current() != nil {
		t.Error("a client that was replaced is still running")
	}
	if login.Metadata.(*account.Metadata).Get().Elsewhere {
		t.Error("the bridge takes its own new session for another place")
	}
}

func TestWrongPasswordDoesNotDisturbTheSession(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	before := client.session.Current()
	if _, err := b.tryLogin(alice, "wrong"); err == nil {
		t.Fatal("logged in with a wrong password")
	}
	if client.session.Current() != before || before.Err() != nil {
		t.Error("the session was disturbed")
	}
}

func TestWrongPasswordDoesNotEndASessionElsewhere(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	if err := b.srv.Kick(alice, "OTH"); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, 0, "the state", func(r record) bool { return r.bridge.Error == "msn-signed-in-elsewhere" })
	if _, err := b.tryLogin(alice, "wrong"); err == nil {
		t.Fatal("logged in with a wrong password")
	}
	b.eventually("the client to be told why", func() bool {
		_, err := client.session.Wait(b.ctx)
		return err != nil
	})
	if b.srv.Online(alice) || !client.account.Stored().Elsewhere {
		t.Error("the bridge signed in")
	}
}

func TestSessionOfARunThatIsStoppedAtOnceIsClosed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	client := login.Client.(*Client)
	client.Disconnect()
	open, err := b.conn.signIns.Open(b.ctx, session.Background, client.account.Service,
		session.Credentials{Account: alice, Password: pass, MachineGUID: msn.NewMachineGUID()}, login.Log)
	if err != nil {
		t.Fatal(err)
	}
	client.session.Start(open)
	client.Disconnect()
	select {
	case <-open.Done():
	case <-time.After(waitLimit):
		t.Error("the session lives")
	}
}

func TestFailedStoreKeepsTheOldClient(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	_, texts := b.friend()
	room := b.dm(login, bob)
	old := login.Client.(*Client)
	b.exec("CREATE TRIGGER no BEFORE UPDATE ON user_login BEGIN SELECT RAISE(FAIL, 'disk full'); END")
	if _, err := b.tryLogin(alice, pass); err == nil {
		t.Fatal("logged in without being stored")
	}
	b.exec("DROP TRIGGER no")
	b.eventually("the old session to come back", func() bool { return old.session.Current() != nil })
	if login.Client.(*Client) != old {
		t.Error("the framework has another client than the one that runs")
	}
	b.write(room, "hello")
	b.receive(texts, alice+": hello")
}

func (b *testBridge) exec(query string) {
	b.Helper()
	if _, err := b.br.DB.Exec(b.ctx, query); err != nil {
		b.Fatal(err)
	}
}

func TestLogoutTellsWhatDidNotGoOut(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.srv.Hook(msntest.On("XFR", msntest.Swallow()))
	b.write(room, "too late")
	b.eventually("the message to be under way", func() bool {
		for _, r := range b.srv.Sent(alice) {
			if r.Command.Verb == "XFR" {
				return true
			}
		}
		return false
	})
	from := b.matrix.position()
	login.Logout(b.ctx)
	b.matrix.wait(t, from, "the fate of the message", func(r record) bool { return r.kind == "message" && r.room == room })
}

func TestReloginNeedsNoServiceAndNoStranger(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	evt := func(body string) *event.MessageEventContent {
		content := &event.MessageEventContent{MsgType: event.MsgText, Body: body}
		b.conn.Arriving(b.ctx, &event.Event{Type: event.EventMessage, Sender: fakeUser, RoomID: "!r:x", Content: event.Content{Parsed: content}})
		return content
	}
	if got := evt("!msn relogin home/alice@example.com").Body; got != "!msn relogin home/alice@example.com home" {
		t.Errorf("got %q", got)
	}
	if got := evt("!msn relogin").Body; got != "!msn relogin home/alice@example.com home" {
		t.Errorf("without a login it became %q", got)
	}
	if got := evt("relogin home/alice@example.com").Body; got != "relogin home/alice@example.com" {
		t.Errorf("a text in a room with a contact became %q", got)
	}
	if _, err := b.strangersLogin().(bridgev2.LoginProcessWithOverride).StartWithOverride(b.ctx, login); err == nil || !strings.Contains(err.Error(), "not yours") {
		t.Errorf("got %v", err)
	}
}

func TestErrorNumberInMidSessionDoesNotCondemnThePassword(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	from := b.matrix.position()
	if err := b.srv.Push(alice, wire.New("911", "99")); err != nil {
		t.Fatal(err)
	}
	if err := b.srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	_, from = b.matrix.wait(t, from, "the interruption", func(r record) bool { return r.kind == "state" })
	b.matrix.wait(t, from, "the return", func(r record) bool { return r.bridge.StateEvent == status.StateConnected })
	if bad := b.matrix.all(func(r record) bool { return r.bridge.StateEvent == status.StateBadCredentials }); len(bad) > 0 {
		t.Error("the password counts as refused")
	}
}

// closing is a part that looks at what ends first.
type closing struct {
	ctx   context.Context
	looks sync.WaitGroup
	early atomic.Int64 // how often the session was closed before the work was to end
}

// Start derives a context, as work does: one that is derived ends a moment after the other.
func (p *closing) Start(ctx context.Context) {
	var cancel context.CancelFunc
	p.ctx, cancel = context.WithTimeout(ctx, time.Hour)
	context.AfterFunc(p.ctx, cancel)
}

func (p *closing) Stop() { p.looks.Wait() }

func (p *closing) ready(_ context.Context, client *msn.Client) {
	p.looks.Go(func() {
		<-client.Done()
		if p.ctx.Err() == nil {
			p.early.Add(1)
		}
	})
}

// What is under way when a login is stopped must not take the end of the session for a
// failure of the service.
func TestPartsAreToldToStopBeforeTheSessionIsClosed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	client := b.login().Client.(*Client)
	client.Disconnect()
	var part closing
	client.session.Use(&part)
	session.Listen(client.session, &part, session.Hears(session.OnReady((*closing).ready)))
	for range 20 {
		client.session.Reconnect(b.ctx)
		b.eventually("a session", func() bool { return client.session.Current() != nil })
		client.Disconnect()
	}
	if n := part.early.Load(); n > 0 {
		t.Errorf("the session was closed first %d times", n)
	}
}

// The password was right: only who checks it can end a login for good. A notification server
// that lets nobody in for a while, with a ticket of its own login server or before any, is an
// outage.
func TestServerThatRefusesGoodTicketsDoesNotCondemnThePassword(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"I", "S"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t))
			client := b.login().Client.(*Client)
			from := b.matrix.position()
			// A ticket is renewed once in each attempt.
			b.srv.Hook(msntest.Times(2, func(r *msntest.Request) msntest.Action {
				if r.Command.Verb == "USR" && r.Command.Arg(1) == "TWN" && r.Command.Arg(2) == step {
					return msntest.Refuse("911").ThenClose()
				}
				return msntest.Action{}
			}))
			client.session.Reconnect(b.ctx)
			told, from := b.matrix.wait(t, from, "the interruption", func(r record) bool {
				return r.bridge.StateEvent == status.StateTransientDisconnect
			})
			if !strings.Contains(told.bridge.Message, "(error 911)") {
				t.Errorf("told %q", told.bridge.Message)
			}
			b.matrix.wait(t, from, "the return", func(r record) bool { return r.bridge.StateEvent == status.StateConnected })
			if bad := b.matrix.all(func(r record) bool { return r.bridge.StateEvent == status.StateBadCredentials }); len(bad) > 0 {
				t.Error("the password counts as refused")
			}
		})
	}
}

// A first login gets past one refusal of its ticket by itself.
func TestFirstLoginRenewsATicketThatIsRefused(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.srv.Hook(msntest.Once(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "USR" && r.Command.Arg(2) == "S" {
			return msntest.Refuse("911").ThenClose()
		}
		return msntest.Action{}
	}))
	b.login()
}

// Two users of the bridge know Bob; one of them does not have him on her list. What she asks for
// does not change what everybody calls him.
func TestStartChatDoesNotRenameAGhost(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.friend()
	b.dm(login, bob)
	b.eventually("the name", func() bool { return b.ghostName(login, bob) == "Bob Builder (MSN)" })
	ghost, err := b.br.GetGhostByID(b.ctx, login.Client.(*Client).account.SenderOf(bob).Sender)
	if err != nil || !strings.Contains(ghost.Name, "Bob Builder") {
		t.Fatalf("Bob is %q, %v", ghost.Name, err)
	}
	other, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	found, err := other.Client.(*Client).ResolveIdentifier(b.ctx, bob, true)
	if err != nil {
		t.Fatal(err)
	}
	ghost.UpdateInfo(b.ctx, found.UserInfo)
	if !strings.Contains(ghost.Name, "Bob Builder") {
		t.Errorf("Bob has become %q", ghost.Name)
	}
}
