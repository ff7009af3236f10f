package bridge

import (
	"context"
	"sync"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"
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
	typing  map[string]struct{} // accounts
}

func newChores(c *Client) *chores {
	return &chores{
		client: c, wake: make(chan struct{}, 1),
		renamed: make(map[string]struct{}), typing: make(map[string]struct{}),
	}
}

func (h *chores) rename(account string) { h.note(h.renamed, account) }
func (h *chores) types(account string)  { h.note(h.typing, account) }

func (h *chores) note(what map[string]struct{}, account string) {
	h.mu.Lock()
	what[account] = struct{}{}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *chores) take(what map[string]struct{}) (accounts []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for account := range what {
		accounts = append(accounts, account)
	}
	clear(what)
	return accounts
}

// run does the chores until ctx ends.
func (h *chores) run(ctx context.Context) {
	for {
		select {
		case <-h.wake:
		case <-ctx.Done():
			return
		}
		for _, account := range h.take(h.typing) {
			h.showTyping(ctx, account)
		}
		renamed := h.take(h.renamed)
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
func (h *chores) showTyping(ctx context.Context, account string) {
	h.queue(ctx, &simplevent.Typing{
		EventMeta: simplevent.EventMeta{
			Type:      bridgev2.RemoteEventTyping,
			PortalKey: h.client.portalKey(account),
			Sender:    h.client.senderOf(account),
		},
		Timeout: typingShown,
	})
}

// queue puts an event among those of the room with a contact, if there is one:
// neither a name nor a note makes a room, or calls back a user who left.
func (h *chores) queue(ctx context.Context, evt bridgev2.RemoteEvent) {
	c := h.client
	// Asked of the database: the framework's own copy changes under its hands.
	portal, err := c.connector.br.DB.Portal.GetByKey(ctx, evt.GetPortalKey())
	if err != nil {
		if ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to get portal")
		}
		return
	}
	if portal == nil || portal.MXID == "" {
		return
	}
	queued := make(chan struct{})
	go func() {
		// Waits while the room's events are stuck; the framework ends it when it stops.
		defer close(queued)
		c.login.QueueRemoteEvent(evt)
	}()
	select {
	case <-queued:
	case <-ctx.Done():
	}
}
