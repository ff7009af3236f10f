package bridge

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/msnid"
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

var _ bridgev2.TypingHandlingNetworkAPI = (*Client)(nil)

// typists are the conversations in which the user is writing. MSN has no "stopped
// writing": the notes just end.
type typists struct {
	mu     sync.Mutex
	ctx    context.Context               // of the run; nil while there is none
	active map[string]context.CancelFunc // by account
	wait   sync.WaitGroup
}

// HandleMatrixTyping tells the contact of a room that the user writes, again and
// again until they stop. It is told only where a conversation is open: calling
// somebody to say that a message may come is not what they expect.
func (c *Client) HandleMatrixTyping(_ context.Context, msg *bridgev2.MatrixTyping) error {
	if msnid.IsAlertsPortalID(msg.Portal.ID) {
		return nil // nobody there to be told
	}
	account, ok := msnid.ParseDMPortalID(msg.Portal.ID)
	if !ok {
		return errNotADM
	}
	if !msg.IsTyping || msg.Type != bridgev2.TypingTypeText {
		c.typing.stop(account)
		return nil
	}
	c.typing.begin(account, func(ctx context.Context) {
		session := c.current()
		if session == nil {
			return
		}
		if err := session.Conversation(account).SendTyping(ctx); err != nil {
			zerolog.Ctx(ctx).Debug().Err(err).Msg("Failed to send typing")
		}
	})
	return nil
}

// open lets notes be sent until close.
func (t *typists) open(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ctx, t.active = ctx, make(map[string]context.CancelFunc)
}

// begin calls send now and every typingRepeat until stop or typingLongest.
func (t *typists) begin(account string, send func(context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		return
	}
	t.stopLocked(account)
	ctx, cancel := context.WithTimeout(t.ctx, typingLongest)
	t.active[account] = cancel
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

func (t *typists) stop(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopLocked(account)
}

func (t *typists) stopLocked(account string) {
	if cancel := t.active[account]; cancel != nil {
		cancel()
		delete(t.active, account)
	}
}

func (t *typists) close() {
	t.mu.Lock()
	t.ctx = nil
	for account := range t.active {
		t.stopLocked(account)
	}
	t.mu.Unlock()
	t.wait.Wait()
}
