package bridge

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	// maxInvitations is how many invitations by a user wait while one is being handled, and maxBehindInvitation how many changes of memberships
	// in its room. What comes beyond that is passed over: no person does that, and nobody else is to wait for it.
	maxInvitations      = 100
	maxBehindInvitation = 100
	// maxInviters is how many users there are at a time whose invitations are handled besides, and maxAside how many events wait, of all of
	// them. For those beyond all others wait, and the homeserver with them.
	maxInviters = 100
	maxAside    = 1000
	// invitationsTimeout is how long a stop waits for the invitations that are just being handled.
	invitationsTimeout = 2 * time.Second
)

// nobody stands for all who are refused, whose invitations are handled one after the other.
const nobody id.UserID = ""

// takenAside marks an event that is handled besides the others.
const takenAside event.Source = 1 << 30

// invitations are the invitations of ghosts that are handled besides all other events. The framework asks the homeserver several things for
// each, and the service whether there is somebody, and handles one event after the other: what everybody else writes would wait for
// that. Those of a user are handled one after the other, and memberships of a room in their order. The zero value is ready.
type invitations struct {
	mu      sync.Mutex
	rooms   map[id.RoomID][]*event.Event // into which somebody is being invited, with what waits behind
	users   map[id.UserID][]*event.Event // by whom somebody is being invited, with the invitations that wait
	waiting int                          // events in both
	running sync.WaitGroup
	stopped bool
	reads   int           // rooms that are read behind an invitation, or wait for it
	reading chan struct{} // of those that are being read; nil before the first
	ctx     context.Context
	end     context.CancelFunc // of ctx, with a stop
}

// takeAside has events handled by handle: an invitation, and what comes in its room until it is handled. It reports false for taken when
// an event is to be handled as it comes, and for handled when it never will be.
//
// by is whose invitation it is, or nobody.
func (v *invitations) takeAside(ctx context.Context, evt *event.Event, by id.UserID, isInvitation bool, handle func(context.Context, *event.Event)) (taken, handled bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	behind, busy := v.rooms[evt.RoomID]
	waiting, lane := v.users[by]
	crowded := v.waiting >= maxAside
	switch {
	case v.stopped, !busy && !isInvitation, !busy && !lane && by != nobody && (crowded || len(v.users) >= maxInviters):
		return false, false
	case busy && (len(behind) >= maxBehindInvitation || len(behind) > 0 && crowded), !busy && (len(waiting) >= maxInvitations || crowded):
		zerolog.Ctx(ctx).Warn().Stringer("event_id", evt.ID).Stringer("sender", evt.Sender).Msg("Passing over an invitation: too many wait")
		return true, false
	case busy:
		v.rooms[evt.RoomID] = append(behind, evt)
		v.waiting++
		return true, true
	case v.rooms == nil:
		v.rooms, v.users = make(map[id.RoomID][]*event.Event), make(map[id.UserID][]*event.Event)
	}
	v.rooms[evt.RoomID] = nil
	if lane {
		v.users[by] = append(waiting, evt)
		v.waiting++
		return true, true
	}
	v.users[by] = nil
	v.running.Go(func() {
		for first := evt; first != nil; first = next(v, v.users, by) {
			for each := first; each != nil; each = next(v, v.rooms, first.RoomID) {
				handle(ctx, each)
			}
		}
	})
	return true, true
}

// next returns what is handled next of those that wait for the same, or nil when nothing does any more.
func next[K comparable](v *invitations, waiting map[K][]*event.Event, of K) *event.Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	events := waiting[of]
	if len(events) == 0 || v.stopped {
		v.waiting -= len(events)
		delete(waiting, of)
		return nil
	}
	waiting[of] = events[1:]
	v.waiting--
	return events[0]
}

// read has a room read behind an invitation, a few at a time, with a context that ends with a stop. After one it does nothing. It reports
// false when too many wait for that.
func (v *invitations) read(ctx context.Context, do func(context.Context)) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.stopped:
		return true
	case v.reads >= maxAside:
		return false
	case v.reading == nil:
		v.reading = make(chan struct{}, maxReading)
		v.ctx, v.end = context.WithCancel(context.Background())
	}
	v.reads++
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stops := context.AfterFunc(v.ctx, cancel)
	v.running.Go(func() {
		defer func() {
			stops()
			cancel()
			v.mu.Lock()
			v.reads--
			v.mu.Unlock()
		}()
		select {
		case v.reading <- struct{}{}:
			defer func() { <-v.reading }()
			do(ctx)
		case <-ctx.Done():
		}
	})
	return true
}

// stop has nothing more taken aside, and waits for what is being handled.
func (v *invitations) stop() {
	v.mu.Lock()
	v.stopped = true
	if v.end != nil {
		v.end()
	}
	v.mu.Unlock()
	ended := make(chan struct{})
	go func() { v.running.Wait(); close(ended) }()
	timer := time.NewTimer(invitationsTimeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

// Membership is to be called for every membership before the framework sees it: invitations of ghosts are handled besides what else comes.
func (c *Connector) Membership(ctx context.Context, evt *event.Event) {
	bot := c.br.Bot.GetMXID()
	if evt.Content.Raw[doublePuppet] != nil || evt.Sender == bot || c.br.IsGhostMXID(evt.Sender) {
		return
	}
	own := *evt
	if before := evt.Unsigned.PrevContent; before != nil { // the framework reads it beside who handles the event
		copied := *before
		own.Unsigned.PrevContent = &copied
	}
	by, isInvitation := c.invitedBy(ctx, evt)
	taken, handled := c.invites.takeAside(ctx, &own, by, isInvitation, c.handleAside)
	if !taken {
		return
	}
	evt.Sender, evt.Mautrix.EventSource = bot, takenAside // the framework passes over what the bot does
	if !handled {
		c.Member(ctx, &own) // the bridge itself is to know of it, and what its sender writes there does not wait for it
	}
}

// invitedBy reports whether an event is an invitation with which the framework asks others: one that makes a room into the chat with a ghost,
// or one by somebody who is refused. These are nobody's: there can be as many as somebody likes to make up.
func (c *Connector) invitedBy(ctx context.Context, evt *event.Event) (by id.UserID, is bool) {
	content, ok := evt.Content.Parsed.(*event.MemberEventContent)
	who := id.UserID(evt.GetStateKey())
	ghost := c.br.IsGhostMXID(who)
	switch may := c.br.Config.Permissions.Get(evt.Sender); {
	case !ok || content.Membership != event.MembershipInvite || !ghost && who != c.br.Bot.GetMXID():
		return evt.Sender, false
	case !may.SendEvents || !may.Commands:
		return nobody, true
	case !ghost || !content.IsDirect:
		return evt.Sender, false
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	return evt.Sender, err == nil && portal == nil
}

// handleAside handles a membership as the framework does.
func (c *Connector) handleAside(ctx context.Context, evt *event.Event) {
	defer func() {
		if broken := recover(); broken != nil {
			zerolog.Ctx(ctx).Error().Any("panic", broken).Stringer("event_id", evt.ID).Bytes(zerolog.ErrorStackFieldName, debug.Stack()).
				Msg("The framework broke down over an invitation")
		}
	}()
	defer c.Member(ctx, evt)
	c.br.QueueMatrixEvent(ctx, evt)
}
