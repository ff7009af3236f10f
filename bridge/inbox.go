package bridge

import (
	"context"
	"errors"
	"fmt"
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
	// storeTimeout bounds storing one message. The session waits meanwhile.
	storeTimeout = 10 * time.Second
	// maxAttempts is how often a message is offered to a room that takes others: the
	// last attempt comes about half an hour after the first.
	maxAttempts = 12
	// maxWaiting is how many messages may wait for one room: what one contact can
	// make the bridge keep during an outage of the homeserver.
	maxWaiting = 5000
)

// inbox carries messages from MSN to Matrix. They are on disk from their arrival
// until the homeserver has them, so that they outlast its outages and a restart
// of the bridge; whoever hands one in never waits for Matrix.
type inbox struct {
	client *Client
	wake   chan struct{} // one token: something was put in
}

func newInbox(c *Client) *inbox { return &inbox{client: c, wake: make(chan struct{}, 1)} }

// put stores a message at the end of the queue. The server believes that it is
// delivered, so that the end of the session is no reason not to.
func (b *inbox) put(ctx context.Context, m *database.QueuedMessage) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	waits := newWaits()
	for {
		err := b.store(ctx, m)
		if err == nil {
			break
		}
		zerolog.Ctx(ctx).Err(err).Str("message_id", string(m.MessageID)).Msg("Failed to store incoming message")
		if !sleep(ctx, waits.NextBackOff()) {
			zerolog.Ctx(ctx).Error().Str("message_id", string(m.MessageID)).Msg("Lost an incoming message")
			return
		}
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// leftOut takes the place of everything that comes while maxWaiting messages wait.
const leftOut = "(Further messages were left out: more came than the bridge keeps while the homeserver does not take them.)"

func (b *inbox) store(ctx context.Context, m *database.QueuedMessage) error {
	queue := b.client.connector.db.MSNQueue
	waiting, err := queue.Count(ctx, m.LoginID, m.PortalID)
	if err != nil {
		return err
	}
	if waiting == maxWaiting {
		zerolog.Ctx(ctx).Warn().Str("portal_id", string(m.PortalID)).Int("waiting", waiting).Msg("Leaving out messages: too many wait for Matrix")
		last := *m
		last.Body, last.Format = leftOut, ""
		m = &last
	}
	if waiting > maxWaiting {
		return nil
	}
	return queue.Put(ctx, m)
}

// room is a portal whose messages cannot be delivered at the moment.
type room struct {
	waits    *backoff.ExponentialBackOff
	next     time.Time
	message  networkid.MessageID // the one that fails
	attempts int
}

// failed counts an attempt for a message, and says when to try again.
func (r *room) failed(m *database.QueuedMessage) {
	if r.message != m.MessageID {
		r.message, r.attempts = m.MessageID, 0
	}
	r.attempts++
	r.next = time.Now().Add(r.waits.NextBackOff())
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
				portal.failed(m)
				log.Err(err).Str("message_id", string(m.MessageID)).Time("next_attempt", portal.next).
					Msg("Matrix did not take an incoming message, it stays in the queue")
				if portal.attempts < maxAttempts || b.giveUp(ctx, m) != nil {
					hold(m.PortalID, portal.next)
					continue
				}
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
	handing, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(settleTimeout, cancel)
		context.AfterFunc(handing, func() { timer.Stop() })
	})
	defer stop()
	return b.handOver(handing, m)
}

// giveUp says in the room that a message could not be brought into it. The error
// says that the room takes nothing at all: then it is not the message's fault.
func (b *inbox) giveUp(ctx context.Context, m *database.QueuedMessage) error {
	c := b.client
	portal, err := c.connector.br.GetPortalByKey(ctx, networkid.PortalKey{ID: m.PortalID, Receiver: c.login.ID})
	if err != nil || portal.MXID == "" {
		return errNotInMatrix
	}
	text := fmt.Sprintf("A message that %s sent at %s could not be brought into this room: the homeserver refuses it.",
		m.Sender, m.At.UTC().Format("2006-01-02 15:04 MST"))
	_, err = c.connector.br.Bot.SendMessage(ctx, portal.MXID, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{},
	}}, nil)
	if err == nil {
		zerolog.Ctx(ctx).Error().Str("message_id", string(m.MessageID)).Msg("Gave up an incoming message that the homeserver refuses")
	}
	return err
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
	if portal.MXID == "" {
		if err := portal.CreateMatrixRoom(ctx, c.login, c.dmInfo(ctx, m.Sender)); err != nil {
			return err
		}
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
