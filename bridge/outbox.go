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

	"matrix-msn/bridge/msnid"
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
	// maxOutgoing is how many messages of a login may wait for the connection.
	maxOutgoing = 1000
)

// outgoing is a message on its way from Matrix to MSN.
type outgoing struct {
	*database.QueuedEvent
	deadline, waitUntil time.Time
}

func newOutgoing(e *database.QueuedEvent) *outgoing {
	now := time.Now()
	return &outgoing{QueuedEvent: e, deadline: now.Add(sendTimeout), waitUntil: now.Add(reconnectWait)}
}

// outbox carries messages from Matrix to MSN, in the order in which they came,
// without one that takes long holding up the next. They are on disk until their
// fate is told: what a stop or a crash leaves is taken up at the next start, and
// what may have been on the wire then is not sent twice.
type outbox struct {
	client *Client
	wake   chan struct{} // one token: something was put in
	sent   sync.WaitGroup

	mu   sync.Mutex
	open bool
	jobs []*outgoing
}

func newOutbox(c *Client) *outbox { return &outbox{client: c, wake: make(chan struct{}, 1)} }

// errNotStarted: the login is stopped.
var errNotStarted = fmt.Errorf("the login is stopped: %w", msn.ErrNotConnected)

// errTooManyOutgoing: more messages wait for the connection than maxOutgoing.
var errTooManyOutgoing = errors.New("too many messages are waiting for the connection")

// put adds a message, on disk first. One that is there already, because the
// homeserver has repeated it, is not added again.
func (o *outbox) put(ctx context.Context, e *database.QueuedEvent) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.open:
		return errNotStarted
	case len(o.jobs) >= maxOutgoing:
		return errTooManyOutgoing
	}
	added, err := o.client.connector.db.MatrixQueue.Put(ctx, e)
	if err != nil || !added {
		return err
	}
	o.append(newOutgoing(e))
	return nil
}

func (o *outbox) append(job *outgoing) {
	o.jobs = append(o.jobs, job)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// resume takes up what is on disk. That includes what was put in meanwhile.
func (o *outbox) resume(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = nil
	left, err := o.client.connector.db.MatrixQueue.GetAll(ctx, o.client.login.ID)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read queue of outgoing messages")
	}
	for _, e := range left {
		if e.Started {
			o.sent.Go(func() { o.settle(ctx, e, msn.ErrUncertain) })
		} else {
			o.append(newOutgoing(e))
		}
	}
}

func (o *outbox) take() []*outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	jobs := o.jobs
	o.jobs = nil
	return jobs
}

func (o *outbox) setOpen(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = open
}

// run sends until ctx ends.
func (o *outbox) run(ctx context.Context) {
	defer o.sent.Wait()
	defer o.setOpen(false)
	o.resume(ctx)
	for {
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
		for _, job := range o.take() {
			o.send(ctx, job)
		}
	}
}

// send puts one message into the order of its conversation, or refuses it.
func (o *outbox) send(ctx context.Context, job *outgoing) {
	sending, cancel := context.WithDeadline(ctx, job.deadline)
	waiting, stopWaiting := context.WithDeadline(sending, job.waitUntil)
	defer stopWaiting()
	wait, err := o.begin(sending, waiting, job.QueuedEvent)
	o.sent.Go(func() {
		defer cancel()
		if err == nil {
			err = wait()
		}
		if err != nil && ctx.Err() != nil {
			return // the bridge is stopping: the next start takes it up
		}
		o.settle(ctx, job.QueuedEvent, err)
	})
}

// begin starts to send a message; wait returns when the service has it, or not.
func (o *outbox) begin(sending, waiting context.Context, e *database.QueuedEvent) (wait func() error, err error) {
	account, ok := msnid.ParseDMPortalID(e.PortalID)
	if !ok {
		return nil, errNotADM
	}
	session, err := o.client.waitForSession(waiting)
	if err != nil {
		return nil, err
	}
	if contact, ok := session.Contact(account); ok && contact.Lists.Has(msn.ListBlock) {
		return nil, errBlockedByUser
	}
	if err := o.client.connector.db.MatrixQueue.SetStarted(sending, e); err != nil {
		return nil, err
	}
	return session.Conversation(account).StartText(sending, e.Body, e.Format), nil
}

// settle tells the room what became of a message, and forgets it.
func (o *outbox) settle(ctx context.Context, e *database.QueuedEvent, err error) {
	ctx = context.WithoutCancel(ctx)
	c := o.client
	info := &bridgev2.MessageStatusEventInfo{
		RoomID: e.RoomID, SourceEventID: e.EventID, EventType: event.EventMessage, MessageType: event.MsgText, Sender: e.Sender,
	}
	if err != nil {
		account, _ := msnid.ParseDMPortalID(e.PortalID)
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("event_id", e.EventID).Msg("Message was not delivered")
		status := bridgev2.WrapErrorInStatus(refused(err, c.recipient(ctx, account)))
		c.connector.br.Matrix.SendMessageStatus(ctx, &status, info)
	} else {
		o.save(ctx, e)
		c.connector.br.Matrix.SendMessageStatus(ctx, &bridgev2.MessageStatus{Status: event.MessageStatusSuccess}, info)
	}
	if err := c.connector.db.MatrixQueue.Delete(ctx, e); err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", e.EventID).Msg("Failed to remove settled message from the queue")
	}
}

// save gives the framework the message, which it then knows by its event.
func (o *outbox) save(ctx context.Context, e *database.QueuedEvent) {
	c := o.client
	log := zerolog.Ctx(ctx)
	// A message needs the row of its sender's ghost.
	if _, err := c.connector.br.GetGhostByID(ctx, c.GetUserID()); err != nil {
		log.Err(err).Msg("Failed to get own ghost")
	}
	err := c.connector.br.DB.Message.Insert(ctx, &bridgedb.Message{
		ID:         msnid.MakeSentMessageID(e.EventID),
		MXID:       e.EventID,
		Room:       networkid.PortalKey{ID: e.PortalID, Receiver: c.login.ID},
		SenderID:   c.GetUserID(),
		SenderMXID: e.Sender,
		Timestamp:  e.WrittenAt,
	})
	if err != nil {
		log.Err(err).Stringer("event_id", e.EventID).Msg("Failed to save sent message")
	}
}
