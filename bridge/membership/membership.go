// Package membership remembers who is in which room, and whether it is encrypted, so that the database is not asked for it with each text.
package membership

import (
	"context"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	// maxRooms is of how many rooms members are remembered, those of which one was asked for last.
	maxRooms = 4 << 10
	// maxOfRoom is how many members of a room are remembered: about three are asked for where somebody writes. Each takes some 300 bytes.
	maxOfRoom = 16
)

// Store is the framework's store of what rooms are like, which remembers the members that were asked for, and whether rooms are encrypted.
// All who change either have to use it, in this process, and no other process may change them: see package lease.
type Store struct {
	appservice.StateStore

	mu      sync.Mutex
	rooms   *lru.Cache[id.RoomID, members]
	plain   *lru.Cache[id.RoomID, struct{}] // those that are not encrypted
	changes int                             // how many there were
}

// members are those of a room that were asked for; nil for who the store does not know there.
type members map[id.UserID]*event.MemberEventContent

// Remember returns a Store that remembers members of another one.
func Remember(inner appservice.StateStore) *Store {
	rooms, err := lru.New[id.RoomID, members](maxRooms)
	if err != nil {
		panic(err) // the size is above 0
	}
	plain, err := lru.New[id.RoomID, struct{}](maxRooms)
	if err != nil {
		panic(err) // as above
	}
	return &Store{StateStore: inner, rooms: rooms, plain: plain}
}

// IsEncrypted implements mautrix.StateStore. Only of rooms that are not encrypted it is remembered.
func (s *Store) IsEncrypted(ctx context.Context, room id.RoomID) (bool, error) {
	s.mu.Lock()
	_, plain := s.plain.Get(room)
	before := s.changes
	s.mu.Unlock()
	if plain {
		return false, nil
	}
	encrypted, err := s.StateStore.IsEncrypted(ctx, room)
	if err != nil || encrypted {
		return encrypted, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == before { // else it may have become so
		s.plain.Add(room, struct{}{})
	}
	return false, nil
}

// SetEncryptionEvent implements mautrix.StateStore.
func (s *Store) SetEncryptionEvent(ctx context.Context, room id.RoomID, content *event.EncryptionEventContent) error {
	forget := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changes++
		s.plain.Remove(room)
	}
	forget() // who asks meanwhile waits for the database
	defer forget()
	return s.StateStore.SetEncryptionEvent(ctx, room, content)
}

// TryGetMember implements mautrix.StateStore. What it returns is the caller's.
func (s *Store) TryGetMember(ctx context.Context, room id.RoomID, user id.UserID) (*event.MemberEventContent, error) {
	s.mu.Lock()
	of, _ := s.rooms.Get(room)
	member, known := of[user]
	before := s.changes
	s.mu.Unlock()
	if !known {
		var err error
		if member, err = s.StateStore.TryGetMember(ctx, room, user); err != nil {
			return nil, err
		}
		s.mu.Lock()
		if s.changes == before { // else it may be what was there before
			s.remember(room, user, member)
		}
		s.mu.Unlock()
	}
	if member == nil {
		return nil, nil
	}
	own := *member
	return &own, nil
}

// GetMember implements mautrix.StateStore: who is not known has left.
func (s *Store) GetMember(ctx context.Context, room id.RoomID, user id.UserID) (*event.MemberEventContent, error) {
	member, err := s.TryGetMember(ctx, room, user)
	if member == nil && err == nil {
		member = &event.MemberEventContent{Membership: event.MembershipLeave}
	}
	return member, err
}

// IsMembership implements mautrix.StateStore.
func (s *Store) IsMembership(ctx context.Context, room id.RoomID, user id.UserID, allowed ...event.Membership) bool {
	member, err := s.GetMember(ctx, room, user)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("room_id", room).Stringer("user_id", user).Msg("Failed to look whether somebody is in a room")
		return false
	}
	return slices.Contains(allowed, member.Membership)
}

// IsInRoom implements mautrix.StateStore.
func (s *Store) IsInRoom(ctx context.Context, room id.RoomID, user id.UserID) bool {
	return s.IsMembership(ctx, room, user, event.MembershipJoin)
}

// IsInvited implements mautrix.StateStore: who is in the room is so too.
func (s *Store) IsInvited(ctx context.Context, room id.RoomID, user id.UserID) bool {
	return s.IsMembership(ctx, room, user, event.MembershipJoin, event.MembershipInvite)
}

// SetMembership implements mautrix.StateStore.
func (s *Store) SetMembership(ctx context.Context, room id.RoomID, user id.UserID, membership event.Membership) error {
	defer s.forget(room, user)
	return s.StateStore.SetMembership(ctx, room, user, membership)
}

// SetMember implements mautrix.StateStore.
func (s *Store) SetMember(ctx context.Context, room id.RoomID, user id.UserID, member *event.MemberEventContent) error {
	defer s.forget(room, user)
	return s.StateStore.SetMember(ctx, room, user, member)
}

// ClearCachedMembers implements mautrix.StateStore.
func (s *Store) ClearCachedMembers(ctx context.Context, room id.RoomID, memberships ...event.Membership) error {
	defer s.forgetAll(room)
	return s.StateStore.ClearCachedMembers(ctx, room, memberships...)
}

// ReplaceCachedMembers implements mautrix.StateStore.
func (s *Store) ReplaceCachedMembers(ctx context.Context, room id.RoomID, members []*event.Event, only ...event.Membership) error {
	defer s.forgetAll(room)
	return s.StateStore.ReplaceCachedMembers(ctx, room, members, only...)
}

// forget has somebody asked for anew: they have changed, or may have, when the change has failed.
func (s *Store) forget(room id.RoomID, user id.UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	of, _ := s.rooms.Get(room)
	delete(of, user)
}

// forgetAll is forget for everybody in a room.
func (s *Store) forgetAll(room id.RoomID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	s.rooms.Remove(room)
}

// remember notes what was answered. mu is held.
func (s *Store) remember(room id.RoomID, user id.UserID, member *event.MemberEventContent) {
	of, ok := s.rooms.Get(room)
	if !ok || len(of) >= maxOfRoom {
		of = make(members)
		s.rooms.Add(room, of)
	}
	of[user] = member
}
