package room

import (
	"context"

	"matrix-msn/bridge/account"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
)

// maxUpdates is how many updates of a login ask the homeserver for something at the same
// time.
const maxUpdates = 8

// Update puts an event among those of a room, if there is one that the user has not left:
// neither a name nor a note nor a new member makes a room, or calls back a user who left.
// The framework invites the user to the room of whatever is queued, be they mentioned in
// it or not. It reports whether the event is among them.
func (r *Rooms) Update(ctx context.Context, evt bridgev2.RemoteEvent) (queued bool, err error) {
	own, ok, err := r.isIn(ctx, evt.GetPortalKey())
	if err != nil || !ok {
		return false, err
	}
	if change, ok := evt.(*simplevent.ChatInfoChange); ok && own != "" {
		change.ChatInfoChange.ChatInfo.Members.MemberMap[r.account.UserID()] = r.stayingAway()
	}
	if change, ok := evt.(*simplevent.ChatInfoChange); ok {
		portal, err := r.account.Bridge.GetExistingPortalByKey(ctx, evt.GetPortalKey())
		if err != nil {
			return false, err
		}
		if portal != nil && account.Borrows(portal) {
			change.ChatInfoChange.ChatInfo = account.OfBorrowed(change.ChatInfoChange.ChatInfo)
		}
	}
	_, err = r.Queue(ctx, evt)
	return err == nil, err
}

// TryUpdate is Update for what need not be done later when it fails. It reports whether the event is
// among those of its room.
func (r *Rooms) TryUpdate(ctx context.Context, evt bridgev2.RemoteEvent) bool {
	queued, err := r.Update(ctx, evt)
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to show something in a room")
	}
	return queued
}

// Describe has the ghost of somebody described in the room of a portal, among the events of the room,
// because the framework does not expect it beside them. It returns when that is done. Only one event of
// that kind stands among those of a room at a time: what people write there waits for one at most.
func (r *Rooms) Describe(ctx context.Context, key networkid.PortalKey, ghost *bridgev2.Ghost, info *bridgev2.UserInfo) error {
	return r.Among(ctx, key, func(ctx context.Context, _ *bridgev2.Portal) { ghost.UpdateInfo(ctx, info) })
}

// SeenIn returns the room in which the user sees a contact: the one with them, else that of a group chat. It
// reports whether there is one.
func (r *Rooms) SeenIn(ctx context.Context, contact string) (key networkid.PortalKey, seen bool, err error) {
	key = r.account.PortalKey(contact)
	if seen, err = r.Shows(ctx, key); seen || err != nil {
		return key, seen, err
	}
	groups, err := r.account.DB.Group.With(ctx, r.account.Login.ID, contact)
	if err != nil {
		return key, false, err
	}
	for _, group := range groups {
		key = r.account.GroupKey(group)
		if seen, err = r.Shows(ctx, key); seen || err != nil {
			return key, seen, err
		}
	}
	return key, false, nil
}

// AmongSeen does something with the ghost of a contact among the events of the room in which the user sees them,
// because the framework does not expect it beside them. Where there is none it is done at once, and while the room with
// them is being made, behind that. It returns when it is done.
func (r *Rooms) AmongSeen(ctx context.Context, contact string, do func(context.Context)) error {
	unlock := r.making.WithLock(r.account.PortalKey(contact).ID)
	key, seen, err := r.SeenIn(ctx, contact)
	if err == nil && !seen {
		do(ctx)
	}
	unlock()
	if err != nil || !seen {
		return err
	}
	return r.Among(ctx, key, func(ctx context.Context, _ *bridgev2.Portal) { do(ctx) })
}

// Among does something among the events of the room of a portal, for one caller at a time, and returns when it is
// done. It is not for a portal without a room.
func (r *Rooms) Among(ctx context.Context, key networkid.PortalKey, do func(context.Context, *bridgev2.Portal)) error {
	defer r.describing.WithLock(key.ID)()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.handled(ctx, key, do)
}

// handled does something among the events of the room of a portal, behind those that are there, and returns
// when that is done.
func (r *Rooms) handled(ctx context.Context, key networkid.PortalKey, do func(context.Context, *bridgev2.Portal)) error {
	done := make(chan struct{})
	queued, err := r.Queue(ctx, &simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: key,
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			defer close(done)
			do(ctx, portal)
		},
	})
	switch {
	case err != nil:
		return err
	case !queued.Queued && queued.Error != nil:
		return queued.Error
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Unheld waits until the framework does not hold a portal to give it a room, or until ctx ends, with its error. The framework does that beside
// the events of the room when a user has invited a ghost into one of theirs, and is not done when the portal has its room.
func Unheld(ctx context.Context, portal *bridgev2.Portal) error {
	free := make(chan struct{})
	go func() {
		defer close(free)
		// Nothing else waits for that, and this with no regard to ctx. No room at all is refused where there is one, and is what there is elsewhere.
		_ = portal.UpdateMatrixRoomID(ctx, "", bridgev2.UpdateMatrixRoomIDParams{FailIfMXIDSet: true})
	}()
	select {
	case <-free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shows reports whether there is a room of a portal that the user has not left.
func (r *Rooms) Shows(ctx context.Context, key networkid.PortalKey) (bool, error) {
	_, ok, err := r.isIn(ctx, key)
	return ok, err
}

// isIn returns what the user is to the room of a portal, and reports whether there is one
// that they have not left.
func (r *Rooms) isIn(ctx context.Context, key networkid.PortalKey) (own event.Membership, ok bool, err error) {
	stored, err := r.Stored(ctx, key)
	if err != nil || stored == "" {
		return "", false, err
	}
	asking := r.asking.Of(maxUpdates)
	select {
	case asking <- struct{}{}:
		defer func() { <-asking }()
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
	own, err = r.Membership(ctx, stored)
	return own, err == nil && !HasLeft(own), err
}

// stayingAway is the user among the members of a room to which they were invited before:
// neither are they put out of it, nor invited when they leave before that is handled.
func (r *Rooms) stayingAway() bridgev2.ChatMember {
	return bridgev2.ChatMember{EventSender: r.account.OwnSender(), PrevMembership: event.MembershipJoin}
}
