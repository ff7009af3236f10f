// Package room makes the rooms of a login, puts notices into them, and knows what the user
// is to them.
package room

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/internal/lazy"
)

const (
	// CreateTimeout bounds making a room.
	CreateTimeout = 2 * time.Minute
	// makingAtOnce is how many rooms are made at the same time, of all logins. Each takes some twenty statements and as many requests: were
	// thousands of rooms made side by side, the first would be ready when nearly all are.
	makingAtOnce = 32
	// makingPatience is after how long a room that is being made is not counted for that any more: those that are stuck hold up no others.
	makingPatience = 10 * time.Second
	// SettleTimeout is how long a stop waits for what is half-way. The framework gives a login 5 seconds to disconnect, of which one
	// may have gone by before: that of texts on the wire.
	SettleTimeout = 3 * time.Second
	// TimeFormat is how notices write a time.
	TimeFormat = "2006-01-02 15:04 MST"
)

// Places are those of the rooms that are made at the same time. The zero value is ready.
type Places struct{ slots lazy.Slots }

// take waits for a place, and returns how to leave it, which is left after a while in any case.
func (p *Places) take(ctx context.Context) (leave func(), err error) {
	slots := p.slots.Of(makingAtOnce)
	select {
	case slots <- struct{}{}:
		free := sync.OnceFunc(func() { <-slots })
		late := time.AfterFunc(makingPatience, free)
		return func() {
			late.Stop()
			free()
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Rooms are the rooms of one login. What works with them is to be stopped before them.
type Rooms struct {
	account    *account.Account
	homeserver Homeserver
	places     *Places
	making     exsync.KeyedMutex[networkid.PortalID] // by who makes a room
	describing exsync.KeyedMutex[networkid.PortalID] // by who has somebody described there
	asking     lazy.Slots                            // a token for each update that asks the homeserver

	queue   func(bridgev2.RemoteEvent) bridgev2.EventHandlingResult // of the framework
	queuing calls
	held    held
	ctx     context.Context // of the last Start, without its end
}

// New returns the rooms of a login. homeserver may be nil: then it counts as answering. All logins share the places.
func New(a *account.Account, homeserver Homeserver, places *Places) *Rooms {
	return &Rooms{account: a, homeserver: homeserver, places: places, queue: a.Login.QueueRemoteEvent}
}

// Stored returns the room of a portal, "" while there is none.
func (r *Rooms) Stored(ctx context.Context, key networkid.PortalKey) (id.RoomID, error) {
	return r.account.StoredRoom(ctx, key)
}

// AmongReaders returns the context for what is said in the room of a portal: others may read it too.
func (r *Rooms) AmongReaders(ctx context.Context, key networkid.PortalKey) context.Context {
	stored, err := r.Stored(ctx, key)
	if err != nil {
		return account.AmongOthers(ctx)
	}
	return AmongReaders(ctx, r.account.Bridge, stored, r.account.Login.UserMXID)
}

// AmongReaders returns the context for what is said to a user in a room, "" for one that is not there
// yet. Where it cannot be seen who is there, others may be.
func AmongReaders(ctx context.Context, br *bridgev2.Bridge, room id.RoomID, user id.UserID) context.Context {
	if room == "" {
		return ctx
	}
	if others, err := Overheard(ctx, br, room, user); err == nil && !others {
		return ctx
	}
	return account.AmongOthers(ctx)
}

// Membership returns what the user is to a room, "" while they were never invited.
func (r *Rooms) Membership(ctx context.Context, room id.RoomID) (event.Membership, error) {
	members, err := r.account.Bridge.Matrix.GetMembers(ctx, room)
	if own := members[r.account.Login.UserMXID]; err == nil && own != nil {
		return own.Membership, nil
	}
	return "", err
}

// Overheard reports whether others than a user and the bridge read what is said in a room, or are
// invited there.
func Overheard(ctx context.Context, br *bridgev2.Bridge, room id.RoomID, user id.UserID) (bool, error) {
	members, err := br.Matrix.GetMembers(ctx, room)
	if err != nil {
		return false, err
	}
	for other, member := range members {
		own := other == user || other == br.Bot.GetMXID() || br.IsGhostMXID(other)
		if !own && member.Membership.IsInviteOrJoin() {
			return true, nil
		}
	}
	return false, nil
}

// HasLeft reports whether a membership is that of somebody who was in a room, or invited,
// and is no more.
func HasLeft(membership event.Membership) bool {
	return membership == event.MembershipLeave || membership == event.MembershipBan
}

// Description says what a room is to be like.
type Description func(context.Context) (*bridgev2.ChatInfo, error)

// Ensure makes the room of a portal, and returns it if there is one already. Who comes
// while somebody else makes it waits for them.
func (r *Rooms) Ensure(ctx context.Context, key networkid.PortalKey, describe Description) (before id.RoomID, err error) {
	defer r.making.WithLock(key.ID)()
	if room, err := r.Stored(ctx, key); err != nil || room != "" {
		return room, err
	}
	making, cancel := context.WithTimeout(ctx, CreateTimeout)
	defer cancel()
	leave, err := r.places.take(making)
	if err != nil {
		return "", err
	}
	defer leave()
	if room, err := r.Stored(making, key); err != nil || room != "" { // the framework may have made it meanwhile
		return room, err
	}
	portal, err := r.account.Bridge.GetPortalByKey(making, key)
	if err != nil {
		return "", err
	}
	info, err := describe(making)
	if err != nil {
		return "", err
	}
	return "", portal.CreateMatrixRoom(making, r.account.Login, info)
}

// Return sees to a user who has left the room of a portal, before a message is put there:
// the message calls them back, or leaves them where they are, which is reported. The framework
// by itself would invite them after a restart, whatever comes, and else never.
func (r *Rooms) Return(ctx context.Context, key networkid.PortalKey, room id.RoomID, callsBack func() bool) (away bool, err error) {
	br, login := r.account.Bridge, r.account.Login
	own, err := br.Matrix.GetMemberInfo(ctx, room, login.UserMXID)
	if err == nil && own != nil && HasLeft(own.Membership) {
		// Whoever was never invited counts as one who has left: the room may be there, and being
		// filled still.
		if err := r.Settle(ctx, key); err != nil {
			return false, err
		}
		own, err = br.Matrix.GetMemberInfo(ctx, room, login.UserMXID)
	}
	switch {
	case err != nil || own == nil || !HasLeft(own.Membership):
	case own.Membership == event.MembershipBan || !callsBack():
		return true, nil
	default:
		err = r.invite(ctx, room)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", room).Msg("Failed to call back a user who has left a room")
	}
	return false, err
}

// Settle waits until the framework has done what it is at in the room of a portal, be it that it
// makes it. The user is not invited by that.
func (r *Rooms) Settle(ctx context.Context, key networkid.PortalKey) error {
	// To the framework a portal without a room is one that nobody can be invited to.
	r.account.Login.MarkInPortal(ctx, &bridgev2.Portal{Portal: &bridgedb.Portal{BridgeID: r.account.Bridge.ID, PortalKey: key}})
	return r.handled(ctx, key, func(context.Context, *bridgev2.Portal) {})
}

// CallBack brings a user back into the room of a portal, if there is one that they are not in.
// Without it the framework would make another room in its place when they ask for it. It still
// does so for who is banned, and when the homeserver refuses to call them. A room that is being
// made is waited for: the framework would take the user for one who has left it.
func (r *Rooms) CallBack(ctx context.Context, key networkid.PortalKey) error {
	defer r.making.WithLock(key.ID)()
	stored, err := r.Stored(ctx, key)
	if err != nil || stored == "" {
		return err
	}
	own, err := r.Membership(ctx, stored)
	if err == nil && !own.IsInviteOrJoin() && own != event.MembershipBan {
		err = r.invite(ctx, stored)
	}
	if IsRefusal(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", stored).Msg("A user cannot be called back into a room: it is replaced")
		return nil
	}
	return err
}

// invite brings the user into a room, or invites them.
func (r *Rooms) invite(ctx context.Context, room id.RoomID) error {
	if puppet := r.account.Login.User.DoublePuppet(ctx); puppet != nil {
		return puppet.EnsureJoined(ctx, room)
	}
	return r.account.Bridge.Bot.EnsureInvited(ctx, room, r.account.Login.UserMXID)
}

// Management returns the user's chat with the bot, which is made when there is none.
func (r *Rooms) Management(ctx context.Context) (id.RoomID, error) {
	return r.account.Login.User.GetManagementRoom(ctx)
}

// Notice says something in a room as the bot. answered is the event that it answers, "" for
// none.
func (r *Rooms) Notice(ctx context.Context, room id.RoomID, text string, answered id.EventID) error {
	content := &event.MessageEventContent{MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{}}
	if answered != "" {
		content.RelatesTo = (&event.RelatesTo{}).SetReplyTo(answered)
	}
	_, err := r.account.Bridge.Bot.SendMessage(ctx, room, event.EventMessage, &event.Content{Parsed: content}, nil)
	return err
}

// Link returns an address that leads to a room, for people to follow.
func (r *Rooms) Link(room id.RoomID) string {
	return room.URI(r.account.Bridge.Matrix.ServerName()).MatrixToURL()
}

// Settling returns a context that ends SettleTimeout after ctx, so that what is half-way
// comes to its end when the bridge stops.
func Settling(ctx context.Context) (context.Context, context.CancelFunc) {
	settled, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(SettleTimeout, cancel)
		context.AfterFunc(settled, func() { timer.Stop() })
	})
	return settled, func() {
		stop()
		cancel()
	}
}
