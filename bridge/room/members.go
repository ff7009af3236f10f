package room

import (
	"context"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// Enter has a ghost join a room that it is not in. reason is shown beside that.
func (r *Rooms) Enter(ctx context.Context, room id.RoomID, ghost *bridgev2.Ghost, reason string) error {
	member, err := r.account.Bridge.Matrix.GetMemberInfo(ctx, room, ghost.Intent.GetMXID())
	if err != nil || member != nil && member.Membership == event.MembershipJoin {
		return err
	}
	if err := r.account.Bridge.Bot.EnsureInvited(ctx, room, ghost.Intent.GetMXID()); err != nil {
		return err
	}
	content := &event.MemberEventContent{Membership: event.MembershipJoin, Reason: reason}
	// Asked of the database: the framework's own copy changes under its hands.
	if stored, err := r.account.Bridge.DB.Ghost.GetByID(ctx, ghost.ID); err == nil && stored != nil {
		content.Displayname, content.AvatarURL = stored.Name, stored.AvatarMXC
	}
	return setMembership(ctx, room, ghost, content)
}

// Exit has a ghost leave a room that it is in, or invited to. reason is shown beside that.
func (r *Rooms) Exit(ctx context.Context, room id.RoomID, ghost *bridgev2.Ghost, reason string) error {
	member, err := r.account.Bridge.Matrix.GetMemberInfo(ctx, room, ghost.Intent.GetMXID())
	if err != nil || member == nil || !member.Membership.IsInviteOrJoin() {
		return err
	}
	return setMembership(ctx, room, ghost, &event.MemberEventContent{Membership: event.MembershipLeave, Reason: reason})
}

// setMembership has a ghost say what it is to a room.
func setMembership(ctx context.Context, room id.RoomID, ghost *bridgev2.Ghost, content *event.MemberEventContent) error {
	_, err := ghost.Intent.SendState(ctx, room, event.StateMember, ghost.Intent.GetMXID().String(), &event.Content{Parsed: content}, time.Time{})
	return err
}
