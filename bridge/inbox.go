package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/database"
)

const (
	// inboxBatch is how many messages are read from the queue at a time.
	inboxBatch = 64
	// handleTimeout is how long the framework may take for one message before it
	// is looked whether Matrix has it.
	handleTimeout = 2 * time.Minute
	// settleTimeout is how long a stop waits for a message that is half-way. The
	// framework gives a login 5 seconds to disconnect.
	settleTimeout = 4 * time.Second
)

// inbox carries messages from MSN to Matrix. They are on disk from their arrival
// until the homeserver has them, so that they outlast its outages and a restart
// of the bridge; whoever hands one in never waits for Matrix.
type inbox struct {
	client *Client
	wake   chan struct{} // one token: something was put in
}

func newInbox(c *Client) *inbox { return &inbox{client: c, wake: make(chan struct{}, 1)} }

// put stores a message at the end of the queue. One that cannot be stored is
// delivered at once, as the next best thing.
func (b *inbox) put(ctx context.Context, m *database.QueuedMessage) {
	if err := b.client.connector.db.MSNQueue.Put(ctx, m); err != nil {
		zerolog.Ctx(ctx).Err(err).Str("message_id", string(m.MessageID)).Msg("Failed to store incoming message")
		if err := b.deliverOne(ctx, m); err != nil {
			zerolog.Ctx(ctx).Err(err).Str("message_id", string(m.MessageID)).Msg("Lost an incoming message")
		}
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// room is a portal whose messages cannot be delivered at the moment.
type room struct {
	waits *backoff.ExponentialBackOff
	next  time.Time
}

// run hands the queue to Matrix until ctx ends: in order within a room, and
// without letting one room that fails hold up the others.
func (b *inbox) run(ctx context.Context) {
	failing := make(map[networkid.PortalID]*room)
	for {
		next := b.pass(ctx, failing)
		if !b.sleepUntil(ctx, next) {
			return
		}
	}
}

// pass goes through the queue once. It returns when to try again what failed,
// the zero time when nothing did.
func (b *inbox) pass(ctx context.Context, failing map[networkid.PortalID]*room) (next time.Time) {
	log := zerolog.Ctx(ctx)
	held := make(map[networkid.PortalID]bool)
	hold := func(portal networkid.PortalID, until time.Time) {
		held[portal] = true
		if next.IsZero() || until.Before(next) {
			next = until
		}
	}
	for position := int64(0); ctx.Err() == nil; {
		batch, err := b.client.connector.db.MSNQueue.After(ctx, b.client.login.ID, position, inboxBatch)
		if err != nil {
			log.Err(err).Msg("Failed to read queue of incoming messages")
			return time.Now().Add(firstRetry)
		}
		for _, m := range batch {
			position = m.Position
			portal := failing[m.PortalID]
			if held[m.PortalID] {
				continue
			}
			if portal != nil && time.Now().Before(portal.next) {
				hold(m.PortalID, portal.next)
				continue
			}
			if err := b.deliverOne(ctx, m); err != nil {
				if ctx.Err() != nil {
					return time.Time{}
				}
				if portal == nil {
					portal = &room{waits: newWaits()}
					failing[m.PortalID] = portal
				}
				portal.next = time.Now().Add(portal.waits.NextBackOff())
				hold(m.PortalID, portal.next)
				log.Err(err).Str("message_id", string(m.MessageID)).Time("next_attempt", portal.next).
					Msg("Matrix did not take an incoming message, it stays in the queue")
				continue
			}
			delete(failing, m.PortalID)
			if err := b.client.connector.db.MSNQueue.Delete(context.WithoutCancel(ctx), m); err != nil {
				log.Err(err).Msg("Failed to remove delivered message from the queue")
			}
		}
		if len(batch) < inboxBatch {
			return next
		}
	}
	return next
}

func (b *inbox) sleepUntil(ctx context.Context, next time.Time) bool {
	var alarm <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-b.wake:
	case <-alarm:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

var errNotInMatrix = errors.New("the message did not get into the room")

// deliverOne brings one message into its room and returns nil when it is there.
// When ctx ends, what is half-way gets a moment to come to its end: a message that
// the homeserver took but the database does not know of would come a second time.
func (b *inbox) deliverOne(ctx context.Context, m *database.QueuedMessage) error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
		defer cancel()
		done <- b.handOver(ctx, m)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(settleTimeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return ctx.Err()
	}
}

// handOver gives one message to the framework and waits until it is done with.
// The framework knows messages by their IDs: one that is there is not sent again.
func (b *inbox) handOver(ctx context.Context, m *database.QueuedMessage) error {
	c := b.client
	key := networkid.PortalKey{ID: m.PortalID, Receiver: c.login.ID}
	portal, err := c.connector.br.GetPortalByKey(ctx, key)
	if err != nil {
		return err
	}
	// Made here and not by the message, because the framework does not tell when
	// that fails.
	if err := portal.CreateMatrixRoom(ctx, c.login, c.dmInfo(ctx, m.Sender)); err != nil {
		return err
	}
	handled := make(chan struct{})
	c.login.QueueRemoteEvent(&simplevent.Message[*database.QueuedMessage]{
		EventMeta: simplevent.EventMeta{
			Type:           bridgev2.RemoteEventMessage,
			PortalKey:      key,
			Sender:         c.senderOf(m.Sender),
			CreatePortal:   true,
			Timestamp:      m.At,
			PostHandleFunc: func(context.Context, *bridgev2.Portal) { close(handled) },
		},
		ID:                 m.MessageID,
		Data:               m,
		ConvertMessageFunc: convertText,
	})
	select {
	case <-handled:
	case <-ctx.Done():
		return ctx.Err()
	}
	parts, err := c.connector.br.DB.Message.GetAllPartsByID(ctx, c.login.ID, m.MessageID)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return errNotInMatrix
	}
	return nil
}

// groupNote stands before a text that was said to more people than the user: an
// answer in the room goes to its sender alone.
const groupNote = "(in a conversation with several people) "

func convertText(_ context.Context, _ *bridgev2.Portal, _ bridgev2.MatrixAPI, m *database.QueuedMessage) (*bridgev2.ConvertedMessage, error) {
	body := m.Body
	if m.GroupSize > 1 {
		body = groupNote + body
	}
	return &bridgev2.ConvertedMessage{Parts: []*bridgev2.ConvertedMessagePart{{
		Type:    event.EventMessage,
		Content: msgconv.ToMatrix(body, m.Format),
	}}}, nil
}
