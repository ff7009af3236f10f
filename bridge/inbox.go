package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
)

const (
	// inboxBatch is how many messages of a room are read from the queue at a time.
	inboxBatch = 64
	// maxRooms is how many rooms of a login are written to at the same time.
	maxRooms = 8
	// handleTimeout is how long the framework may take for one message. It handles
	// what takes longer than 5 minutes in the background.
	handleTimeout = 15 * time.Minute
	// storeTimeout bounds storing one message. The session waits meanwhile.
	storeTimeout = 5 * time.Second
	// maxAttempts is how often a message is offered to a room that takes others: the
	// last attempt comes about half an hour after the first.
	maxAttempts = 12
	// maxWaiting is how many messages may wait for one room: what one contact can
	// make the bridge keep during an outage of the homeserver.
	maxWaiting = 5000
	// maxUnsaved is how many messages may wait in memory for the database.
	maxUnsaved = 5000
)

// inbox carries messages from MSN to Matrix. They are on disk from their arrival
// until the homeserver has them, so that they outlast its outages and a restart
// of the bridge; whoever hands one in never waits for Matrix.
type inbox struct {
	client  *Client
	wake    chan struct{}  // one token: something was put in, or a room is done
	writing chan struct{}  // a token for each room that is written to
	loop    sync.WaitGroup // run
	rooms   sync.WaitGroup
	// wait waits between two attempts to hand a message over.
	wait func(context.Context, time.Duration) bool

	mu      sync.Mutex
	active  map[networkid.PortalID]bool // rooms that somebody takes care of
	unsaved []arrival                   // what the database did not take yet
}

// arrival is what goes into the queue: a message, and the alert that it is about.
type arrival struct {
	*database.QueuedMessage
	alert *database.Alert // nil for what was said by people
}

func newInbox(c *Client) *inbox {
	return &inbox{
		client: c, wake: make(chan struct{}, 1), writing: make(chan struct{}, maxRooms),
		wait: retry.Sleep, active: make(map[networkid.PortalID]bool),
	}
}

// Put stores a message at the end of the queue. The server believes that it is
// delivered, so that the end of the session is no reason not to. What the database
// does not take waits in memory, with all that comes after it.
func (b *inbox) Put(ctx context.Context, m *database.QueuedMessage) {
	b.take(ctx, arrival{QueuedMessage: m})
}

// PutAlert is Put for an alert. One that is known already is not shown again.
func (b *inbox) PutAlert(ctx context.Context, a *database.Alert) {
	b.take(ctx, arrival{alert: a, QueuedMessage: &database.QueuedMessage{
		LoginID:   a.LoginID,
		MessageID: a.AlertID,
		PortalID:  msnid.MakeAlertsPortalKey(a.LoginID).ID,
		At:        a.ReceivedAt,
		Kind:      database.QueuedAlert,
	}})
}

func (b *inbox) take(ctx context.Context, m arrival) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.signal()
	if len(b.unsaved) == 0 {
		err := b.store(ctx, m)
		if err == nil {
			return
		}
		zerolog.Ctx(ctx).Err(err).Str("message_id", string(m.MessageID)).Msg("Failed to store incoming message, it waits in memory")
	}
	if len(b.unsaved) >= maxUnsaved {
		zerolog.Ctx(ctx).Error().Str("message_id", string(m.MessageID)).Msg("Lost an incoming message: the database has taken none for long")
		return
	}
	b.unsaved = append(b.unsaved, m)
}

// save stores what waits in memory. The error is that of the database.
func (b *inbox) save(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.unsaved) > 0 {
		if err := b.store(ctx, b.unsaved[0]); err != nil {
			return err
		}
		b.unsaved = b.unsaved[1:]
	}
	return nil
}

func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// leftOut takes the place of everything that comes while maxWaiting messages wait.
const leftOut = "(Further messages were left out: more came than the bridge keeps while the homeserver does not take them.)"

func (b *inbox) store(ctx context.Context, m arrival) error {
	queue := b.client.account.DB.MSNQueue
	waiting, err := queue.Count(ctx, m.LoginID, m.PortalID)
	if err != nil {
		return err
	}
	if waiting == maxWaiting {
		zerolog.Ctx(ctx).Warn().Str("portal_id", string(m.PortalID)).Int("waiting", waiting).Msg("Leaving out messages: too many wait for Matrix")
		m = m.leftOut()
	}
	if waiting > maxWaiting {
		return nil
	}
	if m.alert != nil {
		_, err = b.client.account.DB.Alert.Put(ctx, m.alert, m.QueuedMessage)
		return err
	}
	return queue.Put(ctx, m.QueuedMessage)
}

// leftOut returns what takes the place of m.
func (m arrival) leftOut() arrival {
	last := *m.QueuedMessage
	last.Body, last.Format = leftOut, ""
	if m.Kind == database.QueuedOffline {
		// By its own ID it would count as being in Matrix, and the service would be
		// told to remove it. The next sign-in brings it again.
		last.Kind, last.MessageID = database.QueuedNote, msnid.MakeNoticeMessageID("left out", string(m.MessageID), m.At.Format(time.RFC3339Nano))
	}
	replaced := arrival{QueuedMessage: &last}
	if m.alert != nil {
		replaced.alert = &database.Alert{LoginID: m.LoginID, AlertID: m.MessageID, ReceivedAt: m.At,
			Kind: database.AlertKindSuppressed, Text: leftOut}
	}
	return replaced
}

// Start implements session.Part.
func (b *inbox) Start(ctx context.Context) { b.loop.Go(func() { b.run(ctx) }) }

// Stop implements session.Part. What came after the end of run is stored by then.
func (b *inbox) Stop() { b.loop.Wait() }

// run has each room with messages taken care of until ctx ends: in order within a
// room, and without a room that fails or hangs holding up the others.
func (b *inbox) run(ctx context.Context) {
	defer b.saveLast(ctx)
	defer b.rooms.Wait()
	for ctx.Err() == nil {
		err := b.save(ctx)
		var portals []networkid.PortalID
		if err == nil {
			portals, err = b.client.account.DB.MSNQueue.Portals(ctx, b.client.account.Login.ID)
		}
		if err != nil {
			if ctx.Err() == nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to use queue of incoming messages")
			}
			retry.Sleep(ctx, retry.First)
			continue
		}
		for _, portal := range portals {
			if b.begin(portal) {
				b.rooms.Go(func() { b.serveRoom(ctx, portal) })
			}
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
		}
	}
}

// saveLast stores what still waits in memory when the bridge stops.
func (b *inbox) saveLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := b.save(ctx); err != nil {
		zerolog.Ctx(ctx).Err(err).Int("messages", len(b.unsaved)).Msg("Lost incoming messages")
	}
}

// begin reports whether nobody takes care of a room yet.
func (b *inbox) begin(portal networkid.PortalID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.active[portal] {
		return false
	}
	b.active[portal] = true
	return true
}

func (b *inbox) end(portal networkid.PortalID) {
	b.mu.Lock()
	delete(b.active, portal)
	b.mu.Unlock()
	b.signal() // what came since the last look
}

// serveRoom hands the messages of a room over until there are none, or ctx ends.
func (b *inbox) serveRoom(ctx context.Context, portal networkid.PortalID) {
	log := zerolog.Ctx(ctx)
	waits := retry.Waits()
	attempts := 0
	for ctx.Err() == nil {
		queue, err := b.client.account.DB.MSNQueue.ForPortal(ctx, b.client.account.Login.ID, portal, inboxBatch)
		if err == nil && len(queue) == 0 {
			b.end(portal)
			return
		}
		for _, m := range queue {
			// What may be the last attempt counts only when it was made while the
			// homeserver answered: it can come back between two requests.
			last := attempts+1 >= b.client.attempts(m)
			answered := last && b.answers(ctx, m) == nil
			err = b.deliverOne(ctx, m)
			refused := err != nil
			if refused {
				attempts++
				if ctx.Err() != nil || !answered || b.giveUp(ctx, m) != nil {
					break
				}
			}
			attempts = 0
			waits.Reset()
			if err = b.client.account.DB.MSNQueue.Delete(context.WithoutCancel(ctx), m); err != nil {
				break
			}
			if !refused {
				b.client.inMatrix(ctx, m)
			}
		}
		if err != nil && ctx.Err() == nil {
			wait := waits.NextBackOff()
			log.Err(err).Str("portal_id", string(portal)).Dur("wait", wait).Msg("Matrix did not take an incoming message, it stays in the queue")
			b.wait(ctx, wait)
		}
	}
}

var errNotInMatrix = errors.New("the message did not get into the room")

// deliverOne brings one message into its room and returns nil when it is there.
// When ctx ends, what is half-way gets a moment to come to its end: a message that
// the homeserver took but the database does not know of would come a second time.
func (b *inbox) deliverOne(ctx context.Context, m *database.QueuedMessage) error {
	select {
	case b.writing <- struct{}{}:
		defer func() { <-b.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	handing, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(room.SettleTimeout, cancel)
		context.AfterFunc(handing, func() { timer.Stop() })
	})
	defer stop()
	return b.handOver(handing, m)
}

// giveUp says in the room that a message could not be brought into it. The error
// says that the room takes nothing at all, or that the homeserver does not answer: then
// it is not the message's fault. An offline message stays with the service, and the room
// is told of it once.
func (b *inbox) giveUp(ctx context.Context, m *database.QueuedMessage) error {
	c := b.client
	if c.knownRefused(m) {
		err := b.answers(ctx, m)
		if err == nil {
			c.noteRefused(ctx, m)
		}
		return err
	}
	to, err := b.roomOf(ctx, m)
	if err != nil {
		return err
	}
	what := "A message that " + m.Sender + " sent"
	if m.Kind == database.QueuedAlert {
		what = "An alert that " + c.account.Service.Name + " sent"
	}
	text := fmt.Sprintf("%s at %s could not be brought into this room: the homeserver refuses it.",
		what, m.At.UTC().Format(room.TimeFormat))
	if m.Kind == database.QueuedOffline {
		text += fmt.Sprintf(" %s keeps it; the bridge tries again when it signs in the next time.", c.account.Service.Name)
	}
	err = c.rooms.Notice(ctx, to, text, "")
	if err == nil {
		zerolog.Ctx(ctx).Error().Str("message_id", string(m.MessageID)).Msg("Gave up an incoming message that the homeserver refuses")
		c.noteRefused(ctx, m)
	}
	return err
}

// answers asks the homeserver whether it is there, when there is a room for a message, and
// returns why it did not answer.
func (b *inbox) answers(ctx context.Context, m *database.QueuedMessage) error {
	if _, err := b.roomOf(ctx, m); err != nil {
		return err
	}
	return b.client.rooms.Answers(ctx)
}

// roomOf returns the room that a message goes to, if there is one.
func (b *inbox) roomOf(ctx context.Context, m *database.QueuedMessage) (id.RoomID, error) {
	c := b.client
	if c.alerts.ToManagement(m) {
		return c.rooms.Management(ctx)
	}
	room, err := c.rooms.Stored(ctx, networkid.PortalKey{ID: m.PortalID, Receiver: c.account.Login.ID})
	if err == nil && room == "" {
		err = errNotInMatrix
	}
	return room, err
}

// handOver gives one message to the framework and waits until it is done with.
// The framework knows messages by their IDs: one that is there is not sent again.
func (b *inbox) handOver(ctx context.Context, m *database.QueuedMessage) error {
	c := b.client
	if c.alerts.ToManagement(m) {
		return c.alerts.ShowInManagement(ctx, m)
	}
	converted, err := c.convert(ctx, m)
	if err != nil {
		return err
	}
	key := networkid.PortalKey{ID: m.PortalID, Receiver: c.account.Login.ID}
	// Made here and not by the message, because the framework does not tell when
	// that fails.
	if err := c.rooms.Ensure(ctx, key, func(ctx context.Context) (*bridgev2.ChatInfo, error) { return c.info(ctx, m.PortalID) }); err != nil {
		return err
	}
	handled := make(chan struct{})
	result := make(chan bridgev2.EventHandlingResult, 1)
	evt := &simplevent.PreConvertedMessage{
		EventMeta: simplevent.EventMeta{
			Type:           bridgev2.RemoteEventMessage,
			PortalKey:      key,
			Sender:         c.senderOf(m),
			CreatePortal:   true,
			Timestamp:      m.At,
			PostHandleFunc: func(context.Context, *bridgev2.Portal) { close(handled) },
		},
		ID:   m.MessageID,
		Data: &bridgev2.ConvertedMessage{Parts: []*bridgev2.ConvertedMessagePart{converted}},
	}
	// Waits while the events of the room are stuck, whatever ctx says.
	go func() { result <- c.account.Login.QueueRemoteEvent(evt) }()
	select {
	case r := <-result:
		if !r.Queued && r.Error != nil {
			return r.Error
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-handled:
	case <-ctx.Done():
		return ctx.Err()
	}
	parts, err := c.account.Bridge.DB.Message.GetAllPartsByID(ctx, c.account.Login.ID, m.MessageID)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return errNotInMatrix
	}
	return nil
}

func (c *Client) senderOf(m *database.QueuedMessage) bridgev2.EventSender {
	if m.Kind == database.QueuedAlert {
		return c.alerts.Sender()
	}
	return c.chat.SenderOf(m)
}

// convert makes the event of a message.
func (c *Client) convert(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ConvertedMessagePart, error) {
	if m.Kind == database.QueuedAlert {
		return c.alerts.Convert(ctx, m)
	}
	return chat.Convert(m), nil
}
