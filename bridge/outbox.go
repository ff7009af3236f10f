package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Who writes a message learns within a minute whether it went out, however many
// messages wait.
const (
	// sendTimeout bounds sending as a whole, waiting for the connection included.
	sendTimeout = 50 * time.Second
	// reconnectWait is how much of it is spent on waiting for the connection.
	reconnectWait = 20 * time.Second
	// startWait is how long messages wait, after a start, for the first attempt to
	// sign in to end, before their time begins to count.
	startWait = 30 * time.Second
	// passInterval is how often the queue is looked at without being told of anything
	// new: a message can be put in through a Client that was just replaced.
	passInterval = 30 * time.Second
	// farewellTimeout bounds what is told at logout. The framework waits for it.
	farewellTimeout = 10 * time.Second
)

// outbox carries messages from Matrix to MSN, in the order in which they came,
// without one that takes long holding up the next. They are on disk until their
// fate is told in the room: what a stop or a crash leaves is taken up at the next
// start, and what may have been on the wire then is not sent twice.
type outbox struct {
	client *Client
	wake   chan struct{}  // one token: something was put in
	loop   sync.WaitGroup // run
	sent   sync.WaitGroup

	mu     sync.Mutex
	active map[id.EventID]bool                 // what run has taken up
	held   map[networkid.PortalID][]id.EventID // of these, what waits for its recipient to be online
}

func newOutbox(c *Client) *outbox {
	return &outbox{client: c, wake: make(chan struct{}, 1), active: make(map[id.EventID]bool),
		held: make(map[networkid.PortalID][]id.EventID)}
}

// Put stores a message, also while the login is stopped. One that is there
// already, because the homeserver has repeated it, is not stored again.
func (o *outbox) Put(ctx context.Context, e *database.QueuedEvent) error {
	if _, err := o.client.account.DB.MatrixQueue.Put(ctx, e); err != nil {
		return err
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return nil
}

// Start implements session.Part.
func (o *outbox) Start(ctx context.Context) { o.loop.Go(func() { o.run(ctx) }) }

// Stop implements session.Part.
func (o *outbox) Stop() { o.loop.Wait() }

// run sends what is in the queue until ctx ends.
func (o *outbox) run(ctx context.Context) {
	defer o.forget()
	defer o.sent.Wait()
	starting, cancel := context.WithTimeout(ctx, startWait)
	o.client.session.WaitForOutcome(starting)
	cancel()
	ticker := time.NewTicker(passInterval)
	defer ticker.Stop()
	for leftOver := true; ctx.Err() == nil; {
		if err := o.pass(ctx, leftOver); err == nil {
			leftOver = false
		} else if ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to read queue of outgoing messages")
			retry.Sleep(ctx, retry.First)
			continue
		}
		select {
		case <-o.wake:
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// pass takes up what is new in the queue. What was begun before this run may have
// gone out.
func (o *outbox) pass(ctx context.Context, leftOver bool) error {
	queue, err := o.client.account.DB.MatrixQueue.GetAll(ctx, o.client.account.Login.ID)
	if err != nil {
		return err
	}
	waiting, stopWaiting := context.WithTimeout(ctx, reconnectWait)
	defer stopWaiting()
	o.sort(queue)
	for _, e := range queue {
		if !o.begin(e) {
			continue
		}
		switch {
		case o.expired(e):
			o.sent.Go(func() { o.settle(ctx, e, reason.ErrNotSeen) })
		case o.isSent(ctx, e):
			// The bridge did not get to forgetting it, or the homeserver repeats it.
			o.sent.Go(func() { o.settle(ctx, e, nil) })
		case leftOver && e.Started:
			o.sent.Go(func() { o.settle(ctx, e, msn.ErrUncertain) })
		default:
			o.send(ctx, waiting, e)
		}
	}
	return nil
}

// begin reports whether a message is not taken up yet, and takes it up.
func (o *outbox) begin(e *database.QueuedEvent) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.active[e.EventID] {
		return false
	}
	o.active[e.EventID] = true
	return true
}

func (o *outbox) end(e *database.QueuedEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.active, e.EventID)
}

// isSent reports whether the framework knows a message as sent.
func (o *outbox) isSent(ctx context.Context, e *database.QueuedEvent) bool {
	c := o.client
	parts, err := c.account.Bridge.DB.Message.GetAllPartsByID(ctx, c.account.Login.ID, msnid.MakeSentMessageID(e.EventID))
	return err == nil && len(parts) > 0
}

// send puts one message into the order of its conversation, or refuses it. waiting
// bounds the wait for the connection, of all messages that wait together.
func (o *outbox) send(ctx, waiting context.Context, e *database.QueuedEvent) {
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	wait, err := o.handOver(sending, waiting, e)
	o.sent.Go(func() {
		defer cancel()
		if err == nil {
			err = wait()
			if err != nil {
				err = o.leave(sending, e, err)
			}
		}
		if err != nil && ctx.Err() == nil && o.hold(ctx, e, err) {
			return
		}
		if err != nil && ctx.Err() != nil {
			// The bridge is stopping: the next start takes it up.
			if !mayHaveArrived(err) {
				o.setStarted(ctx, e, false)
			}
			return
		}
		o.settle(ctx, e, err)
	})
}

// mayHaveArrived reports whether a text that failed, or a part of it, can have
// reached the contact.
func mayHaveArrived(err error) bool {
	var parts *msn.PartsError
	return errors.Is(err, msn.ErrUncertain) || errors.As(err, &parts) && parts.Acknowledged > 0
}

func (o *outbox) setStarted(ctx context.Context, e *database.QueuedEvent, started bool) {
	if err := o.client.account.DB.MatrixQueue.SetStarted(context.WithoutCancel(ctx), e, started); err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", e.EventID).Msg("Failed to note how far a message is")
	}
}

// handOver gives a message to its conversation; wait returns when the service has
// it, or not.
func (o *outbox) handOver(sending, waiting context.Context, e *database.QueuedEvent) (wait func() error, err error) {
	to, ok := chat.ParsePeer(e.PortalID)
	if !ok {
		return nil, reason.ErrNotAChat
	}
	session, err := o.client.session.Wait(waiting)
	if err != nil {
		return nil, err
	}
	if contact, ok := session.Contact(to.Account); ok && contact.Lists.Has(msn.ListBlock) {
		return nil, reason.ErrBlockedByUser
	}
	conversation, err := o.client.chat.Conversation(sending, session, to)
	if err != nil {
		return nil, err
	}
	if err := o.client.account.DB.MatrixQueue.SetStarted(sending, e, true); err != nil {
		return nil, fmt.Errorf("%w: %w", reason.ErrBridge, err)
	}
	return conversation.StartText(sending, e.Body, e.Format), nil
}

// settle tells the room what became of a message, and then forgets it. It goes on
// trying until ctx ends or a room shows that it takes nothing; what is not told
// when the bridge stops is told at the next start.
func (o *outbox) settle(ctx context.Context, e *database.QueuedEvent, fate error) {
	log := zerolog.Ctx(ctx).With().Stringer("event_id", e.EventID).Logger()
	if untilTold(ctx, log, func() error { return o.tell(ctx, e, fate) }, func() error {
		return o.client.account.DB.MatrixQueue.Delete(context.WithoutCancel(ctx), e)
	}) {
		o.end(e)
	}
}

// tell saves a message that was delivered, or says in the room why it was not.
func (o *outbox) tell(ctx context.Context, e *database.QueuedEvent, fate error) error {
	c := o.client
	info := &bridgev2.MessageStatusEventInfo{
		RoomID: e.RoomID, SourceEventID: e.EventID, EventType: event.EventMessage, MessageType: event.MsgText, Sender: e.Sender,
	}
	if fate == nil {
		if err := o.save(context.WithoutCancel(ctx), e); err != nil {
			return err
		}
		c.account.Bridge.Matrix.SendMessageStatus(ctx, &bridgev2.MessageStatus{Status: event.MessageStatusSuccess}, info)
		return nil
	}
	to, _ := chat.ParsePeer(e.PortalID)
	zerolog.Ctx(ctx).Warn().Err(fate).Stringer("event_id", e.EventID).Msg("Message was not delivered")
	status := bridgev2.WrapErrorInStatus(reason.Refused(fate, c.chat.Recipients(ctx, to)))
	// Sent here and not by the framework, which does not tell whether it could.
	_, err := c.account.Bridge.Bot.SendMessage(ctx, e.RoomID, event.EventMessage, &event.Content{Parsed: status.ToNoticeEvent(info)}, nil)
	if err != nil {
		return err
	}
	status.SendNotice = false
	c.account.Bridge.Matrix.SendMessageStatus(ctx, &status, info)
	return nil
}

// save gives the framework the message, which it then knows by its event.
func (o *outbox) save(ctx context.Context, e *database.QueuedEvent) error {
	c := o.client
	if o.isSent(ctx, e) {
		return nil
	}
	key := networkid.PortalKey{ID: e.PortalID, Receiver: c.account.Login.ID}
	if portal, err := c.account.Bridge.DB.Portal.GetByKey(ctx, key); err != nil || portal == nil {
		return err // without a room there is nothing to know the message by
	}
	// A message needs the row of its sender's ghost.
	if _, err := c.account.Bridge.GetGhostByID(ctx, c.account.UserID()); err != nil {
		return err
	}
	return c.account.Bridge.DB.Message.Insert(ctx, &bridgedb.Message{
		ID:         msnid.MakeSentMessageID(e.EventID),
		MXID:       e.EventID,
		Room:       key,
		SenderID:   c.account.UserID(),
		SenderMXID: e.Sender,
		Timestamp:  e.WrittenAt,
	})
}

// forget has everything taken up again at the next start.
func (o *outbox) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.active)
	clear(o.held)
}

// Farewell tells the fate of what is left when the user logs out: the login, and
// with it the queue, will be gone.
func (o *outbox) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	queue, err := o.client.account.DB.MatrixQueue.GetAll(ctx, o.client.account.Login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read queue of outgoing messages")
	}
	for _, e := range queue {
		fate := error(msn.ErrClosed)
		switch {
		case o.isSent(ctx, e):
			fate = nil
		case e.Started:
			fate = msn.ErrUncertain
		}
		o.settle(ctx, e, fate)
	}
}
