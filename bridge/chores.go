package bridge

import (
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
)

// chores is what contacts cause on the Matrix side that needs neither order nor
// safe keeping: new names and typing notes. The session's goroutine only notes
// them down; a homeserver that hangs holds up nothing else, and of many for one
// contact the last one counts.
type chores struct {
	client *Client
	wake   chan struct{} // one token: something was noted down

	mu      sync.Mutex
	renamed map[string]struct{} // accounts
	typing  map[typist]struct{}
	groups  map[string]struct{} // whose members changed
	known   map[string]struct{} // offline messages that Matrix has
}

// typist is somebody who writes, and where.
type typist struct {
	portal  networkid.PortalKey
	account string
}

func newChores(c *Client) *chores {
	return &chores{
		client: c, wake: make(chan struct{}, 1),
		renamed: make(map[string]struct{}), typing: make(map[typist]struct{}), groups: make(map[string]struct{}),
		known: make(map[string]struct{}),
	}
}

func (h *chores) rename(account string) { note(h, h.renamed, account) }
func (h *chores) types(who typist)      { note(h, h.typing, who) }
func (h *chores) regroup(group string)  { note(h, h.groups, group) }
func (h *chores) forget(id string)      { note(h, h.known, id) }

func note[T comparable](h *chores, what map[T]struct{}, item T) {
	h.mu.Lock()
	what[item] = struct{}{}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func take[T comparable](h *chores, what map[T]struct{}) (items []T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for item := range what {
		items = append(items, item)
	}
	clear(what)
	return items
}

// run does the chores until ctx ends.
func (h *chores) run(ctx context.Context) {
	for {
		select {
		case <-h.wake:
		case <-ctx.Done():
			return
		}
		for _, who := range take(h, h.typing) {
			h.showTyping(ctx, who)
		}
		for _, group := range take(h, h.groups) {
			h.showMembers(ctx, group)
		}
		h.deleteOffline(ctx, take(h, h.known))
		renamed := take(h, h.renamed)
		if len(renamed) == 0 {
			continue
		}
		book := h.client.nameBook(ctx)
		for _, account := range renamed {
			h.updateGhost(ctx, account, func() *bridgev2.UserInfo { return h.client.userInfoAmong(ctx, account, book) })
		}
	}
}

// updateGhost gives a contact's ghost its present name, if it has a ghost. That is
// done among the events of the room with the contact, because the framework does
// not expect it beside them.
func (h *chores) updateGhost(ctx context.Context, account string, info func() *bridgev2.UserInfo) {
	ghost, err := h.client.connector.br.GetExistingGhostByID(ctx, h.client.ghostID(account))
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to get ghost")
		return
	}
	if ghost == nil {
		return
	}
	h.queue(ctx, &simplevent.EventMeta{
		Type:          bridgev2.RemoteEventUnknown,
		PortalKey:     h.client.portalKey(account),
		PreHandleFunc: func(ctx context.Context, _ *bridgev2.Portal) { ghost.UpdateInfo(ctx, info()) },
	})
}

// showTyping shows a contact as writing.
func (h *chores) showTyping(ctx context.Context, who typist) {
	h.queue(ctx, &simplevent.Typing{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventTyping,
			PortalKey: who.portal,
			Sender:    h.client.senderOf(who.account),
		},
		Timeout: typingShown,
	})
}

// queue puts an event among those of a room, if there is one that the user has not left:
// neither a name nor a note nor a new member makes a room, or calls back a user who left.
// The framework invites the user to the room of whatever is queued, be they mentioned in
// it or not. It reports whether the event is among them.
func (h *chores) queue(ctx context.Context, evt bridgev2.RemoteEvent) bool {
	c := h.client
	room, err := c.storedRoom(ctx, evt.GetPortalKey())
	var own event.Membership
	if err == nil && room != "" {
		own, err = c.membership(ctx, room)
	}
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to look whether the user is in a room")
	}
	if err != nil || room == "" || hasLeft(own) {
		return false
	}
	if change, ok := evt.(*simplevent.ChatInfoChange); ok && own != "" {
		change.ChatInfoChange.ChatInfo.Members.MemberMap[c.GetUserID()] = c.stayingAway()
	}
	queued := make(chan struct{})
	go func() {
		// Waits while the room's events are stuck; the framework ends it when it stops.
		defer close(queued)
		c.login.QueueRemoteEvent(evt)
	}()
	select {
	case <-queued:
		return true
	case <-ctx.Done():
		return false
	}
}

// stayingAway is the user among the members of a room to which they were invited before:
// neither are they put out of it, nor invited when they leave before that is handled.
func (c *Client) stayingAway() bridgev2.ChatMember {
	return bridgev2.ChatMember{EventSender: c.ownSender(), PrevMembership: event.MembershipJoin}
}
