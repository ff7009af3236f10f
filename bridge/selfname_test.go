package bridge

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// rename has the user take another name in Matrix.
func (b *testBridge) rename(name string) {
	b.Helper()
	b.matrix.call(fakeUser, name)
	b.conn.Member(b.ctx, &event.Event{
		Type: event.StateMember, Sender: fakeUser, StateKey: ptr.Ptr(string(fakeUser)),
		Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipJoin, Displayname: name}},
	})
}

// ownName is as what the service has the user.
func (b *testBridge) ownName() string {
	b.Helper()
	login := b.br.GetCachedUserLoginByID("home/" + alice)
	return login.Client.(*Client).session.Current().DisplayName()
}

// Who follows is called in MSN as in Matrix, as soon as that changes and after an outage of the
// homeserver; a name of MSN ends that.
func TestNameFollowsMatrix(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowName = true }
	})
	b.matrix.call(fakeUser, "Alice\u202e of\nMatrix")
	b.login()
	b.eventually("the name of Matrix", func() bool { return b.ownName() == "Alice of Matrix" })
	room := b.management()
	if got := b.ask(room, "!nick").body; !strings.Contains(got, "“Alice of Matrix”, by your name of Matrix") {
		t.Errorf("the answer is %q", got)
	}
	b.rename(strings.Repeat("é", msn.MaxEncodedName))
	b.eventually("a long name", func() bool { return b.ownName() == strings.Repeat("é", msn.MaxEncodedName/2) })
	b.rename("")
	b.rename("Alice")
	b.eventually("another name", func() bool { return b.ownName() == "Alice" })
	if got := b.ask(room, "!nick Own").body; !strings.Contains(got, "“Own” now") {
		t.Errorf("the answer is %q", got)
	}
	b.rename("Somebody")
	b.restart()
	b.waitState("CONNECTED")
	if got := b.ask(room, "!nick").body; !strings.Contains(got, "“Own”. ") {
		t.Errorf("the answer is %q", got)
	}
	b.matrix.call(fakeUser, "Somebody")
	if got := b.ask(room, "!nick --follow").body; !strings.Contains(got, "as “Somebody” now") {
		t.Errorf("the answer is %q", got)
	}
}

// A homeserver that does not take the name of the user's own ghost, or takes its time, holds up no
// message.
func TestNamingTheOwnGhostHoldsUpNoMessage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	_, texts := b.friend()
	var asked atomic.Int32
	own := b.matrix.FormatGhostMXID("home/" + alice)
	b.matrix.beforeNames(func(_ context.Context, user id.UserID) error {
		if user == own {
			asked.Add(1)
			return mautrix.MForbidden
		}
		return nil
	})
	room := b.dm(b.login(), bob)
	before := asked.Load()
	for i := range 10 {
		b.write(room, fmt.Sprint(i))
		b.receive(texts, fmt.Sprint(alice, ": ", i))
	}
	if n := asked.Load() - before; n > 1 {
		t.Errorf("for ten messages the own ghost is named %d times", n)
	}
}

// Somebody can have a very long name in Matrix: contacts see as much of it as a name may have.
func TestVeryLongNameIsCut(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowName = true }
	})
	b.matrix.call(fakeUser, strings.Repeat("é x", 20000))
	b.login()
	b.eventually("the beginning of the name", func() bool { return strings.HasPrefix(b.ownName(), "é xé x") })
}

// A name of MSN that is chosen while the one of Matrix is being asked for is the one that counts.
func TestNameThatIsChosenComesAfterOneThatIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowName = true }
	})
	b.matrix.call(fakeUser, "Matrix name")
	login := b.login()
	b.eventually("the name of Matrix", func() bool { return b.ownName() == "Matrix name" })
	chat := b.management()
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.matrix.beforeNameIsSaid(func() { once.Do(func() { close(asked); <-answer }) })
	b.rename("Renamed")
	<-asked
	from := b.matrix.position()
	b.write(chat, "!nick Chosen")
	b.eventually("following ended", func() bool { return !login.Client.(*Client).self.FollowsName() })
	close(answer)
	if got := b.answer(from, "the answer").body; !strings.Contains(got, "“Chosen” now") {
		t.Errorf("the answer is %q", got)
	}
	b.ask(chat, "!status busy") // comes when all is told that was under way
	if got := b.ask(chat, "!nick").body; !strings.Contains(got, "“Chosen”. ") {
		t.Errorf("then it is %q", got)
	}
	if got := b.ownName(); got != "Chosen" {
		t.Errorf("contacts see %q", got)
	}
}

// A name that the service refuses does not end that the one of Matrix is followed. One that the
// bridge cannot note is there all the same, and that is said.
func TestNameThatIsRefusedOrNotStored(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowName = true }
	})
	b.matrix.call(fakeUser, "Matrix name")
	login := b.login()
	b.eventually("the name of Matrix", func() bool { return b.ownName() == "Matrix name" })
	chat := b.management()
	if got := b.ask(chat, "!nick "+strings.Repeat("é", msn.MaxEncodedName)).body; !strings.Contains(got, "too long") {
		t.Errorf("the answer is %q", got)
	}
	if !login.Client.(*Client).self.FollowsName() {
		t.Error("a name that was too long has ended that the one of Matrix is followed")
	}
	b.exec("CREATE TRIGGER full BEFORE UPDATE ON user_login BEGIN SELECT RAISE(ABORT, 'full'); END")
	if got := b.ask(chat, "!nick Chosen").body; !strings.Contains(got, "see the name now") || !strings.Contains(got, "could not store") {
		t.Errorf("the answer is %q", got)
	}
	if got := b.ownName(); got != "Chosen" {
		t.Errorf("contacts see %q", got)
	}
}

// Who has no name in Matrix, or whose homeserver does not say it, is told so when they want to be
// called by it, and nothing is changed.
func TestNameOfMatrixThatThereIsNot(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	chat := b.management()
	if got := b.ask(chat, "!nick --follow").body; !strings.Contains(got, "no name in Matrix") {
		t.Errorf("without a name the answer is %q", got)
	}
	b.matrix.call(fakeUser, "Matrix name")
	b.matrix.failNames(mautrix.MUnknown)
	if got := b.ask(chat, "!nick --follow").body; !strings.Contains(got, "does not say how you are called") {
		t.Errorf("without an answer of the homeserver it is %q", got)
	}
	if login.Client.(*Client).self.FollowsName() {
		t.Error("the name is followed")
	}
	b.matrix.failNames(nil)
	if got := b.ask(chat, "!nick --follow").body; !strings.Contains(got, "as “Matrix name” now") {
		t.Errorf("with a name it is %q", got)
	}
}

// A name of Matrix that the service does not take is told of once, in this run and the next, and
// the next name is taken.
func TestNameOfMatrixThatTheServiceRefuses(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv, func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowName = true }
	})
	var refused atomic.Int32
	srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if verb := r.Command.Verb; (verb == "PRP" || verb == "REA") && strings.Contains(r.Command.String(), "Matrix") {
			refused.Add(1)
			return msntest.Refuse("209")
		}
		return msntest.Action{}
	}))
	b.matrix.call(fakeUser, "Matrix name")
	b.login()
	told := func() int {
		return len(b.matrix.all(func(r record) bool {
			return strings.Contains(r.body, "do not see your name of Matrix, “Matrix name”")
		}))
	}
	b.eventually("the notice", func() bool { return told() == 1 })
	b.rename("Matrix name")
	b.rename("Another")
	b.eventually("another name", func() bool { return b.ownName() == "Another" })
	b.restart() // with another fake homeserver
	b.matrix.call(fakeUser, "Matrix name")
	b.eventually("the name refused again", func() bool { b.rename("Matrix name"); return refused.Load() == 2 })
	b.rename("A third")
	b.eventually("a third name", func() bool { return b.ownName() == "A third" })
	if n := told(); n != 0 {
		t.Errorf("after a restart it is told of %d times more", n)
	}
}
