package intake

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/retry"
)

// Arriving is to be called for every event of Types before the framework sees it.
func (i *Intake) Arriving(ctx context.Context, evt *event.Event) {
	h := i.handedOut(evt.ID)
	if h == nil || evt.Type == event.EventEncrypted {
		return
	}
	command := evt.Type == event.EventMessage && i.cfg.IsCommand(ctx, evt)
	i.mu.Lock()
	h.decrypted, h.command = true, command
	if h.late != nil {
		h.late.Stop() // it was decrypted, and its room's loop ends it
	}
	if command {
		chat := chatOf{evt.Sender, evt.RoomID}
		h.chat = &turn{depth: 1, begun: newSign(), ended: newSign()}
		if before := i.running[chat]; before != nil {
			h.chat.before, h.chat.depth = before.chat, before.chat.depth+1
		}
		i.running[chat] = h
	}
	i.mu.Unlock()
}

// beginPatience is for how long it is tried to note that a command is run.
const beginPatience = 20 * time.Second

// begin notes that a command is run: after a crash it is not run again. It reports false when that
// cannot be noted, or the bridge stops: the command must not be run then, and is handed on again
// after a while or by the next start.
func (i *Intake) begin(ctx context.Context, h *handed) bool {
	if h == nil {
		return true
	}
	deadline, waits := time.Now().Add(beginPatience), retry.Waits()
	for {
		storing, cancel := context.WithTimeout(ctx, storeTimeout)
		_, err := i.cfg.Store.Begin(storing, h.received.EventID)
		cancel()
		if err == nil {
			return true
		}
		zerolog.Ctx(ctx).Err(err).Msg("Failed to note that a command is run: it waits")
		if wait := waits.NextBackOff(); time.Now().Add(wait).Before(deadline) && retry.Sleep(ctx, wait) {
			continue
		}
		if ctx.Err() == nil && !i.Leave(h.received.EventID) {
			i.Untold(h.received.EventID)
		}
		return false
	}
}

// Dispatched is to be called for every event of Types when the framework has seen it. The
// event is finished when its room's loop has come past it.
func (i *Intake) Dispatched(ctx context.Context, evt *event.Event) {
	h := i.handedOut(evt.ID)
	if h == nil {
		return
	}
	if evt.Type == event.EventEncrypted {
		i.read(ctx, evt, h)
		return // the message that comes of it ends it
	}
	i.mu.Lock()
	command := h.command
	i.passOn(chatOf{evt.Sender, evt.RoomID}, evt.ID)
	i.mu.Unlock()
	if command {
		return // Commands ends it
	}
	portal, err := i.cfg.Bridge.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil {
		i.finish(ctx, evt.ID, h)
		return
	}
	login := i.cfg.Bridge.GetCachedUserLoginByID(portal.Receiver)
	if login == nil {
		i.finish(ctx, evt.ID, h)
		return
	}
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: portal.PortalKey,
		PreHandleFunc: func(ctx context.Context, _ *bridgev2.Portal) {
			// Once the framework is being stopped, rooms do nothing with their events.
			if ctx.Err() == nil {
				i.finish(context.WithoutCancel(ctx), evt.ID, h)
			}
		},
	})
}

// handedOut returns what is known of an event that is not finished, or nil.
func (i *Intake) handedOut(evt id.EventID) *handed {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.open[evt]
}

// Open reports whether something that was written in a room is not dealt with yet.
func (i *Intake) Open(room id.RoomID) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, h := range i.open {
		if h.received.RoomID == room {
			return true
		}
	}
	return false
}

// Taken says that an event was stored elsewhere, and its row in the intake closed.
func (i *Intake) Taken(evt id.EventID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.close(evt)
}

// close forgets an event that is finished. mu is held.
func (i *Intake) close(evt id.EventID) {
	if h := i.open[evt]; h != nil && h.late != nil {
		h.late.Stop()
	}
	if h := i.open[evt]; h != nil && h.stage.left() {
		h.stage = inHand
		i.calm(h.received.RoomID)
	}
	if h := i.open[evt]; h != nil {
		i.passOn(chatOf{h.received.Sender, h.received.RoomID}, evt)
	}
	delete(i.open, evt)
	i.closed.Push(evt, struct{}{})
}

// finish notes that an event is dealt with, unless that is noted already, or the event was
// handed on again since h was.
func (i *Intake) finish(ctx context.Context, evt id.EventID, h *handed) {
	i.mu.Lock()
	ends := h != nil && i.open[evt] == h && !h.stage.waits() && h.stage != untold
	i.mu.Unlock()
	if !ends {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := i.cfg.Store.Finish(ctx, evt); err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", evt).Msg("Failed to note that an event is dealt with")
		i.mu.Lock()
		defer i.mu.Unlock()
		h.stage = unnoted // those behind it wait for it no more
		i.calm(h.received.RoomID)
		i.noteLater()
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.close(evt)
}

// Commands returns a command processor that notes when a command has ended. It is to be set
// when the framework has added its own commands and before the first event.
func (i *Intake) Commands(inner bridgev2.CommandProcessor) bridgev2.CommandProcessor {
	return processor{inner, i}
}

type processor struct {
	bridgev2.CommandProcessor
	intake *Intake
}

// Handle implements bridgev2.CommandProcessor.
func (p processor) Handle(ctx context.Context, room id.RoomID, evt id.EventID, user *bridgev2.User, message string, replyTo id.EventID) {
	h := p.intake.handedOut(evt)
	if !p.intake.turn(ctx, h) {
		return // the next start runs it
	}
	if !p.intake.begin(ctx, h) {
		p.intake.over(room, h)
		return
	}
	defer func() {
		p.intake.over(room, h)
		if ctx.Err() != nil {
			return // it could not even answer: the next start says so
		}
		p.intake.finish(context.WithoutCancel(ctx), evt, h)
	}()
	running := ctx
	if h != nil {
		running = context.WithValue(ctx, holding{}, place{p.intake, chatOf{h.received.Sender, room}, p.intake.since(h)})
	}
	p.CommandProcessor.Handle(running, room, evt, user, message, replyTo)
}

// since is when an event came, or this run began, whichever is later.
func (i *Intake) since(h *handed) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if h.received.At.After(i.started) {
		return h.received.At
	}
	return i.started
}

// turnTimeout is how long a command waits for the one before it, from when that one has begun. One
// that asks the service can take longer; who typed the next one should not wait for that.
const turnTimeout = 10 * time.Second

// turn waits until the command before one has ended: the framework runs each in a goroutine,
// and those that came while the bridge was down are there at once. It reports false when the
// bridge stops meanwhile.
func (i *Intake) turn(ctx context.Context, h *handed) bool {
	if h == nil || h.chat == nil {
		return true
	}
	defer h.chat.begun.set()
	i.mu.Lock()
	h.chat.arrived = true
	i.mu.Unlock()
	before := h.chat.before
	if before == nil {
		return true
	}
	// The one before may never be run: the framework drops a few. Each that waits for it waits
	// a little longer than the one before, so that they do not begin together.
	chat := chatOf{h.received.Sender, h.received.RoomID}
	dropped := func() bool { return !before.arrived }
	if i.await(ctx, chat, before.begun, time.Duration(before.depth)*turnTimeout, dropped) {
		i.await(ctx, chat, before.ended, turnTimeout, func() bool { return true })
	}
	if ctx.Err() != nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	h.chat.before = nil // it may go
	return true
}

// await waits for a sign, for a while, and reports whether it was set. The while begins anew when a
// command of the chat has done with Hold, and as long as givesUp says so, which is called with mu
// held.
func (i *Intake) await(ctx context.Context, chat chatOf, awaited sign, limit time.Duration, givesUp func() bool) bool {
	for {
		timer := time.NewTimer(limit)
		select {
		case <-awaited.happened:
			timer.Stop()
			return true
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		i.mu.Lock()
		held, over := i.held[chat], givesUp()
		i.mu.Unlock()
		switch {
		case held == nil && over:
			return false
		case held == nil: // the one before waits in its turn
			continue
		}
		select {
		case <-awaited.happened:
			return true
		case <-ctx.Done():
			return false
		case <-held.over:
		}
	}
}

// holding is the key of the place of a command that runs.
type holding struct{}

// place is where a command runs.
type place struct {
	intake *Intake
	chat   chatOf
	since  time.Time // from when on it waits
}

// Since returns from when on a command, whose context this is, waits for whatever it needs: since it
// came, or since this run began. It is the zero time for what is no command of a chat.
func Since(ctx context.Context) time.Time {
	at, _ := ctx.Value(holding{}).(place)
	return at.since
}

// hold is that commands of a chat wait for something, and those behind them for them.
type hold struct {
	commands int
	over     chan struct{} // closed when none waits any more
}

// Hold says that a command, whose context this is, waits for something before it does anything,
// such as the connection. Until release the commands behind it wait for it however long that
// takes: else they would overtake it.
func Hold(ctx context.Context) (release func()) {
	at, ok := ctx.Value(holding{}).(place)
	if !ok {
		return func() {}
	}
	i := at.intake
	i.mu.Lock()
	defer i.mu.Unlock()
	held := i.held[at.chat]
	if held == nil {
		held = &hold{over: make(chan struct{})}
		i.held[at.chat] = held
	}
	held.commands++
	return sync.OnceFunc(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if held.commands--; held.commands == 0 {
			close(held.over)
			delete(i.held, at.chat)
		}
	})
}

// over says that a command has ended, and lets the next one of its chat run.
func (i *Intake) over(room id.RoomID, h *handed) {
	if h == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if h.chat != nil {
		h.chat.ended.set()
	}
	if chat := (chatOf{h.received.Sender, room}); i.running[chat] == h {
		delete(i.running, chat)
	}
}
