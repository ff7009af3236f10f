package membership

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver
	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // and how the framework opens it
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
	"maunium.net/go/mautrix/sqlstatestore"
)

const (
	room  = id.RoomID("!room:x")
	alice = id.UserID("@alice:x")
	bob   = id.UserID("@bob:x")
)

// asked is a store that counts how often it is asked for a member.
type asked struct {
	appservice.StateStore
	times int
	// encryption is how often it was asked whether a room is encrypted.
	encryption int
	during     func() // is called before the answer is given; may be nil
	err        error
}

func (a *asked) TryGetMember(ctx context.Context, room id.RoomID, user id.UserID) (*event.MemberEventContent, error) {
	a.times++
	member, err := a.StateStore.TryGetMember(ctx, room, user)
	if a.during != nil {
		a.during()
	}
	return member, errors.Join(err, a.err)
}

func (a *asked) IsEncrypted(ctx context.Context, room id.RoomID) (bool, error) {
	a.encryption++
	encrypted, err := a.StateStore.IsEncrypted(ctx, room)
	if a.during != nil {
		a.during()
	}
	return encrypted, errors.Join(err, a.err)
}

// framework returns the framework's own store, in a database.
func framework(t *testing.T) *asked {
	t.Helper()
	db, err := dbutil.NewFromConfig("", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "test.db") + "?_txlock=immediate", MaxOpenConns: 5,
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nobody needs it any more
	store := sqlstatestore.NewSQLStateStore(db, dbutil.NoopLogger, true)
	if err := store.Upgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &asked{StateStore: store}
}

func TestMemberIsAskedForOnce(t *testing.T) {
	t.Parallel()
	inner := framework(t)
	s := Remember(inner)
	if err := s.SetMember(t.Context(), room, alice, &event.MemberEventContent{Membership: event.MembershipJoin, Displayname: "Alice"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if !s.IsInRoom(t.Context(), room, alice) || !s.IsInvited(t.Context(), room, alice) || s.IsMembership(t.Context(), room, alice, event.MembershipBan) {
			t.Error("alice is not in the room as she should be")
		}
		if s.IsInRoom(t.Context(), room, bob) || s.IsInRoom(t.Context(), "!other:x", alice) {
			t.Error("somebody is in a room who never was there")
		}
		if member, err := s.GetMember(t.Context(), room, bob); err != nil || member.Membership != event.MembershipLeave {
			t.Errorf("bob, who is not known: %+v, %v", member, err)
		}
		if member, err := s.TryGetMember(t.Context(), room, bob); err != nil || member != nil {
			t.Errorf("bob, who is not known: %+v, %v", member, err)
		}
		member, err := s.GetMember(t.Context(), room, alice)
		if err != nil || member.Displayname != "Alice" {
			t.Fatalf("alice: %+v, %v", member, err)
		}
		member.Displayname = "Mallory" // it is a copy
	}
	if inner.times != 3 {
		t.Errorf("the database was asked %d times for three members", inner.times)
	}
}

// What changes members is seen at once.
func TestChangesAreSeen(t *testing.T) {
	t.Parallel()
	join := event.MembershipJoin
	joins := func(user id.UserID) *event.Event {
		key := string(user)
		return &event.Event{Type: event.StateMember, RoomID: room, StateKey: &key, Content: event.Content{Parsed: &event.MemberEventContent{Membership: join}}}
	}
	for name, change := range map[string]func(*Store) error{
		"SetMembership": func(s *Store) error { return s.SetMembership(t.Context(), room, alice, event.MembershipLeave) },
		"SetMember": func(s *Store) error {
			return s.SetMember(t.Context(), room, alice, &event.MemberEventContent{Membership: event.MembershipBan})
		},
		"ClearCachedMembers":   func(s *Store) error { return s.ClearCachedMembers(t.Context(), room) },
		"ReplaceCachedMembers": func(s *Store) error { return s.ReplaceCachedMembers(t.Context(), room, []*event.Event{joins(bob)}) },
		"an event": func(s *Store) error {
			evt := joins(alice)
			evt.Content.AsMember().Membership = event.MembershipLeave
			mautrix.UpdateStateStore(t.Context(), s, evt)
			return nil
		},
	} {
		s := Remember(framework(t))
		if err := s.SetMembership(t.Context(), room, alice, join); err != nil {
			t.Fatal(err)
		}
		if err := s.SetMembership(t.Context(), "!other:x", alice, join); err != nil {
			t.Fatal(err)
		}
		if !s.IsInRoom(t.Context(), room, alice) || !s.IsInRoom(t.Context(), "!other:x", alice) {
			t.Fatal("alice is not in her rooms")
		}
		if err := change(s); err != nil {
			t.Fatal(err)
		}
		if s.IsInRoom(t.Context(), room, alice) {
			t.Errorf("%s: alice is still in the room", name)
		}
		if !s.IsInRoom(t.Context(), "!other:x", alice) {
			t.Errorf("%s: alice is not in the other room any more", name)
		}
	}
}

// Who is asked for just while they change is not remembered as they were before.
func TestChangeWhileAskingIsNotMissed(t *testing.T) {
	t.Parallel()
	inner := framework(t)
	s := Remember(inner)
	inner.during = func() {
		inner.during = nil
		if err := s.SetMembership(t.Context(), room, alice, event.MembershipJoin); err != nil {
			t.Error(err)
		}
	}
	if s.IsInRoom(t.Context(), room, alice) {
		t.Error("alice was in the room before she was")
	}
	if !s.IsInRoom(t.Context(), room, alice) {
		t.Error("what was there before alice came is remembered")
	}
}

// A database that fails is asked again.
func TestFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	inner := framework(t)
	s := Remember(inner)
	if err := s.SetMembership(t.Context(), room, alice, event.MembershipJoin); err != nil {
		t.Fatal(err)
	}
	inner.err = errors.New("the disk is on fire")
	if _, err := s.GetMember(t.Context(), room, alice); !errors.Is(err, inner.err) {
		t.Errorf("the error is %v", err)
	}
	if s.IsInRoom(t.Context(), room, alice) {
		t.Error("somebody is in a room of which nothing is known")
	}
	inner.err = nil
	if !s.IsInRoom(t.Context(), room, alice) {
		t.Error("the failure is remembered")
	}
}

// A room that is not encrypted is asked for once, and seen as encrypted from the moment on in which it is.
func TestRoomThatBecomesEncryptedIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	inner := framework(t)
	s := Remember(inner)
	is := func(room id.RoomID, want bool) {
		t.Helper()
		if encrypted, err := s.IsEncrypted(t.Context(), room); err != nil || encrypted != want {
			t.Errorf("%s is encrypted: %t, %v", room, encrypted, err)
		}
	}
	for range 3 {
		is(room, false)
	}
	if inner.encryption != 1 {
		t.Errorf("the database was asked %d times", inner.encryption)
	}
	megolm := &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}
	key := ""
	mautrix.UpdateStateStore(t.Context(), s, &event.Event{Type: event.StateEncryption, RoomID: room, StateKey: &key, Content: event.Content{Parsed: megolm}})
	is(room, true)
	is(room, true)
	is("!other:x", false)
	// It becomes so just while somebody asks.
	inner.during = func() {
		inner.during = nil
		if err := s.SetEncryptionEvent(t.Context(), "!third:x", megolm); err != nil {
			t.Error(err)
		}
	}
	is("!third:x", false) // as it was before
	is("!third:x", true)
	inner.err = errors.New("a whim")
	if _, err := s.IsEncrypted(t.Context(), "!fourth:x"); !errors.Is(err, inner.err) {
		t.Errorf("the error is %v", err)
	}
	inner.err = nil
	if err := s.SetEncryptionEvent(t.Context(), "!fourth:x", megolm); err != nil {
		t.Fatal(err)
	}
	is("!fourth:x", true)
	for i := range maxRooms + 100 {
		is(id.RoomID(fmt.Sprint("!", i, ":x")), false)
	}
	if n := s.plain.Len(); n != maxRooms {
		t.Errorf("%d rooms are remembered, %d at most", n, maxRooms)
	}
}

func TestRememberedMembersAreBounded(t *testing.T) {
	t.Parallel()
	s := Remember(nothing{})
	for i := range 100 {
		s.IsInRoom(t.Context(), room, id.UserID(fmt.Sprint("@", i, ":x")))
		if of, _ := s.rooms.Get(room); len(of) > maxOfRoom {
			t.Fatalf("%d members of a room are remembered, %d at most", len(of), maxOfRoom)
		}
	}
	for i := range maxRooms + 100 {
		s.IsInRoom(t.Context(), id.RoomID(fmt.Sprint("!", i, ":x")), alice)
	}
	if n := s.rooms.Len(); n != maxRooms {
		t.Errorf("members of %d rooms are remembered, of %d at most", n, maxRooms)
	}
}

// nothing knows nobody.
type nothing struct{ appservice.StateStore }

func (nothing) TryGetMember(context.Context, id.RoomID, id.UserID) (*event.MemberEventContent, error) {
	return nil, nil
}

// A later version of the framework may have more ways to change members: they are to be added to Store, or to this list if they
// change none.
func TestFrameworkChangesMembersInNoOtherWay(t *testing.T) {
	t.Parallel()
	known := []string{
		"ClearCachedMembers", "GetAllMembers", "GetCreate", "GetHistoryVisibility", "GetJoinRules", "GetMember", "GetPowerLevel", "GetPowerLevelRequirement",
		"GetPowerLevels", "GetRoomJoinedOrInvitedMembers", "HasFetchedMembers", "HasPowerLevel", "IsConfusableName", "IsEncrypted", "IsInRoom", "IsInvited",
		"IsMembership", "IsRegistered", "MarkMembersFetched", "MarkRegistered", "ReplaceCachedMembers", "SetCreate", "SetEncryptionEvent",
		"SetHistoryVisibility", "SetJoinRules", "SetMember", "SetMembership", "SetPowerLevels", "TryGetMember",
	}
	store := reflect.TypeFor[appservice.StateStore]()
	for i := range store.NumMethod() {
		if name := store.Method(i).Name; !slices.Contains(known, name) {
			t.Errorf("the framework's store has a method %s", name)
		}
	}
	// It would be called in the place of all that changes members.
	if _, ok := any(new(sqlstatestore.SQLStateStore)).(mautrix.StateStoreUpdater); ok {
		t.Error("the framework's store takes events by itself")
	}
}
