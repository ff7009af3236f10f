package bridge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.mau.fi/util/dbutil"
	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
)

// join is what the homeserver tells when the user comes into a room.
func (b *testBridge) join(room id.RoomID) {
	b.Helper()
	b.matrix.setMember(room, fakeUser, event.MembershipJoin)
	b.conn.Member(b.ctx, &event.Event{
		Type: event.StateMember, Sender: fakeUser, StateKey: ptr.Ptr(string(fakeUser)), RoomID: room,
		Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipJoin}},
	})
}

// waitSpace waits until a space holds these rooms, and no other.
func (b *testBridge) waitSpace(name string, rooms ...id.RoomID) (space id.RoomID) {
	b.Helper()
	slices.Sort(rooms)
	b.eventually(fmt.Sprint(rooms, " in the space ", name), func() bool {
		var in []id.RoomID
		var there bool
		space, in, there = b.matrix.space(name)
		return there && slices.Equal(in, rooms)
	})
	return space
}

// Groups of contacts are spaces with the rooms of their contacts, whatever becomes of groups,
// contacts and rooms, over restarts and outages of the homeserver, until nobody wants them.
func TestGroupsAreSpaces(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	for _, contact := range []string{bob, carol} {
		srv.Play(contact, msntest.Script{})
		srv.Befriend(alice, contact)
	}
	want := true
	b := newTestBridge(t, srv, func(b *testBridge) {
		b.filtering = true
		b.config = func(c *config.Config) { c.GroupSpaces = want }
	})
	login := b.login()
	chat := b.management()
	b.ask(chat, "!group add Sailing")
	b.ask(chat, "!group put Sailing "+bob)
	withBob := b.dm(login, bob)
	b.join(withBob)
	space := b.waitSpace("Sailing", withBob)
	if m, _ := b.matrix.GetMemberInfo(b.ctx, space, fakeUser); m == nil || m.Membership != event.MembershipInvite {
		t.Errorf("the user is %+v in the space", m)
	}
	b.ask(chat, "!group put Sailing "+carol)
	withCarol := b.dm(login, carol)
	b.join(withCarol)
	b.waitSpace("Sailing", withBob, withCarol)
	b.ask(chat, "!group take Sailing "+bob)
	b.waitSpace("Sailing", withCarol)
	b.ask(chat, "!group rename Sailing Rowing")
	if same := b.waitSpace("Rowing", withCarol); same != space {
		t.Errorf("the group that was renamed has the space %s, not %s", same, space)
	}
	b.restart()
	b.waitState("CONNECTED")
	b.ask(chat, "!group put Rowing "+bob)
	if same := b.waitSpace("Rowing", withBob, withCarol); same != space {
		t.Errorf("after a restart there is another space %s", same)
	}
	b.ask(chat, "!remove "+carol)
	b.waitSpace("Rowing", withBob)
	b.ask(chat, "!group add Empty")
	b.ask(chat, "!group remove Rowing")
	b.eventually("the space of a removed group gone", func() bool { _, _, there := b.matrix.space("Rowing"); return !there })
	if _, _, there := b.matrix.space("Empty"); there {
		t.Error("a group without rooms has a space")
	}
	outage := true
	b.matrix.beforeRooms(func() error {
		if outage {
			outage = false
			return mautrix.MUnknown
		}
		return nil
	})
	b.ask(chat, "!group put Empty "+bob)
	b.waitSpace("Empty", withBob)
	want = false
	b.restart()
	b.eventually("the spaces gone that nobody wants", func() bool { _, _, there := b.matrix.space("Empty"); return !there })
}

// withSpaces has groups shown as spaces, in the space of the login.
func withSpaces(b *testBridge) {
	b.filtering = true
	b.config = func(c *config.Config) { c.GroupSpaces = true }
}

// sailing makes the group Sailing with Bob in it, and returns the room with him.
func (b *testBridge) sailing(login *bridgev2.UserLogin) (withBob id.RoomID) {
	b.Helper()
	chat := b.management()
	b.ask(chat, "!group add Sailing")
	b.ask(chat, "!group put Sailing "+bob)
	withBob = b.dm(login, bob)
	b.join(withBob)
	return withBob
}

// lookedAtSpaces waits until the bridge has begun to bring the spaces up to date.
func (b *testBridge) lookedAtSpaces() {
	b.Helper()
	b.eventually("the spaces looked at", func() bool {
		return slices.ContainsFunc(b.statements.take(), func(query string) bool { return strings.Contains(query, "FROM group_space") })
	})
}

// The same group has another ID in other dialects, and none in the oldest: its space stays
// whichever is spoken.
func TestSpacesStayInAllDialects(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"MSNP2", "MSNP8"} {
		t.Run(other, func(t *testing.T) {
			t.Parallel()
			dialect := "MSNP12"
			b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
				b.statements = &statements{DatabaseLogger: dbutil.NoopLogger}
				b.config = func(c *config.Config) {
					c.GroupSpaces = true
					home := c.Services["home"]
					home.Dialects = []string{dialect}
					c.Services["home"] = home
				}
			})
			login := b.login()
			withBob := b.sailing(login)
			space := b.waitSpace("Sailing", withBob)
			for _, dialect = range []string{other, "MSNP12"} {
				b.stop()
				b.statements.take()
				b.start()
				b.waitState("CONNECTED")
				b.lookedAtSpaces()
				if same := b.waitSpace("Sailing", withBob); same != space {
					t.Errorf("over %s the space is %s, and was %s", dialect, same, space)
				}
			}
		})
	}
}

// What fails of a new space is done later, and keeps nothing else from being done: the user is
// invited, and the space is in that of the login.
func TestSpaceThatIsHalfMadeIsCompleted(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withSpaces)
	login := b.login()
	parent, err := login.GetSpaceRoom(b.ctx)
	if err != nil || parent == "" {
		t.Fatalf("the space of the login is %q, %v", parent, err)
	}
	chat := b.management()
	b.ask(chat, "!group add Sailing")
	b.ask(chat, "!group put Sailing "+bob)
	// Before there is a room, with which the space is made.
	var failed atomic.Bool
	b.matrix.beforeStates(func(room id.RoomID, key string) error {
		ofSpace := func(r record) bool { return r.kind == "room" && r.body == "Sailing" && string(r.room) == key }
		if room == parent && len(b.matrix.all(ofSpace)) > 0 {
			failed.Store(true)
			return errors.New("502")
		}
		return nil
	})
	b.matrix.failInvites(errors.New("502"))
	withBob := b.dm(login, bob)
	b.join(withBob)
	b.eventually("the space not put into that of the login", func() bool { return failed.Load() })
	space := b.waitSpace("Sailing", withBob)
	b.matrix.beforeStates(nil)
	b.matrix.failInvites(nil)
	b.ask(chat, "!group rename Sailing Rowing")
	b.waitSpace("Rowing", withBob)
	b.eventually("the space in that of the login", func() bool { return b.matrix.holds(parent, space) })
	b.eventually("the user invited", func() bool {
		m, _ := b.matrix.GetMemberInfo(b.ctx, space, fakeUser)
		return m != nil && m.Membership == event.MembershipInvite
	})
}

// made counts the rooms of a name that were made.
func (b *testBridge) made(name string) int {
	return len(b.matrix.all(func(r record) bool { return r.kind == "room" && r.body == name }))
}

// A database that does not take a space costs no rooms and no invitations, however often it is
// tried: without a row there is no room, and one that cannot be stored is left, once in a run.
func TestSpaceThatCannotBeStoredCostsNoRooms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		when string
		made int
	}{
		"the row":  {"BEFORE INSERT ON group_space WHEN NEW.name LIKE 'Sailing%'", 0},
		"the room": {"BEFORE UPDATE ON group_space WHEN NEW.room_id<>'' AND NEW.name LIKE 'Sailing%'", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newTestServer(t), withSpaces)
			login := b.login()
			b.exec("CREATE TRIGGER full " + test.when + " BEGIN SELECT RAISE(ABORT, 'full'); END")
			withBob := b.sailing(login)
			chat := b.management()
			for i := range 4 {
				b.join(withBob)
				b.ask(chat, fmt.Sprintf("!group rename Sailing Sailing%d", i))
				b.ask(chat, fmt.Sprintf("!group rename Sailing%d Sailing", i))
			}
			b.ask(chat, "!group add Other") // whose space is made after the others were tried
			b.ask(chat, "!group put Other "+bob)
			b.waitSpace("Other", withBob)
			made := 0
			for _, r := range b.matrix.all(func(r record) bool { return r.kind == "room" && strings.HasPrefix(r.body, "Sailing") }) {
				made++
				if m, _ := b.matrix.GetMemberInfo(b.ctx, r.room, fakeUser); m != nil {
					t.Errorf("the user is %s in a room that was not stored", m.Membership)
				}
			}
			if _, _, there := b.matrix.space("Sailing"); there || made != test.made {
				t.Errorf("%d rooms were made, want %d, and one stays: %t", made, test.made, there)
			}
		})
	}
}

// A bridge that was killed while it made a space makes it after the next start.
func TestSpaceThatWasBeingMadeAtTheEndIsMade(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withSpaces)
	login := b.login()
	withBob := b.sailing(login)
	b.waitSpace("Sailing", withBob)
	b.eventually("all stored", func() bool {
		stored, err := b.conn.db.GroupSpace.GetAll(b.ctx, login.ID)
		return err == nil && len(stored) == 1 && len(stored[0].Children) == 1
	})
	b.stop()
	db := b.openDatabase()
	if _, err := db.Exec(t.Context(), "UPDATE group_space SET room_id='', children='[]', parent='', joined=false"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	b.matrix.called = make(map[id.RoomID]string) // what was made is forgotten
	b.start()
	b.waitState("CONNECTED")
	space := b.waitSpace("Sailing", withBob)
	if n := b.made("Sailing"); n != 1 {
		t.Errorf("%d spaces were made", n)
	}
	if m, _ := b.matrix.GetMemberInfo(b.ctx, space, fakeUser); m == nil || m.Membership != event.MembershipInvite {
		t.Errorf("the user is %+v in the space", m)
	}
}

// A group with many contacts becomes a space with few writes to the database.
func TestLargeGroupIsStoredInFewSteps(t *testing.T) {
	t.Parallel()
	const contacts = 60
	srv := newTestServer(t)
	want := false
	b := newTestBridge(t, srv, func(b *testBridge) {
		b.statements = &statements{DatabaseLogger: dbutil.NoopLogger}
		b.config = func(c *config.Config) { c.GroupSpaces = want }
		for i := range contacts {
			account := fmt.Sprintf("c%d@example.com", i)
			srv.AddAccount(account, pass)
			srv.SetList(alice, msntest.FL, account, true)
		}
	})
	login := b.login()
	chat := b.management()
	b.ask(chat, "!group add Sailing")
	var rooms []id.RoomID
	for i := range contacts {
		account := fmt.Sprintf("c%d@example.com", i)
		b.ask(chat, "!group put Sailing "+account)
		rooms = append(rooms, b.dm(login, account))
	}
	b.stop()
	b.statements.take()
	want = true
	b.start()
	b.waitSpace("Sailing", rooms...)
	b.eventually("all stored", func() bool {
		stored, err := b.conn.db.GroupSpace.GetAll(b.ctx, login.ID)
		return err == nil && len(stored) == 1 && len(stored[0].Children) == contacts
	})
	writes := 0
	for _, query := range b.statements.take() {
		if strings.Contains(query, "INTO group_space") {
			writes++
		}
	}
	if writes > 8 {
		t.Errorf("a space with %d rooms is stored %d times", contacts, writes)
	}
}

// Who logs out leaves no spaces of groups behind, and has one of each after the next login.
func TestSpacesGoAtTheLogout(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withSpaces)
	login := b.login()
	b.waitSpace("Sailing", b.sailing(login))
	login.Logout(b.ctx)
	if space, _, there := b.matrix.space("Sailing"); there {
		t.Errorf("after the logout there is %s", space)
	}
	login = b.login()
	withBob := b.dm(login, bob)
	b.join(withBob)
	b.waitSpace("Sailing", withBob)
}
