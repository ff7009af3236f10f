package stack

import (
	"context"
	"fmt"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// OpenChat makes a direct chat with another user or a bot, as a client's "start chat" does, and waits until the
// other has joined.
func (u *User) OpenChat(ctx context.Context, other id.UserID) (id.RoomID, error) {
	room, err := u.InviteToChat(ctx, other)
	if err != nil {
		return "", err
	}
	_, err = u.WaitEvent(ctx, fmt.Sprintf("%s joining", other), Member(room, other, event.MembershipJoin))
	return room, err
}

// InviteToChat makes a direct chat like OpenChat, and does not wait for the other.
func (u *User) InviteToChat(ctx context.Context, other id.UserID) (id.RoomID, error) {
	created, err := u.Client.CreateRoom(ctx, &mautrix.ReqCreateRoom{
		Preset:   "trusted_private_chat",
		IsDirect: true,
		Invite:   []id.UserID{other},
	})
	if err != nil {
		return "", fmt.Errorf("open a chat with %s: %w", other, err)
	}
	return created.RoomID, nil
}

// SendText sends a plain text message and returns its ID.
func (u *User) SendText(ctx context.Context, room id.RoomID, text string) (id.EventID, error) {
	sent, err := u.Client.SendText(ctx, room, text)
	if err != nil {
		return "", fmt.Errorf("send a message to %s: %w", room, err)
	}
	return sent.EventID, nil
}

// SendTyping tells the room that the user is typing, or not any more. Bridges hear of it only where the homeserver
// does [TellsTyping]; see [Bridge.InjectTyping].
func (u *User) SendTyping(ctx context.Context, room id.RoomID, typing bool) error {
	const lasts = 20 * time.Second
	if _, err := u.Client.UserTyping(ctx, room, typing, lasts); err != nil {
		return fmt.Errorf("send typing to %s: %w", room, err)
	}
	return nil
}

// Ask sends a text, usually a command, and returns the first notice of the bot in the room after it that contains all
// of the parts.
func (u *User) Ask(ctx context.Context, room id.RoomID, bot id.UserID, text string, parts ...string) (Seen, error) {
	mark := u.Mark()
	if _, err := u.SendText(ctx, room, text); err != nil {
		return Seen{}, err
	}
	return u.WaitEventAfter(ctx, mark, fmt.Sprintf("an answer with %q", parts), Notice(room, bot, parts...))
}

// Join joins a room and waits until the sync shows that.
func (u *User) Join(ctx context.Context, room id.RoomID) error {
	if _, err := u.Client.JoinRoomByID(ctx, room); err != nil {
		return fmt.Errorf("join %s: %w", room, err)
	}
	_, err := u.WaitEvent(ctx, "having joined", Member(room, u.ID(), event.MembershipJoin))
	return err
}

// Rooms returns the rooms that the user is in, sorted.
func (u *User) Rooms(ctx context.Context) ([]id.RoomID, error) {
	joined, err := u.Client.JoinedRooms(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the rooms of %s: %w", u.ID(), err)
	}
	u.settling.Lock()
	defer u.settling.Unlock()
	rooms := slices.DeleteFunc(joined.JoinedRooms, func(room id.RoomID) bool { return room == u.settleIn })
	slices.Sort(rooms)
	return rooms, nil
}

// settleRoom returns the room for Settle.
func (u *User) settleRoom(ctx context.Context) (id.RoomID, error) {
	u.settling.Lock()
	defer u.settling.Unlock()
	if u.settleIn == "" {
		created, err := u.Client.CreateRoom(ctx, &mautrix.ReqCreateRoom{Preset: "private_chat"})
		if err != nil {
			return "", fmt.Errorf("make a room for marks: %w", err)
		}
		u.settleIn = created.RoomID
	}
	return u.settleIn, nil
}

// Members returns everybody who is in the room, with the names shown there.
func (u *User) Members(ctx context.Context, room id.RoomID) (map[id.UserID]string, error) {
	joined, err := u.Client.JoinedMembers(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("list the members of %s: %w", room, err)
	}
	names := make(map[id.UserID]string, len(joined.Joined))
	for user, member := range joined.Joined {
		names[user] = member.DisplayName
	}
	return names, nil
}
