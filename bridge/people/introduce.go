package people

import (
	"context"
	"errors"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
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

// DescribeInvited describes the room of a chat into which the user has invited the ghost of a contact, once
// it belongs to the chat. The framework would do that itself, beside the events of the room.
func (f *Finder) DescribeInvited(ghost *bridgev2.Ghost, chat *bridgev2.CreateChatResponse) {
	f.work.Do("describe the room of "+string(ghost.ID), func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, room.CreateTimeout)
		defer cancel()
		portal, err := f.account.Bridge.GetPortalByKey(ctx, chat.PortalKey)
		if err == nil {
			err = room.MadeByInvitation(ctx, portal, ghost)
		}
		if err == nil {
			_, err = f.rooms.Queue(ctx, &simplevent.ChatResync{
				EventMeta: simplevent.EventMeta{Type: bridgev2.RemoteEventChatResync, PortalKey: chat.PortalKey}, ChatInfo: chat.PortalInfo,
			})
		}
		if err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to describe a room into which the user has invited a contact")
		}
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
