package chat

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
)

const (
	// typingRepeat is how often MSN wants to be told that somebody still writes;
	// the note holds for about 6 seconds there.
	typingRepeat = 5 * time.Second
	// typingLongest ends the notes when Matrix never says that the user stopped.
	typingLongest = 2 * time.Minute
	// typingShown is how long a contact is shown as writing after one note.
	typingShown = 6 * time.Second
)

// typists are the conversations in which the user is writing. MSN has no "stopped
// writing": the notes just end.
type typists struct {
	mu     sync.Mutex
	ctx    context.Context // of the run; nil while there is none
	active map[networkid.PortalID]context.CancelFunc
	wait   sync.WaitGroup
}

// UserTypes tells the contact of a room that the user writes, again and
// again until they stop. It is told only where a conversation is open: calling
// somebody to say that a message may come is not what they expect.
func (c *Chat) UserTypes(msg *bridgev2.MatrixTyping) error {
	if msnid.IsAlertsPortalID(msg.Portal.ID) {
		return nil // nobody there to be told
	}
	to, ok := msnid.ParsePeer(msg.Portal.ID)
	if !ok {
		return reason.ErrNotAChat
	}
	if !msg.IsTyping || msg.Type != bridgev2.TypingTypeText {
		c.typing.stop(msg.Portal.ID)
		return nil
	}
	c.typing.begin(msg.Portal.ID, func(ctx context.Context) {
		client := c.session.Current()
		if client == nil {
			return
		}
		conversation, err := c.Conversation(ctx, client, to)
		if err == nil {
			err = conversation.SendTyping(ctx)
		}
		if err != nil {
			zerolog.Ctx(ctx).Debug().Err(err).Msg("Failed to send typing")
		}
	})
	return nil
}

// Start implements session.Part: notes can be sent.
func (t *typists) Start(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ctx, t.active = ctx, make(map[networkid.PortalID]context.CancelFunc)
}

// begin calls send now and every typingRepeat until stop or typingLongest.
func (t *typists) begin(room networkid.PortalID, send func(context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		return
	}
	t.stopLocked(room)
	ctx, cancel := context.WithTimeout(t.ctx, typingLongest)
	t.active[room] = cancel
	t.wait.Go(func() {
		defer cancel()
		ticker := time.NewTicker(typingRepeat)
		defer ticker.Stop()
		for {
			send(ctx)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

func (t *typists) stop(room networkid.PortalID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopLocked(room)
}

func (t *typists) stopLocked(room networkid.PortalID) {
	if cancel := t.active[room]; cancel != nil {
		cancel()
		delete(t.active, room)
	}
}

// Stop implements session.Part.
func (t *typists) Stop() {
	t.mu.Lock()
	t.ctx = nil
	for room := range t.active {
		t.stopLocked(room)
	}
	t.mu.Unlock()
	t.wait.Wait()
}
