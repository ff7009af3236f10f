package people

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

// introduction returns what says in a new room that somebody is no contact, and how to make them
// one. Of a room that there is already, and of a contact, there is nothing to say. It says it once,
// however often it is called.
func (f *Finder) introduction(ctx context.Context, account string) (say func()) {
	client, key := f.session.Current(), f.account.PortalKey(account)
	if stored, err := f.rooms.Stored(ctx, key); err != nil || stored != "" || client == nil {
		return func() {}
	}
	contact, _ := client.Contact(account)
	if contact.Lists.Has(msn.ListForward) {
		return func() {}
	}
	prefix := f.account.Bridge.Config.CommandPrefix
	said := words.Text("people.stranger", account, prefix)
	if contact.WaitsForAnswer() {
		said = words.Text("people.has_added_you_and_waits_for", account, prefix, prefix)
	}
	return sync.OnceFunc(func() {
		f.work.Do("introduce "+account, func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, room.CreateTimeout)
			defer cancel()
			if f.rooms.Settle(ctx, key) != nil {
				return
			}
			stored, err := f.rooms.Stored(ctx, key)
			if err == nil && stored != "" {
				err = f.rooms.Notice(ctx, stored, said, "")
			}
			if err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say in a room that somebody is no contact")
			}
		})
	})
}

// maxUndescribed bounds the rooms that are still to be described.
const maxUndescribed = 100

// DescribeInvited describes the room of a contact whose ghost the user has invited into it, once it belongs to their chat. The
// framework would do that itself, beside the events of the room. Until then the room is held. What a stop keeps from being done is
// done after the next sign-in.
func (f *Finder) DescribeInvited(ctx context.Context, ghost *bridgev2.Ghost, chat *bridgev2.CreateChatResponse) {
	identity, ok := msnid.ParseUserID(ghost.ID)
	if !ok {
		return
	}
	who := identity.Account
	release := f.rooms.Hold(chat.PortalKey)
	f.leaveOrphaned(ctx, chat.PortalKey)
	if left := f.account.Stored().Undescribed; !slices.Contains(left, who) && len(left) < maxUndescribed {
		// That it is not stored is logged there: then a stop leaves the room without a name.
		_ = f.account.Remember(ctx, func(kept *account.Record) { kept.Undescribed = append(slices.Clone(kept.Undescribed), who) })
	}
	f.describe(who, chat.PortalInfo, release)
}

// leaveOrphaned has a chat forget a room that the user is not in any more, as the framework is about to do: then it can be waited for that it
// has the new one.
func (f *Finder) leaveOrphaned(ctx context.Context, key networkid.PortalKey) {
	if portal, err := f.account.Bridge.GetExistingPortalByKey(ctx, key); err == nil && portal != nil {
		portal.CleanupOrphanedDM(ctx, f.account.Login.UserMXID)
	}
}

// describeLeft describes the rooms that an earlier run has not come to describe.
func (f *Finder) describeLeft() {
	for _, who := range f.account.Stored().Undescribed {
		f.describe(who, nil, func() {})
	}
}

// describe describes the room of a contact who was invited into it, in the background, and releases it before. Without info it is made then.
func (f *Finder) describe(who string, info *bridgev2.ChatInfo, release func()) {
	f.mu.Lock()
	lazy.Put(&f.holds, who, append(f.holds[who], release))
	f.mu.Unlock()
	f.work.Do("describe the room of "+who, func(ctx context.Context) {
		release := f.releases(who)
		defer release()
		ctx, cancel := context.WithTimeout(ctx, room.CreateTimeout)
		defer cancel()
		key := f.account.PortalKey(who)
		of := f.account.Bridge.GetPortalByKey
		if info == nil {
			of = f.account.Bridge.GetExistingPortalByKey // the chat can have been removed since
		}
		portal, err := of(ctx, key)
		if err == nil && portal == nil {
			f.described(ctx, who)
			return
		}
		if err == nil {
			err = portal.RoomCreated.Wait(ctx)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			f.described(ctx, who) // it has become no room
		}
		if info == nil {
			info = f.names.Info(ctx, who)
		}
		if err == nil {
			err = room.Unheld(ctx, portal) // until then what handles events must have none: the framework changes what it reads
		}
		if err == nil {
			release()
			_, err = f.rooms.Queue(ctx, &simplevent.ChatResync{
				EventMeta: simplevent.EventMeta{
					Type: bridgev2.RemoteEventChatResync, PortalKey: key,
					PostHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
						if portal.TopicSet && (portal.NameSet || portal.Name == "") {
							f.described(ctx, who)
						}
					},
				},
				ChatInfo: info,
			})
		}
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to describe a room into which the user has invited a contact")
		}
	})
}

// releases returns what releases the room of a contact from all that have held it until now.
func (f *Finder) releases(who string) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	holds := f.holds[who]
	if delete(f.holds, who); len(f.holds) == 0 {
		f.holds = nil
	}
	return func() {
		for _, release := range holds {
			release()
		}
	}
}

// described notes that the room of a contact has its name.
func (f *Finder) described(ctx context.Context, who string) {
	if !slices.Contains(f.account.Stored().Undescribed, who) {
		return
	}
	_ = f.account.Remember(ctx, func(kept *account.Record) { // it logs that
		kept.Undescribed = slices.DeleteFunc(slices.Clone(kept.Undescribed), func(other string) bool { return other == who })
	})
}

// SayNotInvited says to the user why somebody did not come whom they have invited in Matrix.
func (f *Finder) SayNotInvited(ctx context.Context, err error) {
	sentence, ok := reason.Said(err)
	if !ok || errors.Is(err, bridgev2.ErrResolveIdentifierTryNext) {
		return // another login may know them
	}
	chat, err := f.rooms.Management(ctx)
	if err == nil {
		err = f.rooms.Notice(ctx, chat, words.Text("people.your_invitation_did_not_work", sentence), "")
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that an invitation did not work")
	}
}
