package bridge

import (
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/room"
)

// doublePuppet marks what the bridge says in the name of a user.
const doublePuppet = "fi.mau.double_puppet_source"

// EphemeralTypes are the events that say what users do in Matrix without leaving anything.
var EphemeralTypes = []event.Type{event.EphemeralEventPresence, event.EphemeralEventTyping, event.EphemeralEventReceipt}

// Ephemeral is to be called for every event of EphemeralTypes, after the framework has taken
// out what the bridge did itself.
func (c *Connector) Ephemeral(ctx context.Context, evt *event.Event) {
	switch content := evt.Content.Parsed.(type) {
	case *event.PresenceEventContent:
		for _, client := range c.clientsOf(ctx, evt.Sender) {
			client.self.Matrix(content)
		}
	case *event.TypingEventContent:
		for _, user := range content.UserIDs {
			c.isActive(ctx, user)
		}
	case *event.ReceiptEventContent:
		for _, receipts := range *content {
			for _, users := range receipts {
				for user := range users {
					c.isActive(ctx, user)
				}
			}
		}
	}
}

// isActive notes that a user writes or reads.
func (c *Connector) isActive(ctx context.Context, user id.UserID) {
	for _, client := range c.clientsOf(ctx, user) {
		client.self.Active()
	}
}

// owners are the users who have logins, or have had one in this process.
type owners struct {
	mu    sync.Mutex
	users map[id.UserID]struct{}
}

func (o *owners) add(user id.UserID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == nil {
		o.users = make(map[id.UserID]struct{})
	}
	o.users[user] = struct{}{}
}

func (o *owners) has(user id.UserID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, has := o.users[user]
	return has
}

// clientsOf returns the logins of a user. It is asked with all that users do: it does not look through those of others, nor ask the
// database about users who have none.
func (c *Connector) clientsOf(ctx context.Context, user id.UserID) (clients []*Client) {
	if !c.owners.has(user) {
		return nil
	}
	owner, err := c.br.GetExistingUserByMXID(ctx, user) // the framework has them at hand
	if err != nil || owner == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("user_id", user).Msg("Failed to find the logins of a user")
		return nil
	}
	for _, login := range owner.GetUserLogins() {
		if client, ok := login.Client.(*Client); ok {
			clients = append(clients, client)
		}
	}
	return clients
}

// ghostChanges calls somebody into the conversation of a room whom a user has invited into the room, and
// says that nobody can be put out of one. The framework's way for that complains of each change of
// users who have no login.
func (c *Connector) ghostChanges(ctx context.Context, evt *event.Event, ghost networkid.UserID, to event.Membership) {
	if to == event.MembershipJoin {
		return
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	if err == nil && portal == nil && to == event.MembershipInvite {
		c.invitedOutside(ctx, evt, ghost)
	}
	if err != nil || portal == nil {
		return
	}
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	identity, ok := msnid.ParseUserID(ghost)
	if login == nil || !ok {
		return
	}
	client := login.Client.(*Client)
	if identity.Service != client.account.Identity.Service {
		return
	}
	switch own := login.UserMXID == evt.Sender; {
	case to == event.MembershipInvite && own:
		client.groups.Calls.Invited(portal.ID, evt.RoomID, identity.Account)
	case to == event.MembershipInvite:
		client.groups.Calls.Refused(evt.RoomID, identity.Account)
	case room.HasLeft(to) && own:
		client.groups.Calls.Removed(portal.ID, evt.RoomID, identity.Account)
	}
}

// left has the conversation of a room left whose user has left it, or was put out. In a room with others
// who speak through the same account it goes on.
func (c *Connector) left(ctx context.Context, in id.RoomID, user id.UserID) {
	portal, err := c.br.GetPortalByMXID(ctx, in)
	if err != nil || portal == nil || portal.Relay != nil {
		return
	}
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	if login == nil || login.UserMXID != user {
		return
	}
	login.Client.(*Client).left(portal.ID, in)
}

// nameOf returns what asks the homeserver for the name of a user.
func (c *Connector) nameOf(user id.UserID) func(context.Context) (string, error) {
	if c.Homeserver == nil {
		return nil
	}
	return func(ctx context.Context) (string, error) { return c.Homeserver.DisplayName(ctx, user) }
}

// Member is to be called for every membership: users who change their name show so in each of
// their rooms, and who comes into a room has one more to be shown in a space. People on MSN are told
// who comes and goes among those who are relayed, if the admin wants that.
func (c *Connector) Member(ctx context.Context, evt *event.Event) {
	if evt.Mautrix.EventSource == takenAside {
		return
	}
	defer c.invitationHandled(ctx, evt)
	c.tellChange(ctx, evt)
	content, ok := evt.Content.Parsed.(*event.MemberEventContent)
	if !ok || evt.Sender == c.br.Bot.GetMXID() || c.br.IsGhostMXID(evt.Sender) {
		return // most are theirs, and looking through all logins costs
	}
	c.noteShared(ctx, evt)
	who := id.UserID(evt.GetStateKey())
	if ghost, isGhost := c.br.Matrix.ParseGhostMXID(who); isGhost {
		c.ghostChanges(ctx, evt, ghost, content.Membership)
		return
	}
	if room.HasLeft(content.Membership) {
		c.left(ctx, evt.RoomID, who)
		return
	}
	if content.Membership != event.MembershipJoin || who != evt.Sender {
		return
	}
	for _, client := range c.clientsOf(ctx, evt.Sender) {
		client.self.Named()
		client.own.Look()
		client.spaces.Look()
	}
}

// noteShared notes whether others than the user read along in the room of a chat, when that may have
// changed: then it is not called by what the user calls people.
func (c *Connector) noteShared(ctx context.Context, evt *event.Event) {
	who := id.UserID(evt.GetStateKey())
	if who == c.br.Bot.GetMXID() || c.br.IsGhostMXID(who) {
		return
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil {
		return
	}
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	if login == nil || login.UserMXID == who {
		return
	}
	shared, err := room.Overheard(ctx, c.br, evt.RoomID, login.UserMXID)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", evt.RoomID).Msg("Failed to see whether others read along in a room")
		shared = true
	}
	client := login.Client.(*Client)
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: portal.PortalKey,
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			kept := portal.Metadata.(*account.PortalMetadata)
			if kept.Shared == shared || portal.MXID != evt.RoomID {
				return
			}
			kept.Shared = shared
			if err := portal.Save(ctx); err != nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to note whether others read along in a room")
				return
			}
			switch to, _ := msnid.ParsePeer(portal.ID); {
			case to.Account != "":
				client.people.Names.Shared(to.Account)
			case to.Group != "":
				client.groups.Shared(to.Group)
			}
		},
	})
}

// tellChange has people on MSN told who has come into a room, or gone, in the place where the room
// has it.
func (c *Connector) tellChange(ctx context.Context, evt *event.Event) {
	who := id.UserID(evt.GetStateKey())
	if !c.Config.RelayJoins || who == c.br.Bot.GetMXID() || c.br.IsGhostMXID(who) {
		return
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil || !c.isRelayed(portal, who) {
		return
	}
	if !c.br.Config.Permissions.Get(who).SendEvents {
		return // they are not heard either
	}
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: portal.PortalKey,
		PreHandleFunc: func(ctx context.Context, portal *bridgev2.Portal) {
			login.Client.(*Client).chat.TellChange(ctx, portal, evt)
		},
	})
}
